"""Signing keys: what a record may hold of them, what a JWKS is, what a target says, how long verifiers are waited for."""

import base64
import json
from typing import Any

import pytest
from rotation.core.errors import (
    PrimaryUnknown,
    RotationError,
    SecretInvalid,
    SourceRefused,
    SourceUnsettled,
    TargetInvalid,
)
from rotation.core.jwk import KeySet, kid, parse, thumbprint, verifying
from rotation.core.model import NO_KEY, Credential, Mode, Password, SecretText, Slot
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
SECRET = "c2VjcmV0IHRoYXQgc2lnbnMgYW5kIHZlcmlmaWVzLCAyNTY"
OCT = {"kty": "oct", "k": SECRET, "alg": "HS256", "kid": "2026"}
PUBLIC: dict[str, Any] = {"jwks": "s3://verifiers/jwks.json"}
VAULT: dict[str, Any] = {
    "address": "https://vault.example:8200",
    "ca": "-----BEGIN CERTIFICATE-----",
    "mount": "secret",
    "path": "shop/jwks",
    "login": {"method": "approle", "role": "0d4c", "secret": "arn:login"},
}
IN_VAULT = {"jwks": None, "vault": VAULT}


def password(**more: Any) -> Password:
    return Password(json.dumps({key: value for key, value in {**ED, **more}.items() if value is not None}))


def document(**more: Any) -> dict[str, Any]:
    source = {key: value for key, value in {**DOCUMENT["source"], **LIMITS, **more}.items() if value is not None}
    return {**DOCUMENT, "source": source}


def target(**more: Any) -> Target:
    return parse_target("shop", json.dumps(document(**more)))


def symmetric(**more: Any) -> Password:
    return Password(json.dumps({key: value for key, value in {**OCT, **more}.items() if value is not None}))


def fits(text: Password, settings: dict[str, Any]) -> None:
    KIND.fits(settings, Credential("shop-jwt", text, "", None, ""))


# What a record may hold


def test_names_are_those_of_rfc_7638_and_rfc_8037() -> None:
    assert thumbprint(RFC_7638) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert kid(parse(password())) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_what_it_is_called_by_a_person_it_is_called() -> None:
    assert kid(parse(password(kid="2023"))) == "2023"


def test_what_is_published_has_nothing_of_what_signs() -> None:
    assert verifying(parse(password(kid="2023", extra="note"))) == {
        "kty": "OKP", "crv": "Ed25519", "x": ED["x"], "kid": "2023", "alg": "EdDSA", "use": "sig",
    }  # fmt: skip


BAD = {
    "no JSON": ("-----BEGIN PRIVATE KEY-----", "has to be a JWK, as JSON in one line"),
    "a number": ("1", "has to be a JWK"),
    "symmetric, where everybody reads": (symmetric().reveal(), "whoever verifies HS256 has the very secret that signs"),
    "symmetric and short": (symmetric(k="c2VjcmV0").reveal(), "a symmetric key of less than 256 bits: take another"),
    "symmetric without a name": (symmetric(kid=None).reveal(), "without a kid: give it one that says nothing of it"),
    "symmetric, of another length of hash": (symmetric(alg="HS512").reveal(), "of a kind that is not known here"),
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
        fits(Password(text), PUBLIC)
    assert "c2VjcmV0" not in str(caught.value)
    assert ED["d"] not in str(caught.value)


def test_a_symmetric_key_fits_where_only_verifiers_read_and_goes_by_the_name_it_has() -> None:
    for one in (symmetric(), symmetric(alg=None), password()):
        fits(one, {"vault": VAULT})
    assert kid(parse(symmetric())) == "2026"
    assert verifying(parse(symmetric(alg=None, extra="note"))) == {**OCT, "use": "sig"}


def test_a_symmetric_key_gets_into_no_set_that_everybody_reads() -> None:
    with pytest.raises(SecretInvalid, match="whoever verifies HS256"):
        KeySet({"keys": []}).with_key(parse(symmetric()))
    assert KeySet({"keys": []}, secret=True).with_key(parse(symmetric())).find(OCT)


def test_a_record_of_keys_names_no_place() -> None:
    entry = {"username": "shop-jwt", "password": password().reveal()}
    record = Record({"active_slot": "A", "turns": VALUES, "A": entry, "B": {**entry, "password": "another"}})
    record.check()
    assert (record.credential("A").host, record.credential("A").port) == ("", None)
    again = record.with_previous(record.credential("A"))
    assert again.previous == record.credential("A")


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "HS256"])
def test_new_keys_fit_and_no_two_are_the_same(algorithm: str) -> None:
    made = [makes({"algorithm": algorithm}) for _ in range(3)]
    for one in made:
        fits(one, {"vault": VAULT})
        assert "\n" not in one.reveal()
    assert len({kid(parse(one)) for one in made}) == len({thumbprint(parse(one)) for one in made}) == 3


def test_the_name_of_a_symmetric_key_says_nothing_of_it() -> None:
    """RFC 7638, section 7: its thumbprint may tell it."""
    made = parse(makes({"algorithm": "HS256"}))
    assert len(base64.urlsafe_b64decode(made["k"] + "=")) == 32
    assert kid(made) not in (thumbprint(made), made["k"])


# A JWKS


def test_every_member_that_we_do_not_know_stays() -> None:
    text = json.dumps({"issuer": "x", "keys": [{"kty": "new kind", "kid": "1", "deep": {"a": [1]}}]})
    key = parse(password())
    there = KeySet.parse(SecretText(text), "it").with_key(key)
    assert json.loads(there.with_key(key).text().reveal())["keys"] == [*json.loads(text)["keys"], verifying(key)]
    assert json.loads(there.without(key).text().reveal()) == json.loads(text)


