"""The kind `lambda`: the example's function on the local Lambda, as a consumer; and functions that do what they should not."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import pytest
from rotation.consumers.lambda_function import adapter
from rotation.consumers.lambda_function.adapter import LambdaPlace, make
from rotation.consumers.lambda_function.function import Function
from rotation.core.errors import (
    ConsumerDiffers,
    ConsumerFunctionConflict,
    ConsumerFunctionFailed,
    ConsumerFunctionLeaks,
    ConsumerFunctionMissing,
    ConsumerFunctionRefused,
    ConsumerFunctionTimedOut,
    ConsumerFunctionUnavailable,
    RotationError,
)
from rotation.core.findings import Severity
from rotation.core.model import Credential
from rotation.kinds.target import parse_target
from rotation.ports import Surroundings
from rotation_cli import trying
from rotation_cli.aws import Aws
from rotation_cli.stack import Stack
from rotation_cli.trouble import Trouble

from local.appliance.server import Appliance
from local.appliance.stack import ALIAS, deployed, function
from local.aws import LocalAws
from local.lambdas import runtime_python
from local.login import Login
from local.sandbox import Function as Deployed
from tests.conformance.consumers import (
    BACK,
    CANARY,
    FORTH,
    A,
    About,
    B,
    Consumer,
    Fails,
    KeepsWhatElseIsThere,
    Kind,
    LeavesWhereToTheRecord,
    NeverOverwrites,
    refused,
)
from tests.until import until

OTHERS = {"a key of somebody else": {"nested": [1, None]}}
ARN = "arn:aws:lambda:us-east-1:123456789012:function:{}"


@pytest.fixture(scope="module")
def lambdas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws(runtime_python(), tmp_path_factory.mktemp("logs")) as aws:
        yield aws


class InAppliance:
    """An appliance with A, the secret that the example's function reads, and whoever looks after both."""

    first, second, theirs = A, B, replace(A, username="theirs")

    def __init__(self, aws: LocalAws, kept: ExitStack, arn: str = "", **settings: Any) -> None:
        self._aws, self._client = aws, aws.client("secretsmanager")
        made = self._client.create_secret(Name=f"handed-{uuid.uuid4()}", SecretString=_text(A))
        self.called: str = made["ARN"]
        self.version: str = made["VersionId"]
        self.appliance = kept.enter_context(Appliance(_login(A), self.version))
        self.function = arn or deployed(aws, function(self.appliance.settings, f"put-{uuid.uuid4().hex[:8]}"))
        self.consumer: LambdaPlace = make(
            {"function": self.function, "secret": self.called, "timeout_seconds": 10, **settings}, Surroundings("app", "")
        )

    def others(self) -> object:
        held = json.loads(self._client.get_secret_value(SecretId=self.called)["SecretString"])
        return {key: value for key, value in held.items() if key not in ("username", "password")}

    def writes(self) -> object:
        return list(self.appliance.writes), sorted(self._client.describe_secret(SecretId=self.called)["VersionIdsToStages"])

    def spoil(self) -> None:
        version = self._put(json.dumps({**OTHERS, "username": [CANARY], "password": CANARY}))
        self.appliance.place(Login("nobody", CANARY), version)

    def remove(self) -> None:
        self._client.delete_secret(SecretId=self.called, ForceDeleteWithoutRecovery=True)

    def put_theirs(self) -> None:
        self.appliance.place(_login(self.theirs), self._put(_text(self.theirs)))

    @contextmanager
    def meddled(self) -> Iterator[None]:
        ask, left = Function.ask, [self.put_theirs]

        def held_up(one: Function, verb: str, *given: Any, **more: Any) -> Any:
            if verb == "put" and left:
                left.pop()()
            return ask(one, verb, *given, **more)

        with patch.object(Function, "ask", held_up):
            yield

    def current(self) -> str:
        stages = self._client.describe_secret(SecretId=self.called)["VersionIdsToStages"]
        return next(version for version, labels in stages.items() if "AWSCURRENT" in labels)

    def _put(self, text: str) -> str:
        return str(self._client.put_secret_value(SecretId=self.called, SecretString=text)["VersionId"])


