"""Around every step: what gets out of a function says what it may and no more."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_lambda_powertools import Logger, Metrics
from rotation import errors, observability
from rotation.errors import AppUnhealthy, LoginRefused, RotationError, UnexpectedError
from rotation.ports import World
from rotation.request import Request

CANARY = "canary-in-an-event-81d2"
EVENT = {"target": "openemr", "execution": {"id": "arn:me", "name": "me", "started": "today"}, "whatever": {"password": CANARY}}

Out = Callable[[], tuple[list[dict[str, Any]], list[dict[str, Any]]]]


@pytest.fixture
def out(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Out:
    """The log lines and the metrics so far. A logger is kept by its service's name, so each test has one of its own."""
    lines = io.StringIO()
    monkeypatch.setenv("TARGETS_PATH", "/rotation/targets")
    monkeypatch.setattr(observability, "logger", Logger(service=request.node.name, stream=lines, level="DEBUG"))
    monkeypatch.setattr(observability, "metrics", Metrics(namespace="Test", service="test"))

    def read() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        logged = [json.loads(line) for line in lines.getvalue().splitlines()]
        measured = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return logged, measured

    return read


def step_that(outcome: object) -> observability.Handler:
    def step(_world: World, request: Request) -> dict[str, Any]:
        if isinstance(outcome, BaseException):
            raise outcome
        assert isinstance(outcome, dict)
        return outcome

    return observability.handler(step, "some_step")


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
    [line], [metric] = out()
    assert (line["level"], line["message"], line["error"]) == ("ERROR", "step failed", kind.__name__)
    assert line["reason"] == "openemr: the page is blank"
    assert metric["StepFailed"] == [1.0]


def test_a_message_that_names_the_target_already_names_it_once(out: Out) -> None:
    assert str(fail(LoginRefused("openemr: no"))) == "openemr: no"


@pytest.mark.parametrize("unexpected", [KeyError(CANARY), RuntimeError(f"SELECT '{CANARY}'"), UnicodeError(CANARY)])
def test_of_an_unexpected_error_the_type_and_place_get_out_and_never_its_text(out: Out, unexpected: Exception) -> None:
    error = fail(unexpected)
    assert type(error) is UnexpectedError
    assert str(error).startswith(f"openemr: {type(unexpected).__name__} in some_step, test_observability.py:")
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
