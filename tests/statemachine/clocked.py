"""The engine of the local AWS under a fake clock: months pass in seconds, and a Wait passes at once.

    python -m tests.statemachine.clocked LAMBDA_PORT LOGS START

As tests.statemachine.engine, and POST /_clock moves its time: {"to": "2025-03-01T03:00:00+00:00"} or {"by": seconds}.
"""

import json
import os
import sys
import threading
from datetime import datetime
from typing import Any

import time_machine
from werkzeug.serving import make_server

from local.aws_server import Config, QuietHandler, compose
from local.wsgi import Environ, WsgiApp, body_of, json_response


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
    app, _ = compose(Config(runtime_python="", logs=logs), lambda_port)
    time = time_machine.travel(datetime.fromisoformat(start), tick=True).start()
    _let_waits_pass(time)
    server = make_server("127.0.0.1", 0, Clock(app, time), threaded=True, request_handler=QuietHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.port, flush=True)  # noqa: T201 - this is how the port gets out
    sys.stdin.read()
    os._exit(0)


def _let_waits_pass(time: Any) -> None:
    """The only thing of the engine that is not as it comes: it would wait by a clock of its own."""
    from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction

    def wait(_: Any, env: Any, wait_seconds: int) -> None:
        time.shift(wait_seconds)

    WaitFunction._wait_interval = wait


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
