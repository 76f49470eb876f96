"""Secrets that an application or its proxy reads, on a strict Secrets Manager: what is kept, written once, and comes late."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from rotation.consumers.app_secret import adapter as app_secret
from rotation.consumers.proxy_secret.adapter import ProxySecrets
from rotation.consumers.published import PublishedSecret, RotatedSecret
from rotation.core.errors import ConsumerDiffers, RotationError, SecretStoreUnavailable
from rotation.core.model import Credential, Mark, Password

from local.aws import LocalAws

A = Credential("app_a", Password("canary-a-1"), "db.example", 5432, "app")
B = Credential("app_b", Password("canary-b-22"), "db.example", 5432, "app")
FORTH, BACK = Mark("run-1.forward"), Mark("run-1.restore", closes=True)
SHAPE = {
    "rotation_type": "application",
    "rotation_usernames": ["app_a", "app_b"],
    "proxy_secret_ids": ["arn:a", "arn:b"],
    "database_host": "proxy.example",
    "database_port": 5432,
    "database_name": "app",
    "username": "app_a",
    "password": "canary-a-1",
    "a key of somebody else": {"nested": [1, None]},
}
"""The application's secret of an RDS Proxy, as the first such tool writes it."""


@pytest.fixture(autouse=True)
def _environment(aws: LocalAws, adapters_use: Callable[[LocalAws], None]) -> None:
    adapters_use(aws)


class Operator:
    """What a person sees and does."""

    def __init__(self, aws: LocalAws, content: object) -> None:
        self._client = aws.client("secretsmanager")
        text = content if isinstance(content, str) else json.dumps(content)
        self.arn: str = self._client.create_secret(Name=f"published-{uuid.uuid4()}", SecretString=text)["ARN"]

    @property
    def content(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._client.get_secret_value(SecretId=self.arn)["SecretString"])
        return found

    @property
    def labels(self) -> dict[str, str]:
        versions = self._client.describe_secret(SecretId=self.arn)["VersionIdsToStages"]
        return {label: version for version, labels in versions.items() for label in labels}

    @property
    def versions(self) -> int:
        return len(self._client.list_secret_version_ids(SecretId=self.arn, IncludeDeprecated=True)["Versions"])

    def put(self, content: object) -> None:
        self._client.put_secret_value(SecretId=self.arn, SecretString=json.dumps(content))


@pytest.fixture
def operator(aws: LocalAws) -> Operator:
    return Operator(aws, SHAPE)


@pytest.fixture
def secret(operator: Operator) -> PublishedSecret:
    return PublishedSecret(operator.arn)


def test_it_says_who_and_leaves_where_to_the_record(secret: PublishedSecret) -> None:
    """Its host is the proxy's, not the database's."""
    assert secret.read() == Credential("app_a", Password("canary-a-1"), "", None, "")
    assert secret.read().at_place_of(A) == A


def test_every_other_key_stays_as_it_is(secret: PublishedSecret, operator: Operator) -> None:
    assert secret.publish(B, FORTH)
    assert operator.content == SHAPE | {"username": "app_b", "password": "canary-b-22"}
    assert set(operator.labels) == {"AWSCURRENT", "AWSPREVIOUS", "ROTATION"}


def test_what_is_there_already_is_not_written_again(secret: PublishedSecret, operator: Operator) -> None:
    assert [secret.publish(one, FORTH) for one in (A, B, B)] == [False, True, False]
    assert operator.versions == 2


def test_the_way_back_is_a_version_of_its_own_and_only_one(secret: PublishedSecret, operator: Operator) -> None:
    """Also where the old credential is there still: the publish that failed may yet come late."""
    before = operator.labels["AWSCURRENT"]
    assert [secret.publish(A, BACK) for _ in range(3)] == [True, False, False]
    assert operator.labels["AWSCURRENT"] != before
    assert operator.content == SHAPE
    assert operator.versions == 2


