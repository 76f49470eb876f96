"""The machine's log as Step Functions delivers it: each event of each execution, as a line of JSON in a log group.

moto's engine has a delivery of its own that ends the execution at its first event, so here it gets no logging
configuration. What it keeps as history is turned into AWS's log events when somebody asks for logs: nothing runs in between,
and nobody reads less than what has happened.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from local.wsgi import Environ, WsgiApp

LOGS = "Logs_20140328."
LARGEST = 256 * 1024
"""Of one event, in bytes. Step Functions cuts the data of a larger one off, and says so."""
AT_ONCE = 1000
DATA = ("input", "output")


class ExecutionLogs:
    """WSGI middleware: before CloudWatch Logs answers, it gets what the machines have done since."""

    def __init__(self, app: WsgiApp, account: str, region: str) -> None:
        self._app, self._account, self._region = app, account, region
        self._groups: dict[str, tuple[str, bool]] = {}
        self._told: dict[str, int] = {}
        self._complete: set[str] = set()
        self._lock = threading.Lock()

    def register(self, machine: str, group: str, include_data: bool) -> None:
        """What LoggingConfiguration says in AWS; the level is ALL."""
        self._groups[machine] = (group, include_data)

    def __call__(self, environ: Environ, start_response: Any) -> Any:
        if environ.get("HTTP_X_AMZ_TARGET", "").startswith(LOGS):
            with self._lock:
                self._deliver()
        return self._app(environ, start_response)

    def _deliver(self) -> None:
        from moto.logs.models import logs_backends
        from moto.stepfunctions.parser.models import stepfunctions_parser_backends

        states, logs = (backends[self._account][self._region] for backends in (stepfunctions_parser_backends, logs_backends))
        for machine in [one for one in states.state_machines if one.arn in self._groups]:
            group, include_data = self._groups[machine.arn]
            for execution in [one for one in machine.executions if one.execution_arn not in self._complete]:
                ended = execution.status != "RUNNING"  # before its events are read
                self._write(logs, group, execution, include_data)
                if ended:
                    self._complete.add(execution.execution_arn)

    def _write(self, logs: Any, group: str, execution: Any, include_data: bool) -> None:
        arn = execution.execution_arn
        events = execution.to_history_output()["events"]
        new = [log_event(event, arn, include_data=include_data) for event in events[self._told.get(arn, 0) :]]
        stream = stream_of(arn, events[0]["timestamp"]) if events else ""
        if new and stream not in logs.groups[group].streams:
            logs.create_log_stream(group, stream)
        for part in _parts(new):
            logs.put_log_events(group, stream, part)
        self._told[arn] = len(events)


def _parts(events: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    return (events[place : place + AT_ONCE] for place in range(0, len(events), AT_ONCE))


def stream_of(execution: str, started: Any) -> str:
    """As AWS names them: the machine, the minute, and something of its own."""
    machine, name = execution.split(":")[-2:]
    return f"states/{machine}/{_moment(started):%Y-%m-%d-%H-%M}/{name}"


def log_event(event: Mapping[str, Any], execution: str, *, include_data: bool) -> dict[str, Any]:
    """An event of GetExecutionHistory as CloudWatch Logs gets it: numbers are texts there, and details have one name."""
    details = next((dict(value) for key, value in event.items() if key.endswith("EventDetails")), {})
    if not include_data:
        details = {key: value for key, value in details.items() if key.removesuffix("Details") not in DATA}
    milliseconds = round(_moment(event["timestamp"]).timestamp() * 1000)
    told = {
        "id": str(event["id"]),
        "type": getattr(event["type"], "value", event["type"]),
        "details": details,
        "previous_event_id": str(event.get("previousEventId", 0)),
        "event_timestamp": str(milliseconds),
        "execution_arn": execution,
        "redrive_count": "0",
    }
    return {"timestamp": milliseconds, "message": _fitting(told, details)}


def _fitting(told: dict[str, Any], details: dict[str, Any]) -> str:
    text = json.dumps(told)
    if len(text.encode()) <= LARGEST:
        return text
    short = {key: value for key, value in details.items() if key not in DATA}
    short |= {f"{key}Details": {"truncated": True} for key in DATA if key in details}
    return json.dumps({**told, "details": short})


def _moment(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
