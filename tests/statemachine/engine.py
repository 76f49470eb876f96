"""The engine of the local AWS as a process of its own, with Lambda elsewhere: at the port given, where the tests answer.

    python -m tests.statemachine.engine LAMBDA_PORT LOGS

It prints its own port, and serves until its stdin ends: nothing is left of it when whoever started it is gone.
"""

import os
import sys
import threading

from werkzeug.serving import make_server

from local.aws_server import Config, QuietHandler, compose
from local.wsgi import WsgiApp


def composed(lambda_port: int, logs: str) -> WsgiApp:
    """The port is where the engine looks for Lambda."""
    return compose(Config(runtime_python="", logs=logs), lambda_port)[0]


def serve(app: WsgiApp) -> None:
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.port, flush=True)  # noqa: T201 - this is how the port gets out
    sys.stdin.read()
    os._exit(0)  # the engine's threads may wait for a machine's Wait, and are nobody's daemons


if __name__ == "__main__":
    serve(composed(int(sys.argv[1]), sys.argv[2]))