def _login(one: Credential) -> Login:
    return Login(one.username, one.password.reveal())


def _text(one: Credential) -> str:
    return json.dumps({**OTHERS, "username": one.username, "password": one.password.reveal()})


@pytest.fixture
def kept() -> Iterator[ExitStack]:
    with ExitStack() as kept:
        yield kept


@pytest.fixture
def use(lambdas: LocalAws, adapters_use: Callable[[LocalAws], None]) -> LocalAws:
    adapters_use(lambdas)
    return lambdas


@pytest.fixture
def here(use: LocalAws, kept: ExitStack) -> InAppliance:
    return InAppliance(use, kept)


class TestExample(Consumer, LeavesWhereToTheRecord, KeepsWhatElseIsThere, Fails, NeverOverwrites):
    def test_what_the_function_holds_becomes_current(self, here: InAppliance) -> None:
        assert here.consumer.publish(B, FORTH)
        assert (here.appliance.held.login, here.appliance.held.version) == (_login(B), here.current())

    def test_the_way_back_is_a_version_more_and_a_put_that_comes_late_has_lost(self, here: InAppliance) -> None:
        assert here.consumer.publish(A, BACK)
        assert here.appliance.held.version != here.version
        assert not here.consumer.publish(A, BACK)
        more = {"rotation": "late", "expects": here.version, "not_after": "2099-01-01T00:00:00Z"}
        request = here.consumer._request("put", here.version, **more)
        here.put_theirs()
        with refused(ConsumerFunctionConflict):
            here.consumer._function.ask("put", request)
        assert here.appliance.held.login == _login(here.theirs)

    def test_a_place_that_was_emptied_is_said_and_is_filled_by_a_publish(self, here: InAppliance) -> None:
        here.appliance.place(Login("", ""), None)
        with refused(ConsumerDiffers, "holds no version"):
            here.consumer.read()
        assert here.consumer.publish(A, FORTH)
        assert here.consumer.read().same_login(A)

    def test_not_all_devices_have_it_at_once(self, use: LocalAws, kept: ExitStack) -> None:
        here = InAppliance(use, kept)
        here.appliance._spread = 60
        assert here.consumer.everybody() == ""
        here.consumer.publish(B, FORTH)
        assert "3 have not what it holds yet" in here.consumer.everybody()

    def test_a_look_finds_that_it_could_put_and_puts_nothing(self, here: InAppliance) -> None:
        before = here.writes()
        assert [one.severity for one in here.consumer.look(time.time())] == [Severity.OK]
        assert here.writes() == before

    def test_a_place_that_does_not_take_such_a_credential_is_said_and_is_as_it_was(self, here: InAppliance) -> None:
        here.appliance.refuses = 422
        with refused(ConsumerFunctionRefused, "rejected"):
            here.consumer.publish(B, FORTH)
        assert here.consumer.read().same_login(A)
        assert here.current() == here.version

    def test_a_place_that_does_not_answer_is_said(self, here: InAppliance) -> None:
        here.appliance.refuses = 503
        with refused(ConsumerFunctionUnavailable, "unavailable"):
            here.consumer.publish(B, FORTH)

    @pytest.mark.parametrize("wrong", ["another-function:live", "put-it:another"])
    def test_a_function_or_an_alias_that_is_not_there_is_named(self, wrong: str, use: LocalAws, kept: ExitStack) -> None:
        deployed(use, function("http://127.0.0.1:1/", "put-it"))
        here = InAppliance(use, kept, arn=ARN.format(wrong))
        with refused(ConsumerFunctionMissing, wrong):
            here.consumer.read()


