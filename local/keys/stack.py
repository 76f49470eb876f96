"""A service that calls AWS with an access key of its IAM user: the local AWS, the user, a path of a real OpenBao and a secret of
Secrets Manager, from both of which it reads the key, and the shipped template."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from local.keys.user import IamUser
from local.login import Login
from local.running import Running
from local.vault import policies
from local.vault import written as paths
from local.vault.policies import READS
from local.vault.server import OpenBao
from local.vault.written import Written

USER, PATH = "shop", "shop/aws"
OTHERS = {"bucket": "orders", "a key of somebody else": [1, None]}
"""What both places hold besides; nobody of us changes it."""
FORMS = {"AWS_ACCESS_KEY_ID": "{username}", "AWS_SECRET_ACCESS_KEY": "{password}"}


class KeysInVault(Running):
    """`dedicated`: nobody else makes keys of the user."""

    slot_secret, admin_secret, target = "shop/keys", "", "shop"
    application_secret = "shop/application"
    login_secret, reader_secret = "shop/vault-login", "shop/vault-reader"
    vault: OpenBao

    def __init__(self, *, dedicated: bool = True, cache_seconds: int = 1, quiet_seconds: int = 1) -> None:
        super().__init__()
        self._dedicated, self._cache, self._quiet = dedicated, cache_seconds, quiet_seconds

    def _start(self) -> None:
        self.aws = self._start_aws()
        self.vault = self._ended.enter_context(OpenBao(self.directory / "vault", self.environment))
        self.user = IamUser(self.aws, USER)
        self.user.create("/apps/")
        self.first = self.issue()
        policies.mount(self.vault)
        policies.write(self.vault, PATH, {**OTHERS, **written(self.first)})
        by = Written.by(self.vault, PATH, self._create_secret, self.login_secret, self.reader_secret)
        self.reader = policies.role(self.vault, USER, PATH, READS)
        self.application = self._create_secret(self.application_secret, {**OTHERS, **entry(self.first)})
        slots = {"turns": "keys", "active_slot": "A", "A": entry(self.first), "B": {}}
        self._given = {
            **self._for_everybody(slots, None),
            "OtherSource": json.dumps({"kind": "iam-access-key", "user": USER, "dedicated": self._dedicated}),
            "AccessKeysOfUsers": "apps/*",
            **by.parameters,
            "OtherConsumers": json.dumps(by.consumer(PATH, self._cache, keys=FORMS)),
            "ApplicationSecretArn": self.application,
            "ApplicationCacheSeconds": str(self._cache),
            "OverlapSeconds": str(self._cache),
            "QuietSeconds": str(self._quiet),
            "DrainDeadlineSeconds": "120",
        }
        self.deploy()

    # What a person, the service or a test does and sees

    def issue(self) -> Login:
        """As a person makes one."""
        return self.user.issue()

    def ids(self) -> dict[str, str]:
        """Of the user's keys, each with its status."""
        return self.user.ids()

    def accepts(self, user: str, password: str) -> bool:
        return self.user.accepts(Login(user, password))

    def reads_as_service(self) -> str:
        """A token of its own."""
        role = {"role_id": self.reader.role_id, "secret_id": self.reader.secret_id}
        token: str = self.vault.asks("POST", "auth/approle/login", role)["auth"]["client_token"]
        return token

    def in_path(self) -> dict[str, Any]:
        return paths.content(self.vault, PATH)

    @property
    def used(self) -> Login:
        """What the application's secret says."""
        held = self.secret(self.application_secret)
        return Login(held["username"], held["password"])

    def readable(self) -> list[Login]:
        """Every version of the path that somebody could still read, the oldest first."""
        return [key_in(content) for content in paths.readable(self.vault, PATH)]

    @property
    def active(self) -> Login:
        """What the record says."""
        slots = self.secret(self.slot_secret)
        held = slots[slots["active_slot"]]
        return Login(held["username"], held["password"])

    @property
    def secret_names(self) -> tuple[str, ...]:
        return (self.slot_secret, self.application_secret, self.login_secret, self.reader_secret)

    def versions(self) -> dict[str, str]:
        return {"OpenBao": self.vault.version()}

    def held(self) -> dict[str, Login]:
        return {"the Vault's path": key_in(self.in_path()), "the application's secret": self.used}

    def may_hold(self, path: Path) -> bool:  # noqa: ARG002 - whatever it is
        return False


def entry(key: Login) -> dict[str, str]:
    """Of the record."""
    return {"username": key.username, "password": key.password}


def written(key: Login) -> dict[str, str]:
    """As the service reads it."""
    return {"AWS_ACCESS_KEY_ID": key.username, "AWS_SECRET_ACCESS_KEY": key.password}


def key_in(content: dict[str, Any]) -> Login:
    return Login(content["AWS_ACCESS_KEY_ID"], content["AWS_SECRET_ACCESS_KEY"])
