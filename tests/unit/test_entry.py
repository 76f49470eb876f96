"""Around every step: what gets out of a function says what it may and no more."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_lambda_powertools import Logger, Metrics
from rotation.core import errors
from rotation.core.errors import (
    AccountLocked,
    AdminLoginUnknown,
    AppUnhealthy,
    LoginRefused,
    RotationError,
    SourceUnreachable,
    UnexpectedError,
)
from rotation.ports import Desk, RotatingWorld, World
from rotation.protocol.request import Request
from rotation.protocol.secret_call import SecretCall
from rotation.runtime import entry

CANARY = "canary-in-an-event-81d2"
EVENT = {"target": "openemr", "execution": {"id": "arn:me", "name": "me", "started": "today"}, "whatever": {"password": CANARY}}

Out = Callable[[], tuple[list[dict[str, Any]], list[dict[str, Any]]]]


@pytest.fixture
def out(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Out:
    """The log lines and the metrics so far. A logger is kept by its service's name, so each test has one of its own."""
    lines = io.StringIO()
    monkeypatch.setenv("TARGETS_PATH", "/rotation/targets")
    monkeypatch.setenv("ENVIRONMENT", "prod")
    monkeypatch.setattr(entry, "logger", Logger(service=request.node.name, stream=lines, level="DEBUG"))
    monkeypatch.setattr(entry, "metrics", Metrics(namespace="Test", service=""))

    def read() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        logged = [json.loads(line) for line in lines.getvalue().splitlines()]
        measured = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return logged, measured

    return read


def step_that(outcome: object) -> entry.Handler:
    def step(_world: World, request: Request) -> dict[str, Any]:
        if isinstance(outcome, BaseException):
            raise outcome
        assert isinstance(outcome, dict)
        return outcome

    return entry.handler(step, "some_step")


def fail(outcome: BaseException) -> RotationError:
    with pytest.raises(RotationError) as caught:
        step_that(outcome)(EVENT, None)
    return caught.value


def test_the_answer_is_the_steps_and_a_line_and_a_metric_say_that_it_is_done(out: Out) -> None:
    assert step_that({"some": "answer"})(EVENT, None) == {"some": "answer"}
    [line], [metric] = out()
    assert (line["message"], line["step"], line["target"], line["execution"]) == ("step done", "some_step", "openemr", "arn:me")
    assert line["seconds"] >= 0
    assert (metric["target"], metric["step"], metric["StepFailed"]) == ("openemr", "some_step", [0.0])
    assert metric["StepSeconds"][0] >= 0


@pytest.mark.parametrize("kind", [AppUnhealthy, LoginRefused])
def test_our_own_errors_keep_their_class_and_begin_with_the_target(out: Out, kind: type[RotationError]) -> None:
    """The class name is what the state machine matches."""
    error = fail(kind("the page is blank"))
    assert (type(error), str(error)) == (kind, "openemr: the page is blank")
    [line], [metric, *_] = out()
    assert (line["level"], line["message"], line["error"]) == ("ERROR", "step failed", kind.__name__)
    assert line["reason"] == "openemr: the page is blank"
    assert metric["StepFailed"] == [1.0]


def test_a_message_that_names_the_target_already_names_it_once(out: Out) -> None:
    assert str(fail(LoginRefused("openemr: no"))) == "openemr: no"


@pytest.mark.parametrize("unexpected", [KeyError(CANARY), RuntimeError(f"SELECT '{CANARY}'"), UnicodeError(CANARY)])
def test_of_an_unexpected_error_the_type_and_place_get_out_and_never_its_text(out: Out, unexpected: Exception) -> None:
    error = fail(unexpected)
    assert type(error) is UnexpectedError
    assert str(error).startswith(f"openemr: {type(unexpected).__name__} in some_step, test_entry.py:")
    [line], [metric] = out()
    assert (line["error"], metric["StepFailed"]) == ("UnexpectedError", [1.0])
    assert CANARY not in str(error) + json.dumps([line, metric])


@pytest.mark.parametrize("outcome", [RuntimeError(CANARY), LoginRefused("no")])
def test_nothing_that_led_to_an_error_hangs_on_it(out: Out, outcome: Exception) -> None:
    """Lambda prints what hangs on it: cause, context and frames of the step."""
    error = fail(outcome)
    assert (error.__cause__, error.__suppress_context__) == (None, True)
    frames = []
    trace = error.__traceback__
    while trace:
        frames.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    assert "step" not in frames


@pytest.mark.parametrize("outcome", [{}, LoginRefused("no"), RuntimeError("no")])
def test_nothing_of_the_event_is_logged(out: Out, outcome: object) -> None:
    if isinstance(outcome, Exception):
        fail(outcome)
    else:
        step_that(outcome)(EVENT, None)
    logged, measured = out()
    assert logged
    assert CANARY not in json.dumps([logged, measured])


def test_each_target_and_step_is_measured_apart(out: Out) -> None:
    step_that({})(EVENT, None)
    step_that({})({**EVENT, "target": "another"}, None)
    _, measured = out()
    assert [(metric["target"], metric["step"]) for metric in measured] == [("openemr", "some_step"), ("another", "some_step")]


def dimensions(metric: dict[str, Any]) -> dict[str, str]:
    [[*names]] = metric["_aws"]["CloudWatchMetrics"][0]["Dimensions"]
    return {name: metric[name] for name in names}


