"""A WordPress with everything but the rotation: its secret in AWS's own shape, the document, instances behind a balancer."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from local.aws import REPOSITORY, LocalAws
from local.instances.fleet import Fleet, Kind
from local.mysql import Login, MySQL
from local.wordpress import site

SCHEMA = "wordpress"
DOCUMENT_NAME = "credential-rotation-wp-config"
APP = "foo"
"""The secret's `app`, and the instances' tag of that name."""


class WordPressImage:
    """With the login that was current when it was made."""

    config = site.CONFIG

    def __init__(self, database: site.Database, login: Login) -> None:
        self._tree = site.tree()
        self._config = site.config(self._tree, database, login)

    def lay_out(self, root: Path) -> None:
        site.lay_out(self._tree, root)
        site.ini(root)
        (root / self.config).write_text(self._config)
        (root / self.config).chmod(0o640)

    def serving(self, root: Path, port: int) -> tuple[list[str], Mapping[str, str]]:
        """PHP's own web server."""
        return site.serving(root, port)

    def install(self, root: Path) -> None:
        """Once, from one instance that then is thrown away."""
        self.lay_out(root)
        site.install(root, secrets.token_urlsafe(24))

    def version(self) -> str:
        return site.version(self._tree)


class Blog:
    """`with Blog(aws, server, …) as blog:` nobody serves yet: `blog.fleet.launch()`."""

    def __init__(  # noqa: PLR0913 - what it stands on
        self,
        aws: LocalAws,
        server: MySQL,
        directory: Path,
        environment: Mapping[str, str],
        login: Login,
        name: str = "blog",
        *,
        cli: bool = False,
    ) -> None:
        self.aws, self.server, self.login = aws, server, login
        self._ended = ExitStack()
        database = site.Database(server.host, server.port, SCHEMA)
        self.image = WordPressImage(database, login)
        self.image.install(directory / "image")
        self.arn = self._create_secret(name)
        self.create_document()
        self.fleet = Fleet(aws, directory, environment, self.image, Kind(self.arn, {"app": APP}, cli=cli))

    def __enter__(self) -> Self:
        self._ended.enter_context(self.fleet)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.close()

    def put(self, login: Login, label: str) -> str:
        """Another version of the secret; its id."""
        version = secrets.token_hex(16)
        given = {"SecretId": self.arn, "SecretString": self._text(login), "ClientRequestToken": version}
        self.aws.client("secretsmanager").put_secret_value(**given, VersionStages=[label])
        return version

    def create_document(self) -> None:
        """As the template does it."""
        content = (REPOSITORY / "instances/wp-config.document.yaml").read_text()
        self.aws.client("ssm").create_document(Name=DOCUMENT_NAME, Content=content, DocumentType="Command", DocumentFormat="YAML")

    def _create_secret(self, name: str) -> str:
        arn: str = self.aws.client("secretsmanager").create_secret(Name=name, SecretString=self._text(self.login))["ARN"]
        return arn

    def _text(self, login: Login) -> str:
        place = {"host": self.server.host, "port": self.server.port, "dbname": SCHEMA, "engine": "mysql", "app": APP}
        return json.dumps({**place, "username": login.username, "password": login.password})