def test_a_set_with_symmetric_keys_stays_what_it_is_and_does_not_show_itself() -> None:
    """Made into another one, it is still one that only verifiers read."""
    text = SecretText(json.dumps({"keys": [OCT]}))
    there = KeySet.parse(text, "it", secret=True)
    again = there.without(parse(password())).with_key(parse(symmetric(k=SECRET[::-1], kid="2027")))
    assert [key["kid"] for key in again.keys] == ["2026", "2027"]
    assert not [one for one in (text, again, again.text(), [again], f"{again}") if SECRET in repr(one)]


@pytest.mark.parametrize(("secret", "said"), [(False, r"keys\[0\] holds a private or symmetric key, and everybody"), (True, "")])
def test_a_symmetric_key_may_be_where_only_verifiers_read(secret: bool, said: str) -> None:
    text = SecretText(json.dumps({"keys": [OCT]}))
    if not secret:
        with pytest.raises(SourceRefused, match=said) as caught:
            KeySet.parse(text, "it", secret=secret)
        assert SECRET not in str(caught.value)
    else:
        assert len(KeySet.parse(text, "it", secret=secret)) == 1


def test_a_private_key_may_be_nowhere_that_verifiers_read() -> None:
    for one in (json.loads(password().reveal()), {**OCT, "kty": "OKP"}, {**OCT, "d": "AQAB"}):
        with pytest.raises(SourceRefused, match="holds a private key, and whoever verifies may read that"):
            KeySet.parse(SecretText(json.dumps({"keys": [one]})), "it", secret=True)


# The target


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"algorithm": "HS256"}, "source.algorithm: HS256 is symmetric: whoever verifies HS256 has the very secret that signs"),
        ({"algorithm": "HS256"}, "in a path of Vault .source.vault.. If a verifier knows one secret only and reads no set"),
        ({"algorithm": "RS512"}, "source.algorithm: RS512 is none of EdDSA, ES256, RS256, HS256"),
        ({"algorithm": "HS512", **IN_VAULT}, "source.algorithm: HS512 is none of"),
        ({"jwks": None}, "source.jwks: name one place of the JWKS"),
        ({"vault": VAULT}, "source.jwks: name one place of the JWKS"),
        ({"jwks": None, "vault": {**VAULT, "field": ""}}, "source.vault.field must be longer"),
        ({"jwks": None, "vault": {**VAULT, "path": "../jwks"}}, "source.vault.path must match pattern"),
        ({"jwks": None, "vault": {**VAULT, "ca": "/etc/ca.pem"}}, "source.vault.ca must match pattern"),
        ({"jwks": None, "vault": {**VAULT, "token": "s.x"}}, "source.vault must not contain"),
        ({"jwks": None, "vault": {**VAULT, "login": {"method": "approle", "role": "a"}}}, "source.vault.login.secret is missing"),
        ({"jwks": None, "vault": {**VAULT, "reader": {"method": "jwt", "role": "a"}}}, "source.vault.reader.secret is missing"),
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


def test_a_dry_run_says_which_field_of_which_path_a_symmetric_key_is_put_beside_the_others() -> None:
    said = KIND.plan(target(algorithm="HS256", **IN_VAULT).source.settings)
    where = "secret/shop/jwks of https://vault.example:8200, field jwks"
    assert said["SyncUsers"].startswith(f"{where}: {{new}}'s next key beside the others")
    assert said["DiscardOldPassword"].startswith(f"{where}: {{old}}'s old key is taken out")


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


def test_a_symmetric_key_has_no_pem_and_its_signers_are_given_the_jwk() -> None:
    from rotation.consumers.keys import Keys

    given = Credential("shop-jwt", makes({"algorithm": "HS256"}), "", None, "")
    whole = {"jwk": "{password}", "signer": "{username}"}
    assert Keys(whole).read(Keys(whole).render(given)) == given
    with pytest.raises(TargetInvalid, match="cannot hold this password"):
        Keys({"key": "{password|pem}", "signer": "{username}"}).render(given)


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


GRANTED = {"JwksHosts": "other:8201,Vault.example:8200", "JwksLoginSecretArn": "arn:login", "JwksReaderSecretArn": "arn:reader"}


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        (GRANTED, []),
        (
            {**GRANTED, "JwksHosts": "other"},
            ["source.vault vault.example: the functions may ask other for a JWKS (parameter JwksHosts)"],
        ),
        (
            {**GRANTED, "JwksLoginSecretArn": "none"},
            ["source.vault login.secret arn:login: the roles may read none (parameter JwksLoginSecretArn)"],
        ),
        (
            {**GRANTED, "JwksReaderSecretArn": "arn:other"},
            ["source.vault reader.secret arn:reader: the roles may read arn:other (parameter JwksReaderSecretArn)"],
        ),
        ({}, ["may ask none", "login.secret arn:login", "reader.secret arn:reader"]),
    ],
)
def test_a_vault_that_the_roles_do_not_reach_is_said(parameters: dict[str, str], said: list[str]) -> None:
    vault = {**VAULT, "reader": {"method": "approle", "role": "0d4d", "secret": "arn:reader"}}
    found = [*KIND.beyond(target(jwks=None, vault=vault).source.settings, parameters)]
    assert [words in one for one, words in zip(found, said, strict=True)] == [True] * len(said)


def test_two_signers_of_one_name_do_not_clash() -> None:
    """Each has its own record, and nobody alters the other's keys."""
    entry = {"username": "shop-jwt", "password": password().reveal()}
    record = Record({"active_slot": "A", "turns": VALUES, "A": entry, "B": entry})
    assert not [what for field, what in own(target(), record) if field.startswith("slot_secret, ")]
