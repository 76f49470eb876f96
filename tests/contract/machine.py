"""A machine as the shipped document finds it: a few programs, a metadata service, a folder; and the secret that it reads."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from local.aws import REPOSITORY, LocalAws, local_only
from local.instances.documents import Document, rendered
from local.instances.metadata import Metadata
from local.instances.programs import Programs

DOCUMENT = REPOSITORY / "instances" / "wp-config.document.yaml"
BOOT = REPOSITORY / "instances" / "wp-config"
ROLE = "instance-role"
OLD, NEW = ("blog", "old-canary-password"), ("blog_b", "new-canary-password")
HOST, SCHEMA = "db.example.org", "wordpress"
WITHIN = 60.0


def config(user: str = OLD[0], password: str = OLD[1]) -> str:
    """As WordPress's installer writes it."""
    return f"""<?php
define( 'DB_NAME', '{SCHEMA}' );
define( 'DB_USER', '{user}' );
define( 'DB_PASSWORD', '{password}' );
define( 'DB_HOST', '{HOST}' );
define( 'DB_CHARSET', 'utf8mb4' );
$table_prefix = 'wp_';
if ( ! defined( 'ABSPATH' ) ) {{
	define( 'ABSPATH', __DIR__ . '/' );
}}
require_once ABSPATH . 'wp-settings.php';
"""


@dataclass(frozen=True)
class Answer:
    """What a command ended with."""

    status: int
    file: str
    holds: str
    page: str
    reason: str
    detail: str
    output: str = field(repr=False)

    @classmethod
    def of(cls, status: int, output: str) -> Answer:
        [line] = output.splitlines()
        return cls(status, **json.loads(line), output=output)


class Secret:
    """The application's, with as many versions as are put."""

    def __init__(self, aws: LocalAws, login: tuple[str, str] = OLD, **more: Any) -> None:
        self._operator = aws.client("secretsmanager")
        self._fields = {"engine": "mysql", "host": HOST, "port": 3306, "dbname": SCHEMA, "app": "foo"} | more
        self.first = str(uuid.uuid4())
        text = self._text(login)
        self.name = f"instances-{self.first}"
        self.arn: str = self._operator.create_secret(Name=self.name, SecretString=text, ClientRequestToken=self.first)["ARN"]

    def put(self, login: tuple[str, str] = NEW, label: str = "STAGING") -> str:
        version = str(uuid.uuid4())
        given = {"SecretId": self.arn, "SecretString": self._text(login), "ClientRequestToken": version}
        self._operator.put_secret_value(**given, VersionStages=[label])
        return version

    def _text(self, login: tuple[str, str]) -> str:
        return json.dumps(self._fields | {"username": login[0], "password": login[1]})


class Machine:
    """`with Machine(…) as machine:`"""

    def __init__(self, folder: Path, aws: LocalAws, shell: str = "dash") -> None:
        self.site, self.scratch = folder / "html", folder / "scratch"
        self.site.mkdir(parents=True)
        self.scratch.mkdir()
        self.programs = Programs(folder / "bin")
        self.path = self.site / "wp-config.php"
        self.metadata = Metadata(ROLE)
        self.shell = shell
        self.endpoint = aws.endpoint
        self._scripts = folder / "scripts"
        self._scripts.mkdir()
        self._ended = ExitStack()

    def __enter__(self) -> Self:
        self._ended.enter_context(self.metadata)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.close()

    @property
    def environment(self) -> dict[str, str]:
        """Of the agent."""
        return {
            "PATH": str(self.programs.folder),
            "HOME": str(self.scratch),
            "TMPDIR": str(self.scratch),
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": self.endpoint,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.metadata.endpoint,
        }

    def begin(self, secret: Secret, version: str, action: str = "write", **more: str) -> subprocess.Popen[str]:
        """The shipped document's script, as the agent runs it."""
        return self._start([self.shell, "-c", str(self.script(secret, version, action, **more))])

    def script(self, secret: Secret, version: str, action: str = "write", **more: str) -> Path:
        """A file of its own for each command, as the agent has it."""
        given = {"Action": action, "SecretArn": secret.arn, "VersionId": version, "Path": str(self.path), "Page": ""} | more
        document = Document(DOCUMENT.read_text())
        [text] = document.scripts()
        script = self._scripts / uuid.uuid4().hex
        script.write_text(rendered(text, document.values({name: [value] for name, value in given.items()})))
        script.chmod(0o700)
        return script

    def run(self, secret: Secret, version: str, action: str = "write", **more: str) -> Answer:
        return self._ended_with(self.begin(secret, version, action, **more))

    def boot(self, variables: Mapping[str, str]) -> Answer:
        """The program of the boot unit."""
        return self._ended_with(self._start([self.shell, str(BOOT)], variables))

    def _start(self, command: list[str], variables: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        program = self.programs.folder / command[0]
        environment = local_only(self.environment) | self.environment | dict(variables or {})
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [str(program), *command[1:]], stdout=pipe, stderr=pipe, text=True, env=environment, start_new_session=True
        )

    def _ended_with(self, process: subprocess.Popen[str]) -> Answer:
        output, said = process.communicate(timeout=WITHIN)
        assert said == ""
        return Answer.of(process.returncode, output)

    def left(self) -> list[str]:
        """What is beside the file."""
        return sorted(set(os.listdir(self.site)) - {self.path.name})  # noqa: PTH208 - names


class Served:
    """What a handler answers, on a port of 127.0.0.1, as long as it is entered."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        silent = type("Silent", (handler,), {"log_message": lambda *_: None})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), silent)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