def units(metric: dict[str, Any]) -> dict[str, str]:
    return {one["Name"]: one["Unit"] for one in metric["_aws"]["CloudWatchMetrics"][0]["Metrics"]}


def test_what_a_step_measured_goes_out_by_target_and_environment_and_nothing_else(out: Out) -> None:
    answer = {"measured": {"credential_rotation_days_since_success": 12}}
    assert step_that(answer)(EVENT, None) == answer
    _, [of_the_step, measured] = out()
    assert dimensions(of_the_step) == {"target": "openemr", "environment": "prod", "step": "some_step"}
    assert dimensions(measured) == {"target": "openemr", "environment": "prod"}
    assert measured["credential_rotation_days_since_success"] == [12.0]
    assert set(units(of_the_step)) == {"StepSeconds", "StepFailed"}


def test_a_measure_has_the_unit_that_its_name_ends_with(out: Out) -> None:
    measured = {
        "credential_rotation_days_since_success": "None",
        "secret_rotation_job_duration_seconds": "Seconds",
        "secret_rotation_success_rate": "Percent",
        "something_count": "Count",
        "credential_rotation_openemr_success": "Milliseconds",
        "credential_rotation_openemr_timed_out": "Milliseconds",
        "anything": "None",
    }
    step_that({"measured": dict.fromkeys(measured, 1)})(EVENT, None)
    _, [_, metric] = out()
    assert units(metric) == measured


@pytest.mark.parametrize("kind", [LoginRefused, AdminLoginUnknown, AccountLocked])
def test_a_login_that_failed_is_counted(out: Out, kind: type[RotationError]) -> None:
    fail(kind("no"))
    _, [_, metric] = out()
    assert (metric["authentication_failures_count"], units(metric)) == ([1.0], {"authentication_failures_count": "Count"})


@pytest.mark.parametrize("kind", [AppUnhealthy, SourceUnreachable, RuntimeError])
def test_what_is_no_login_is_not_counted(out: Out, kind: type[Exception]) -> None:
    fail(kind("no"))
    _, [metric] = out()
    assert "authentication_failures_count" not in metric


def test_an_installation_without_a_name_is_unknown_in_the_metrics(out: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENVIRONMENT")
    step_that({})(EVENT, None)
    _, [metric] = out()
    assert metric["environment"] == "unknown"


ENDED = {"detail": {"executionArn": "arn:ended", "input": CANARY}}


def test_a_listener_is_asked_about_the_execution_and_says_itself_whom_it_concerns(
    out: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOPIC_ARN", "arn:topic")
    monkeypatch.setenv("DEFAULT_TARGET", "openemr")

    def listen(_desk: Desk, execution: str) -> dict[str, Any]:
        assert execution == "arn:ended"
        return {"target": "another", "measured": {"secret_rotation_success_rate": 100}}

    entry.listener(listen, "some_listener")(ENDED, None)
    [line], [of_the_step, measured] = out()
    assert (line["step"], line["execution"], of_the_step["target"], measured["target"]) == (
        "some_listener",
        "arn:ended",
        "another",
        "another",
    )
    assert CANARY not in json.dumps([line, of_the_step, measured])


def test_a_listener_without_its_settings_names_what_is_missing(out: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEFAULT_TARGET", raising=False)
    with pytest.raises(UnexpectedError, match=r"unknown: LookupError in some_listener, desk\.py"):
        entry.listener(lambda _desk, _execution: {}, "some_listener")(ENDED, None)


ASKED = {"Step": "setSecret", "SecretId": "arn:aws:secretsmanager:r:a:secret:shop-AbCdEf", "ClientRequestToken": "v7", "X": CANARY}


def test_what_secrets_manager_asks_is_said_of_the_secret(out: Out) -> None:
    def rotate(_world: RotatingWorld, call: SecretCall) -> dict[str, Any]:
        return {"target": "shop", "done": str(call.step)}

    assert entry.rotator(rotate, "rotate_secret")(ASKED, None)["done"] == "setSecret"
    [line], [measured] = out()
    assert (line["step"], line["target"], line["execution"]) == ("rotate_secret", "shop-AbCdEf", "setSecret of version v7")
    assert measured["target"] == "shop"
    assert CANARY not in json.dumps([line, measured])


def test_what_fails_for_secrets_manager_begins_with_the_secret(out: Out) -> None:
    def rotate(_world: RotatingWorld, _call: SecretCall) -> dict[str, Any]:
        raise AppUnhealthy("the page is blank")

    with pytest.raises(AppUnhealthy, match=r"^shop-AbCdEf: the page is blank$"):
        entry.rotator(rotate, "rotate_secret")(ASKED, None)


def test_what_hides_a_stop_of_the_process_is_not_caught(out: Out) -> None:
    with pytest.raises(KeyboardInterrupt):
        step_that(KeyboardInterrupt())(EVENT, None)


def test_a_function_that_was_not_deployed_by_the_template_says_what_is_missing(out: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TARGETS_PATH")
    with pytest.raises(UnexpectedError, match=r"LookupError in some_step, settings\.py"):
        step_that({})(EVENT, None)


def test_every_error_of_the_tree_gets_through_by_its_own_name(out: Out) -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, RotationError)]
    assert [type(fail(kind("x"))) for kind in kinds] == kinds
