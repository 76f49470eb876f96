"""The engine of the local AWS under a fake clock: months pass in seconds, and a Wait passes at once.

    python -m tests.statemachine.clocked LAMBDA_PORT LOGS START

As tests.statemachine.engine, and POST /_clock moves its time: {"to": "2025-03-01T03:00:00+00:00"} or {"by": seconds}.
"""

import json
import sys
from datetime import datetime
from typing import Any

import time_machine

from local.wsgi import Environ, WsgiApp, body_of, json_response
from tests.statemachine.engine import composed, serve


class Clock:
    """WSGI middleware, and the time of this process."""

    def __init__(self, app: WsgiApp, time: Any) -> None:
        self._app, self._time = app, time

    def __call__(self, environ: Environ, start_response: Any) -> Any:
        if environ["PATH_INFO"] != "/_clock":
            return self._app(environ, start_response)
        order = json.loads(body_of(environ))
        if "to" in order:
            self._time.move_to(datetime.fromisoformat(order["to"]))
        else:
            self._time.shift(order["by"])
        return json_response(200, {"done": True})(environ, start_response)


def main(lambda_port: int, logs: str, start: str) -> None:
    app = composed(lambda_port, logs)
    time = time_machine.travel(datetime.fromisoformat(start), tick=True).start()
    _let_waits_pass(time)
    serve(Clock(app, time))


def _let_waits_pass(time: Any) -> None:
    """The engine would wait by a clock of its own."""
    from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction

    def wait(_: Any, env: Any, wait_seconds: int) -> None:
        time.shift(wait_seconds)

    WaitFunction._wait_interval = wait


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
