"""The shop on MySQL or PostgreSQL, whose application reads its login from a path of a real OpenBao."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from local.mysql import Login
from local.shop.on_postgresql import OnPostgreSQL
from local.shop.one_user import Direct, OnMySQL
from local.shop.stack import OTHERS, Pace, fields, login_of, made_up
from local.vault import policies, reading, written
from local.vault.policies import MOUNT, READS
from local.vault.server import OpenBao

PATH = "shop/database"


class InVault(Direct):
    """The functions read with one role, write with another, and the application has its own."""

    vault: OpenBao
    kept = False
    """Whether what the Vault holds outlives its process."""
    login_secret, reader_secret = "shop/vault-login", "shop/vault-reader"

    @property
    def secret_names(self) -> tuple[str, ...]:
        return (self.slot_secret, self.admin_secret, self.login_secret, self.reader_secret)

    @property
    def used(self) -> Login:
        return login_of(self.content())

    def held(self) -> dict[str, Login]:
        return {"the Vault's path": self.used}

    def content(self) -> dict[str, Any]:
        """All that is in the path now."""
        return written.content(self.vault, PATH)

    def readable(self) -> list[dict[str, Any]]:
        """Every version of it that somebody could still read, the oldest first."""
        return written.readable(self.vault, PATH)

    def versions(self) -> dict[str, str]:
        return {**super().versions(), "OpenBao": self.vault.version()}

    def may_hold(self, path: Path) -> bool:
        """And what the application logs in to the Vault with."""
        return super().may_hold(path) or path == self._access

    def _moved_by_secret(self) -> dict[str, str]:
        self.vault = self._ended.enter_context(OpenBao(self.directory / "vault", self.environment, kept=self.kept))
        policies.mount(self.vault)
        policies.write(self.vault, PATH, {**OTHERS, **self._others(), **fields(self.users["A"])})
        by = written.Written.by(self.vault, PATH, self._create_secret, self.login_secret, self.reader_secret)
        own = policies.role(self.vault, "shop", PATH, READS)
        self._access = self.directory / "vault-access.json"
        place = f"{MOUNT}/data/{PATH}"
        reading.keep(
            self._access,
            reading.Access(self.vault.host, self.vault.port, self.vault.ca_pem, own.role_id, own.secret_id, place),
        )
        self.application = ""
        return {**by.parameters, "OtherConsumers": json.dumps(by.consumer(PATH, self.pace.cache_seconds))}

    def _vault(self) -> str:
        return str(self._access)


class VaultShop(InVault, OnMySQL):
    """Two users take turns."""

    def __init__(self, pace: Pace | None = None) -> None:
        super().__init__(pace)
        self.users = {slot: Login(f"shop_{slot.lower()}", made_up()) for slot in "AB"}


class VaultShopOnPostgreSQL(InVault, OnPostgreSQL):
    """The same."""
