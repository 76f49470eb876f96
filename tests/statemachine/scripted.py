"""Lambda as the state-machine tests have it: each function answers from a script, and what it was given is kept.

A script belongs to one execution (every payload carries the execution's name), so that many run at once. Per function it
is a list of answers, one an invocation; after its end, and without one, the function is happy.
"""

import json
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any, Self
from urllib.parse import unquote

from tests.statemachine.happy import answered
from tests.worlds.server import Server

INVOKE = re.compile(r"^/2015-03-31/functions/(?:arn:[^/]*:function:)?([^/:]+)(?::[^/]*)?/invocations$")
HANG_SECONDS = 120


@dataclass(frozen=True)
class Raises:
    """The function fails; as long a message as one of the layer's, and the trace that Lambda adds."""

    error: str

    @property
    def payload(self) -> dict[str, Any]:
        trace = (
            '  File "/opt/python/rotation/runtime/entry.py", line 48, in lambda_handler\n    raise failure.with_traceback(None)\n'
        )
        message = f"openemr: {self.error}, made up".ljust(200, ".")
        return {"errorMessage": message, "errorType": self.error, "requestId": "0" * 36, "stackTrace": [trace]}


@dataclass(frozen=True)
class Refused:
    """Lambda itself refuses the call; the function does not run."""

    code: str
    status: int


@dataclass(frozen=True)
class Hangs:
    """No answer comes."""


KILLED = Raises("Runtime.ExitError")
Answer = Mapping[str, Any] | Raises | Refused | Hangs
Script = Mapping[str, Sequence[Answer]]


@dataclass(frozen=True)
class Invocation:
    function: str
    event: dict[str, Any]


class ScriptedLambda:
    """An endpoint that answers Lambda's Invoke, and nothing else."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._scripts: dict[str, Script] = {}
        self._invocations: dict[str, list[Invocation]] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._server = Endpoint((host, port), Handler)
        self._server.functions = self
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    def expect(self, execution: str, script: Script) -> None:
        self._scripts[execution] = script
        self._invocations[execution] = []

    def invocations(self, execution: str) -> list[Invocation]:
        with self._lock:
            return list(self._invocations.get(execution, []))

    def answer(self, function: str, event: dict[str, Any]) -> Answer:
        execution = event["execution"]["name"]
        with self._lock:
            before = self._invocations[execution]
            turn = sum(one.function == function for one in before)
            before.append(Invocation(function, event))
        script = self._scripts[execution].get(function, [])
        answer: Answer = script[turn] if turn < len(script) else {}
        return {"findings": [], **answer} if event.get("probe") and isinstance(answer, Mapping) else answer

    def hang(self) -> None:
        """Until the tests end: whoever asked has given up long before."""
        self._ended.wait(HANG_SECONDS)


class Endpoint(Server):
    """What answers, for whoever handles a request."""

    functions: "ScriptedLambda"


class Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        path = INVOKE.match(unquote(self.path))
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        if path is None:
            self._respond(404, {"message": f"not an Invoke: {self.path}"})
        else:
            self._tell(path[1], event, self.server.functions.answer(path[1], event))

    def _tell(self, function: str, event: dict[str, Any], answer: Answer) -> None:
        if isinstance(answer, Hangs):
            self.server.functions.hang()
        elif isinstance(answer, Refused):
            kind = {"x-amzn-ErrorType": answer.code, "x-amzn-RequestId": "0" * 36}
            self._respond(answer.status, {"Type": "Service", "message": "made up"}, kind)
        elif isinstance(answer, Raises):
            self._respond(200, answer.payload, {"X-Amz-Function-Error": "Unhandled"})
        else:
            self._respond(200, answered(function, event, answer))

    def _respond(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Type": "application/json", "Content-Length": str(len(text))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""
