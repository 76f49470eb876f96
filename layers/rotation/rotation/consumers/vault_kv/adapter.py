"""A path of a KV store (version 2) as a consumer of the credential.

Every write says which version it was made from (`cas`), so what somebody else wrote meanwhile stays, and a write of ours that comes
late finds that it has lost. It is a merge: keys that we do not know are never sent. Before it, the path's own metadata is told
which version is going to be whose; that another one has taken its number does no harm, since then no late write can land either."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rotation.consumers.keys import LOGIN, Keys
from rotation.core.errors import ConsumerDiffers, VaultRefused
from rotation.vault.kv import Kv, Place, lasting
from rotation.vault.login import Session, way
from rotation.vault.server import Server

if TYPE_CHECKING:
    from rotation.core.findings import Finding
    from rotation.core.model import Credential, Mark
    from rotation.kinds.kind import Settings
    from rotation.ports import Surroundings
    from rotation.vault.kv import Version

MARK = "credential-rotation"
"""The key of the path's custom metadata."""


def make(settings: Settings, _: Surroundings) -> KvPath:
    """As the target names it."""
    server = Server(settings["address"], settings["ca"], settings["tls"], settings["namespace"])
    writer = Session(server, way(settings["login"]))
    reader = Session(server, way(settings["reader"])) if "reader" in settings else writer
    return KvPath(Place(settings["mount"], settings["path"]), Keys(settings.get("keys", LOGIN)), writer, reader)


class KvPath:
    """One path. `reader` may read it; `writer` may do all that a rotation does to it."""

    def __init__(self, place: Place, keys: Keys, writer: Session, reader: Session) -> None:
        self._place, self._keys = place, keys
        self._writer, self._reader = writer, reader
        self._kv = Kv(f"{writer.server.name}, path {place.mount}/{place.path}", place, "the login in use", ConsumerDiffers)

    @property
    def name(self) -> str:
        return self._kv.name

    def read(self) -> Credential:
        return self._credential(self._kv.current(self._reader).content)

    def publish(self, credential: Credential, mark: Mark) -> bool:
        held = self._kv.current(self._writer)
        self._credential(held.content)
        wanted = {key: text.reveal() for key, text in self._keys.render(credential).items()}
        if wanted.items() <= held.content.items() and not (mark.closes and _mark(held) != _said(held.number, mark)):
            return False
        self._kv.done(self._writer, "PATCH", "metadata", {"custom_metadata": {MARK: _said(held.number + 1, mark)}})
        self._kv.merge(self._writer, wanted, held.number)
        return True

    def forget(self, kept: Sequence[Credential]) -> int:
        """Destroy every older version that holds one of these users with another password; how many that were. What holds somebody
        else's login stays, and what is deleted: nobody can look into it."""
        current = self._kv.current(self._writer).number
        stale = [version for version in self._kept_versions(current) if self._is_stale(version, kept)]
        if stale:
            self._kv.done(self._writer, "PUT", "destroy", {"versions": stale})
            if left := set(stale) & set(self._kept_versions(current)):
                raise VaultRefused(f"{self.name}: {len(left)} older versions should be destroyed, but are still there")
        return len(stale)

    def look(self, now: float) -> Iterator[Finding]:
        """What mode verify asks of whoever writes it."""
        needs = {"data": ("read", "patch"), "metadata": ("read", "patch"), "destroy": ("update",)}
        yield from self._kv.allowed(self._writer, {self._place.of(what): verbs for what, verbs in needs.items()})
        for session in (self._writer,) if self._reader is self._writer else (self._writer, self._reader):
            yield from lasting(session, now)

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


def _mark(version: Version) -> str:
    return str((version.about.get("custom_metadata") or {}).get(MARK, ""))
