"""A server that shows a certificate which it reads from a secret, whoever signs it: what is the same of every such stack."""

from __future__ import annotations

from pathlib import Path

from local.certified.server import SHOWN, Server
from local.login import Login
from local.running import Running

OTHERS = {"a key of somebody else": "kept"}
"""What the places hold besides; nobody of us changes it."""


class Served(Running):
    """`authority`: whom its clients trust."""

    slot_secret, target, application_secret = "shop/certificate", "shop", "shop/application"
    authority: str
    server: Server

    def __init__(self, *, cache_seconds: int = 1, quiet_seconds: int = 1) -> None:
        super().__init__()
        self._cache, self._quiet = cache_seconds, quiet_seconds

    def _end(self) -> None:
        """In order: the server reads until it has stopped."""
        try:
            self._ended.close()
        finally:
            self._run.close()

    def _parameters(self, first: Login, admin: dict[str, str], application: str) -> dict[str, str]:
        """Of the template. `first`: the certificate in use. `application`: the ARN of the secret that it is read from."""
        return {
            **self._for_everybody({"turns": "keys", "active_slot": "A", "A": entry(first), "B": {}}, admin),
            "ApplicationSecretArn": application,
            "ApplicationCacheSeconds": str(self._cache),
            "OverlapSeconds": str(self._cache),
            "QuietSeconds": str(self._quiet),
            "DrainDeadlineSeconds": "120",
            "HealthUrl": self.page,
            "HealthMarker": SHOWN,
            "HealthCa": self.authority.strip().replace("\n", "\\n"),
        }

    @property
    def active(self) -> Login:
        """What the record says."""
        slots = self.secret(self.slot_secret)
        return _login(slots[slots["active_slot"]])

    @property
    def used(self) -> Login:
        """What the application's secret says."""
        return _login(self.secret(self.application_secret))

    def may_hold(self, path: Path) -> bool:  # noqa: ARG002 - whatever it is
        return False


def entry(key: Login) -> dict[str, str]:
    """Of the record."""
    return {"username": key.username, "password": key.password}


def number(key: Login) -> int:
    """As a certificate has it."""
    return int(key.username.replace(":", ""), 16)


def _login(held: dict[str, str]) -> Login:
    return Login(held["username"], held["password"])
