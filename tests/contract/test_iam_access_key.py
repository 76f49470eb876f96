"""IAM's access keys over the local AWS, strict about who signs; and the small world's provider, which keeps the same promises."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from rotation.core.errors import SourceRefused, SourceUnreachable
from rotation.core.model import NO_KEY, Credential, Password
from rotation.ports import Surroundings
from rotation.sources.iam_access_key import adapter
from rotation.sources.iam_access_key.adapter import IamAccessKeys

from local.aws import LocalAws
from tests.conformance.keys import At, Provider
from tests.worlds.keyed import FIRST, KeyedWorld, Terms

USER = "shop"


def made(aws: LocalAws, user: str = USER) -> Credential:
    key = aws.client("iam").create_access_key(UserName=user)["AccessKey"]
    return NO_KEY.with_login(key["AccessKeyId"], Password(key["SecretAccessKey"]))


def ended(aws: LocalAws, user: str = USER) -> None:
    iam = aws.client("iam")
    for key in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
    iam.untag_user(UserName=user, TagKeys=[adapter.TAG])
    iam.delete_user(UserName=user)


@pytest.fixture
def iam(aws: LocalAws, adapters_use: Callable[[LocalAws], None]) -> Iterator[At]:
    adapters_use(aws)
    adapter._once.cache_clear()
    aws.client("iam").create_user(UserName=USER, Path="/apps/", Tags=[{"Key": adapter.TAG, "Value": "credential-rotation"}])
    provider = adapter.make({"user": USER, "dedicated": True}, Surroundings("shop", ""))
    yield At(provider, made(aws))
    ended(aws)


class TestIam(Provider):
    @pytest.fixture
    def at(self, iam: At) -> At:
        return iam


class TestSmallWorld(Provider):
    @pytest.fixture(params=[Terms(), Terms(lags=3.0), Terms(limit=None, named=True, deactivates=False)])
    def at(self, request: pytest.FixtureRequest) -> At:
        world = KeyedWorld(request.param)
        provider: Any = world.source
        provider.issue = lambda _, name: provider.add(world.next_password(), name)
        return At(provider, FIRST, lambda: world.pass_time(request.param.lags))


def test_another_user_s_key_is_not_taken_for_this_one_s(aws: LocalAws, iam: At) -> None:
    aws.client("iam").create_user(UserName="other")
    try:
        with pytest.raises(SourceRefused, match="is a key of arn:aws:iam::123456789012:user/other"):
            iam.provider.logs_in(made(aws, "other"))
    finally:
        ended(aws, "other")


def test_a_user_without_the_tag_is_refused_and_the_way_out_is_said(aws: LocalAws, iam: At) -> None:
    aws.client("iam").untag_user(UserName=USER, TagKeys=[adapter.TAG])
    with pytest.raises(SourceRefused, match="aws iam tag-user"):
        iam.provider.check(None)


def test_a_user_that_is_not_there_is_said(iam: At) -> None:
    with pytest.raises(SourceRefused, match="IAM has no user nobody"):
        IamAccessKeys("nobody", dedicated=False).keys(None)


def test_the_last_use_is_told_once_there_was_one(aws: LocalAws, iam: At) -> None:
    later = datetime.now(UTC) + timedelta(hours=2)
    provider = IamAccessKeys(USER, dedicated=False, now=lambda: later)
    assert provider.keys(None)[0].used_seconds_ago is None
    assert provider.logs_in(iam.first)
    used = provider.keys(None)[0].used_seconds_ago
    assert used is not None
    assert 7_100 <= used < 7_300


def test_what_iam_is_told_is_known_late(aws: LocalAws, iam: At) -> None:
    assert iam.provider.logs_in(iam.first)
    aws.lag_keys(3600)
    try:
        new = iam.provider.issue(None, "")
        assert not iam.provider.logs_in(new)
        iam.provider.deactivate(None, iam.first.username)
        assert iam.provider.logs_in(iam.first)
    finally:
        aws.lag_keys(0)
    assert iam.provider.logs_in(new)
    assert not iam.provider.logs_in(iam.first)


@pytest.mark.parametrize("service", ["secretsmanager", "sqs", "s3"])
def test_every_service_refuses_a_key_that_is_deactivated(aws: LocalAws, iam: At, service: str) -> None:
    asks = {"secretsmanager": "list_secrets", "sqs": "list_queues", "s3": "list_buckets"}[service]

    def ask(key: Credential) -> None:
        connect: Any = boto3.client
        signed = {"aws_access_key_id": key.username, "aws_secret_access_key": key.password.reveal()}
        getattr(connect(service, endpoint_url=aws.endpoint, region_name=aws.region, **signed), asks)()

    ask(iam.first)
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        ask(replace(iam.first, password=Password("canary-wrong")))
    iam.provider.deactivate(None, iam.first.username)
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        ask(iam.first)


class Refusing:
    """A client of IAM or STS that answers nothing but that error."""

    def __init__(self, code: str) -> None:
        self._error = ClientError({"Error": {"Code": code, "Message": "canary-in-the-text"}}, "")

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def refuse(**_: Any) -> Any:
            raise self._error

        return refuse


@pytest.mark.parametrize(
    ("code", "error"), {"AccessDenied": SourceRefused, "Throttling": SourceUnreachable, "ServiceFailure": SourceUnreachable}.items()
)
def test_an_error_is_ours_and_says_nothing_of_the_provider_s_text(
    monkeypatch: pytest.MonkeyPatch, code: str, error: type[Exception]
) -> None:
    monkeypatch.setattr(adapter, "client", lambda _: Refusing(code))
    monkeypatch.setattr(adapter, "_once", lambda: Refusing(code))
    provider = IamAccessKeys(USER, dedicated=True)
    for act in (
        lambda: provider.issue(None, ""), lambda: provider.deactivate(None, "AKIA1"), lambda: provider.delete(None, "AKIA1")
    ):  # fmt: skip
        with pytest.raises(error) as caught:
            act()
        assert "canary" not in str(caught.value)
        assert USER in str(caught.value)


def test_a_key_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Boto would try again by itself, and make a second key."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    adapter._once.cache_clear()
    assert adapter._once().meta.config.retries["total_max_attempts"] == 1
    adapter._once.cache_clear()


def test_sts_that_does_not_answer_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "_as", lambda _: Refusing("Throttling"))
    with pytest.raises(SourceUnreachable, match="Throttling"):
        IamAccessKeys(USER, dedicated=True).logs_in(NO_KEY.with_login("AKIA1", Password("canary")))
