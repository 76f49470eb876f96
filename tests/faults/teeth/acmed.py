"""What certificates of an ACME server are safe by in their adapter, left out."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from rotation.core.model import Credential
from rotation.core.seen import Key
from rotation.sources.acme_certificate.adapter import AcmeCertificates, Order

from tests.faults.teeth.mutation import Mutation, replaced
from tests.worlds import acmed

HERE = ("keys, acme",)
ADAPTER, ZONE = "rotation.sources.acme_certificate.adapter.AcmeCertificates", "tests.worlds.acmed.Zone"

_begun, _keys = AcmeCertificates._begun, AcmeCertificates.keys
_forget, _delete = AcmeCertificates._forget, AcmeCertificates.delete


def unmarked(self: AcmeCertificates, signer: Any, name: str) -> Order:
    """An order that no record in the zone says to be ours."""
    return self._new_order(signer, name)


def called_otherwise(self: AcmeCertificates, signer: Any, name: str) -> Order:
    return _begun(self, signer, "made.by-a-rotation")


def nameless(self: AcmeCertificates, admin: Credential | None) -> Sequence[Key]:
    return [key._replace(name="") for key in _keys(self, admin)]


def forgotten_first(self: AcmeCertificates, admin: Credential | None, number: str) -> None:
    """The mark goes, and then nobody finds the certificate any more, should the rest not come."""
    self._forget({mark.order for mark in self._records([self._at]).marks})


def not_asked(self: AcmeCertificates, credential: Credential) -> bool:
    return True


def revoked_to_be_told(self: AcmeCertificates, credential: Credential) -> bool:
    """As if whoever is asked whether one works might end it."""
    return self._is_revoked(credential)


def whatever_stands_there(self: Any, seen: Mapping[str, Any], wanted: Mapping[str, Collection[str]]) -> str:
    """Put, and not replaced as it was seen."""
    for values in wanted.values():
        self._it.call(
            acmed.Port.PROVIDER, "change the zone", lambda values=values: self._provider.put(self._provider.values, tuple(values))
        )
    return "change"


ACMED = [
    Mutation("acme: an order is not marked", replaced(f"{ADAPTER}._begun", unmarked), HERE),
    Mutation("acme: a mark carries no name of ours", replaced(f"{ADAPTER}._begun", called_otherwise), HERE),
    Mutation("acme: the names in marks are not read", replaced(f"{ADAPTER}.keys", nameless), HERE),
    Mutation("acme: marks are taken out and nothing is revoked", replaced(f"{ADAPTER}.delete", forgotten_first), HERE),
    Mutation("acme: taken for revoked without being told", replaced(f"{ADAPTER}.refuses", not_asked), HERE),
    Mutation("acme: to try one revokes it", replaced(f"{ADAPTER}.logs_in", revoked_to_be_told), HERE),
    Mutation(
        "acme: the zone is written whatever stands there", replaced("tests.worlds.acmed.Zone.swap", whatever_stands_there), HERE
    ),
]
