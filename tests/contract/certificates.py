"""A PKI of a real OpenBao, each a mount of its own, and the shipped adapter before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from rotation.core.model import Credential, Password
from rotation.core.seen import Key
from rotation.kinds.target import Source
from rotation.ports import Surroundings
from rotation.sources.certificate.adapter import DAY, Certificates, make

from local.vault import pki
from local.vault.server import OpenBao

TARGET, NEEDED_DAYS, TTL_DAYS = "shop", 31, 40
_NUMBERS = count(1)


class AsAdmin:
    """Asked as the admin that its target names."""

    def __init__(self, source: Any, admin: Credential) -> None:
        self._source, self._admin = source, admin
        self.limit, self.named, self.dedicated = source.limit, source.named, source.dedicated

    def logs_in(self, credential: Credential) -> bool:
        return bool(self._source.logs_in(credential))

    def refuses(self, credential: Credential) -> bool:
        return bool(self._source.refuses(credential))

    def check(self, _: Credential | None) -> None:
        self._source.check(self._admin)

    def keys(self, _: Credential | None) -> Sequence[Key]:
        found: Sequence[Key] = self._source.keys(self._admin)
        return found

    def issue(self, _: Credential | None, name: str) -> Credential:
        made: Credential = self._source.issue(self._admin, name)
        return made

    def deactivate(self, _: Credential | None, id: str) -> bool:  # noqa: A002 - as the port has it
        return bool(self._source.deactivate(self._admin, id))

    def delete(self, _: Credential | None, id: str) -> None:  # noqa: A002
        self._source.delete(self._admin, id)


@dataclass
class Here:
    """One mount, with the role that docs/certificates.md has, but for `role`; and a login that may do what it has to."""

    vault: OpenBao
    role: Mapping[str, Any] = field(default_factory=dict)
    hours: int = 43_800

    def __post_init__(self) -> None:
        self.mount = f"pki-{next(_NUMBERS)}"
        self.authority = pki.mount(self.vault, self.mount, self.hours)
        pki.role(self.vault, name=self.mount, **self.role)
        self.admin = self.admin_with(pki.POLICY)

    def admin_with(self, policy: str) -> Credential:
        given = pki.login(self.vault, f"issuer-{next(_NUMBERS)}", name=self.mount, policy=policy)
        return Credential(given.role_id, Password(given.secret_id), "", None, "")

    def settings(self, **more: Any) -> dict[str, Any]:
        settings = {
            "address": self.vault.address,
            "ca": self.vault.ca_pem,
            "tls": "1.3",
            "namespace": "",
            "mount": self.mount,
            "role": pki.ROLE,
            "login": {"method": "approle"},
            "authority": self.authority,
            "common_name": pki.DOMAIN,
            "alt_names": [f"www.{pki.DOMAIN}"],
            "ip_sans": ["127.0.0.1"],
            "ttl_days": TTL_DAYS,
            "key": "ec-p256",
            **more,
        }
        Source("certificate", settings).known.check(settings)
        return settings

    def source(self, **more: Any) -> Certificates:
        hosts = frozenset([f"127.0.0.1:{self.vault.port}"])
        return make(self.settings(**more), Surroundings(TARGET, "", pki_hosts=hosts, needed_seconds=NEEDED_DAYS * DAY))

    def as_admin(self, **more: Any) -> AsAdmin:
        return AsAdmin(self.source(**more), self.admin)

    def revoked(self, key: Credential) -> bool:
        """As clients read it."""
        return int(key.username.replace(":", ""), 16) in pki.revoked(self.vault, self.mount)