class TestKind(Kind):
    about = About(
        kind="lambda",
        settings={
            "function": f"{ARN.format('put-crm-login')}:live",
            "secret": "arn:aws:secretsmanager:us-east-1:123456789012:secret:crm/handed-AbCdEf",
            "application_cache_seconds": 60,
        },
        parameters={
            "LambdaFunctionArns": f"{ARN.format('put-crm-login')}:live",
            "LambdaSecretArns": "arn:aws:secretsmanager:us-east-1:123456789012:secret:crm/handed-AbCdEf",
        },
        wrong={
            "function": f"{ARN.format('put-crm-login')}:$LATEST",
            "secret": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:crm/handed-AbCdEf",
            "timeout_seconds": 30,
            "application_cache_seconds": -1,
        },
    )


ODD = """
import json, os, pathlib, sys, time
import boto3

PLACE, DO = pathlib.Path(os.environ["PLACE"]), os.environ["DO"]

class PlaceMissing(Exception):
    pass

def lambda_handler(request, context):
    held = PLACE.read_text() or None
    if request["verb"] != "put":
        return {"contract": 1, "version": held, "settled": True}
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=request["secret"], VersionId=request["version"])
    password = json.loads(secret["SecretString"])["password"]
    if DO in ("raises", "raises and leaks"):
        raise PlaceMissing("there is no place for " + (password if "leaks" in DO else "canary-it"))
    while DO == "waits, then puts" and not PLACE.with_name("gate").exists():
        time.sleep(0.02)
    if DO == "sleeps for ever":
        time.sleep(60)
    if DO != "says so and does nothing":
        PLACE.write_text(request["version"])
    if DO == "puts, then raises":
        raise ValueError("too late")
    return {
        "answers a list": ["canary"],
        "answers another contract": {"contract": 2, "version": request["version"]},
        "answers without a version": {"contract": 1},
        "answers more": {"contract": 1, "version": request["version"], "at": "canary"},
        "echoes the password": {"contract": 1, "version": password},
        "echoes it under its name": {"contract": 1, "version": request["version"], "password": "canary"},
    }.get(DO, {"contract": 1, "version": request["version"]})
"""
ODDITIES: dict[str, tuple[type[RotationError], str] | None] = {
    "raises": (ConsumerFunctionFailed, "(PlaceMissing)"),
    "raises and leaks": (ConsumerFunctionLeaks, "holds the credential"),
    "sleeps for ever": (ConsumerFunctionTimedOut, "its own time was over"),
    "says so and does nothing": (ConsumerDiffers, "says that it wrote"),
    "echoes the password": (ConsumerFunctionLeaks, "holds the credential"),
    "echoes it under its name": (ConsumerFunctionLeaks, "sounds like a credential"),
    "puts, then raises": None,
    "answers a list": None,
    "answers another contract": None,
    "answers without a version": None,
    "answers more": None,
}
"""What it does, and what is said; nothing where the version is there all the same: what it holds counts."""


def odd(aws: LocalAws, folder: Path, do: str, timeout: float = 3) -> tuple[str, Path]:
    """The ARN of one that does so, and its place."""
    (folder / "app.py").write_text(ODD)
    place = folder / "place"
    name = f"odd-{uuid.uuid4().hex[:8]}"
    made = Deployed(
        name,
        ARN.format(name),
        "app.lambda_handler",
        str(folder),
        [],
        timeout,
        128,
        {"PLACE": str(place), "DO": do},
        aliases=[ALIAS],
    )
    return deployed(aws, made), place


@pytest.mark.parametrize("do", ODDITIES)
def test_what_a_function_does_that_it_should_not_is_said_without_its_words(
    do: str, use: LocalAws, kept: ExitStack, tmp_path: Path
) -> None:
    arn, place = odd(use, tmp_path, do)
    here = InAppliance(use, kept, arn)
    place.write_text(here.version)
    expected = ODDITIES[do]
    if expected is None:
        assert here.consumer.publish(B, FORTH)
        assert here.consumer.read().same_login(B)
        return
    with refused(expected[0], expected[1]):
        here.consumer.publish(B, FORTH)
    assert here.current() == here.version, "what the function may not hold was made current"


