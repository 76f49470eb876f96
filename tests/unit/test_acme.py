"""Certificates of an ACME server: what a target says of them, what stands in a TXT record, and what a server's answers mean."""

import json
from collections.abc import Mapping
from email.message import Message
from typing import Any

import pytest
from botocore.exceptions import ClientError
from rotation.core.errors import AdminLoginUnknown, RotationError, SourceLags, SourceRefused, SourceUnreachable, TargetInvalid
from rotation.kinds.target import Target, parse_target
from rotation.sources.acme_certificate import zone
from rotation.sources.acme_certificate.kind import KIND, beyond
from rotation.sources.acme_certificate.marks import Mark, challenged, marks, quoted
from rotation.sources.acme_certificate.server import NONCES, Server
from rotation.sources.acme_certificate.zone import Held
from rotation.sources.https import Got

from tests.faults.laws import instant
from tests.faults.walk.whole import walk
from tests.unit.test_certificates import LEAF, PARTS
from tests.worlds.acmed import AcmeWorld
from tests.worlds.invocation import known_passwords
from tests.worlds.vaulted import DOCUMENT

SETTINGS: dict[str, Any] = {
    "kind": "acme-certificate",
    "directory": "https://acme.example/directory",
    "zone": "Z0123456789",
    "authority": LEAF,
    "common_name": "shop.example",
    "lasts_days": 90,
}


def target(rotation_class: str = "monthly", **source: Any) -> Target:
    document = {**DOCUMENT, "source": SETTINGS | source, "class": rotation_class}
    document["consumers"] = [{**DOCUMENT["consumers"][0], "keys": PARTS}]
    document.pop("health", None)
    return parse_target("shop", json.dumps(document))


# ---- the target ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"authority": "-----BEGIN CERTIFICATE-----\n"}, "source.authority is no certificate"),
        ({"directory": "http://acme.example/directory"}, "directory"),
        ({"directory": "https://user:pass@acme.example/"}, "directory"),
        ({"zone": "/hostedzone/Z01"}, "zone"),
        ({"common_name": "https://shop"}, "common_name"),
        ({"common_name": "a" * 65 + ".example"}, "common_name"),
        ({"lasts_days": 34}, r"source\.lasts_days: what lasts 34 days would end before"),
        ({"key": "dsa"}, "key"),
        ({"ip_sans": ["10.0.0.1"]}, "ip_sans"),
    ],
)
def test_what_is_wrong_is_named(source: dict[str, Any], words: str) -> None:
    with pytest.raises(TargetInvalid, match=words):
        target(**source)


def test_what_the_server_s_certificates_last_is_held_against_the_class() -> None:
    assert target().source.settings["ca"] == "system"
    with pytest.raises(TargetInvalid, match="would end before"):
        target("90-days")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"AcmeHosts": "ACME.example,other.example", "AcmeZoneId": "Z0123456789"}, []),
        ({"AcmeHosts": "acme.example:14000", "AcmeZoneId": "Z0123456789"}, ["parameter AcmeHosts"]),
        ({"AcmeHosts": "acme.example", "AcmeZoneId": "Z1"}, ["parameter AcmeZoneId"]),
        ({}, ["parameter AcmeHosts", "parameter AcmeZoneId"]),
    ],
)
def test_no_server_is_asked_and_no_zone_changed_that_the_stack_does_not_name(given: dict[str, str], words: list[str]) -> None:
    found = list(beyond(SETTINGS, given))
    assert len(found) == len(words)
    assert all(word in one for word, one in zip(words, found, strict=True))


def test_what_an_acme_server_cannot_is_said() -> None:
    said = {lack.state: lack for lack in KIND.lacks(SETTINGS)}
    assert said["RotateOldSlot"].idle
    assert "waited for" in said["CheckDrained"].said


def test_the_same_names_are_one_target_s() -> None:
    one, other = SETTINGS | {"alt_names": ["www.shop.example"]}, SETTINGS | {"alt_names": []}
    swapped = SETTINGS | {"common_name": "www.shop.example", "alt_names": ["shop.example"]}
    assert list(KIND.owns(one)) == list(KIND.owns(swapped))
    assert list(KIND.owns(one)) != list(KIND.owns(other))


