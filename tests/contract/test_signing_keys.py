"""Signing keys: the JWKS as S3, OpenBao and `make faults` have it, and keys as somebody else's library reads them (joserfc)."""

import json
import time
import traceback
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet as Judge
from joserfc.jwk import OKPKey
from rotation.core.errors import (
    PrimaryUnknown,
    RotationError,
    SecretInvalid,
    SourceBusy,
    SourceRefused,
    SourceUnreachable,
    TargetInvalid,
    VaultDenied,
    VaultMountMissing,
    VaultNotVersioned,
    VaultSealed,
    VaultTokenExpired,
)
from rotation.core.findings import Finding, Severity
from rotation.core.jwk import KeySet, is_symmetric, parse
from rotation.core.model import NO_KEY, Credential, Password, SecretText
from rotation.core.pem import from_pem, to_pem
from rotation.kinds.target import parse_target
from rotation.ports import Surroundings
from rotation.sources.signing_key.adapter import SigningKeys, make
from rotation.sources.signing_key.in_vault import VaultPath
from rotation.sources.signing_key.place import Place, S3Object
from rotation.sources.signing_key.signing import new_key, signed
from rotation.vault import kv
from rotation.vault.login import Session
from rotation.vault.server import Answer, Server

from local.aws import LocalAws
from local.leftovers import Leftovers
from local.ports import free_port
from local.vault import policies
from local.vault.policies import READS, REPLACES
from local.vault.server import OpenBao
from tests.worlds.jwks import DOCUMENT, Jwks
from tests.worlds.vault import MOUNT, PATH, Given, KeyValues, MemoryVault

BUCKET, KEY = "verifiers-read-this", "well-known/jwks.json"
PUBLISHED, SECRET = "S3", "OpenBao"
WITH_PUBLIC_PARTS = ("EdDSA", "ES256", "RS256")
ALGORITHMS = (*WITH_PUBLIC_PARTS, "HS256")
PLACED = [*((PUBLISHED, one) for one in WITH_PUBLIC_PARTS), *((SECRET, one) for one in ALGORITHMS)]
SAYS = {"ContentType": "application/jwk-set+json", "CacheControl": "public, max-age=60", "Metadata": {"of": "somebody"}}
THEIRS = {"kty": "OKP", "crv": "Ed25519", "x": "l8hmNK9DC2Xj5Oj63BtCDOfBredWr52QZhbsAP0bgv4", "kid": "theirs", "x-note": [1, None]}
OF_ANOTHER_KIND = {"kty": "EC", "crv": "P-521", "x": "AQ", "y": "Ag", "kid": "of another kind", "key_ops": ["verify"]}
KEPT = [THEIRS, OF_ANOTHER_KIND]
BESIDE = {"owner": "shop", "a key of somebody else": {"nested": [1, None]}}
FIELD = "jwks"


@pytest.fixture(scope="module")
def keys() -> dict[str, list[Password]]:
    """To make one of RSA takes a moment."""
    return {algorithm: [new_key(algorithm) for _ in range(2)] for algorithm in ALGORITHMS}


@pytest.fixture(scope="module", autouse=True)
def _bucket(aws: LocalAws) -> None:
    aws.client("s3").create_bucket(Bucket=BUCKET)


@pytest.fixture(scope="module")
def vault() -> Iterator[OpenBao]:
    with Leftovers() as run, OpenBao(run.directory / "vault", run.environment) as vault:
        policies.mount(vault)
        yield vault


@pytest.fixture(autouse=True)
def _environment(aws: LocalAws, adapters_use: Callable[[LocalAws], None]) -> None:
    adapters_use(aws)


def login(password: Password) -> Credential:
    return Credential("shop-jwt", password, "", None, "")


def put(aws: LocalAws, text: str | bytes, **more: Any) -> None:
    aws.client("s3").put_object(Bucket=BUCKET, Key=KEY, Body=text, **{**SAYS, **more})


def of(*ours: Password) -> str:
    found = KeySet({"issuer": "https://shop.example", "keys": KEPT}, secret=True)
    for one in ours:
        found = found.with_key(parse(one))
    return found.text().reveal()


@dataclass
class InS3:
    """An object, as somebody else reads and writes it."""

    aws: LocalAws
    place: Place

    def put(self, text: str) -> None:
        put(self.aws, text)

    def text(self) -> str:
        return str(self.aws.client("s3").get_object(Bucket=BUCKET, Key=KEY)["Body"].read().decode())

    def published(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text())
        return found


