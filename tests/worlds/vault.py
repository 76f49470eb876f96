"""A key-value store of version 2 in memory, answering as OpenBao does to what the shipped adapter asks.

Where the real one takes its place, the tests of the adapter are the same (tests/contract/test_vault_kv.py)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rotation.vault.login import Lasts, Session
from rotation.vault.server import Answer

TOKEN = "token-of-the-small-world"
MOUNT, PATH = "secret", "shop/database"


@dataclass
class Stored:
    """One version."""

    data: dict[str, Any]
    deleted: bool = False
    destroyed: bool = False


@dataclass
class KeyValues:
    """What is at one path of one mount."""

    versions: list[Stored] = field(default_factory=list)
    custom: dict[str, str] = field(default_factory=dict)

    @property
    def current(self) -> int:
        return len(self.versions)

    def put(self, data: Mapping[str, Any]) -> None:
        self.versions.append(Stored(dict(data)))

    @property
    def readable(self) -> dict[str, dict[str, Any]]:
        """What anybody who may read the path finds in it, by version."""
        kept = {number: one for number, one in enumerate(self.versions, 1) if not one.destroyed}
        return {f"version {number}": dict(one.data) for number, one in kept.items()}


class MemoryVault:
    """The server. It lets in whoever asks, and takes no other token than its own."""

    name = "Vault https://vault.example:8200"

    def __init__(self, held: KeyValues | None = None) -> None:
        self.held = KeyValues() if held is None else held

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, token: str = "", version: int = 0) -> Answer:
        if path.startswith("auth/") and path.endswith("/login"):
            return Answer(200, {"auth": {"client_token": TOKEN, "lease_duration": 600, "metadata": {"role_name": "small"}}})
        if token != TOKEN:
            return _wrong(403, "permission denied")
        mount, _, rest = path.partition("/")
        if mount == "sys":
            return self._system(rest, body or {})
        if mount != MOUNT:
            return _wrong(404, f'no handler for route "{path}". route entry not found.')
        what, _, place = rest.partition("/")
        if place != PATH or not self.held.versions:
            return _wrong(404)
        acts = {
            ("GET", "data"): lambda: self._read(version or self.held.current),
            ("PATCH", "data"): lambda: self._patch(body or {}),
            ("GET", "metadata"): self._about,
            ("PATCH", "metadata"): lambda: self._mark(body or {}),
            ("PUT", "destroy"): lambda: self._destroy(body or {}),
        }
        return acts[method, what]()

    def _system(self, path: str, body: Mapping[str, Any]) -> Answer:
        if path == "capabilities-self":
            return Answer(200, {"data": {one: ["root"] for one in body["paths"]}})
        mount = path.rpartition("/")[2]
        return Answer(200, {"data": {"options": {"version": "2"}}}) if mount == MOUNT else _wrong(403, "preflight")

    def _read(self, version: int) -> Answer:
        stored = self.held.versions[version - 1]
        gone = stored.deleted or stored.destroyed
        data = {"data": None if gone else dict(stored.data), "metadata": self._metadata(version)}
        return Answer(404 if gone else 200, {"data": data})

    def _metadata(self, version: int) -> dict[str, Any]:
        stored = self.held.versions[version - 1]
        deleted = "2026-01-01T00:00:00Z" if stored.deleted else ""
        custom = dict(self.held.custom) or None
        return {"version": version, "destroyed": stored.destroyed, "deletion_time": deleted, "custom_metadata": custom}

    def _about(self) -> Answer:
        versions = {str(number): self._metadata(number) for number in range(1, self.held.current + 1)}
        return Answer(200, {"data": {"current_version": self.held.current, "versions": versions}})

    def _patch(self, body: Mapping[str, Any]) -> Answer:
        if body["options"]["cas"] != self.held.current:
            return _wrong(400, "check-and-set parameter did not match the current version")
        stored = self.held.versions[-1]
        if stored.deleted or stored.destroyed:
            return self._read(self.held.current)
        self.held.put({**stored.data, **body["data"]})
        return Answer(200, {"data": self._metadata(self.held.current)})

    def _mark(self, body: Mapping[str, Any]) -> Answer:
        self.held.custom |= body["custom_metadata"]
        return Answer(204, {})

    def _destroy(self, body: Mapping[str, Any]) -> Answer:
        for version in body["versions"]:
            self.held.versions[version - 1] = Stored({}, destroyed=True)
        return Answer(204, {})


def _wrong(status: int, *errors: str) -> Answer:
    return Answer(status, {"errors": list(errors)})


class Given:
    """A way to log in that needs nothing of AWS."""

    def __init__(self, mount: str = "approle", body: Mapping[str, Any] | None = None) -> None:
        self.mount, self._body = mount, dict(body or {})

    def body(self) -> dict[str, Any]:
        return self._body

    def lasts(self, _: Session, __: float, /) -> Lasts:
        return Lasts()
