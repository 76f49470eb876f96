"""The kind `parameter` on a local Parameter Store: what is relied on in every consumer, and what only a parameter can show."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rotation.consumers.parameter.adapter import LoginParameter
from rotation.core.errors import ConsumerDiffers

from local.aws import LocalAws
from tests.conformance.consumers import CANARY, A, About, B, Consumer, Fails, KeepsWhatElseIsThere, Kind, SaysWhere, refused

TEXT = "postgresql://{username}:{password|url}@{host}:{port}/{dbname}"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws(runtime_python=Path("no-function-runs-here"), logs=tmp_path_factory.mktemp("logs")) as aws:
        yield aws


class InParameterStore:
    """One parameter, with the person who made it."""

    first, second = A, B

    def __init__(self, aws: LocalAws) -> None:
        self._client = aws.client("ssm")
        self.called = f"/shop/{uuid.uuid4()}"
        self.consumer = LoginParameter(self.called, TEXT, "alias/aws/ssm")
        self.put("postgresql://app_a:canary-a-1@db.example:3306/app", Description="somebody's words")

    def put(self, value: str, **more: Any) -> None:
        more = {"Type": "SecureString", "KeyId": "alias/aws/ssm", "Overwrite": True, **more}
        self._client.put_parameter(Name=self.called, Value=value, **{key: one for key, one in more.items() if one})

    def others(self) -> object:
        found = self._client.describe_parameters(Filters=[{"Key": "Name", "Values": [self.called]}])["Parameters"][0]
        return {key: found[key] for key in ("Name", "Type", "KeyId")}

    def writes(self) -> object:
        return self._client.get_parameter(Name=self.called)["Parameter"]["Version"]

    def spoil(self) -> None:
        self.put(f"mysql://a:{CANARY}@b:1/c")

    def remove(self) -> None:
        self._client.delete_parameter(Name=self.called)


class TestParameter(Consumer, SaysWhere, KeepsWhatElseIsThere, Fails):
    @pytest.fixture
    def here(self, aws: LocalAws, adapters_use: Callable[[LocalAws], None]) -> InParameterStore:
        adapters_use(aws)
        return InParameterStore(aws)

    def test_one_that_shows_the_password_to_everybody_is_refused(self, here: InParameterStore) -> None:
        here.remove()
        here.put("postgresql://app_a:canary-a-1@db.example:3306/app", Type="String", KeyId="")
        with refused(ConsumerDiffers, here.called, "make it anew as a SecureString"):
            here.consumer.read()


class TestKind(Kind):
    about = About(
        kind="parameter",
        settings={"name": "/shop/database-url", "text": TEXT, "application_cache_seconds": 60},
        parameters={"LoginParameterName": "/shop/database-url"},
        wrong={"name": "shop", "text": "{password}@{username}", "application_cache_seconds": "60"},
    )
