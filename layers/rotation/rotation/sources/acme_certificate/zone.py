"""The TXT records of one hosted zone of Route 53: read, and replaced only as they were seen.

A record set is taken out and put anew in one batch, which Route 53 refuses as a whole where another one stands there by then. So
nobody's value is lost who writes under the same name. What was just written is read back at once; that all of its servers know
it is another question (`is_known`)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from rotation.aws.client import AWS_ERRORS, asked_once, client, code
from rotation.core.errors import SourceLags, SourceRefused, SourceUnreachable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

TTL_SECONDS = 60
ANSWER_SECONDS = 8
_DENIED = {"AccessDenied", "AccessDeniedException"}
_GONE = {"NoSuchHostedZone", "InvalidInput"}
_CHANGED = {"InvalidChangeBatch"}


class Held(NamedTuple):
    """What stands under a name; no values where there is no such record."""

    values: tuple[str, ...] = ()
    """As Route 53 writes them."""
    ttl: int = TTL_SECONDS


class Zone:
    """By its id."""

    def __init__(self, id: str) -> None:  # noqa: A002 - as Route 53 calls it
        self._id = id

    def check(self, names: Iterable[str]) -> None:
        """Whether the zone is the world's, and the names are below its own."""
        with self._named("GetHostedZone"):
            found = client("route53").get_hosted_zone(Id=self._id)["HostedZone"]
        if found.get("Config", {}).get("PrivateZone"):
            raise SourceRefused(f"hosted zone {self._id} is private: no ACME server sees what stands there: correct source.zone")
        called = str(found["Name"])
        beyond = sorted(one.rstrip(".") for one in names if one != called and not one.endswith(f".{called}"))
        if beyond:
            said = ", ".join(beyond)
            raise SourceRefused(f"hosted zone {self._id} is that of {called.rstrip('.')}, and has no place for {said}")

    def read(self, name: str) -> Held:
        with self._named("ListResourceRecordSets"):
            listed = client("route53").list_resource_record_sets(HostedZoneId=self._id, StartRecordName=name, MaxItems="10")
        found = {one["Type"]: one for one in listed["ResourceRecordSets"] if one["Name"] == name}
        if "CNAME" in found:
            raise SourceRefused(f"{name.rstrip('.')} is a CNAME in hosted zone {self._id}, which leads elsewhere: take it out")
        held = found.get("TXT", {})
        values = tuple(each["Value"] for each in held.get("ResourceRecords", ()))
        return Held(values, int(held.get("TTL", TTL_SECONDS)))

    def swap(self, seen: Mapping[str, Held], wanted: Mapping[str, Iterable[str]]) -> str:
        """All at once, or nothing: the change's id; empty where nothing is to do. SourceLags where another one was before us."""
        changes = [change for name in wanted for change in _changes(name, seen[name], tuple(wanted[name]))]
        if not changes:
            return ""
        with self._named("ChangeResourceRecordSets"):
            asked = asked_once("route53", ANSWER_SECONDS).change_resource_record_sets
            return str(asked(HostedZoneId=self._id, ChangeBatch={"Changes": changes})["ChangeInfo"]["Id"]).rpartition("/")[2]

    def is_known(self, change: str) -> bool:
        """Whether all servers of Route 53 have it."""
        with self._named("GetChange"):
            try:
                return str(client("route53").get_change(Id=change)["ChangeInfo"]["Status"]) == "INSYNC"
            except AWS_ERRORS as error:
                if code(error) == "NoSuchChange":
                    return True  # it was long ago
                raise

    @contextmanager
    def _named(self, action: str) -> Iterator[None]:
        """Our own errors."""
        try:
            yield
        except AWS_ERRORS as error:
            found = code(error)
            if found in _CHANGED:
                raise SourceLags(f"hosted zone {self._id}: somebody else changed the same record at the same moment") from None
            if found in _GONE:
                raise SourceRefused(f"there is no hosted zone {self._id} ({found}): correct source.zone") from None
            if found in _DENIED:
                raise SourceRefused(
                    f"route53:{action} of hosted zone {self._id} is denied: is it the one that the parameter AcmeZoneId names, or"
                    " does a policy of the organisation deny it?"
                ) from None
            raise SourceUnreachable(f"Route 53 did not answer {action} of hosted zone {self._id}: {found}") from None


def _changes(name: str, seen: Held, values: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    if set(values) == set(seen.values):
        return
    for action, those in (("DELETE", seen.values), ("CREATE", values)):
        if those:
            records = [{"Value": one} for one in those]
            record_set = {"Name": name, "Type": "TXT", "TTL": seen.ttl, "ResourceRecords": records}
            yield {"Action": action, "ResourceRecordSet": record_set}