# ---- what stands in the zone -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["", "C0123456789"])
@pytest.mark.parametrize("order", ["https://acme.example/order/1/2", "https://acme.example/order/" + "1" * 300])
def test_a_mark_is_read_back_among_what_others_wrote(order: str, change: str) -> None:
    mark = Mark("rotation.shop.01234567.abc", order, change)
    assert marks(['"v=spf1 -all"', mark.value, '"credential-rotation"', '""', quoted("x" * 600)]) == [mark]
    assert all(len(part) <= 257 for part in mark.value.split('" "'))


@pytest.mark.parametrize("name", ["shop.example", "*.shop.example"])
def test_where_the_answer_for_a_name_is_looked_for(name: str) -> None:
    assert challenged(name) == "_acme-challenge.shop.example."


# ---- what a server answers -------------------------------------------------------------------------------------------------------


class Hosted:
    """A host that answers what it is told to, and what it was asked."""

    host = "acme.example"

    def __init__(self, *answers: tuple[int, Any, Mapping[str, str]]) -> None:
        self._answers, self.asked = list(answers), list[str]()

    def ask(self, method: str, target: str, what: str, body: bytes | None = None, headers: Any = None) -> Got:
        self.asked.append(f"{method} {target}")
        if target == "/directory":
            said: Any = {
                "newOrder": "https://acme.example/new",
                "newNonce": "https://acme.example/nonce",
                "away": "https://other.example/",
            }
            return got(200, said)
        if method == "HEAD":
            return got(200, b"", {"Replay-Nonce": "a nonce"})
        return got(*(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]))


def got(status: int, said: Any = b"", headers: Mapping[str, str] | None = None) -> Got:
    message = Message()
    for name, value in (headers or {}).items():
        message[name] = value
    return Got(status, message, said if isinstance(said, bytes) else json.dumps(said).encode())


class Nobody:
    def signed(self, *_: object) -> bytes:
        return b"{}"


def asked(*answers: tuple[int, Any, Mapping[str, str]], what: str = "newOrder") -> Any:
    host: Any = Hosted(*answers)
    server, nobody = Server("https://acme.example/directory", host, lambda: 1_000_000_000.0), Nobody()
    return server.ask(nobody, server.url(what), "a new order"), host.asked  # type: ignore[arg-type]


def problem(kind: str) -> dict[str, str]:
    return {"type": f"urn:ietf:params:acme:error:{kind}", "detail": "canary"}


REFUSED: dict[str, tuple[tuple[int, Any, Mapping[str, str]], type[RotationError], str]] = {
    "too many, for a moment": ((429, problem("rateLimited"), {"Retry-After": "30"}), SourceLags, "to wait 30 s"),
    "too many, for a week": ((429, problem("rateLimited"), {"Retry-After": "604800"}), SourceRefused, "to wait 168.0 hours"),
    "too many, until a date": (
        (429, problem("rateLimited"), {"Retry-After": "Sun, 09 Sep 2001 03:46:40 GMT"}), SourceRefused, "to wait 2.0 hours",
    ),
    "too many, it does not say how long": ((429, problem("rateLimited"), {}), SourceRefused, "start again then"),
    "too many, says a proxy": ((429, b"<html>canary</html>", {"Retry-After": "1"}), SourceLags, "to wait 1 s"),
    "it is down": ((503, problem("serverInternal"), {}), SourceUnreachable, "HTTP 503"),
    "a page instead": ((200, b"<!doctype html><p>canary", {}), SourceRefused, "answers with a page"),
    "a page that says no": ((403, b"<html>canary</html>", {}), SourceUnreachable, "no ACME server's"),
    "a page that says it is not there": ((404, b"<html>canary</html>", {}), SourceUnreachable, "no ACME server's"),
    "sent elsewhere": ((302, b"", {"Location": "https://other.example"}), SourceRefused, "another address"),
    "terms": ((403, problem("userActionRequired"), {}), AdminLoginUnknown, "agree to its terms"),
    "no account": ((400, problem("accountDoesNotExist"), {}), AdminLoginUnknown, "does not know the account"),
    "nonces": ((400, problem("badNonce"), {}), SourceUnreachable, "finds each nonce too old"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_each_refusal_has_a_name_of_ours_and_nothing_of_the_server_s_text(what: str) -> None:
    answer, kind, words = REFUSED[what]
    with pytest.raises(kind, match=words) as caught:
        asked(answer)
    assert type(caught.value) is kind
    assert "canary" not in str(caught.value)


def test_what_is_not_there_is_the_caller_s_to_understand() -> None:
    reply, _ = asked((404, b"", {}))
    assert (reply.ok, reply.problem) == (False, "")


def test_a_nonce_that_is_too_old_is_replaced_by_the_one_that_comes_with_the_refusal() -> None:
    reply, made = asked((400, problem("badNonce"), {"Replay-Nonce": "another"}), (201, {"status": "pending"}, {}))
    assert reply.said == {"status": "pending"}
    assert made == ["GET /directory", "HEAD /nonce", "POST /new", "POST /new"]
    assert NONCES > 2


def test_nobody_is_asked_whom_the_target_does_not_name() -> None:
    with pytest.raises(SourceRefused, match="another host"):
        asked((200, {}, {}), what="away")


def test_a_directory_that_lacks_a_place_is_said() -> None:
    with pytest.raises(SourceRefused, match="has no revokeCert"):
        asked((200, {}, {}), what="revokeCert")


# ---- what Route 53 answers -------------------------------------------------------------------------------------------------------


class Refusing:
    """Route 53, which says that to everything."""

    def __init__(self, code: str) -> None:
        self._code = code

    def __getattr__(self, action: str) -> Any:
        def refuse(**_: Any) -> None:
            raise ClientError({"Error": {"Code": self._code, "Message": "canary"}}, action)

        return refuse


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("AccessDenied", SourceRefused, "ChangeResourceRecordSets of hosted zone Z1 is denied.*AcmeZoneId"),
        ("NoSuchHostedZone", SourceRefused, "there is no hosted zone Z1.*correct source.zone"),
        ("InvalidChangeBatch", SourceLags, "at the same moment"),
        ("PriorRequestNotComplete", SourceUnreachable, "PriorRequestNotComplete"),
        ("Throttling", SourceUnreachable, "Throttling"),
    ],
)
def test_each_refusal_of_route_53_has_a_name_of_ours(
    code: str, kind: type[RotationError], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zone, "asked_once", lambda *_: Refusing(code))
    with pytest.raises(kind, match=words) as caught:
        zone.Zone("Z1").swap({"a.": Held()}, {"a.": ['"x"']})
    assert "canary" not in str(caught.value)