class InVault:
    """A field of a path of a real OpenBao, read by one role and replaced by another."""

    def __init__(self, vault: OpenBao, text: str = '{"keys": []}', field: str = FIELD) -> None:
        self.vault, self.path, self.field = vault, f"shop/{uuid.uuid4()}", field
        self.server = Server(vault.address, vault.ca_pem, "1.3", "")
        self.put(text)
        self.place = self.made()

    def made(self, replaces: str = REPLACES, reads: str = READS, mount: str = MOUNT) -> VaultPath:
        called = uuid.uuid4().hex[:8]
        writer, reader = (self.session(f"{one}-{called}", policy, mount) for one, policy in (("w", replaces), ("r", reads)))
        return VaultPath(kv.Place(mount, self.path), self.field, writer, reader)

    def session(self, called: str, policy: str, mount: str = MOUNT) -> Session:
        role = policies.role(self.vault, called, self.path, policy, mount)
        return Session(self.server, Given(body={"role_id": role.role_id, "secret_id": role.secret_id}))

    def put(self, text: Any) -> None:
        policies.write(self.vault, self.path, {**BESIDE, self.field: text})

    def held(self) -> dict[str, Any]:
        found: dict[str, Any] = self.vault.asks("GET", f"{MOUNT}/data/{self.path}")["data"]["data"]
        return found

    def text(self) -> str:
        return str(self.held()[self.field])

    def published(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text())
        return found


def here_of(where: str, request: pytest.FixtureRequest) -> InS3 | InVault:
    if where == SECRET:
        return InVault(request.getfixturevalue("vault"))
    aws: LocalAws = request.getfixturevalue("aws")
    put(aws, '{"keys": []}')
    return InS3(aws, S3Object(f"s3://{BUCKET}/{KEY}"))


