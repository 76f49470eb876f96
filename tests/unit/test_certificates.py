"""Certificates as keys in turn: what a target and its templates say of them, what a role allows, and which one is worn."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rotation.consumers.keys import Keys
from rotation.core import certificate, keys
from rotation.core.errors import SecretInvalid, TargetInvalid
from rotation.core.keys import mark_of, name_of
from rotation.core.model import NO_KEY, Credential, Password, SecretText, Slot
from rotation.core.record import Record
from rotation.core.seen import Key
from rotation.kinds.target import Target, parse_target
from rotation.protocol.probes import probe
from rotation.sources.certificate.kind import KIND, beyond, fits
from rotation.sources.certificate.role import allows, unfit
from rotation.vault.login import as_admin

from tests.faults.laws import instant
from tests.faults.walk.whole import walk
from tests.unit.test_swarm_certificate import certificate as signed
from tests.worlds.certified import CertifiedPorts, CertifiedWorld, made
from tests.worlds.invocation import Invocation, known_passwords
from tests.worlds.keyed import Issued
from tests.worlds.vaulted import DOCUMENT
from tests.worlds.world import TARGET

KEY = "-----BEGIN PRIVATE KEY-----\nMIGHcanary/1\nMIGHcanary/2\n-----END PRIVATE KEY-----\n"
LEAF = signed(datetime(2036, 1, 1, tzinfo=UTC))
BETWEEN = signed(datetime(2037, 1, 1, tzinfo=UTC), "between")
BUNDLE = certificate.bundle(LEAF + BETWEEN, Password(KEY))
NUMBER = certificate.serial(LEAF)
ONE = NO_KEY.with_login(NUMBER, BUNDLE)
PARTS = {"tls.crt": "{certificate}", "tls.key": "{key}"}
SETTINGS: dict[str, Any] = {
    "kind": "certificate",
    "address": "https://vault.example",
    "ca": LEAF,
    "role": "shop",
    "authority": LEAF,
    "common_name": "shop.example",
    "ttl_days": 400,
}


def target(rotation_class: str = "365-days", consumers: Any = None, **source: Any) -> Target:
    document = {**DOCUMENT, "source": SETTINGS | source, "class": rotation_class}
    document["consumers"] = consumers or [{**DOCUMENT["consumers"][0], "keys": PARTS}]
    document.pop("health", None)
    return parse_target("shop", json.dumps(document))


# ---- the text ------------------------------------------------------------------------------------------------------------------


def test_the_number_is_the_certificate_s() -> None:
    from cryptography import x509

    found = x509.load_pem_x509_certificate(LEAF.encode()).serial_number
    assert int(NUMBER.replace(":", ""), 16) == found
    assert all(len(part) == 2 for part in NUMBER.split(":"))


def test_a_bundle_is_the_key_the_certificate_and_those_that_vouch_for_it() -> None:
    chain, key = certificate.parts(BUNDLE)
    assert (chain, key.reveal()) == (LEAF + BETWEEN, KEY)
    assert certificate.bundle(chain, key) == BUNDLE
    assert BUNDLE.reveal().startswith("-----BEGIN PRIVATE KEY-----")


def test_how_a_person_has_written_it_does_not_matter() -> None:
    written = Password(f"a certificate\r\n{LEAF.replace(chr(10), chr(13) + chr(10))}\n{BETWEEN}\nBag Attributes\n{KEY.strip()}  ")
    assert certificate.bundle(*certificate.parts(written)) == BUNDLE


@pytest.mark.parametrize("text", ["", "p", KEY, LEAF, KEY.replace("PRIVATE", "ENCRYPTED PRIVATE") + LEAF])
def test_half_of_it_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"^no (private key|certificate)$"):
        certificate.parts(Password(text))


@pytest.mark.parametrize("pem", ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_has_no_number(pem: str) -> None:
    with pytest.raises(ValueError, match="no certificate"):
        certificate.serial(pem)


# ---- where it is written -------------------------------------------------------------------------------------------------------


def held(texts: dict[str, str], content: dict[str, str]) -> Credential:
    return Keys(texts).read({key: SecretText(text) for key, text in content.items()})


def test_certificate_and_key_stand_apart_and_are_read_back_as_one_with_its_number() -> None:
    written = {key: text.reveal() for key, text in Keys(PARTS).render(ONE).items()}
    assert written == {"tls.crt": LEAF + BETWEEN, "tls.key": KEY}
    assert held(PARTS, written) == ONE


@pytest.mark.parametrize(
    "texts", [PARTS | {"all": "{password}"}, {"id": "{username}", "all": "{password}", "tls.crt": "{certificate}"}]
)
def test_both_ways_at_once(texts: dict[str, str]) -> None:
    written = {key: text.reveal() for key, text in Keys(texts).render(ONE).items()}
    assert held(texts, written) == ONE
    with pytest.raises(SecretInvalid, match="two certificates or two keys"):
        held(texts, written | {"tls.crt": BETWEEN})


@pytest.mark.parametrize("content", [{"tls.crt": "canary", "tls.key": KEY}, {"tls.crt": LEAF, "tls.key": "canary"}])
def test_what_is_none_is_said_without_its_text(content: dict[str, str]) -> None:
    with pytest.raises(SecretInvalid, match="holds no certificate with its private key") as caught:
        held(PARTS, content)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(("texts", "lacks"), [({"a": "{certificate}"}, "{key}"), ({"a": "{key}"}, "{certificate}")])
def test_half_of_it_is_not_written(texts: dict[str, str], lacks: str) -> None:
    with pytest.raises(TargetInvalid, match=f"writes {lacks}"):
        Keys(texts)


def test_a_password_has_no_such_fields() -> None:
    with pytest.raises(TargetInvalid, match="needs certificate, which has no value"):
        Keys(PARTS).render(NO_KEY.with_login("shop_a", Password("canary")))


# ---- the target ----------------------------------------------------------------------------------------------------------------


def test_the_certificate_says_whose_it_is_so_that_no_template_has_to() -> None:
    assert target().consumers[0].known.says_user({"keys": PARTS})
    assert target().source.settings["mount"] == "pki"
    with pytest.raises(TargetInvalid, match=r"no template of tls writes \{username\}"):
        target(consumers=[{**DOCUMENT["consumers"][0], "keys": {"tls": "{password}"}}])


@pytest.mark.parametrize(
    ("rotation_class", "days", "fits_in"),
    [("365-days", 370, True), ("365-days", 369, False), ("monthly", 35, True), ("monthly", 34, False), ("30-days", 34, True)],
)
def test_a_certificate_outlasts_the_next_rotation_and_its_overlap(rotation_class: str, days: int, fits_in: bool) -> None:
    if fits_in:
        assert target(rotation_class, ttl_days=days).source.settings["ttl_days"] == days
    else:
        with pytest.raises(TargetInvalid, match=rf"source\.ttl_days: what lasts {days} days would end before"):
            target(rotation_class, ttl_days=days)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"authority": "-----BEGIN CERTIFICATE-----\n"}, "source.authority is no certificate"),
        ({"ip_sans": ["10.0.0.999"]}, "source.ip_sans: '10.0.0.999' does not appear to be"),
        ({"common_name": "https://shop"}, "common_name"),
        ({"ttl_days": 0}, "ttl_days"),
        ({"key": "dsa"}, "key"),
        ({"login": {"method": "aws"}}, "method"),
        ({"address": "http://vault.example"}, "address"),
    ],
)
def test_what_is_wrong_is_named(source: dict[str, Any], words: str) -> None:
    with pytest.raises(TargetInvalid, match=words):
        target(**source)


def test_no_vault_is_asked_that_the_stack_does_not_name() -> None:
    assert list(beyond(SETTINGS, {"PkiHosts": "other:8201,Vault.example:8200"})) == []
    assert list(beyond(SETTINGS, {"PkiHosts": "other"})) == [
        "source host vault.example: the functions may ask other for certificates (parameter PkiHosts)"
    ]


def test_a_record_s_entry_is_a_certificate_under_its_own_number() -> None:
    fits({}, ONE)
    with pytest.raises(SecretInvalid, match=f"which is {NUMBER}"):
        fits({}, NO_KEY.with_login("3f:00", BUNDLE))
    with pytest.raises(SecretInvalid, match="no private key with its certificate") as caught:
        fits({}, NO_KEY.with_login(NUMBER, Password("canary")))
    assert "canary" not in str(caught.value)


def test_what_a_pki_cannot_is_said() -> None:
    said = {lack.state: lack for lack in KIND.lacks(SETTINGS)}
    assert said["RotateOldSlot"].idle
    assert "waited for" in said["CheckDrained"].said


# ---- the role ------------------------------------------------------------------------------------------------------------------

ROLE: dict[str, Any] = {
    "allowed_domains": ["shop.example"],
    "allow_bare_domains": True,
    "allow_subdomains": True,
    "allowed_uri_sans": ["credential-rotation:*"],
    "key_type": "ec",
    "key_bits": 256,
    "max_ttl": 0,
}


@pytest.mark.parametrize(
    ("more", "name", "allowed"),
    [
        ({}, "shop.example", True),
        ({}, "www.shop.example", True),
        ({}, "*.shop.example", True),
        ({}, "myshop.example", False),
        ({}, "localhost", False),
        ({"allow_localhost": True}, "localhost", True),
        ({"allow_bare_domains": False}, "shop.example", False),
        ({"allow_subdomains": False}, "www.shop.example", False),
        ({"allow_wildcard_certificates": False}, "*.shop.example", False),
        ({"allow_glob_domains": True, "allowed_domains": ["shop-*.example"]}, "shop-1.example", True),
        ({"allow_glob_domains": True, "allowed_domains": ["shop-*.example"]}, "other.example", False),
        ({"allow_any_name": True}, "other.example", True),
        ({"allowed_domains_template": True}, "other.example", True),
        ({"allowed_domains": None}, "shop.example", False),
    ],
)
def test_which_names_a_role_allows(more: dict[str, Any], name: str, allowed: bool) -> None:
    assert allows(ROLE | more, name) is allowed


@pytest.mark.parametrize(
    ("role", "mount_seconds", "words"),
    [
        ({}, 0, ""),
        ({"key_bits": 0}, 0, ""),
        ({"key_bits": 384}, 0, "keys of 384 bits"),
        ({}, 86_400, "may last 1 days"),
        ({"max_ttl": 500 * 86_400}, 400 * 86_400, ""),
        ({"max_ttl": 399 * 86_400}, 400 * 86_400, "may last 399 days"),
    ],
)
def test_what_of_a_role_keeps_us_from_it(role: dict[str, Any], mount_seconds: int, words: str) -> None:
    found = "; ".join(unfit(ROLE | role, target().source.settings, mount_seconds))
    assert (words in found) if words else not found


# ---- one that is worn ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("worn", "kept"), [(False, True), (True, False)])
def test_one_that_ends_too_soon_is_not_taken_into_use_although_it_works(worn: bool, kept: bool) -> None:
    record = Record({"turns": "keys", "active_slot": "A", "A": {}, "B": {"username": "Key-1", "password": "p"}})
    provided = keys.Provided((Key("Key-1", 1.0, None, True, "", 9e9, worn),), None, named=True, dedicated=False, mark="rotation.")
    left = keys.without_dead(provided, record, Slot.B, works=True)
    assert left.credential(Slot.B).is_none is not kept


# ---- in turn, by the shipped adapter -------------------------------------------------------------------------------------------


def test_each_rotation_uses_another_certificate_and_what_a_person_had_issued_stays() -> None:
    world, used = CertifiedWorld(), []
    for number in range(1, 4):
        used.append(rotated(world, f"run-{number}"))
        assert {key.id for key in world.source.kept.there} == {used[-1], world.theirs.username}
    assert len({world.first.username, *used}) == 4


def rotated(world: CertifiedWorld, name: str) -> str:
    instant.begin(world, by_hand=True)
    with known_passwords():
        walked = walk(world, name=name)
    world.alive.clear()
    assert walked.place.state == "RotationSucceeded", walked.place.cause
    return world.current.credential(world.current.active).username


def test_one_that_is_kept_and_worn_is_revoked_and_another_one_is_signed() -> None:
    """It has other names than the target asks for by now."""
    world = CertifiedWorld()
    kept = made("Key-777777", name_of(mark_of(TARGET, world.target.slot_secret), "long ago"), "canary-kept", "old.example")
    issued = Issued(kept.username, kept.password.reveal(), world.clock - 1e6, name="ours")
    world.source.kept = world.source.kept._replace(there=(*world.source.kept.there, issued))
    world.person_puts(B={"username": kept.username, "password": kept.password.reveal()})
    assert rotated(world, "run-1") == "Key-000001"
    assert {key.id for key in world.source.kept.there} == {"Key-000001", world.theirs.username}
    assert world.source.refuses(kept)


@pytest.mark.parametrize(("left", "warned"), [(20.0, False), (13.0, True)])
def test_one_in_use_that_ends_soon_is_warned_of(left: float, warned: bool) -> None:
    world = CertifiedWorld()
    world.lasts_seconds = left * 86_400
    it = Invocation(world, "read_slots", {"execution": {"id": "x", "name": "x"}}, "x")
    with known_passwords():
        found = [one.found for one in probe(CertifiedPorts(it), "read_slots")]
    assert any("ends by itself in 13 days" in one for one in found) is warned, found


def test_a_jwt_logs_in_with_the_role_and_the_token_of_the_admin_s_secret() -> None:
    admin = NO_KEY.with_login("shop", Password("a.canary.jwt"))
    assert as_admin({"method": "jwt", "mount": "kubernetes"}, admin).mount == "kubernetes"
    assert as_admin({"method": "jwt"}, admin).body() == {"role": "shop", "jwt": "a.canary.jwt"}
    assert as_admin({"method": "approle"}, admin).body() == {"role_id": "shop", "secret_id": "a.canary.jwt"}


def test_the_page_s_policy_is_the_one_that_tests_run_with() -> None:
    from local.vault import pki

    page = (Path(__file__).parents[2] / "docs/certificates.md").read_text()
    assert pki.POLICY.strip().format(mount="pki", role="shop") in page
