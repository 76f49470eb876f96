"""Around every function: one log line after its step, its metrics, and errors that say what they may and no more."""

from __future__ import annotations

import time
import traceback
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from rotation.core.errors import AccountLocked, AdminLoginUnknown, LoginRefused, RotationError, UnexpectedError
from rotation.runtime.settings import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rotation.ports import Desk, FleetWorld, RotatingWorld, World
    from rotation.protocol.request import Request
    from rotation.protocol.secret_call import SecretCall

    Step = Callable[[World, Request], dict[str, Any]]
    Listener = Callable[[Desk, str], dict[str, Any]]
    Rotate = Callable[[RotatingWorld, SecretCall], dict[str, Any]]
    Lead = Callable[[FleetWorld, Mapping[str, Any]], dict[str, Any]]
    Handler = Callable[[Mapping[str, Any], Any], dict[str, Any]]

AUTHENTICATION_FAILURES = (LoginRefused, AdminLoginUnknown, AccountLocked)
FLEET = "fleet"
"""Stands for the target in what is measured and logged of all of them together."""
UNITS = {
    "_days_since_success": MetricUnit.NoUnit,
    "_seconds": MetricUnit.Seconds,
    "_rate": MetricUnit.Percent,
    "_count": MetricUnit.Count,
    "_success": MetricUnit.Milliseconds,
    "_failed": MetricUnit.Milliseconds,
    "_timed_out": MetricUnit.Milliseconds,
    "_aborted": MetricUnit.Milliseconds,
}
"""Of the measured metrics, by how their names end; the first that fits."""

logger = Logger()
metrics = Metrics(service="")  # which would be one more dimension, and every alarm would have to name it


def handler(step: Step, name: str) -> Handler:
    """The Lambda handler of a step. The event itself is never logged: only names, ids and times that we choose.

    Each kind of handler imports what it needs as the function starts: a step needs nothing of executions that have ended."""
    from rotation.protocol.request import Request
    from rotation.runtime.settings import Settings
    from rotation.runtime.wiring import AwsWorld

    def lambda_handler(event: Mapping[str, Any], _context: Any) -> dict[str, Any]:
        request = Request(event)

        def act() -> dict[str, Any]:
            world = AwsWorld(Settings.from_environment(), request.target)
            return _probed(world, name) if request.probes else step(world, request)

        return _around(name, request.target, request.owner, act)

    return lambda_handler


def listener(listen: Listener, name: str) -> Handler:
    """The Lambda handler of what is no state of the machine: EventBridge calls it when an execution has ended."""
    from rotation.runtime.desk import AwsDesk, DeskSettings

    def lambda_handler(event: Mapping[str, Any], _context: Any) -> dict[str, Any]:
        execution = str(event["detail"]["executionArn"])
        return _around(name, "unknown", execution, lambda: listen(AwsDesk(DeskSettings.from_environment()), execution))

    return lambda_handler


def rotator(rotate: Rotate, name: str) -> Handler:
    """The Lambda handler that Secrets Manager calls when it rotates a secret itself: no state of the machine either."""
    from rotation.protocol.secret_call import SecretCall
    from rotation.runtime.rotating import AwsRotatingWorld
    from rotation.runtime.settings import Settings

    def lambda_handler(event: Mapping[str, Any], _context: Any) -> dict[str, Any]:
        call = SecretCall(event)

        return _around(
            name,
            call.secret_name,
            f"{call.asked} of version {call.token}",
            lambda: rotate(AwsRotatingWorld(Settings.from_environment(), call), call),
        )

    return lambda_handler


def leader(lead: Lead, name: str) -> Handler:
    """The Lambda handler of a state of the fleet's machine."""
    from rotation.runtime.fleet import AwsFleet, FleetSettings

    def lambda_handler(event: Mapping[str, Any], _context: Any) -> dict[str, Any]:
        target = str(event.get("item", {}).get("target", FLEET))
        return _around(name, target, str(event["run"]), lambda: lead(AwsFleet(FleetSettings.from_environment()), event))

    return lambda_handler


def _around(name: str, target: str, execution: str, act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """`target`: as long as the answer names none."""
    logger.append_keys(step=name, target=target, execution=execution)
    started = time.monotonic()
    try:
        answer = act()
    except RotationError as error:
        failure: RotationError = error.at(target)
    except Exception as error:  # noqa: BLE001 - whatever it is, its text must not get out
        failure = UnexpectedError(f"{target}: {type(error).__name__} in {name}, {_place(error)}")
    else:
        seconds = time.monotonic() - started
        logger.info("step done", seconds=round(seconds, 3))
        _record(name, str(answer.get("target", target)), seconds, failed=False, measured=answer.get("measured", {}))
        return answer
    counted = {"authentication_failures_count": 1} if isinstance(failure, AUTHENTICATION_FAILURES) else {}
    _record(name, target, time.monotonic() - started, failed=True, measured=counted)
    logger.error("step failed", error=type(failure).__name__, reason=str(failure))
    raise failure.with_traceback(None) from None


def _probed(world: World, name: str) -> dict[str, Any]:
    """Mode verify asks every function to look at what its step needs, in place of doing it."""
    from rotation.protocol.probes import probe

    found = probe(world, name)
    measured = dict(one for finding in found for one in finding.measured)
    return {"findings": [finding.as_dict() for finding in found], "measured": measured}


def _place(error: Exception) -> str:
    """Where it happened: file and line of the innermost frame. No values, no message: those can hold a password."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else "unknown"


def _record(step: str, target: str, seconds: float, *, failed: bool, measured: Mapping[str, float]) -> None:
    """Two lines, since they differ in their dimensions: how the step did, and what it measured of the target."""
    metrics.add_metric("StepSeconds", MetricUnit.Seconds, seconds)
    metrics.add_metric("StepFailed", MetricUnit.Count, int(failed))
    _flush({"target": target, "environment": environment(), "step": step})
    if measured:
        for metric, value in measured.items():
            metrics.add_metric(metric, _unit(metric), value)
        _flush({"target": target, "environment": environment()})


def _unit(metric: str) -> MetricUnit:
    return next((unit for end, unit in UNITS.items() if metric.endswith(end)), MetricUnit.NoUnit)


def _flush(dimensions: Mapping[str, str]) -> None:
    for dimension, value in dimensions.items():
        metrics.add_dimension(dimension, value)
    metrics.flush_metrics()
