"""Signing keys: what a record may hold of them, what a JWKS is, what a target says, how long verifiers are waited for."""

import base64
import json
from typing import Any

import pytest
from rotation.core.errors import PrimaryUnknown, RotationError, SecretInvalid, SourceUnsettled, TargetInvalid
from rotation.core.jwk import KeySet, kid, parse, public, thumbprint
from rotation.core.model import NO_KEY, Credential, Mode, Password, Slot
from rotation.core.record import VALUES, Record
from rotation.core.situation import Action, Decision, RotationStep
from rotation.kinds.apart import own
from rotation.kinds.plan import plan
from rotation.kinds.target import PATIENCE_SECONDS, Target, parse_target
from rotation.protocol.admin_login import AdminLogin
from rotation.protocol.probes import probe
from rotation.protocol.settling import KNOWN, LOOK_SECONDS, settled
from rotation.sources.signing_key.kind import KIND, makes
from rotation.steps.sync_users import sync_users

from tests.worlds.invocation import known_passwords
from tests.worlds.jwks import DOCUMENT, SIGNER, JwksWorld
from tests.worlds.run import Run

RFC_7638 = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMst"
    "n64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91Cb"
    "OpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
}
ED = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
}
"""RFC 8037's."""
LIMITS = {"jwks_cache_seconds": 300, "token_life_seconds": 3600}


def password(**more: Any) -> Password:
    return Password(json.dumps({key: value for key, value in {**ED, **more}.items() if value is not None}))


def document(**more: Any) -> dict[str, Any]:
    source = {key: value for key, value in {**DOCUMENT["source"], **LIMITS, **more}.items() if value is not None}
    return {**DOCUMENT, "source": source}


def target(**more: Any) -> Target:
    return parse_target("shop", json.dumps(document(**more)))


# What a record may hold


def test_names_are_those_of_rfc_7638_and_rfc_8037() -> None:
    assert thumbprint(RFC_7638) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert kid(parse(password())) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_what_it_is_called_by_a_person_it_is_called() -> None:
    assert kid(parse(password(kid="2023"))) == "2023"


def test_what_is_published_has_nothing_of_what_signs() -> None:
    assert public(parse(password(kid="2023", extra="note"))) == {
        "kty": "OKP", "crv": "Ed25519", "x": ED["x"], "kid": "2023", "alg": "EdDSA", "use": "sig",
    }  # fmt: skip


BAD = {
    "no JSON": ("-----BEGIN PRIVATE KEY-----", "has to be a JWK, as JSON in one line"),
    "a number": ("1", "has to be a JWK"),
    "symmetric": (
        json.dumps({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}),
        "whoever verifies HS256 has the very secret that signs",
    ),
    "another curve": (password(crv="Ed448").reveal(), "of a kind that is not known here: there are EdDSA"),
    "another algorithm": (password(alg="ES256").reveal(), "of a kind that is not known here"),
    "public alone": (password(d=None).reveal(), "d of it is missing or no base64url"),
    "a part that is none": (password(d="not base64!").reveal(), "d of it is missing or no base64url"),
    "a short one": (
        json.dumps({**RFC_7638, "n": "AQAB", **dict.fromkeys(("d", "p", "q", "dp", "dq", "qi"), "AQAB")}),
        "an RSA key of less than 2048 bits",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_signing_key_is_refused_with_the_reason_and_nothing_of_it(name: str) -> None:
    text, said = BAD[name]
    with pytest.raises(SecretInvalid, match=said) as caught:
        KIND.fits(Credential("shop-jwt", Password(text), "", None, ""))
    assert "c2VjcmV0" not in str(caught.value)
    assert ED["d"] not in str(caught.value)


def test_a_record_of_keys_names_no_place() -> None:
    entry = {"username": "shop-jwt", "password": password().reveal()}
    record = Record({"active_slot": "A", "turns": VALUES, "A": entry, "B": {**entry, "password": "another"}})
    record.check()
    assert (record.credential("A").host, record.credential("A").port) == ("", None)
    again = record.with_previous(record.credential("A"))
    assert again.previous == record.credential("A")


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256"])
def test_new_keys_fit_and_no_two_are_the_same(algorithm: str) -> None:
    made = [makes({"algorithm": algorithm}) for _ in range(3)]
    for one in made:
        KIND.fits(Credential("shop-jwt", one, "", None, ""))
        assert "\n" not in one.reveal()
    assert len({kid(parse(one)) for one in made}) == 3


# A JWKS


def test_every_member_that_we_do_not_know_stays() -> None:
    text = json.dumps({"issuer": "x", "keys": [{"kty": "new kind", "kid": "1", "deep": {"a": [1]}}]})
    key = parse(password())
    there = KeySet.parse(text, "it").with_key(key)
    assert json.loads(there.with_key(key).text())["keys"] == [*json.loads(text)["keys"], public(key)]
    assert json.loads(there.without(key).text()) == json.loads(text)


# The target


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"algorithm": "HS256"}, "source.algorithm: HS256 is symmetric: whoever verifies HS256 has the very secret that signs"),
        ({"algorithm": "RS512"}, "source.algorithm: RS512 is none of EdDSA, ES256, RS256"),
        ({"jwks_cache_seconds": None}, "jwks_cache_seconds"),
        ({"token_life_seconds": None}, "token_life_seconds"),
        ({"jwks": "https://shop.example/jwks.json"}, "jwks must match pattern"),
        ({"jwks_cache_seconds": 172_801}, "jwks_cache_seconds must be smaller"),
    ],
)
def test_what_a_target_says_wrong_is_named(more: dict[str, Any], said: str) -> None:
    with pytest.raises(TargetInvalid, match=said.replace("(", r"\(")):
        target(**more)


