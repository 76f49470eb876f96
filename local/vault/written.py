"""What a target says of a path of the Vault: who writes it, and who only reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.vault import policies
from local.vault.policies import MOUNT, READS, WRITES, AppRole
from local.vault.server import OpenBao


@dataclass(frozen=True)
class Written:
    """The two roles that the functions log in with, and the secrets of Secrets Manager that hold what they log in with."""

    vault: OpenBao
    writer: AppRole
    reader: AppRole
    login_secret: str
    reader_secret: str
    """ARNs."""

    @classmethod
    def by(
        cls,
        vault: OpenBao,
        path: str,
        create_secret: Callable[[str, Mapping[str, Any]], str],
        login_secret: str,
        reader_secret: str,
        names: tuple[str, str] = ("writer", "reader"),
    ) -> Written:
        """Of that path, or of all that a pattern names."""
        writer, reader = (policies.role(vault, name, path, policy) for name, policy in zip(names, (WRITES, READS), strict=True))
        login = create_secret(login_secret, {"secret_id": writer.secret_id})
        return cls(vault, writer, reader, login, create_secret(reader_secret, {"secret_id": reader.secret_id}))

    @property
    def parameters(self) -> dict[str, str]:
        """Of the template."""
        return {"VaultLoginSecretArn": self.login_secret, "VaultReaderSecretArn": self.reader_secret}

    def consumer(self, path: str, cache_seconds: int, **more: Any) -> dict[str, Any]:
        """The entry of a target's list."""
        return {"kind": "vault-kv", **self.place(path), **more, "application_cache_seconds": cache_seconds}

    def place(self, path: str) -> dict[str, Any]:
        """Where it is, and who reads and writes it."""
        return {
            "address": self.vault.address,
            "ca": self.vault.ca_pem,
            "mount": MOUNT,
            "path": path,
            "login": {"method": "approle", "role": self.writer.role_id, "secret": self.login_secret},
            "reader": {"method": "approle", "role": self.reader.role_id, "secret": self.reader_secret},
        }


def content(vault: OpenBao, path: str) -> dict[str, Any]:
    """All that is in it now."""
    found: dict[str, Any] = vault.asks("GET", f"{MOUNT}/data/{path}")["data"]["data"]
    return found


def readable(vault: OpenBao, path: str) -> list[dict[str, Any]]:
    """Every version of it that somebody could still read, the oldest first."""
    versions = vault.asks("GET", f"{MOUNT}/metadata/{path}")["data"]["versions"]
    kept = sorted(int(number) for number, about in versions.items() if not about["destroyed"])
    return [vault.asks("GET", f"{MOUNT}/data/{path}?version={number}")["data"]["data"] for number in kept]
