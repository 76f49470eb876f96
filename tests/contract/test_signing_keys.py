"""Signing keys: the JWKS as S3 has it and as `make faults` does, and keys as somebody else's library reads them (joserfc)."""

import json
import traceback
import warnings
from collections.abc import Callable, Iterator
from time import time
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
)
from rotation.core.jwk import KeySet, parse
from rotation.core.model import NO_KEY, Credential, Password
from rotation.core.pem import from_pem, to_pem
from rotation.sources.signing_key.adapter import SigningKeys
from rotation.sources.signing_key.place import Place, S3Object
from rotation.sources.signing_key.signing import new_key, signed

from local.aws import LocalAws
from tests.worlds.jwks import Jwks

BUCKET, KEY = "verifiers-read-this", "well-known/jwks.json"
ALGORITHMS = ("EdDSA", "ES256", "RS256")
SAYS = {"ContentType": "application/jwk-set+json", "CacheControl": "public, max-age=60", "Metadata": {"of": "somebody"}}
THEIRS = {"kty": "OKP", "crv": "Ed25519", "x": "l8hmNK9DC2Xj5Oj63BtCDOfBredWr52QZhbsAP0bgv4", "kid": "theirs", "x-note": [1, None]}
OF_ANOTHER_KIND = {"kty": "EC", "crv": "P-521", "x": "AQ", "y": "Ag", "kid": "of another kind", "key_ops": ["verify"]}
KEPT = [THEIRS, OF_ANOTHER_KIND]


@pytest.fixture(scope="module")
def keys() -> dict[str, list[Password]]:
    """To make one of RSA takes a moment."""
    return {algorithm: [new_key(algorithm) for _ in range(2)] for algorithm in ALGORITHMS}


@pytest.fixture(scope="module", autouse=True)
def _bucket(aws: LocalAws) -> None:
    aws.client("s3").create_bucket(Bucket=BUCKET)


@pytest.fixture(autouse=True)
def _environment(aws: LocalAws, adapters_use: Callable[[LocalAws], None]) -> None:
    adapters_use(aws)


def login(password: Password) -> Credential:
    return Credential("shop-jwt", password, "", None, "")


def put(aws: LocalAws, text: str | bytes, **more: Any) -> None:
    aws.client("s3").put_object(Bucket=BUCKET, Key=KEY, Body=text, **{**SAYS, **more})


def of(*ours: Password) -> str:
    found = KeySet({"issuer": "https://shop.example", "keys": KEPT})
    for one in ours:
        found = found.with_key(parse(one))
    return found.text()


def published(aws: LocalAws) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(aws.client("s3").get_object(Bucket=BUCKET, Key=KEY)["Body"].read())
    return found


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


class APlace:
    """What the adapter relies on in a place, whatever it is."""

    def test_what_was_put_is_read_and_is_another_state(self, place: Place) -> None:
        before = place.get()
        place.put(of(), before)
        after = place.get()
        assert json.loads(after.text) == json.loads(of())
        assert after.tag != before.tag
        assert after.age_seconds < 5

    def test_only_the_state_that_was_seen_is_replaced(self, place: Place) -> None:
        before = place.get()
        place.put('{"keys": [], "by": "somebody else"}', before)
        with pytest.raises(SourceBusy, match="was changed by somebody else"):
            place.put(of(), before)
        assert json.loads(place.get().text)["by"] == "somebody else"

    def test_a_call_that_comes_late_replaces_nothing(self, place: Place) -> None:
        late = place.get()
        for text in ('{"keys": [], "n": 1}', '{"keys": [], "n": 2}'):
            place.put(text, place.get())
        with pytest.raises(SourceBusy):
            place.put(of(), late)

    def test_the_same_once_more_does_no_harm(self, place: Place) -> None:
        place.put(of(), place.get())
        place.put(of(), place.get())
        assert json.loads(place.get().text) == json.loads(of())


