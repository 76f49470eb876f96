"""A JWKS in one field of a path of Vault or OpenBao, as text: by `cas`, beside whatever else is in the path."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from rotation.core.errors import (
    SourceBusy,
    SourceRefused,
    SourceUnreachable,
    TargetInvalid,
    VaultConflict,
    VaultPathMissing,
    VaultUnavailable,
)
from rotation.core.model import Password, SecretText
from rotation.sources.signing_key.kind import HOSTS
from rotation.sources.signing_key.place import MARGIN_SECONDS, Published
from rotation.vault.fields import host, is_named
from rotation.vault.kv import Kv, Place, lasting
from rotation.vault.login import Session, way
from rotation.vault.server import Server

if TYPE_CHECKING:
    from collections.abc import Collection

    from rotation.core.findings import Finding
    from rotation.kinds.kind import Settings
    from rotation.vault.kv import Version


def in_vault(settings: Settings, hosts: Collection[str]) -> VaultPath:
    """As the target names it. TargetInvalid where the stack does not name its host: what signs may be in it."""
    if not is_named(host(settings), hosts):
        named = ", ".join(sorted(hosts)) or "none"
        asked = host(settings)
        raise TargetInvalid(f"source.vault.address {asked}: this stack keeps signing keys only at {named} (parameter {HOSTS})")
    server = Server(settings["address"], settings["ca"], settings["tls"], settings["namespace"])
    writer = Session(server, way(settings["login"]))
    reader = Session(server, way(settings["reader"])) if "reader" in settings else writer
    return VaultPath(Place(settings["mount"], settings["path"]), settings["field"], writer, reader)


class VaultPath:
    """`reader` may read it, `writer` may merge into it."""

    secret = True

    def __init__(self, place: Place, field: str, writer: Session, reader: Session) -> None:
        self._place, self._field = place, field
        self._writer, self._reader = writer, reader
        path = f"{writer.server.name}, path {place.mount}/{place.path}"
        self._kv = Kv(path, place, "a JWKS that has the key in use", SourceRefused)
        self.name = f"{path}, field {field}"

    def get(self) -> Published:
        with self._of_a_source():
            version = self._kv.current(self._reader)
        text = version.content.get(self._field)
        if not isinstance(text, str) or not text:
            raise SourceRefused(f"{self.name} is missing, empty or no text: put a JWKS there, as JSON in one text")
        return Published(SecretText(text), str(version.number), self._age(version), {})

    def put(self, text: Password, instead_of: Published) -> None:
        with self._of_a_source():
            self._kv.merge(self._writer, {self._field: text.reveal()}, int(instead_of.tag))

    def look(self, now: float) -> Iterator[Finding]:
        alone = self._reader is self._writer
        yield from self._kv.allowed(self._writer, {self._place.of("data"): ("read", "patch") if alone else ("patch",)})
        for session in (self._writer,) if alone else (self._writer, self._reader):
            yield from lasting(session, now)

    def _age(self, version: Version) -> float:
        """Both moments are the server's: no clock of ours counts."""
        try:
            put_at = datetime.fromisoformat(str(version.about.get("created_time"))).timestamp()
        except ValueError:
            put_at = None
        if put_at is None or version.read_at is None:
            raise SourceRefused(
                f"{self.name}: its server does not say since when it is so, or what time it is there (created_time, and the header"
                " Date): let what stands before it pass the header on"
            )
        return version.read_at - put_at - MARGIN_SECONDS

    @contextmanager
    def _of_a_source(self) -> Iterator[None]:
        """What is to be done is another thing where it is a JWKS. A Vault that is sealed, or denies, is itself."""
        try:
            yield
        except VaultConflict:
            raise SourceBusy(f"{self.name} was changed by somebody else at the same moment") from None
        except VaultPathMissing:
            raise SourceRefused(
                f"there is no {self.name}: put a JWKS there that has the key in use (docs/signing-keys.md)"
            ) from None
        except VaultUnavailable as error:
            raise SourceUnreachable(str(error)) from None