def test_it_needs_no_admin_and_takes_none() -> None:
    assert (target().admin_secret, target().rotates_admin) == ("", False)
    with pytest.raises(TargetInvalid, match="admin_secret: a source of kind signing-key needs none"):
        parse_target("shop", json.dumps({**document(), "admin_secret": "arn"}))


def test_a_dry_run_says_what_becomes_of_the_jwks() -> None:
    entry = {"username": "shop-jwt", "password": "x"}
    record = Record({"active_slot": "B", "turns": VALUES, "A": entry, "B": entry})
    decision = Decision(Action.PUBLISH, Slot.B, record, RotationStep.FLIP, "id", "why", Slot.A)
    said = {step["state"]: step["change"] for step in plan(decision, target(), None)}
    assert said["SyncUsers"].startswith("s3://verifiers/jwks.json: the public part of shop-jwt's next key beside the others")
    assert "older than 300 s" in said["SyncUsers"]
    assert "waits 3600 s, a token's life" in said["CheckDrained"]
    assert "others' keys stay; then waits 300 s" in said["DiscardOldPassword"]
    assert said["RotateAdmin"].startswith("nothing")


@pytest.mark.parametrize(
    ("keys", "works"),
    [
        ({"key": "{password|pem}", "signer": "{username}"}, True),
        ({"jwk": "{password}", "signer": "{username}"}, True),
        ({"all": '{{"signer":"{username}","pem":"{password|json}"}}'}, True),
    ],
)
def test_what_a_consumer_is_given_is_read_back(keys: dict[str, str], *, works: bool) -> None:
    from rotation.consumers.keys import Keys

    made = makes({"algorithm": "ES256"})
    given = Credential("shop-jwt", made, "", None, "")
    written = Keys(keys).render(given)
    assert (Keys(keys).read(written) == given) is works
    if "key" in keys:
        assert base64.b64decode("".join(written["key"].reveal().splitlines()[1:-1]))


def test_a_password_that_is_no_key_has_no_pem() -> None:
    from rotation.consumers.keys import Keys

    with pytest.raises(TargetInvalid, match="cannot hold this password"):
        Keys({"a": "{username}", "b": "{password|pem}"}).render(Credential("a", Password("secret"), "", None, ""))


# How long verifiers are waited for


class Settling:
    """A world in which something is left to settle."""

    def __init__(self, left: float, now: float = 1000.0) -> None:
        self.target, self._left, self.now = target(), left, lambda: now
        self.source = self

    def settles_in(self) -> float:
        return self._left


def asked(left: float, began: float | None, now: float = 1000.0) -> dict[str, Any]:
    world: Any = Settling(left, now)
    return settled(world, began)


def test_when_everybody_knows_nothing_is_waited_for() -> None:
    assert asked(0.0, 900.0) == KNOWN


def test_how_long_is_said_in_whole_seconds_and_never_longer_than_one_look() -> None:
    assert asked(12.3, None) == {"status": "waiting", "began": 1000.0, "wait_seconds": 13}
    assert asked(0.2, 990.0) == {"status": "waiting", "began": 990.0, "wait_seconds": 1}
    assert asked(700.0, None)["wait_seconds"] == LOOK_SECONDS