def test_a_publish_that_comes_late_after_the_way_back_changes_nothing(
    secret: PublishedSecret, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = PublishedSecret(operator.arn)
    swap = late._store.swap

    def held_up(label: str, **moves: str | None) -> bool:
        assert secret.publish(A, BACK)
        return swap(label, **moves)  # type: ignore[arg-type]

    monkeypatch.setattr(late._store, "swap", held_up)
    with pytest.raises(SecretStoreUnavailable, match="another version became current"):
        late.publish(B, FORTH)
    assert operator.content == SHAPE


def test_what_a_person_puts_meanwhile_is_not_overwritten(
    secret: PublishedSecret, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    swap, theirs = secret._store.swap, SHAPE | {"database_host": "elsewhere.example"}

    def held_up(label: str, **moves: str | None) -> bool:
        operator.put(theirs)
        return swap(label, **moves)  # type: ignore[arg-type]

    monkeypatch.setattr(secret._store, "swap", held_up)
    with pytest.raises(SecretStoreUnavailable):
        secret.publish(B, FORTH)
    assert operator.content == theirs
    monkeypatch.setattr(secret._store, "swap", swap)
    assert secret.publish(B, FORTH)
    assert operator.content == theirs | {"username": "app_b", "password": "canary-b-22"}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("canary-text", "is not a JSON object"),
        (["canary"], "is not a JSON object"),
        ({"username": "app_a"}, "key password is missing, empty or no text"),
        ({"username": "", "password": "canary"}, "key username is missing, empty or no text"),
        ({"username": "app_a", "password": 987654}, "key password is missing, empty or no text"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_key_without_its_value(aws: LocalAws, content: object, why: str) -> None:
    operator = Operator(aws, content)
    before = operator.labels
    for act in (lambda: PublishedSecret(operator.arn).read(), lambda: PublishedSecret(operator.arn).publish(B, FORTH)):
        with pytest.raises(ConsumerDiffers, match=why) as caught:
            act()
        assert "canary" not in str(caught.value)
        assert "987654" not in str(caught.value)
    assert operator.labels == before


def test_a_secret_that_does_not_exist_is_said(aws: LocalAws) -> None:
    with pytest.raises(RotationError, match="there is no secret"):
        PublishedSecret(f"arn:aws:secretsmanager:{aws.region}:123456789012:secret:nobody-AbCdEf").read()


def test_a_proxy_s_secret_is_found_by_the_user_that_it_names(aws: LocalAws) -> None:
    arns = [Operator(aws, {"username": name, "password": "canary"}).arn for name in ("app_a", "app_b", "somebody_else")]
    assert ProxySecrets(arns).of("app_b").name == f"secret {arns[1]}"


@pytest.mark.parametrize(
    ("names", "said"), [(("app_a", "app_c"), "none names app_b"), (("app_b", "app_b"), "2 \\(secret .*\\) names app_b")]
)
def test_a_user_with_no_secret_or_two_is_refused(aws: LocalAws, names: tuple[str, ...], said: str) -> None:
    arns = [Operator(aws, {"username": name, "password": "canary"}).arn for name in names]
    with pytest.raises(ConsumerDiffers, match=said):
        ProxySecrets(arns).of("app_b")


def test_a_proxy_secret_that_does_not_exist_is_said(aws: LocalAws) -> None:
    known = Operator(aws, {"username": "app_a", "password": "canary"}).arn
    missing = f"arn:aws:secretsmanager:{aws.region}:123456789012:secret:nobody-AbCdEf"
    with pytest.raises(RotationError, match=f"there is no secret {missing}: name one that there is, or make it"):
        ProxySecrets([known, missing]).check(("app_a", "app_b"))


def test_users_with_one_each_and_nobody_else_are_taken(aws: LocalAws) -> None:
    arns = [Operator(aws, {"username": name, "password": "canary"}).arn for name in ("app_a", "app_b")]
    ProxySecrets(arns).check(("app_b", "app_a"))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("app_a", "app_c"), "none names app_b: give each user exactly one"),
        (("app_b", "app_a", "app_b"), "2 \\(secret .*\\) names app_b"),
        (("app_a", "app_b", "app_c"), "names app_c, who takes no turns \\(app_a, app_b do\\): take it out of the target"),
    ],
)
def test_secrets_that_are_not_those_of_the_users_are_refused(aws: LocalAws, names: tuple[str, ...], said: str) -> None:
    arns = [Operator(aws, {"username": name, "password": "canary"}).arn for name in names]
    with pytest.raises(ConsumerDiffers, match=said):
        ProxySecrets(arns).check(("app_a", "app_b"))