def test_a_put_that_outlasts_our_patience_is_found_by_the_next_try(use: LocalAws, kept: ExitStack, tmp_path: Path) -> None:
    arn, place = odd(use, tmp_path, "waits, then puts", timeout=60)
    here = InAppliance(use, kept, arn, timeout_seconds=3)
    place.write_text(here.version)
    use.client("lambda").invoke(FunctionName=arn, Payload=json.dumps({"verb": "holds"}))  # it takes its time to start
    with refused(ConsumerFunctionTimedOut, "within 3 s"):
        here.consumer.publish(B, FORTH)
    place.with_name("gate").touch()
    until(lambda: place.read_text() != here.version)
    landed = place.read_text()
    assert here.consumer.publish(B, FORTH)
    assert place.read_text() == landed == here.current()


def test_a_version_that_the_secret_has_not_is_not_shown(use: LocalAws, kept: ExitStack, tmp_path: Path) -> None:
    arn, place = odd(use, tmp_path, "")
    here = InAppliance(use, kept, arn)
    place.write_text("canary-that-is-no-version-of-it-00")
    with refused(RotationError, "has not"):
        here.consumer.read()


def test_no_word_of_a_request_is_a_credential(here: InAppliance) -> None:
    sent: list[str] = []
    ask = Function.ask

    def seen(one: Function, verb: str, request: Any, never: Any = None) -> Any:
        sent.append(json.dumps(request))
        return ask(one, verb, request, never)

    with patch.object(Function, "ask", seen):
        here.consumer.publish(B, FORTH)
        here.consumer.read()
        list(here.consumer.look(0.0))
    assert {json.loads(one)["verb"] for one in sent} == {"holds", "put", "check"}
    assert all(adapter.contract.fits(adapter.contract.REQUEST, json.loads(one)) == "" for one in sent)
    assert not [one for one in sent if CANARY in one]


class ReadsAndPuts:
    """Of a stack what the trial asks."""

    def __init__(self) -> None:
        self.aws, self.running = Aws("us-east-1"), list[str]()

    def runs_of(self, _: str) -> list[str]:
        return self.running


def said_of(here: InAppliance, stack: ReadsAndPuts) -> dict[str, Severity]:
    document = {
        "slot_secret": "arn:slots",
        "admin_secret": "arn:admin",
        "source": {"kind": "mysql"},
        "consumers": [{"kind": "lambda", "function": here.function, "secret": here.called, "application_cache_seconds": 0}],
        "health": {"url": "https://crm.example/", "marker": "Welcome"},
    }
    found = list(trying.findings(cast("Stack", stack), parse_target("crm", json.dumps(document))))
    assert CANARY not in json.dumps([one.as_dict() for one in found])
    return {one.what: one.severity for one in found}


def test_the_example_passes_the_trial_and_holds_what_it_held(here: InAppliance) -> None:
    assert set(said_of(here, ReadsAndPuts()).values()) == {Severity.OK}
    assert (here.appliance.held.login, here.appliance.held.version, here.current()) == (_login(A), here.version, here.version)


def test_one_that_puts_whatever_comes_does_not_pass(use: LocalAws, kept: ExitStack, tmp_path: Path) -> None:
    arn, place = odd(use, tmp_path, "")
    here = InAppliance(use, kept, arn)
    place.write_text(here.version)
    said = said_of(here, ReadsAndPuts())
    assert said["check"] is said["put with expects of another version"] is said["put after its time"] is Severity.FAILED
    assert place.read_text() == here.version


def test_it_is_not_tried_while_a_rotation_runs(here: InAppliance) -> None:
    stack = ReadsAndPuts()
    stack.running = ["rotate-1"]
    with pytest.raises(Trouble, match="rotate-1 runs for crm"):
        said_of(here, stack)
