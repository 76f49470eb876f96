"""An application with a key of a provider's, and all that it needs: AWS, the provider, the shipped template."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.mysql import Login
from local.provider.application import SHOWN, Application
from local.provider.documents import DESCRIPTIONS, at
from local.provider.server import ProviderServer
from local.provider.service import Provider
from local.running import Running
from local.shop.stack import OTHERS, Pace, fields, login_of, made_up

PROVIDER = "sendgrid"
SCOPES = ["mail.send"]
ANOTHER_S = "another's"
"""The name of a key that another application uses."""


class Mailer(Running):
    """`with Mailer() as mailer:` it sends, with a key that a person made."""

    slot_secret, admin_secret, target = "mailer/key", "mailer/admin", "mailer"
    rotates_admin = False
    application_secret = "mailer/application"

    def __init__(self, pace: Pace | None = None, lag_seconds: float = 0.0, description: str = PROVIDER) -> None:
        """`lag_seconds`: so long a provider takes until it acts by what it was told."""
        super().__init__()
        self.pace = pace or Pace()
        self.admin = Login("the-owner", made_up())
        self._lag = lag_seconds
        self._said: dict[str, Any] = json.loads((DESCRIPTIONS / f"{description}.json").read_text())

    def _end(self) -> None:
        """In order: its application asks AWS until it has stopped."""
        try:
            self._ended.close()
        finally:
            self._run.close()

    def _start(self) -> None:
        self.provider = Provider(self._said, {}, (self.admin.username, self.admin.password), lag_seconds=self._lag)
        self.server = self._ended.enter_context(ProviderServer(self.provider, self.directory / "provider"))
        self._said = at(self._said, self.server.host)
        self.aws = self._start_aws()
        made = self.provider.make("made by a person")
        login = fields(Login(made.id, made.secret))
        self.provider.make(ANOTHER_S)
        self._given = {
            **self._for_everybody({"active_slot": "A", "turns": "keys", "A": login, "B": {}}, fields(self.admin)),
            "ApplicationSecretArn": self._create_secret(self.application_secret, {**OTHERS, **login}),
            "ApplicationCacheSeconds": str(self.pace.cache_seconds),
            "OverlapSeconds": str(self.pace.cache_seconds),
            "QuietSeconds": str(self.pace.quiet_seconds),
            "DrainDeadlineSeconds": str(self.pace.drain_deadline_seconds),
            "ApiHosts": self.server.host,
            "OtherSource": json.dumps(self._source()),
        }
        read, ca = self._reading(), self.server.ca_pem
        self._application = Application(read, self._said, self.server.host, ca, self.pace.cache_seconds)
        self._ended.enter_context(self._application)
        self._given |= {"HealthUrl": self.page, "HealthMarker": SHOWN}
        if not self.by_hand:
            self.deploy()

    @contextmanager
    def another(self) -> Iterator[tuple[str, str, Provider]]:
        """A provider that the stack does not name: its host, its authority, and itself."""
        provider = Provider(self._said, {}, self.provider.admin)
        with ProviderServer(provider, self.directory / "another-provider") as server:
            yield server.host, server.ca_pem, provider

    def _source(self) -> dict[str, Any]:
        return {"kind": "http-api-key", "description": self._said, "scopes": SCOPES, "ca": self.server.ca_pem}

    def _reading(self) -> Any:
        client = self.aws.client("secretsmanager")

        def read() -> Mapping[str, Any]:
            held: Mapping[str, Any] = json.loads(client.get_secret_value(SecretId=self.application_secret)["SecretString"])
            return held

        return read

    @property
    def page(self) -> str:
        """Its only page: whether the provider takes its key."""
        return self._application.page

    @property
    def secret_names(self) -> tuple[str, ...]:
        """Of every secret that holds a key."""
        return (self.slot_secret, self.admin_secret, self.application_secret)

    @property
    def used(self) -> Login:
        """What the application is to send."""
        return login_of(self.secret(self.application_secret))

    def held(self) -> dict[str, Login]:
        """What each place that the application reads its key from says now."""
        return {"the application's secret": self.used}

    def versions(self) -> dict[str, str]:
        """Nothing of it is another's."""
        return {}

    def accepts(self, user: str, password: str) -> bool:
        """Whether the provider takes that key."""
        return self.provider.accepts(password) or (user, password) == self.provider.admin

    def may_hold(self, path: Path) -> bool:  # noqa: ARG002 - of none
        """No file."""
        return False

    def more_places(self) -> Iterator[tuple[str, bytes]]:
        yield from self.provider.remembered()
