"""The adapter of `acme-certificate` on a real ACME server, which looks for every challenge at the local AWS's Route 53."""

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from rotation.core.certificate import each, parts, serial
from rotation.core.errors import AdminLoginUnknown, RotationError, SourceLags, SourceRefused, SourceUntrusted, TargetInvalid
from rotation.core.model import NO_KEY, Credential, Password
from rotation.ports import Surroundings
from rotation.sources.acme_certificate import adapter
from rotation.sources.acme_certificate.adapter import DAY, make
from rotation.sources.acme_certificate.zone import Zone
from rotation.sources.certificates import fits
from rotation.sources.https import Host

from local.acme.dns import NameServer
from local.acme.pebble import FORBIDDEN, Pebble, new_key, plain
from local.acme.stack import zone_of
from local.aws import LocalAws
from local.certificates import Authority
from tests.conformance.keys import At, Provider
from tests.contract.acme import Here
from tests.contract.certificates import AsAdmin
from tests.contract.raised import raised
from tests.worlds.acmed import Acmed, AcmeWorld

NAME, OTHER = "rotation.shop.0.1", "rotation.shop.0.2"


@pytest.fixture(scope="module")
def pebble(aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    with NameServer(aws) as names, Pebble(tmp_path_factory.mktemp("acme") / "pebble", plain(), names.address) as pebble:
        yield pebble


@pytest.fixture(scope="module")
def zone(aws: LocalAws) -> str:
    return zone_of(aws, "example.")


@pytest.fixture
def here(
    pebble: Pebble, aws: LocalAws, zone: str, adapters_use: Callable[[LocalAws], None], monkeypatch: pytest.MonkeyPatch
) -> Here:
    adapters_use(aws)
    monkeypatch.setattr(adapter, "POLL_SECONDS", 0.2)
    return Here(pebble, aws, zone)


class TestPebble(Provider):
    @pytest.fixture
    def at(self, here: Here) -> At:
        provider = here.as_admin()
        return At(provider, provider.issue(None, "rotation.shop.0.0"))


class TestSmallWorld(Provider):
    @pytest.fixture
    def at(self) -> At:
        world = AcmeWorld()
        world.source.kept = world.source.kept._replace(there=())
        it: Any = SimpleNamespace(
            world=world, note=lambda act: act(), call=lambda _, __, act: act(), seen=SimpleNamespace(issued=set(), proven=set())
        )
        provider = Acmed(it, cast("Any", world.source))
        return At(provider, provider.issue(None, "rotation.shop.0.0"))


# ---- what is asked and what is left ----------------------------------------------------------------------------------------------


def others(here: Here) -> list[str]:
    """What is in the zone that is no mark."""
    return [one for values in here.records().values() for one in values if not one.startswith('"credential-rotation ')]


def test_neither_private_key_is_sent_anywhere(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    source, sent = here.source(), list[bytes]()
    ask = Host.ask

    def recorded(self: Host, method: str, target: str, what: str, body: bytes | None = None, headers: Any = None) -> Any:
        sent.append(body or b"")
        return ask(self, method, target, what, body, headers)

    monkeypatch.setattr(Host, "ask", recorded)
    key = source.issue(here.account, NAME)
    source.delete(here.account, key.username)
    assert source.refuses(key)
    payloads = [base64.urlsafe_b64decode(json.loads(one)["payload"] + "==") for one in sent if one]
    for private in (parts(key.password)[1], here.account.password):
        secret = "".join(private.reveal().splitlines()[1:-1])
        assert not [one for one in (*sent, *payloads) if b"PRIVATE" in one or secret[:40].encode() in one]


def test_a_certificate_is_what_a_server_shows_with_those_that_vouch_for_it(here: Here) -> None:
    key = here.as_admin().issue(None, NAME)
    certificate, private = parts(key.password)
    assert len(list(each(certificate))) == 2
    assert private.reveal().startswith("-----BEGIN PRIVATE KEY-----\n")
    fits({}, key)


@pytest.mark.parametrize("sort", ["ec-p384", "rsa-2048"])
def test_other_sorts_of_keys(here: Here, sort: str) -> None:
    at = here.as_admin(key=sort)
    key = at.issue(None, NAME)
    assert at.logs_in(key)
    at.delete(None, key.username)
    assert at.refuses(key)


def test_an_account_s_key_may_be_rsa(here: Here) -> None:
    made = rsa.generate_private_key(65_537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    at = AsAdmin(here.source(), here.pebble.account(Password(made.decode())))
    at.check(None)
    assert at.logs_in(at.issue(None, NAME))


def test_a_wildcard_and_the_name_below_it_are_answered_under_one_name(here: Here) -> None:
    at = here.as_admin(common_name=f"*.{here.domain}", alt_names=[here.domain])
    assert at.logs_in(at.issue(None, NAME))
    assert others(here) == []


def test_answers_are_taken_out_again_and_what_others_wrote_there_stays_as_it_was(here: Here) -> None:
    theirs = ['"v=spf1 -all"', r'"a \"quoted\" one" "in two"']
    here.put(here.at, theirs, ttl=17)
    here.put(f"_acme-challenge.www.{here.domain}.", theirs[:1])
    at = here.as_admin()
    key = at.issue(None, NAME)
    assert sorted(others(here)) == sorted([*theirs, theirs[0]])
    assert len(here.values()) == 3
    at.delete(None, key.username)
    assert sorted(here.values()) == sorted(theirs)


def test_what_is_revoked_is_so_in_its_books_and_nothing_else(here: Here) -> None:
    at = here.as_admin()
    old, new = at.issue(None, NAME), at.issue(None, OTHER)
    at.delete(None, old.username)
    assert [here.pebble.status(key.username) for key in (old, new)] == ["Revoked", "Valid"]
    assert (at.refuses(old), at.refuses(new)) == (True, False)


def test_to_ask_whether_one_is_refused_revokes_nothing(here: Here) -> None:
    at = here.as_admin()
    key = at.issue(None, NAME)
    assert not at.refuses(key)
    assert here.pebble.status(key.username) == "Valid"


def test_one_that_was_issued_and_lost_is_found_by_another_call(here: Here) -> None:
    lost = here.as_admin().issue(None, NAME)
    at = here.as_admin()
    assert [(key.id, key.name) for key in at.keys(None)] == [(lost.username, NAME)]
    at.delete(None, lost.username)
    assert here.pebble.status(lost.username) == "Revoked"
    assert here.as_admin().keys(None) == []


def test_what_others_had_issued_with_the_same_account_is_never_seen(here: Here) -> None:
    theirs = here.pebble.issue(here.account, [here.domain], here.answers)
    at = here.as_admin()
    ours = at.issue(None, NAME)
    assert [key.id for key in at.keys(None)] == [ours.username]
    assert here.pebble.status(serial(theirs.reveal())) == "Valid"


def test_the_first_one_of_another_account_is_revoked_by_its_own_key(here: Here) -> None:
    held = here.pebble.issue(here.pebble.account(), [here.domain], here.answers)
    first, at = NO_KEY.with_login(serial(held.reveal()), held), here.as_admin()
    assert at.logs_in(first)
    assert not at.refuses(first)
    at.delete(None, first.username)
    assert at.refuses(first)
    assert here.pebble.status(first.username) == "Revoked"


def test_one_that_ends_before_the_next_rotation_is_worn_and_so_is_one_of_other_names(here: Here) -> None:
    here.as_admin().issue(None, NAME)
    assert [key.worn for key in here.as_admin().keys(None)] == [False]
    assert [key.worn for key in here.as_admin(alt_names=[f"other.{here.domain}"]).keys(None)] == [True]
    source = here.source()
    source._needed = 91 * DAY
    assert [key.worn for key in source.keys(here.account)] == [True]


def test_one_that_is_over_is_refused_and_not_listed_and_its_mark_goes_with_the_next(here: Here) -> None:
    source = here.source()
    key = source.issue(here.account, NAME)
    source.clock = SimpleNamespace(now=lambda: time.time() + 91 * DAY, sleep=time.sleep)
    assert source.refuses(key)
    assert not source.logs_in(key)
    assert source.keys(here.account) == []
    before = here.values()
    with raises(SourceRefused, "for a shorter time"):
        source.issue(here.account, OTHER)
    assert not set(before) & set(here.values())


# ---- in several calls ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def slow(aws: LocalAws) -> Iterator[Callable[[float], None]]:
    yield aws.lag_records
    aws.lag_records(0)


def test_a_zone_that_is_known_late_is_waited_for_over_several_calls_with_the_same_order(
    here: Here, slow: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "WORKS_SECONDS", 2.0)
    slow(6)
    orders, lagged = here.pebble.made(), 0
    for _ in range(8):
        try:
            key = here.as_admin().issue(None, NAME)
            break
        except SourceLags:
            lagged += 1
    assert lagged >= 1
    assert here.as_admin().logs_in(key)
    assert here.pebble.made() == orders + 1
    assert others(here) == []


LEAST_ASKED = len(
    ["directory", "nonce", "new order", "authorization", "challenge", "authorization", "finalize", "order", "certificate"]
)
"""Of a server that has looked, and signed, before it is asked again. One that has not is asked more often."""


def test_a_call_that_dies_at_any_request_is_carried_on_by_the_next(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request in turn is answered to nobody: what is left is a mark, and at most one certificate, which is found."""
    ask, counted = Host.ask, {"left": 0}

    class Died(BaseException):
        pass

    def dying(self: Host, *given: Any, **more: Any) -> Any:
        found = ask(self, *given, **more)
        counted["left"] -= 1
        if counted["left"] == 0:
            raise Died
        return found

    monkeypatch.setattr(Host, "ask", dying)
    for number in range(1, 60):
        counted["left"], died = number, False
        names = {"common_name": f"n{number}.{here.domain}", "alt_names": []}
        try:
            key = here.as_admin(**names).issue(None, NAME)
        except Died:
            died = True
        counted["left"] = 0
        at = here.as_admin(**names)
        if died:
            key = _issued_in_the_end(at)
        assert at.logs_in(key)
        found = {one.id: one.name for one in at.keys(None)}
        assert set(found) >= {key.username}
        assert set(found.values()) == {NAME}
        for one in found:
            at.delete(None, one)
        assert at.keys(None) == []
        if not died:
            break
    assert number > LEAST_ASKED
    assert others(here) == []
    assert here.pebble.orders(here.account) == {}, "nothing that is valid is left"


def _issued_in_the_end(at: AsAdmin) -> Credential:
    """As the protocol goes on: what was issued and lost is deleted first."""
    for one in at.keys(None):
        at.delete(None, one.id)
    return at.issue(None, NAME)


def test_two_at_once_take_nothing_out_of_each_other_s(here: Here) -> None:
    """As another rotation, and its marks, are seen by a call that is late."""
    one, other = here.source(), here.source()
    records = one._records([one._at])
    key = other.issue(here.account, NAME)
    with raises(SourceLags, "at the same moment"):
        one._zone.swap(records.seen, {one._at: ['"something"']})
    assert [key.id for key in here.as_admin().keys(None)] == [key.username]


# ---- what keeps us from it -------------------------------------------------------------------------------------------------------


def raises(kind: type[RotationError], *words: str) -> AbstractContextManager[None]:
    """That error and no other; neither a key nor what the server said is in it or in its traceback."""
    return raised(kind, words, never=("PRIVATE", "canary", '"detail"'))


def test_an_account_that_was_deactivated(here: Here) -> None:
    here.pebble.deactivate(here.account)
    with raises(AdminLoginUnknown, "put the URL and the key of a valid account"):
        here.as_admin().check(None)


def test_another_key_than_the_account_s(here: Here) -> None:
    with raises(AdminLoginUnknown):
        AsAdmin(here.source(), replace(here.account, password=new_key())).check(None)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"password": Password("canary")}, "no private key"),
        ({"username": "shop"}, "no account's URL"),
        ({"username": "https://elsewhere.example/account/1"}, "no account's URL"),
    ],
)
def test_what_is_no_account(here: Here, more: dict[str, Any], words: str) -> None:
    with raises(AdminLoginUnknown, words):
        AsAdmin(here.source(), replace(here.account, **more)).check(None)


def test_no_admin_at_all(here: Here) -> None:
    with raises(AdminLoginUnknown, "no admin's secret"):
        here.source().keys(None)


def test_a_zone_that_is_none(here: Here) -> None:
    with raises(SourceRefused, "there is no hosted zone Z0000000"):
        here.as_admin(zone="Z0000000").check(None)


def test_a_zone_of_other_names(here: Here, aws: LocalAws) -> None:
    with raises(SourceRefused, "is that of other.example, and has no place for"):
        here.as_admin(zone=zone_of(aws, "other.example.")).check(None)


def test_a_name_that_leads_elsewhere(here: Here) -> None:
    record_set = {"Name": here.at, "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": "elsewhere.example"}]}
    change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record_set}]}
    here.aws.client("route53").change_resource_record_sets(HostedZoneId=here.zone, ChangeBatch=change)
    with raises(SourceRefused, f"{here.at.rstrip('.')} is a CNAME"):
        here.as_admin().keys(None)


def test_a_zone_that_nobody_outside_sees(here: Here, aws: LocalAws) -> None:
    made = aws.client("route53").create_hosted_zone(
        Name="example.",
        CallerReference="private",
        HostedZoneConfig={"PrivateZone": True},
        VPC={"VPCRegion": "us-east-1", "VPCId": "vpc-1"},
    )
    with raises(SourceRefused, "is private"):
        here.as_admin(zone=made["HostedZone"]["Id"].rpartition("/")[2]).check(None)


def test_a_zone_to_which_the_domain_does_not_lead_is_said_and_nothing_is_left(
    here: Here, slow: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server looks elsewhere: here it finds what a name server says that knows nothing."""
    slow(3600)
    monkeypatch.setattr(Zone, "is_known", lambda *_: True)
    with raises(SourceRefused, "does not take _acme-challenge.", "lead to the hosted zone"):
        here.as_admin().issue(None, NAME)
    slow(0)
    assert others(here) == []
    monkeypatch.undo()
    assert here.as_admin().keys(None) == []


def test_an_authority_that_the_clients_do_not_trust_is_found_before_anybody_gets_its_certificate(here: Here) -> None:
    with raises(SourceRefused, "a client refuses", "is revoked again"):
        here.as_admin(authority=Authority("another").pem).issue(None, NAME)
    assert here.as_admin().keys(None) == []
    assert here.pebble.orders(here.account) == {}


def test_certificates_that_end_sooner_than_the_target_says(here: Here) -> None:
    with raises(SourceRefused, "for a shorter time", "is revoked again"):
        here.as_admin(lasts_days=120).issue(None, NAME)
    assert here.as_admin().keys(None) == []


def test_a_client_that_trusts_another_refuses_it(here: Here) -> None:
    key = here.as_admin().issue(None, NAME)
    assert not here.as_admin(authority=Authority("another").pem).logs_in(key)


def test_a_certificate_with_another_key_is_refused(here: Here) -> None:
    at = here.as_admin()
    one, other = at.issue(None, NAME), at.issue(None, OTHER)
    assert not at.logs_in(replace(one, password=Password(parts(one.password)[0] + parts(other.password)[1].reveal())))


def test_a_server_that_another_vouches_for(here: Here) -> None:
    with raises(SourceUntrusted, "not trusted by source.ca"):
        here.as_admin(ca=Authority("another").pem).check(None)


def test_a_path_that_is_no_directory(here: Here) -> None:
    with raises(SourceRefused, "/nothing is no directory of an ACME server", "correct source.directory"):
        here.as_admin(directory=f"https://{here.pebble.host}/nothing").check(None)


def test_a_host_that_the_stack_does_not_name(here: Here) -> None:
    with raises(TargetInvalid, "AcmeHosts", "acme.example"):
        make(here.settings(), Surroundings("shop", "", acme_hosts=frozenset(["acme.example"])))


def test_names_that_it_does_not_issue_for(here: Here) -> None:
    with raises(SourceRefused, "it does not issue for one of the names"):
        here.as_admin(common_name=FORBIDDEN, alt_names=[]).issue(None, NAME)
