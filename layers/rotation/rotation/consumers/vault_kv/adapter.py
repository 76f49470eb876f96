"""A path of a KV store (version 2) as a consumer of the credential.

Every write says which version it was made from (`cas`), so what somebody else wrote meanwhile stays, and a write of ours that comes
late finds that it has lost. It is a merge: keys that we do not know are never sent. Before it, the path's own metadata is told
which version is going to be whose; that another one has taken its number does no harm, since then no late write can land either."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rotation.consumers.keys import LOGIN, Keys
from rotation.core.errors import (
    ConsumerDiffers,
    VaultConflict,
    VaultMountMissing,
    VaultNotVersioned,
    VaultPathMissing,
    VaultRefused,
)
from rotation.core.findings import Finding, Severity
from rotation.vault.login import Session, way
from rotation.vault.server import NO_ROUTE, Answer, Server

if TYPE_CHECKING:
    from rotation.core.model import Credential, Mark
    from rotation.kinds.kind import Settings
    from rotation.ports import Surroundings

MARK = "credential-rotation"
"""The key of the path's custom metadata."""
METRIC = "credential_rotation_vault_login_seconds"
DAY = 86_400
SHORTEST_TOKEN_SECONDS = 60
"""A function lives 30 s, and may start for 15."""


def make(settings: Settings, _: Surroundings) -> KvPath:
    """As the target names it."""
    server = Server(settings["address"], settings["ca"], settings["tls"], settings["namespace"])
    writer = Session(server, way(settings["login"]))
    reader = Session(server, way(settings["reader"])) if "reader" in settings else writer
    return KvPath(Place(settings["mount"], settings["path"]), Keys(settings.get("keys", LOGIN)), writer, reader)


@dataclass(frozen=True)
class Place:
    """A path below a mount."""

    mount: str
    path: str

    def of(self, what: str) -> str:
        """`data`, `metadata` or `destroy`."""
        return f"{self.mount}/{what}/{self.path}"

    @property
    def needs(self) -> dict[str, tuple[str, ...]]:
        """What the writer has to be allowed, by path."""
        return {self.of("data"): ("read", "patch"), self.of("metadata"): ("read", "patch"), self.of("destroy"): ("update",)}


@dataclass(frozen=True)
class _Held:
    version: int
    content: Mapping[str, Any]
    mark: str


