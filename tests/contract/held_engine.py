"""The local AWS's engine as a process of its own, which can be held at any moment of an execution.

    python -m tests.contract.held_engine LAMBDA_PORT LOGS

A moment is a line of the engine's code that one of its threads comes to; they are counted from when it has read the definition.
POST /_hold {"at": 100}: the next execution waits at its hundredth moment until a StopExecution is answered, or HOLD_SECONDS,
as it may hold a lock that StopExecution needs. POST /_held {}: answered when it waits, with the place. POST /_count {}: how
many moments there have been since the last hold.
"""

import json
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any, cast

from local.wsgi import Environ, WsgiApp, body_of, json_response
from tests.statemachine.engine import composed, serve

ENGINE = ("parser/asl/component/", "parser/asl/eval/", "parser/backend/")
ELSEWHERE = ("process_request_thread", "_execution_logic")
"""Where a thread begins that answers somebody, or is going to read a definition: to trace that takes time."""
HOLD_SECONDS = 0.1
REACH_SECONDS = 10


class Moments:
    """WSGI middleware, and what Python calls for each line of the engine's threads."""

    def __init__(self, app: WsgiApp) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._at = self._count = 0
        self._where = ""
        self._held, self._answered = threading.Event(), threading.Event()
        self._orders = {"/_hold": self._hold, "/_held": self._place, "/_count": lambda _: self._count}

    def __call__(self, environ: Environ, start_response: Any) -> Any:
        if order := self._orders.get(environ["PATH_INFO"]):
            return json_response(200, {"told": order(json.loads(body_of(environ)))})(environ, start_response)
        answer = self._app(environ, start_response)
        if environ.get("HTTP_X_AMZ_TARGET", "").endswith(".StopExecution"):
            self._answered.set()
        return answer

    def _hold(self, order: dict[str, int]) -> None:
        self._held.clear()
        self._answered.clear()
        self._at, self._count = order["at"], 0

    def _place(self, _: object) -> str | None:
        return self._where if self._held.wait(REACH_SECONDS) else None

    def watch(self, worker: Any) -> None:
        """Trace whatever such a worker does, once it has read the definition."""
        prepare = worker._get_evaluation_environment

        def prepared(*given: Any) -> Any:
            program, frame = prepare(*given), sys._getframe()
            while frame.f_code.co_name != "_execution_logic":
                frame = cast("FrameType", frame.f_back)
            frame.f_trace = self._line
            sys.settrace(self._trace)
            return program

        worker._get_evaluation_environment = prepared
        threading.settrace(self._trace)

    def _trace(self, frame: FrameType, _: str, __: object) -> Any:
        """Python calls it for each function that is called, and what it answers for each line of that."""
        name, function = frame.f_code.co_filename, frame.f_code.co_name
        if function in ELSEWHERE:
            sys.settrace(None)
        return self._line if any(part in name for part in ENGINE) else None

    def _line(self, frame: FrameType, event: str, _: object) -> Any:
        if event == "line":
            with self._lock:
                self._count += 1
                here = self._count == self._at
            if here:
                self._where = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}, {frame.f_code.co_name}"
                self._held.set()
                self._answered.wait(HOLD_SECONDS)
        return self._line


def main(lambda_port: int, logs: str) -> None:
    moments = Moments(composed(lambda_port, logs))
    from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker  # not to be imported sooner

    moments.watch(ExecutionWorker)
    serve(moments)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