def test_somebody_who_changes_it_again_and_again_is_not_waited_for_for_ever() -> None:
    longest = 2 * LIMITS["jwks_cache_seconds"] + PATIENCE_SECONDS
    assert asked(300.0, 1000.0, 1000.0 + longest - 300)["status"] == "waiting"
    with pytest.raises(SourceUnsettled, match="Find out who writes it"):
        asked(300.0, 1000.0, 1001.0 + longest - 300)


# Without an admin


def test_nobody_is_looked_for_where_there_is_no_admin() -> None:
    world: Any = JwksWorld()
    assert AdminLogin(world).credential == NO_KEY


@pytest.mark.parametrize("function", ["read_slots", "sync_users", "discard_old_password"])
def test_mode_verify_tells_of_the_jwks_and_of_no_admin(function: str) -> None:
    with known_passwords():
        world: Any = JwksWorld()
        found = [*probe(world, function)]
    assert not [one for one in found if one.severity == "failed"], found
    assert not [one for one in found if one.what.startswith("admin")]
    assert not [one for one in found if one.severity == "warning"], "the next key is published nowhere, as it should be"
    if function == "read_slots":
        assert [one.found for one in found if one.what == "database"] == ["the JWKS is a JWKS of 2 public keys, 1000 s old"]


def test_an_entry_of_a_database_has_a_place() -> None:
    """Two values of one user of Redis."""
    from rotation.protocol.survey import check_written

    redis = {"kind": "redis", "ca": "-----BEGIN CERTIFICATE-----"}
    on_redis = parse_target("shop", json.dumps({**DOCUMENT, "admin_secret": "admin", "source": redis}))
    entry = {"username": "shop", "password": "one"}
    record = Record({"active_slot": "A", "turns": VALUES, "A": entry, "B": {**entry, "password": "two"}})
    with pytest.raises(RotationError, match="A: field host is missing or empty"):
        check_written(on_redis, record)


def test_users_that_take_turns_are_refused_with_the_way_out() -> None:
    from rotation.protocol.survey import check_written

    entry = {"password": "one", "host": "h", "port": "1", "dbname": "d"}
    record = Record({"active_slot": "A", "A": {**entry, "username": "a"}, "B": {**entry, "username": "b"}})
    with pytest.raises(SecretInvalid, match="takes two values of one user: write turns: values"):
        check_written(target(), record)


# What a person took out


def test_a_key_in_use_that_somebody_took_out_of_the_jwks_stops_a_rotation_and_is_put_back_by_mode_sync_users() -> None:
    with known_passwords():
        world = JwksWorld()
        world.source.jwks.become('{"keys": [], "issuer": "somebody"}')
        run = Run(world)
        run.read_slots()
        run.claim_rotation()
        with pytest.raises(PrimaryUnknown, match="start mode sync-users"):
            run.ask(sync_users)
        mended = Run(world, "mended", Mode.SYNC_USERS)
        mended.read_slots()
        mended.claim_rotation()
        assert mended.ask(sync_users)["repaired"] == [f"{SIGNER}: password", f"{SIGNER}: a second password"]
        assert world.source.jwks.names == ["kid--4f9bA", "kid--77c1B"], "the one in use, and the one that the intent is about"
        assert json.loads(world.source.jwks.state.text)["issuer"] == "somebody"


# Further targets of a stack


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"JwksBucketName": "verifiers", "JwksKey": "jwks.json"}, []),
        ({"JwksBucketName": "verifiers", "JwksKey": "*.json"}, []),
        ({"JwksBucketName": "verifiers", "JwksKey": "other.json"}, ["the roles may use s3://verifiers/other.json"]),
        ({}, ["the roles may use no JWKS (parameters JwksBucketName and JwksKey)"]),
    ],
)
def test_a_jwks_that_the_roles_do_not_reach_is_said(parameters: dict[str, str], said: list[str]) -> None:
    found = [*KIND.beyond(target().source.settings, parameters)]
    assert [words in one for one, words in zip(found, said, strict=True)] == [True] * len(said)


def test_two_signers_of_one_name_do_not_clash() -> None:
    """Each has its own record, and nobody alters the other's keys."""
    entry = {"username": "shop-jwt", "password": password().reveal()}
    record = Record({"active_slot": "A", "turns": VALUES, "A": entry, "B": entry})
    assert not [what for field, what in own(target(), record) if field.startswith("slot_secret, ")]