class KvPath:
    """One path. `reader` may read it; `writer` may do all that a rotation does to it."""

    def __init__(self, place: Place, keys: Keys, writer: Session, reader: Session) -> None:
        self._place, self._keys = place, keys
        self._writer, self._reader = writer, reader

    @property
    def name(self) -> str:
        return f"{self._writer.server.name}, path {self._place.mount}/{self._place.path}"

    def read(self) -> Credential:
        return self._credential(self._current(self._reader).content)

    def publish(self, credential: Credential, mark: Mark) -> bool:
        held = self._current(self._writer)
        self._credential(held.content)
        wanted = {key: text.reveal() for key, text in self._keys.render(credential).items()}
        if wanted.items() <= held.content.items() and not (mark.closes and held.mark != _said(held.version, mark)):
            return False
        self._done("PATCH", "metadata", {"custom_metadata": {MARK: _said(held.version + 1, mark)}})
        self._done("PATCH", "data", {"options": {"cas": held.version}, "data": wanted})
        return True

    def forget(self, kept: Sequence[Credential]) -> int:
        """Destroy every older version that holds one of these users with another password; how many that were. What holds somebody
        else's login stays, and what is deleted: nobody can look into it."""
        current = self._current(self._writer).version
        stale = [version for version in self._kept_versions(current) if self._is_stale(version, kept)]
        if stale:
            self._done("PUT", "destroy", {"versions": stale})
            if left := set(stale) & set(self._kept_versions(current)):
                raise VaultRefused(f"{self.name}: {len(left)} older versions were to be destroyed and are there still")
        return len(stale)

    def look(self, now: float) -> Iterator[Finding]:
        """What mode verify asks of whoever writes it."""
        paths = self._place.needs
        said = self._writer.ask("POST", "sys/capabilities-self", {"paths": list(paths)}).data
        lacking = {path: _lacks(said.get(path), needed) for path, needed in paths.items()}
        for path, verbs in lacking.items():
            if verbs:
                mend = f'give its role a policy with path "{path}" {{ capabilities = {_listed(paths[path])} }}'
                yield Finding(Severity.FAILED, "Vault permission", f"may not {' nor '.join(verbs)} {path}", mend)
        if not any(lacking.values()):
            yield Finding(Severity.OK, "Vault permission", f"may do what a rotation needs to {self.name}")
        for session in (self._writer,) if self._reader is self._writer else (self._writer, self._reader):
            yield from _lasting(session, now)

    def _current(self, session: Session) -> _Held:
        answer = session.ask("GET", self._place.of("data"))
        if not answer.ok:
            raise self._missing(answer, session)
        content, about = answer.data.get("data"), answer.data.get("metadata")
        if not isinstance(content, dict) or not isinstance(about, dict):
            raise VaultNotVersioned(self._unversioned())
        return _Held(int(about["version"]), content, str((about.get("custom_metadata") or {}).get(MARK, "")))

    def _missing(self, answer: Answer, session: Session) -> Exception:
        """One deleted, one never written, another engine, no engine: the same 404, told apart."""
        if answer.says(NO_ROUTE):
            return VaultMountMissing(f"{self.name}: nothing is mounted at {self._place.mount}: correct mount")
        if answer.data.get("metadata"):
            return ConsumerDiffers(f"{self.name}: its current version is deleted or destroyed: put the login in use there anew")
        if answer.status != 404:
            return VaultRefused(f"{self.name}: HTTP {answer.status}")
        about = session.ask("GET", f"sys/internal/ui/mounts/{self._place.mount}").data
        if (about.get("options") or {}).get("version") != "2":
            return VaultNotVersioned(self._unversioned())
        return VaultPathMissing(f"{self.name} does not exist: write it, with the login that the application uses")

    def _unversioned(self) -> str:
        return (
            f"{self.name}: what is mounted at {self._place.mount} is no key-value store of version 2, so there is no check-and-set"
        )

    def _done(self, method: str, what: str, body: Mapping[str, Any]) -> None:
        answer = self._writer.ask(method, self._place.of(what), body)
        if answer.ok:
            return
        if answer.says("check-and-set parameter did not match"):
            raise VaultConflict(f"{self.name}: another version was written while this one was made")
        raise self._missing(answer, self._writer) if answer.status == 404 else VaultRefused(f"{self.name}: HTTP {answer.status}")

    def _kept_versions(self, below: int) -> list[int]:
        """Older ones that can be read."""
        versions = self._writer.ask("GET", self._place.of("metadata")).data.get("versions") or {}
        gone = {number for number, about in versions.items() if about["destroyed"] or about["deletion_time"]}
        return sorted(int(number) for number in versions.keys() - gone if int(number) < below)

    def _is_stale(self, version: int, kept: Sequence[Credential]) -> bool:
        content = self._writer.ask("GET", self._place.of("data"), version=version).data.get("data")
        try:
            held = self._credential(content) if isinstance(content, dict) else None
        except ConsumerDiffers:
            return False
        users = {one.username for one in kept}
        return held is not None and held.username in users and not any(held.same_login(one) for one in kept)

    def _credential(self, content: Mapping[str, Any]) -> Credential:
        return self._keys.held(self.name, content)


def _said(version: int, mark: Mark) -> str:
    return f"version {version} by {mark.text}"


def _lacks(allowed: object, needed: Sequence[str]) -> list[str]:
    may = allowed if isinstance(allowed, list) else []
    return [] if "root" in may else [verb for verb in needed if verb not in may]


def _listed(verbs: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{verb}"' for verb in verbs) + "]"


def _lasting(session: Session, now: float) -> Iterator[Finding]:
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
