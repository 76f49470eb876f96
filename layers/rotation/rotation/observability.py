"""Around every step: one log line before and after, one metric, and errors that say what they may and no more."""

import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from rotation.errors import RotationError, UnexpectedError
from rotation.ports import World
from rotation.request import Request
from rotation.settings import Settings
from rotation.wiring import AwsWorld

Step = Callable[[World, Request], dict[str, Any]]
Handler = Callable[[Mapping[str, Any], Any], dict[str, Any]]

logger = Logger()
metrics = Metrics()


def handler(step: Step, name: str) -> Handler:
    """The Lambda handler of a step. The event itself is never logged: only names, ids and times that we choose."""

    def lambda_handler(event: Mapping[str, Any], _context: Any) -> dict[str, Any]:
        request = Request(event)
        logger.append_keys(step=name, target=request.target, execution=request.owner)
        started = time.monotonic()
        try:
            world = AwsWorld(Settings.from_environment(), request.target)
            answer = _probed(world, name) if request.probes else step(world, request)
        except RotationError as error:
            failure: RotationError = error.at(request.target)
            _record(name, request.target, started, type(error).__name__)
        except Exception as error:  # noqa: BLE001 - whatever it is, its text must not get out
            failure = UnexpectedError(f"{request.target}: {type(error).__name__} in {name}, {_place(error)}")
            _record(name, request.target, started, "UnexpectedError")
        else:
            _record(name, request.target, started, None)
            return answer
        logger.error("step failed", error=type(failure).__name__, reason=str(failure))
        raise failure.with_traceback(None) from None

    return lambda_handler


def _probed(world: World, name: str) -> dict[str, Any]:
    """Mode verify asks every function to look at what its step needs, in place of doing it."""
    from rotation.probes import probe

    return {"findings": [finding.as_dict() for finding in probe(world, name)]}


def _place(error: Exception) -> str:
    """Where it happened: file and line of the innermost frame. No values, no message: those can hold a password."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else "unknown"


def _record(step: str, target: str, started: float, failure: str | None) -> None:
    seconds = time.monotonic() - started
    if failure is None:
        logger.info("step done", seconds=round(seconds, 3))
    metrics.add_dimension("target", target)
    metrics.add_dimension("step", step)
    metrics.add_metric("StepSeconds", MetricUnit.Seconds, seconds)
    metrics.add_metric("StepFailed", MetricUnit.Count, 0 if failure is None else 1)
    metrics.flush_metrics()
