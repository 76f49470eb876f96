"""Faults to order: which of the next invocations break, or requests to Secrets Manager are refused, and how."""

import threading
from dataclasses import dataclass, field
from typing import Any

from local.record import describe
from local.wsgi import Environ, WsgiApp, json_response, signer_of

PHASES = {"PrepareService": "prepare", "ValidateService": "validate", "CutOverService": "cut over", "CleanUpService": "clean up"}
"""What the states ask for that one function serves."""


@dataclass
class Fault:
    """Breaks the next `times` invocations whose event holds everything in `match`.

    at: "start" dies before the handler runs, "end" after it ran but before it answered, a number that many seconds
    into its handler. With `error` the function is not run; that payload is its error.
    """

    function: str
    match: dict[str, Any] = field(default_factory=dict)
    times: int = 1
    at: str | float = "start"
    error: dict[str, Any] | None = None


@dataclass
class SecretFault:
    """Refuses the next `times` requests: as IAM and KMS do (AccessDeniedException, DecryptionFailure), or a busy service
    (ThrottlingException, InternalServiceError). moto asks neither a policy nor a key."""

    action: str
    code: str
    times: int = 1
    secret: str = ""
    """Name or ARN, as callers give it; empty for any."""
    caller: str = ""
    """The access key id: a function has its name for one. Empty for any."""
    kills: bool = False
    """The caller, which is a function, dies of it: it has done what came before, and nobody knows."""

    def takes(self, action: str, secret: str, caller: str) -> bool:
        if self.times < 1 or action != self.action or self.secret not in ("", secret) or self.caller not in ("", caller):
            return False
        self.times -= 1
        return True


@dataclass
class Throttle:
    """Refuses the next `times` calls of that action, as a service does that is asked too often."""

    action: str
    """As a policy names it: ssm:GetParameter."""
    times: int
    caller: str = ""
    """As above."""

    def takes(self, action: str, caller: str) -> bool:
        if self.times < 1 or action != self.action or self.caller not in ("", caller):
            return False
        self.times -= 1
        return True


def meant(state: str, direction: str = "forward") -> dict[str, Any]:
    """What marks the events of a state whose function serves another state, or the other direction, too."""
    if state == "CheckStillDrained":
        return {"drain": {"status": "drained"}}
    if state in PHASES:
        return {"direction": direction, "phase": PHASES[state]}
    puts = ("WriteSqlconf", "PatchSecret", "PutSecret", "CheckLogin", "WriteWpConfig", "CreateSwarmSecret")
    publishing = (*puts, "RestartApp", "CheckRollout", "ValidateApp")
    return {"direction": direction} if state in publishing else {}


def holds(event: Any, wanted: Any) -> bool:
    """Whether an event contains a JSON document: every key of it, as deep as it goes."""
    if isinstance(wanted, dict):
        return isinstance(event, dict) and all(key in event and holds(event[key], wanted[key]) for key in wanted)
    return bool(event == wanted)


class Throttled:
    """WSGI middleware, in front of services that speak AWS's JSON."""

    def __init__(self, app: WsgiApp) -> None:
        self._app = app
        self._ordered: list[Throttle] = []
        self._lock = threading.Lock()

    def order(self, throttle: Throttle) -> None:
        with self._lock:
            self._ordered.append(throttle)

    def clear(self) -> None:
        with self._lock:
            self._ordered.clear()

    def __call__(self, environ: Environ, start_response: Any) -> Any:
        with self._lock:
            called = (describe(environ)[0], signer_of(environ).access_key_id) if self._ordered else ("", "")
            refused = any(one.takes(*called) for one in self._ordered)
        if refused:
            return json_response(400, {"__type": "ThrottlingException", "message": "Rate exceeded"})(environ, start_response)
        return self._app(environ, start_response)


class Faults:
    def __init__(self) -> None:
        self._ordered: list[Fault] = []
        self._lock = threading.Lock()

    def order(self, fault: Fault) -> None:
        with self._lock:
            self._ordered.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._ordered.clear()

    def take(self, function: str, event: Any) -> Fault | None:
        with self._lock:
            for fault in self._ordered:
                if fault.function == function and fault.times > 0 and holds(event, fault.match):
                    fault.times -= 1
                    return fault
        return None