# ---- while Secrets Manager rotates it -----------------------------------------------------------------------------------------


@pytest.fixture
def token(operator: Operator, aws: LocalAws) -> str:
    """Secrets Manager has named the version that is to come; the function that it calls is not there."""
    named: str = aws.client("secretsmanager").rotate_secret(
        SecretId=operator.arn, RotationLambdaARN="arn:aws:lambda:us-east-1:123456789012:function:nobody"
    )["VersionId"]
    assert operator.labels["AWSPENDING"] == named
    return named


@pytest.fixture
def rotated(operator: Operator) -> RotatedSecret:
    return RotatedSecret(operator.arn, str(uuid.uuid4()))


def test_a_version_that_is_only_named_holds_no_login_yet(rotated: RotatedSecret, token: str) -> None:
    assert rotated.login(token) is None
    assert not rotated.holds(token, B)


def test_what_is_put_under_the_token_keeps_every_other_key_and_is_not_current(
    rotated: RotatedSecret, token: str, operator: Operator
) -> None:
    rotated.put_pending(token, B)
    assert B.same_login(rotated.login(token))
    assert rotated.holds(token, B)
    assert operator.content == SHAPE
    assert operator.labels["AWSPENDING"] == token
    assert rotated.make_current(token, operator.labels["AWSCURRENT"])
    assert operator.content == SHAPE | {"username": "app_b", "password": "canary-b-22"}


def test_what_is_put_under_the_token_is_written_by_the_keys_of_the_target(operator: Operator, token: str) -> None:
    url = "postgresql://{}@proxy.example:5432/shop"
    operator.put(SHAPE | {"URL": url.format("app_a:canary-a-1")})
    keys = {"URL": url.format("{username}:{password|url}")}
    secret = app_secret.rotated({"secret": operator.arn, "keys": keys}, str(uuid.uuid4()))
    secret.put_pending(token, B)
    assert B.same_login(secret.login(token))
    assert secret.holds(token, B)
    assert secret.make_current(token, operator.labels["AWSCURRENT"])
    assert operator.content == SHAPE | {"URL": url.format("app_b:canary-b-22")}


def test_a_version_under_the_token_stays_as_it_is(rotated: RotatedSecret, token: str) -> None:
    rotated.put_pending(token, B)
    rotated.put_pending(token, A)
    assert B.same_login(rotated.login(token))


def test_a_version_that_was_made_of_what_is_current_no_more_is_not_what_is_wanted(
    rotated: RotatedSecret, token: str, operator: Operator
) -> None:
    """Else it would take back what a person has changed since."""
    rotated.put_pending(token, B)
    operator.put(SHAPE | {"database_host": "elsewhere.example"})
    assert not rotated.holds(token, B)


def test_it_becomes_current_from_exactly_where_that_was_seen(rotated: RotatedSecret, token: str, operator: Operator) -> None:
    rotated.put_pending(token, B)
    seen = operator.labels["AWSCURRENT"]
    assert PublishedSecret(operator.arn).publish(A, BACK)
    assert not rotated.make_current(token, seen)
    assert operator.content == SHAPE


def test_the_label_is_let_go_once(rotated: RotatedSecret, token: str, operator: Operator) -> None:
    assert rotated.let_go(token)
    assert "AWSPENDING" not in operator.labels


def test_what_another_key_says_is_read_and_the_login_never(rotated: RotatedSecret, operator: Operator) -> None:
    operator.put(SHAPE | {"app": "blog", "port": 3306})
    said = {key: rotated.says(key) for key in ("app", "port", "not there", "username", "password")}
    assert said == {"app": "blog", "port": None, "not there": None, "username": None, "password": None}