def judged(jwks: dict[str, Any], token: str) -> bool:
    """By a library that is not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # RFC 9864 has another name for EdDSA
        known = Judge.import_key_set({"keys": [key for key in jwks["keys"] if key["kid"] != OF_ANOTHER_KIND["kid"]]})
        try:
            jwt.decode(token, known, algorithms=[*ALGORITHMS])
        except (JoseError, ValueError):
            return False
    return True


def replace(place: Place, text: str) -> None:
    place.put(SecretText(text), place.get())


def read(place: Place) -> Any:
    return json.loads(place.get().text.reveal())


class APlace:
    """What the adapter relies on in a place, whatever it is."""

    def test_what_was_put_is_read_and_is_another_state(self, place: Place) -> None:
        before = place.get()
        place.put(SecretText(of()), before)
        after = place.get()
        assert read(place) == json.loads(of())
        assert after.tag != before.tag
        assert after.age_seconds < 5

    def test_only_the_state_that_was_seen_is_replaced(self, place: Place) -> None:
        before = place.get()
        place.put(SecretText('{"keys": [], "by": "somebody else"}'), before)
        with pytest.raises(SourceBusy, match="was changed by somebody else"):
            place.put(SecretText(of()), before)
        assert read(place)["by"] == "somebody else"

    def test_a_call_that_comes_late_replaces_nothing(self, place: Place) -> None:
        late = place.get()
        for text in ('{"keys": [], "n": 1}', '{"keys": [], "n": 2}'):
            replace(place, text)
        with pytest.raises(SourceBusy):
            place.put(SecretText(of()), late)

    def test_the_same_once_more_does_no_harm(self, place: Place) -> None:
        replace(place, of())
        replace(place, of())
        assert read(place) == json.loads(of())

    def test_what_it_holds_does_not_show_itself(self, place: Place) -> None:
        replace(place, '{"keys": [], "canary": 1}')
        assert "canary" not in repr(place.get())


class TestS3(APlace):
    @pytest.fixture
    def place(self, aws: LocalAws) -> S3Object:
        put(aws, '{"keys": []}')
        return S3Object(f"s3://{BUCKET}/{KEY}")

    def test_what_the_object_says_of_itself_stays(self, aws: LocalAws, place: S3Object) -> None:
        replace(place, of())
        found = aws.client("s3").get_object(Bucket=BUCKET, Key=KEY)
        assert {what: found[what] for what in SAYS} == SAYS

    def test_how_long_it_lets_itself_be_kept(self, aws: LocalAws, place: S3Object) -> None:
        assert place.get().may_be_kept == 60
        put(aws, of(), CacheControl="max-age=5, s-maxage=900")
        assert place.get().may_be_kept == 900
        put(aws, of(), CacheControl="no-store")
        assert place.get().may_be_kept is None

    @pytest.mark.parametrize("url", [f"s3://{BUCKET}/no-such.json", "s3://no-such-bucket/jwks.json"])
    def test_one_that_is_not_there_is_said_with_the_way_out(self, url: str) -> None:
        with pytest.raises(SourceRefused, match=f"there is no {url}: put a JWKS there"):
            S3Object(url).get()

    def test_one_that_was_deleted_meanwhile_is_not_made_anew(self, aws: LocalAws, place: S3Object) -> None:
        before = place.get()
        aws.client("s3").delete_object(Bucket=BUCKET, Key=KEY)
        with pytest.raises((SourceRefused, SourceBusy)):
            place.put(SecretText(of()), before)

    def test_it_is_read_in_whichever_way_of_unicode_it_is_written(self, aws: LocalAws, place: S3Object) -> None:
        for way in ("utf-8-sig", "utf-16"):
            put(aws, of().encode(way))
            assert read(place) == json.loads(of())
        put(aws, b'{"keys": ["\xff"]}')
        with pytest.raises(SourceRefused, match="is no text"):
            place.get()

    def test_no_answer_is_no_state(self, monkeypatch: pytest.MonkeyPatch, place: S3Object) -> None:
        from rotation.aws import client

        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        client.client.cache_clear()
        with pytest.raises(SourceUnreachable, match="could not be read"):
            place.get()


class TestOpenBao(APlace):
    @pytest.fixture
    def here(self, vault: OpenBao) -> InVault:
        return InVault(vault)

    @pytest.fixture
    def place(self, here: InVault) -> VaultPath:
        return here.place

    def test_what_else_is_in_the_path_stays(self, here: InVault) -> None:
        replace(here.place, of())
        assert {key: here.held()[key] for key in BESIDE} == BESIDE

    def test_nothing_of_ours_is_left_beside_it(self, here: InVault) -> None:
        said = {"custom_metadata": {"owner": "shop"}, "max_versions": 4, "cas_required": True}
        here.vault.asks("POST", f"{MOUNT}/metadata/{here.path}", said)
        replace(here.place, of())
        about = here.vault.asks("GET", f"{MOUNT}/metadata/{here.path}")["data"]
        assert {name: about[name] for name in said} == said

    def test_it_is_as_old_as_its_version_by_the_server_s_clock(self, here: InVault, monkeypatch: pytest.MonkeyPatch) -> None:
        ask = here.server.ask

        def an_hour_later(*given: Any, **more: Any) -> Answer:
            answer = ask(*given, **more)
            assert answer.at is not None
            return Answer(answer.status, answer.said, answer.at + 3600)

        monkeypatch.setattr(here.server, "ask", an_hour_later)
        assert 3590 < here.place.get().age_seconds < 3660
        policies.write(here.vault, here.path, {**here.held(), "owner": "another"})
        assert 3590 < here.place.get().age_seconds < 3660, "another field makes the wait longer, never shorter"

    def test_a_server_that_does_not_say_what_time_it_is_is_refused(self) -> None:
        held = KeyValues()
        held.put({FIELD: of()})
        session = Session(MemoryVault(held), Given())
        with pytest.raises(SourceRefused, match="does not say since when it is so"):
            VaultPath(kv.Place(MOUNT, PATH), FIELD, session, session).get()

    def test_its_log_has_nothing_of_a_symmetric_key(self, here: InVault, keys: dict[str, list[Password]]) -> None:
        replace(here.place, of(*keys["HS256"]))
        log = here.vault.audit_log.read_text()
        assert here.path in log
        assert not [one for one in keys["HS256"] if secret_of(one) in log]

    @pytest.mark.parametrize("held", [None, "", {"keys": []}, 1])
    def test_a_field_that_holds_no_text_is_named(self, here: InVault, held: Any) -> None:
        here.put(held)
        with pytest.raises(SourceRefused, match=f"path secret/{here.path}, field jwks is missing, empty or no text"):
            here.place.get()

    def test_another_field_may_be_named(self, vault: OpenBao) -> None:
        here = InVault(vault, of(), "keys")
        replace(here.place, '{"keys": []}')
        assert here.held() == {**BESIDE, "keys": '{"keys": []}'}

    def test_one_that_is_not_there_is_said_with_the_way_out_and_not_made(self, here: InVault) -> None:
        before = here.place.get()
        here.vault.asks("DELETE", f"{MOUNT}/metadata/{here.path}")
        for act in (here.place.get, lambda: here.place.put(SecretText(of()), before)):
            with pytest.raises(SourceRefused, match=f"there is no .*secret/{here.path}, field jwks: put a JWKS there"):
                act()

    def test_one_that_somebody_deleted_is_said_to_be(self, here: InVault) -> None:
        before = here.place.get()
        here.vault.asks("POST", f"{MOUNT}/delete/{here.path}", {"versions": [1]})
        with pytest.raises(SourceRefused, match="is deleted or destroyed: put a JWKS that has the key in use there anew"):
            here.place.get()
        with pytest.raises(SourceRefused, match="put a JWKS "):
            here.place.put(SecretText(of()), before)

    def test_who_may_not_is_told_which_path_and_verify_what_mends_it(self, here: InVault) -> None:
        blind = here.made(reads='path "nothing" {{ capabilities = ["read"] }}')
        with pytest.raises(VaultDenied, match=f"GET secret/data/{here.path}: the policies of the role"):
            blind.get()
        idle = here.made(replaces=READS)
        with pytest.raises(VaultDenied, match=f"PATCH secret/data/{here.path}"):
            replace(idle, of())
        (failed,) = (one for one in idle.look(time.time()) if one.severity is Severity.FAILED)
        assert failed.found == f"may not patch secret/data/{here.path}"
        assert failed.mend.endswith(f'path "secret/data/{here.path}" {{ capabilities = ["patch"] }}')

    def test_verify_finds_that_it_may_and_for_how_long_both_can_log_in(self, here: InVault) -> None:
        assert all_well(here.place) == ["Vault permission", "Vault login", "Vault login"]
        session = here.session(f"a-{uuid.uuid4().hex[:8]}", REPLACES.replace('["patch"]', '["read", "patch"]'))
        alone = VaultPath(kv.Place(MOUNT, here.path), FIELD, session, session)
        assert all_well(alone) == ["Vault permission", "Vault login"]

    def test_a_mount_that_is_none_or_has_no_versions(self, here: InVault) -> None:
        with pytest.raises(VaultMountMissing, match="correct mount"):
            here.made(mount="nowhere").get()
        plain = f"plain-{uuid.uuid4().hex[:6]}"
        here.vault.asks("POST", f"sys/mounts/{plain}", {"type": "kv", "options": {"version": "1"}})
        with pytest.raises(VaultNotVersioned, match="no check-and-set"):
            here.made(mount=plain).get()

    def test_a_token_that_ended_is_another_thing_and_the_next_try_logs_in_anew(self, here: InVault) -> None:
        here.place.get()
        here.vault.asks("POST", "auth/token/revoke", {"token": here.place._reader.token.reveal()})
        with pytest.raises(VaultTokenExpired):
            here.place.get()
        assert here.place.get().tag == "1"

    def test_a_sealed_one_is_called_sealed(self, here: InVault) -> None:
        here.vault.seal()
        try:
            with pytest.raises(VaultSealed, match="unseal it"):
                here.place.get()
        finally:
            here.vault.unseal()

    def test_no_answer_is_no_state(self, here: InVault) -> None:
        here.server = Server(f"https://127.0.0.1:{free_port()}", here.vault.ca_pem, "1.3", "")
        with pytest.raises(SourceUnreachable, match="did not answer"):
            here.made().get()


def all_well(place: VaultPath) -> list[str]:
    found: list[Finding] = [*place.look(time.time())]
    assert {one.severity for one in found} == {Severity.OK}
    return [one.what for one in found]


class TestInMemory(APlace):
    """What `make faults` explores."""

    @pytest.fixture
    def place(self) -> Jwks:
        return Jwks(time.time)


class TestKeys:
    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_what_it_signs_another_library_verifies_with_the_public_part(
        self, algorithm: str, keys: dict[str, list[Password]]
    ) -> None:
        ours, other = keys[algorithm]
        assert judged(json.loads(of(ours)), signed(ours))
        assert not judged(json.loads(of(other)), signed(ours))

    @pytest.mark.parametrize("algorithm", WITH_PUBLIC_PARTS)
    def test_as_pem_it_is_the_same_key_and_comes_back_to_the_letter(self, algorithm: str, keys: dict[str, list[Password]]) -> None:
        text = keys[algorithm][0].reveal()
        pem = to_pem(text)
        assert pem.startswith("-----BEGIN PRIVATE KEY-----\n")
        assert [from_pem(one) for one in (pem, f"{pem}\n", pem.replace("\n", "\r\n"))] == [text] * 3

    @pytest.mark.parametrize("algorithm", WITH_PUBLIC_PARTS)
    def test_its_name_is_its_thumbprint_as_another_library_computes_it(
        self, algorithm: str, keys: dict[str, list[Password]]
    ) -> None:
        key = json.loads(keys[algorithm][0].reveal())
        assert Judge.import_key_set({"keys": [key]}).keys[0].thumbprint() == key["kid"]

    def test_parts_that_do_not_fit_each_other_are_no_key(self, keys: dict[str, list[Password]]) -> None:
        one, other = (json.loads(key.reveal()) for key in keys["EdDSA"])
        with pytest.raises(SecretInvalid, match="its parts do not fit each other"):
            signed(Password(json.dumps({**one, "x": other["x"]})))


@pytest.fixture(params=PLACED, ids="-".join)
def placed(request: pytest.FixtureRequest, keys: dict[str, list[Password]]) -> tuple[InS3 | InVault, list[Password]]:
    """Where the set is, and two keys, of which the first is in use."""
    where, algorithm = request.param
    here, pair = here_of(where, request), keys[algorithm]
    here.put(of(pair[0]))
    return here, pair


@pytest.fixture
def here(placed: tuple[InS3 | InVault, list[Password]]) -> InS3 | InVault:
    return placed[0]


@pytest.fixture
def pair(placed: tuple[InS3 | InVault, list[Password]]) -> list[Password]:
    return placed[1]


@pytest.fixture
def source(here: InS3 | InVault) -> SigningKeys:
    return SigningKeys(here.place, 60)


class TestSource:
    def test_a_rotation(self, here: InS3 | InVault, source: SigningKeys, pair: list[Password]) -> None:
        old, new = pair
        assert (source.logs_in(login(old)), source.logs_in(login(new))) == (True, False)
        for needs in (True, False):
            with source.as_admin(NO_KEY) as session:
                assert session.needs_retain("shop-jwt", old, new) is needs
                session.set_password("shop-jwt", new, retain=True)
        assert (
            [source.logs_in(login(one)) for one in pair] == [judged(here.published(), signed(one)) for one in pair] == [True, True]
        )
        assert here.published()["keys"][:2] == KEPT
        for needs in (True, False):
            with source.as_admin(NO_KEY) as session:
                assert session.needs_discard("shop-jwt", new, old) is needs
                session.discard_old_password("shop-jwt", new)
        assert (source.refuses(login(old)), source.refuses(login(new)), source.logs_in(login(new))) == (True, False, True)
        assert [judged(here.published(), signed(one)) for one in pair] == [False, True]
        assert here.published() == {"issuer": "https://shop.example", "keys": [*KEPT, json.loads(of(new))["keys"][-1]]}
        assert ("k" in here.published()["keys"][-1]) is is_symmetric(parse(new))
        assert not {"d", "p", "q"} & {part for key in here.published()["keys"] for part in key}

    def test_it_settles_when_it_is_older_than_verifiers_keep_it(self, source: SigningKeys, pair: list[Password]) -> None:
        assert 55 < source.settles_in() <= 63
        with source.as_admin(NO_KEY) as session:
            session.set_password("shop-jwt", pair[1], retain=True)
        assert 58 < source.settles_in() <= 63

    def test_what_is_in_use_and_not_there_stops_everything(self, source: SigningKeys, pair: list[Password]) -> None:
        with source.as_admin(NO_KEY) as session:
            for ask in (session.needs_retain, session.needs_discard):
                with raises(PrimaryUnknown, "does not have the key that shop-jwt signs with", pair):
                    ask("shop-jwt", pair[1], pair[0])
        with source.as_admin(NO_KEY) as session:
            assert session.needs_discard("shop-jwt", pair[0], pair[1]) is False
            with raises(PrimaryUnknown, "start mode sync-users", pair):
                session.discard_old_password("shop-jwt", pair[1])

    def test_one_key_in_both_slots_is_refused(self, source: SigningKeys, pair: list[Password]) -> None:
        with source.as_admin(NO_KEY) as session, raises(SecretInvalid, "one key of shop-jwt in both slots", pair):
            session.needs_retain("shop-jwt", pair[0], pair[0])

    def test_another_key_of_the_same_name_is_refused(self, here: InS3 | InVault, source: SigningKeys, pair: list[Password]) -> None:
        name = json.loads(pair[1].reveal())["kid"]
        here.put(json.dumps({"keys": [*json.loads(of(pair[0]))["keys"], {**THEIRS, "kid": name}]}))
        with source.as_admin(NO_KEY) as session, raises(SourceRefused, "Give that one another kid", pair):
            session.needs_retain("shop-jwt", pair[0], pair[1])
        assert not source.logs_in(login(pair[1]))

    def test_a_key_that_goes_by_another_name_there_is_known_by_what_it_is(
        self, here: InS3 | InVault, source: SigningKeys, pair: list[Password]
    ) -> None:
        """As a person has published it, long before us."""
        *others, ours = json.loads(of(pair[0]))["keys"]
        here.put(json.dumps({"keys": [*others, {**ours, "kid": "2023"}]}))
        assert source.logs_in(login(pair[0]))
        with source.as_admin(NO_KEY) as session:
            assert session.needs_retain("shop-jwt", *pair)
            session.set_password("shop-jwt", pair[1], retain=True)
        with source.as_admin(NO_KEY) as session:
            assert session.needs_discard("shop-jwt", pair[1], pair[0])
            session.discard_old_password("shop-jwt", pair[1])
        assert source.refuses(login(pair[0]))

    def test_what_somebody_puts_between_our_look_and_our_act_stays(
        self, here: InS3 | InVault, source: SigningKeys, pair: list[Password]
    ) -> None:
        with source.as_admin(NO_KEY) as session:
            here.put(json.dumps({"keys": [*json.loads(of(pair[0]))["keys"], {**THEIRS, "kid": "of this moment"}]}))
            with raises(SourceBusy, "at the same moment", pair):
                session.set_password("shop-jwt", pair[1], retain=True)
        assert "of this moment" in [key["kid"] for key in here.published()["keys"]]

    def test_nothing_that_nobody_asked_about_is_taken_out(
        self, here: InS3 | InVault, source: SigningKeys, pair: list[Password]
    ) -> None:
        here.put(of(*pair))
        with source.as_admin(NO_KEY) as session:
            session.discard_old_password("shop-jwt", pair[0])
        assert here.published() == json.loads(of(*pair))

    def test_mode_verify_sees_what_is_there(self, here: InS3 | InVault, source: SigningKeys) -> None:
        seen = source.inspect(NO_KEY, ["shop-jwt"])
        assert f"is a JWKS of 3 {'keys' if here.place.secret else 'public keys'}" in seen.said
        assert (seen.lacking, seen.remarks, seen.dual_passwords) == ((), (), True)
        assert {one.severity for one in source.look(time.time())} <= {Severity.OK}


def test_mode_verify_sees_for_how_long_verifiers_are_told_to_keep_it(aws: LocalAws) -> None:
    put(aws, of(), CacheControl="max-age=3600")
    ((found, mend),) = SigningKeys(S3Object(f"s3://{BUCKET}/{KEY}"), 60).inspect(NO_KEY, []).remarks
    assert "lets verifiers keep it for 3600 s, and jwks_cache_seconds is 60" in found
    assert "set jwks_cache_seconds" in mend


def test_from_a_set_of_symmetric_keys_to_public_ones_and_no_token_is_refused(
    vault: OpenBao, keys: dict[str, list[Password]]
) -> None:
    old, new = keys["HS256"][0], keys["EdDSA"][0]
    here = InVault(vault, of(old))
    source = SigningKeys(here.place, 60)
    with source.as_admin(NO_KEY) as session:
        assert session.needs_retain("shop-jwt", old, new)
        session.set_password("shop-jwt", new, retain=True)
    assert [judged(here.published(), signed(one)) for one in (old, new)] == [True, True]
    with source.as_admin(NO_KEY) as session:
        assert session.needs_discard("shop-jwt", new, old)
        session.discard_old_password("shop-jwt", new)
    assert (source.refuses(login(old)), source.logs_in(login(new))) == (True, True)
    assert "oct" not in here.text()


def test_a_symmetric_key_is_put_nowhere_that_everybody_reads(aws: LocalAws, keys: dict[str, list[Password]]) -> None:
    put(aws, of(keys["EdDSA"][0]))
    source, pair = SigningKeys(S3Object(f"s3://{BUCKET}/{KEY}"), 60), keys["HS256"]
    with source.as_admin(NO_KEY) as session, raises(SecretInvalid, "whoever verifies HS256", pair):
        session.set_password("shop-jwt", pair[1], retain=True)
    assert InS3(aws, S3Object("")).published() == json.loads(of(keys["EdDSA"][0]))


def test_a_vault_that_the_stack_does_not_name_is_asked_nothing(vault: OpenBao) -> None:
    place = {"address": vault.address, "ca": vault.ca_pem, "mount": MOUNT, "path": "shop/jwks"}
    limits = {"jwks_cache_seconds": 1, "token_life_seconds": 1, "algorithm": "HS256"}
    given = {"kind": "signing-key", "vault": {**place, "login": {"method": "aws", "role": "shop"}}, **limits}
    settings = parse_target("shop", json.dumps({**DOCUMENT, "source": given})).source.settings
    before = vault.audit_log.read_text()
    with pytest.raises(TargetInvalid, match=r"keeps signing keys only at other \(parameter JwksHosts"):
        make(settings, Surroundings("shop", "", jwks_hosts=frozenset(["other"])))
    assert vault.audit_log.read_text() == before
    named = make(settings, Surroundings("shop", "", jwks_hosts=frozenset([f"127.0.0.1:{vault.port}"])))
    assert isinstance(named, SigningKeys)


PRIVATE = OKPKey.generate_key("Ed25519", {"kid": "published by mistake"}).as_dict(private=True)
SYMMETRIC = {"kty": "oct", "k": "c2VjcmV0", "kid": "symmetric"}
BAD = {
    "no JSON": ("<html>", "is not JSON: verifiers cannot read it either"),
    "a list": ("[]", "is no JWKS"),
    "no keys": ("{}", "is no JWKS"),
    "a text for a key": ('{"keys": ["a"]}', "is no JWKS"),
    "a private key": (json.dumps({"keys": [PRIVATE]}), r"keys\[0\] holds a private "),
    "a symmetric key": (json.dumps({"keys": [THEIRS, SYMMETRIC]}), r"keys\[1\] holds a private or symmetric key"),
}


@pytest.mark.parametrize("where", [PUBLISHED, SECRET])
@pytest.mark.parametrize("name", BAD)
def test_a_jwks_that_verifiers_should_not_read_is_refused_by_name(
    request: pytest.FixtureRequest, keys: dict[str, list[Password]], name: str, where: str
) -> None:
    here = here_of(where, request)
    text, said = BAD[name]
    here.put(text)
    source, pair = SigningKeys(here.place, 60), keys["EdDSA"]
    if where == SECRET and name == "a symmetric key":
        assert "is a JWKS of 2 keys" in source.inspect(NO_KEY, []).said
        return
    for ask in (lambda: source.logs_in(login(pair[0])), lambda: source.inspect(NO_KEY, [])):
        with raises(SourceRefused, said, pair):
            ask()
    with raises(SourceRefused, said, pair), source.as_admin(NO_KEY):
        pass
    assert here.text() == text


def secret_of(key: Password) -> str:
    """What alone lets anybody sign."""
    found = json.loads(key.reveal())
    return str(found.get("d") or found["k"])


class raises:  # noqa: N801 - as pytest's own
    """That error, with nothing of a private key in it or in its traceback."""

    def __init__(self, kind: type[RotationError], said: str, keys: list[Password]) -> None:
        self._inner: Any = pytest.raises(kind, match=said)
        self._secret = [*(secret_of(key) for key in keys), str(PRIVATE["d"]), SYMMETRIC["k"]]

    def __enter__(self) -> None:
        self._caught = self._inner.__enter__()

    def __exit__(self, *given: object) -> bool:
        caught = bool(self._inner.__exit__(*given))
        shown = "".join(traceback.format_exception(self._caught.value))
        assert not [one for one in self._secret if one in shown]
        return caught


@pytest.fixture(autouse=True)
def _nothing_is_left(aws: LocalAws) -> Iterator[None]:
    yield
    aws.client("s3").delete_object(Bucket=BUCKET, Key=KEY)