class TestS3(APlace):
    @pytest.fixture
    def place(self, aws: LocalAws) -> S3Object:
        put(aws, '{"keys": []}')
        return S3Object(f"s3://{BUCKET}/{KEY}")

    def test_what_the_object_says_of_itself_stays(self, aws: LocalAws, place: S3Object) -> None:
        place.put(of(), place.get())
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
            place.put(of(), before)

    def test_no_answer_is_no_state(self, monkeypatch: pytest.MonkeyPatch, place: S3Object) -> None:
        from rotation.aws import client

        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        client.client.cache_clear()
        with pytest.raises(SourceUnreachable, match="could not be read"):
            place.get()


class TestInMemory(APlace):
    """What `make faults` explores."""

    @pytest.fixture
    def place(self) -> Jwks:
        return Jwks(time)


class TestKeys:
    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_what_it_signs_another_library_verifies_with_the_public_part(
        self, algorithm: str, keys: dict[str, list[Password]]
    ) -> None:
        ours, other = keys[algorithm]
        assert judged(json.loads(of(ours)), signed(ours))
        assert not judged(json.loads(of(other)), signed(ours))

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_as_pem_it_is_the_same_key_and_comes_back_to_the_letter(self, algorithm: str, keys: dict[str, list[Password]]) -> None:
        text = keys[algorithm][0].reveal()
        pem = to_pem(text)
        assert pem.startswith("-----BEGIN PRIVATE KEY-----\n")
        assert [from_pem(one) for one in (pem, f"{pem}\n", pem.replace("\n", "\r\n"))] == [text] * 3

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_its_name_is_its_thumbprint_as_another_library_computes_it(
        self, algorithm: str, keys: dict[str, list[Password]]
    ) -> None:
        key = json.loads(keys[algorithm][0].reveal())
        assert Judge.import_key_set({"keys": [key]}).keys[0].thumbprint() == key["kid"]

    def test_parts_that_do_not_fit_each_other_are_no_key(self, keys: dict[str, list[Password]]) -> None:
        one, other = (json.loads(key.reveal()) for key in keys["EdDSA"])
        with pytest.raises(SecretInvalid, match="its parts do not fit each other"):
            signed(Password(json.dumps({**one, "x": other["x"]})))


@pytest.fixture(params=ALGORITHMS)
def pair(request: pytest.FixtureRequest, keys: dict[str, list[Password]]) -> list[Password]:
    return keys[request.param]


@pytest.fixture
def source(aws: LocalAws, pair: list[Password]) -> SigningKeys:
    """The first is in use."""
    put(aws, of(pair[0]))
    return SigningKeys(S3Object(f"s3://{BUCKET}/{KEY}"), 60)