def test_a_change_of_long_ago_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zone, "client", lambda _: Refusing("NoSuchChange"))
    assert zone.Zone("Z1").is_known("C1")


def test_what_is_replaced_is_what_was_seen_and_nothing_is_sent_where_nothing_is_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[Any]()

    class Taking:
        def change_resource_record_sets(self, **given: Any) -> Any:
            asked.append(given["ChangeBatch"]["Changes"])
            return {"ChangeInfo": {"Id": "/change/C9"}}

    monkeypatch.setattr(zone, "asked_once", lambda *_: Taking())
    seen = {"a.": Held(('"one"', '"two"'), 17), "b.": Held(), "c.": Held(('"left"',))}
    changed = zone.Zone("Z1").swap(seen, {"a.": ['"one"'], "b.": ['"new"'], "c.": ['"left"']})
    assert changed == "C9"
    (changes,) = asked
    said = [(one["Action"], one["ResourceRecordSet"]["Name"], one["ResourceRecordSet"]["TTL"]) for one in changes]
    assert said == [("DELETE", "a.", 17), ("CREATE", "a.", 17), ("CREATE", "b.", 60)]
    assert [each["Value"] for each in changes[0]["ResourceRecordSet"]["ResourceRecords"]] == ['"one"', '"two"']
    assert zone.Zone("Z1").swap(seen, {"a.": ['"two"', '"one"']}) == ""
    assert len(asked) == 1


# ---- in turn, by the shipped adapter ---------------------------------------------------------------------------------------------


def test_each_rotation_uses_another_certificate_and_what_others_have_stays() -> None:
    world, used = AcmeWorld(), []
    for number in range(1, 4):
        used.append(rotated(world, f"run-{number}"))
        assert {key.id for key in world.source.kept.there} == {used[-1], world.theirs.username}
        assert [mark.order for mark in marks(world.source.values)] == [f"https://acme.example/order/{number}"]
        assert '"somebody\'s"' in world.source.values
    assert len({world.first.username, *used}) == 4


def rotated(world: AcmeWorld, name: str) -> str:
    instant.begin(world, by_hand=True)
    with known_passwords():
        walked = walk(world, name=name)
    world.alive.clear()
    assert walked.place.state == "RotationSucceeded", walked.place.cause
    return world.current.credential(world.current.active).username
