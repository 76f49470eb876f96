"""A path of a key-value store of version 2: read as one version of it, and merged into only as long as that one is current.

What is asked of whoever may write there, and for how long a login to the Vault lasts, mode verify is told here too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rotation.core.errors import (
    RotationError,
    VaultConflict,
    VaultMountMissing,
    VaultNotVersioned,
    VaultPathMissing,
    VaultRefused,
)
from rotation.core.findings import Finding, Severity
from rotation.vault.server import NO_ROUTE, Answer

if TYPE_CHECKING:
    from rotation.vault.login import Session

METRIC = "credential_rotation_vault_login_seconds"
DAY = 86_400
SHORTEST_TOKEN_SECONDS = 60
"""A function lives 30 s, and may start for 15."""


@dataclass(frozen=True)
class Place:
    """A path below a mount."""

    mount: str
    path: str

    def of(self, what: str) -> str:
        """`data`, `metadata` or `destroy`."""
        return f"{self.mount}/{what}/{self.path}"


@dataclass(frozen=True)
class Version:
    """What was current when the server answered."""

    number: int
    content: Mapping[str, Any]
    about: Mapping[str, Any]
    """Its metadata."""
    read_at: float | None
    """By the server's clock."""


@dataclass(frozen=True)
class Kv:
    """One path. Each question is asked by a session of its own: who may read need not be who may write."""

    name: str
    """How messages call it."""
    place: Place
    holds: str
    """What is to be in it, for whoever has to put it there."""
    deleted: type[RotationError]
    """What it is that its current version is deleted."""

    def current(self, session: Session) -> Version:
        answer = session.ask("GET", self.place.of("data"))
        if not answer.ok:
            raise self._missing(answer, session)
        content, about = answer.data.get("data"), answer.data.get("metadata")
        if not isinstance(content, dict) or not isinstance(about, dict):
            raise VaultNotVersioned(self._unversioned())
        return Version(int(about["version"]), content, about, answer.at)

    def merge(self, session: Session, wanted: Mapping[str, Any], version: int) -> None:
        """Keys that are not named stay. VaultConflict where another version is current by now."""
        self.done(session, "PATCH", "data", {"options": {"cas": version}, "data": wanted})

    def done(self, session: Session, method: str, what: str, body: Mapping[str, Any]) -> None:
        answer = session.ask(method, self.place.of(what), body)
        if answer.ok:
            return
        if answer.says("check-and-set parameter did not match"):
            raise VaultConflict(f"{self.name}: another version was written while this one was made")
        raise self._missing(answer, session) if answer.status == 404 else VaultRefused(f"{self.name}: HTTP {answer.status}")

    def _missing(self, answer: Answer, session: Session) -> RotationError:
        """One deleted, one never written, another engine, no engine: the same 404, told apart."""
        if answer.says(NO_ROUTE):
            return VaultMountMissing(f"{self.name}: nothing is mounted at {self.place.mount}: correct mount")
        if answer.data.get("metadata"):
            return self.deleted(f"{self.name}: its current version is deleted or destroyed: put {self.holds} there anew")
        if answer.status != 404:
            return VaultRefused(f"{self.name}: HTTP {answer.status}")
        about = session.ask("GET", f"sys/internal/ui/mounts/{self.place.mount}").data
        if (about.get("options") or {}).get("version") != "2":
            return VaultNotVersioned(self._unversioned())
        return VaultPathMissing(f"{self.name} does not exist: write it, with {self.holds}")

    def _unversioned(self) -> str:
        return (
            f"{self.name}: what is mounted at {self.place.mount} is no key-value store of version 2, so there is no check-and-set"
        )

    def allowed(self, session: Session, needs: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
        """Whether the policies of who asks allow that, by path."""
        said = session.ask("POST", "sys/capabilities-self", {"paths": list(needs)}).data
        lacking = {path: _lacks(said.get(path), needed) for path, needed in needs.items()}
        for path, verbs in lacking.items():
            if verbs:
                mend = f'give its role a policy with path "{path}" {{ capabilities = {_listed(needs[path])} }}'
                yield Finding(Severity.FAILED, "Vault permission", f"may not {' nor '.join(verbs)} {path}", mend)
        if not any(lacking.values()):
            yield Finding(Severity.OK, "Vault permission", f"may do what a rotation needs to {self.name}")


def lasting(session: Session, now: float) -> Iterator[Finding]:
    """How long it can be logged in, and whether one login outlasts a call."""
    session.open()
    what, lasts = "Vault login", session.way.lasts(session, now)
    where = f"at {session.way.mount}"
    if 0 < session.token_seconds < SHORTEST_TOKEN_SECONDS:
        mend = f"give its role a token_ttl of {SHORTEST_TOKEN_SECONDS} s at least"
        yield Finding(Severity.WARNING, what, f"its token {where} lasts {session.token_seconds} s", mend)
    if lasts.uses is not None:
        mend = "give its role secret_id_num_uses = 0: a rotation logs in once for each look and act"
        yield Finding(Severity.WARNING, what, f"{where} it can log in {lasts.uses} more times", mend)
    if lasts.unknown:
        mend = "nothing needs it; without it nobody is told before the login ends"
        yield Finding(Severity.SKIPPED, what, f"how long it lasts {where} is not known: {lasts.unknown}", mend)
    elif lasts.seconds is None:
        yield Finding(Severity.OK, what, f"{where} it does not end by itself")
    else:
        found = f"{where} it lasts {lasts.seconds / DAY:.0f} more days"
        yield Finding(Severity.OK, what, found, measured=((METRIC, lasts.seconds),))


def _lacks(allowed: object, needed: Sequence[str]) -> list[str]:
    may = allowed if isinstance(allowed, list) else []
    return [] if "root" in may else [verb for verb in needed if verb not in may]


def _listed(verbs: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{verb}"' for verb in verbs) + "]"