class TestSource:
    def test_a_rotation(self, aws: LocalAws, source: SigningKeys, pair: list[Password]) -> None:
        old, new = pair
        assert (source.logs_in(login(old)), source.logs_in(login(new))) == (True, False)
        for needs in (True, False):
            with source.as_admin(NO_KEY) as session:
                assert session.needs_retain("shop-jwt", old, new) is needs
                session.set_password("shop-jwt", new, retain=True)
        assert [source.logs_in(login(one)) for one in pair] == [judged(published(aws), signed(one)) for one in pair] == [True, True]
        assert published(aws)["keys"][:2] == KEPT
        for needs in (True, False):
            with source.as_admin(NO_KEY) as session:
                assert session.needs_discard("shop-jwt", new, old) is needs
                session.discard_old_password("shop-jwt", new)
        assert (source.refuses(login(old)), source.refuses(login(new)), source.logs_in(login(new))) == (True, False, True)
        assert [judged(published(aws), signed(one)) for one in pair] == [False, True]
        assert published(aws) == {"issuer": "https://shop.example", "keys": [*KEPT, json.loads(of(new))["keys"][-1]]}
        assert not {"d", "p", "q", "k"} & {part for key in published(aws)["keys"] for part in key}

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

    def test_another_key_of_the_same_name_is_refused(self, aws: LocalAws, source: SigningKeys, pair: list[Password]) -> None:
        name = json.loads(pair[1].reveal())["kid"]
        put(aws, json.dumps({"keys": [*json.loads(of(pair[0]))["keys"], {**THEIRS, "kid": name}]}))
        with source.as_admin(NO_KEY) as session, raises(SourceRefused, "Give that one another kid", pair):
            session.needs_retain("shop-jwt", pair[0], pair[1])
        assert not source.logs_in(login(pair[1]))

    def test_a_key_that_goes_by_another_name_there_is_known_by_what_it_is(
        self, aws: LocalAws, source: SigningKeys, pair: list[Password]
    ) -> None:
        """As a person has published it, long before us."""
        *others, ours = json.loads(of(pair[0]))["keys"]
        put(aws, json.dumps({"keys": [*others, {**ours, "kid": "2023"}]}))
        assert source.logs_in(login(pair[0]))
        with source.as_admin(NO_KEY) as session:
            assert session.needs_retain("shop-jwt", *pair)
            session.set_password("shop-jwt", pair[1], retain=True)
        with source.as_admin(NO_KEY) as session:
            assert session.needs_discard("shop-jwt", pair[1], pair[0])
            session.discard_old_password("shop-jwt", pair[1])
        assert source.refuses(login(pair[0]))

    def test_what_somebody_puts_between_our_look_and_our_act_stays(
        self, aws: LocalAws, source: SigningKeys, pair: list[Password]
    ) -> None:
        with source.as_admin(NO_KEY) as session:
            put(aws, json.dumps({"keys": [*json.loads(of(pair[0]))["keys"], {**THEIRS, "kid": "of this moment"}]}))
            with raises(SourceBusy, "at the same moment", pair):
                session.set_password("shop-jwt", pair[1], retain=True)
        assert "of this moment" in [key["kid"] for key in published(aws)["keys"]]

    def test_nothing_that_nobody_asked_about_is_taken_out(self, aws: LocalAws, source: SigningKeys, pair: list[Password]) -> None:
        put(aws, of(*pair))
        with source.as_admin(NO_KEY) as session:
            session.discard_old_password("shop-jwt", pair[0])
        assert published(aws) == json.loads(of(*pair))

    def test_mode_verify_sees_what_is_there_and_what_verifiers_are_told(self, aws: LocalAws, source: SigningKeys) -> None:
        seen = source.inspect(NO_KEY, ["shop-jwt"])
        assert "is a JWKS of 3 public keys" in seen.said
        assert (seen.lacking, seen.remarks, seen.dual_passwords) == ((), (), True)
        put(aws, of(), CacheControl="max-age=3600")
        ((found, mend),) = source.inspect(NO_KEY, []).remarks
        assert "lets verifiers keep it for 3600 s, and jwks_cache_seconds is 60" in found
        assert "set jwks_cache_seconds" in mend


PRIVATE = OKPKey.generate_key("Ed25519", {"kid": "published by mistake"}).as_dict(private=True)
SYMMETRIC = {"kty": "oct", "k": "c2VjcmV0"}
BAD = {
    "no JSON": ("<html>", "is not JSON: verifiers cannot read it either"),
    "a list": ("[]", "is no JWKS"),
    "no keys": ("{}", "is no JWKS"),
    "a text for a key": ('{"keys": ["a"]}', "is no JWKS"),
    "a private key": (json.dumps({"keys": [PRIVATE]}), r"keys\[0\] holds a private or symmetric key"),
    "a symmetric key": (
        json.dumps({"keys": [THEIRS, SYMMETRIC]}),
        r"keys\[1\] holds a private or symmetric key",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_jwks_that_verifiers_should_not_read_is_refused_by_name(
    aws: LocalAws, keys: dict[str, list[Password]], name: str
) -> None:
    text, said = BAD[name]
    put(aws, text)
    source, pair = SigningKeys(S3Object(f"s3://{BUCKET}/{KEY}"), 60), keys["EdDSA"]
    for ask in (lambda: source.logs_in(login(pair[0])), lambda: source.inspect(NO_KEY, [])):
        with raises(SourceRefused, said, pair):
            ask()
    with raises(SourceRefused, said, pair), source.as_admin(NO_KEY):
        pass
    assert aws.client("s3").get_object(Bucket=BUCKET, Key=KEY)["Body"].read() == text.encode()


class raises:  # noqa: N801 - as pytest's own
    """That error, with nothing of a private key in it or in its traceback."""

    def __init__(self, kind: type[RotationError], said: str, keys: list[Password]) -> None:
        self._inner: Any = pytest.raises(kind, match=said)
        self._secret = [json.loads(key.reveal())["d"] for key in keys] + [str(PRIVATE["d"])]

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
