"""The local AWS as a process: moto, and in front of it what moto has not or does not take seriously.

In moto itself one thing is mended: how Step Functions stops an execution (local/engine.py).

    python -m local.aws_server --port-file FILE --config JSON

It serves until its stdin ends, so nothing is left of it when whoever started it is gone, however that went.
"""

import argparse
import gc
import json
import os
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from werkzeug.serving import WSGIRequestHandler, make_server

from local.execution_log import ExecutionLogs
from local.faults import Fault, SecretFault, Throttle, Throttled
from local.lambdas import Functions, LambdaInvoke
from local.record import Record, Recorder
from local.sandbox import Function
from local.simulator import PolicySimulator
from local.wsgi import Environ, Whole, WsgiApp, body_of, json_response, signer_of

if TYPE_CHECKING:
    from local.secrets_manager import StrictSecrets

ADMIN = "/_local/"
Orders = dict[str, Callable[[dict[str, Any]], Any]]
"""By what they are called."""


@dataclass(frozen=True)
class Config:
    runtime_python: str
    logs: str
    region: str = "us-east-1"
    account: str = "123456789012"
    record: str | None = None


class Clusters:
    """WSGI middleware: DescribeCluster of clusters that run on this machine. moto makes up their endpoints."""

    def __init__(self, app: WsgiApp, config: Config) -> None:
        self._app, self._config = app, config
        self._clusters: dict[str, dict[str, Any]] = {}

    def register(self, name: str, endpoint: str, ca: str) -> None:
        """ca: the certificate as base64 of its PEM, as EKS gives it."""
        arn = f"arn:aws:eks:{self._config.region}:{self._config.account}:cluster/{name}"
        access = {"authenticationMode": "API"}
        place = {"endpoint": endpoint, "certificateAuthority": {"data": ca}}
        self._clusters[name] = {"name": name, "arn": arn, "status": "ACTIVE", "accessConfig": access} | place

    def __call__(self, environ: Environ, start_response: Any) -> Any:
        name = environ["PATH_INFO"].removeprefix("/clusters/")
        if environ["REQUEST_METHOD"] == "GET" and signer_of(environ).service == "eks" and name in self._clusters:
            return json_response(200, {"cluster": self._clusters[name]})(environ, start_response)
        return self._app(environ, start_response)


class Admin:
    """WSGI middleware: what only the local AWS can be told, as POST /_local/<what> with a JSON object."""

    def __init__(
        self, app: WsgiApp, functions: Functions, clusters: Clusters, logs: ExecutionLogs, secrets: "StrictSecrets", more: Orders
    ) -> None:
        self._app = app
        self._orders: Orders = {
            **more,
            "functions": lambda order: functions.deploy(Function(**order)),
            "faults": lambda order: functions.faults.order(Fault(**order)),
            "faults/clear": lambda _: functions.faults.clear(),
            "kill": lambda order: functions.kill(order["function"]),
            "clusters": lambda order: clusters.register(**order),
            "logs": lambda order: logs.register(**order),
            "rotations": lambda order: [one for one in secrets.rotations.events if one["SecretId"] == order["secret"]],
            "rotations/pace": lambda order: secrets.rotations.set_pace(**order),
            "secrets/faults": lambda order: secrets.order(SecretFault(**order)),
            "secrets/faults/clear": lambda _: secrets.clear(),
        }

    def __call__(self, environ: Environ, start_response: Any) -> Any:
        path = environ["PATH_INFO"]
        if not path.startswith(ADMIN):
            return self._app(environ, start_response)
        order = self._orders.get(path.removeprefix(ADMIN))
        if order is None or environ["REQUEST_METHOD"] != "POST":
            return json_response(404, {"error": f"no such order: {path}"})(environ, start_response)
        try:
            done = order(json.loads(body_of(environ) or b"{}"))
        except (TypeError, KeyError, ValueError) as error:
            return json_response(400, {"error": str(error)})(environ, start_response)
        return json_response(200, {"done": done})(environ, start_response)


def compose(config: Config, port: int) -> tuple[WsgiApp, Functions]:
    """moto is imported here and not above: its engine calls Lambda at MOTO_PORT, read when it is imported."""
    gc.set_threshold(200_000, 50, 50)  # each execution parses the definition anew: collecting took a third of all time
    os.environ["MOTO_PORT"] = str(port)
    os.environ["VALIDATE_LAMBDA_S3"] = "false"  # the code is not in S3 but where sam build left it
    from moto.core.config import default_user_config
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    from local import engine, histories, moto_quicker
    from local.access_keys import StrictKeys
    from local.acme import records
    from local.instances.run_command import RunCommand
    from local.secrets_manager import StrictSecrets

    engine.mend()
    histories.mend()
    moto_quicker.mend()
    zones = records.mend()
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    moto = DomainDispatcherApplication(create_backend_app)
    endpoint = f"http://127.0.0.1:{port}"
    record = Record(Path(config.record)) if config.record else None
    functions = Functions(Path(config.runtime_python), endpoint, config.region, Path(config.logs), record)
    run_command = RunCommand(moto, config.account)
    secrets = StrictSecrets(run_command, config.account, functions.call, functions.kill)
    throttled = Throttled(PolicySimulator(secrets, config.account))
    logs = ExecutionLogs(throttled, config.account, config.region)
    clusters = Clusters(LambdaInvoke(logs, functions), config)
    recorded = Recorder(clusters, record) if record else clusters
    keys = StrictKeys(recorded, config.account)
    busy: Orders = {
        "throttles": lambda order: throttled.order(Throttle(**order)),
        "throttles/clear": lambda _: throttled.clear(),
    }
    more = {**run_command.commands.orders(), **keys.orders(), **zones.orders(), **busy}
    return Whole(Admin(keys, functions, clusters, logs, secrets, more)), functions


class QuietHandler(WSGIRequestHandler):
    """moto logs every request; the record and the functions' logs say more."""

    def log_request(self, *_: Any) -> None:
        pass


def serve(config: Config, port_file: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    app, functions = compose(config, port)
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=QuietHandler, fd=listener.fileno())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    scratch = port_file.with_suffix(".new")
    scratch.write_text(str(port))
    scratch.rename(port_file)
    try:
        sys.stdin.read()
    finally:
        functions.close()
        os._exit(0)  # the engine's threads may wait for a machine's Wait, and are nobody's daemons


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--config", required=True)
    arguments = parser.parse_args()
    serve(Config(**json.loads(arguments.config)), arguments.port_file)


if __name__ == "__main__":
    main()
