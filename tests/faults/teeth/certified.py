"""What certificates of a PKI are safe by in their adapter, left out."""

from collections.abc import Sequence
from typing import Any

from rotation.core.model import Credential
from rotation.core.seen import Key
from rotation.sources.certificate.adapter import Certificates

from tests.faults.teeth.mutation import Mutation, replaced

HERE = ("keys, certificates of a PKI",)
ADAPTER = "rotation.sources.certificate.adapter.Certificates"

_issue, _keys = Certificates.issue, Certificates.keys


def called_otherwise(self: Certificates, admin: Credential | None, name: str) -> Credential:
    return _issue(self, admin, "made by a rotation")


def nameless(self: Certificates, admin: Credential | None) -> Sequence[Key]:
    """As if the names in a certificate were not read."""
    return [key._replace(name="") for key in _keys(self, admin)]


def not_sent(self: Certificates, admin: Credential | None, number: str) -> None:
    """Taken for revoked."""


def by_the_handshake_alone(self: Certificates, credential: Credential) -> bool:
    return self._maker.shakes(credential.password, self._settings["authority"])


def refused_whatever_the_pki_says(_: Any, __: Credential) -> bool:
    return True


CERTIFIED = [
    Mutation("certificates: one carries no name of ours", replaced(f"{ADAPTER}.issue", called_otherwise), HERE),
    Mutation("certificates: the names in one are not read", replaced(f"{ADAPTER}.keys", nameless), HERE),
    Mutation("certificates: one is not revoked", replaced(f"{ADAPTER}.delete", not_sent), HERE),
    Mutation("certificates: a handshake is all that tries one", replaced(f"{ADAPTER}.logs_in", by_the_handshake_alone), HERE),
    Mutation("certificates: taken for revoked without a look", replaced(f"{ADAPTER}.refuses", refused_whatever_the_pki_says), HERE),
]
