"""The local AWS, seen from outside: start it, get clients, give it orders, stop it."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from botocore.config import Config

from local.faults import Fault, SecretFault, Throttle
from local.priority import share
from local.sandbox import Function

REPOSITORY = Path(__file__).resolve().parent.parent
START_SECONDS = 180.0
"""It imports a great deal, and a busy machine may take a minute for that. One that ended is not waited for."""


def local_only(environment: Mapping[str, str]) -> dict[str, str]:
    """Without what would turn a client to somewhere else than this machine: a proxy, a profile, an endpoint."""
    return {key: value for key, value in environment.items() if not re.match(r"AWS_|\w+_PROXY$", key, re.IGNORECASE)}


class LocalAws:
    """One server process. It ends with this process too, whatever ends it: its stdin is our pipe."""

    def __init__(
        self,
        runtime_python: Path,
        logs: Path,
        record: Path | None = None,
        region: str = "us-east-1",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """environment: of the server; the mark in it is how what is left behind is found. The functions have Lambda's."""
        self.region = region
        self.logs = logs
        self._config = {"runtime_python": str(runtime_python), "logs": str(logs), "region": region}
        if record:
            self._config["record"] = str(record)
        self._environment = os.environ if environment is None else environment
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: dict[tuple[str, str], Any] = {}
        self.endpoint = ""

    def start(self) -> Self:
        self.logs.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder, (self.logs / "aws.log").open("ab") as log:
            port_file = Path(folder) / "port"
            command = ["-m", "local.aws_server", "--port-file", str(port_file), "--config", json.dumps(self._config)]
            self._process = subprocess.Popen(
                [sys.executable, *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=REPOSITORY,
                env=local_only(self._environment),
                start_new_session=True,  # it is stopped by us, after the things that use it, not by the terminal
            )
            share(self._process.pid)
            self.endpoint = f"http://127.0.0.1:{self._wait_for(port_file)}"
        return self

    def _wait_for(self, port_file: Path) -> int:
        assert self._process
        deadline = time.monotonic() + START_SECONDS
        while not port_file.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the local AWS did not start; see {self.logs / 'aws.log'}")
            time.sleep(0.02)
        return int(port_file.read_text())

    def stop(self) -> None:
        if self._process is None:
            return
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def client(self, service: str, caller: str = "operator", config: Config | None = None) -> Any:
        """A boto3 client; `caller` is the access key id that the record shows. Made once: that takes longer than most calls."""
        if config:
            return self._connect(service, caller, config)
        key = (service, caller)
        if key not in self._clients:
            self._clients[key] = self._connect(service, caller, Config())
        return self._clients[key]

    def _connect(self, service: str, caller: str, config: Config) -> Any:
        connect: Any = boto3.client  # typed by the service's literal name, which is not known here
        return connect(
            service,
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=caller,
            aws_secret_access_key="local",
            config=Config(read_timeout=120, proxies={}).merge(config),
        )

    def register_cluster(self, name: str, endpoint: str, ca: str) -> None:
        """What eks:DescribeCluster answers; ca is the base64 of the PEM, as there."""
        self._order("clusters", {"name": name, "endpoint": endpoint, "ca": ca})

    def deliver_log(self, machine: str, group: str, *, include_data: bool) -> None:
        """Where the machine's executions are logged, and whether with what goes in and out of its states."""
        self._order("logs", {"machine": machine, "group": group, "include_data": include_data})

    def deploy_function(self, function: Function) -> None:
        self._order("functions", asdict(function))

    def fail(self, fault: Fault) -> None:
        self._order("faults", asdict(fault))

    def rotation_events(self, secret: str) -> list[dict[str, str]]:
        """What Secrets Manager has said so far of its own rotations of that secret, by its ARN."""
        events: list[dict[str, str]] = self._order("rotations", {"secret": secret})
        return events

    def pace_rotations(self, tries: int, seconds: float) -> None:
        """How often Secrets Manager tries a rotation of its own, and how far apart."""
        self._order("rotations/pace", {"tries": tries, "seconds": seconds})

    def commands(self) -> list[dict[str, Any]]:
        """Everything that Run Command knows of its commands, in plain."""
        known: list[dict[str, Any]] = self._order("commands", {})
        return known

    def pace_commands(self, **pace: float | None) -> None:
        """How patient Run Command is; see local/instances/commands.py."""
        self._order("commands/pace", pace)

    def forget_instance(self, instance: str) -> None:
        """It was terminated: its agent never comes back."""
        self._order("agents/forget", {"instance": instance})

    def lag_keys(self, seconds: float) -> None:
        """How late all of AWS knows of a new access key, and of the end of one."""
        self._order("keys/lag", {"seconds": seconds})

    def lag_records(self, seconds: float) -> None:
        """How late all servers of Route 53 know of a changed record."""
        self._order("records/lag", {"seconds": seconds})

    def published(self, name: str) -> list[str]:
        """What they say by now of a TXT record."""
        found: list[str] = self._order("records/published", {"name": name})
        return found

    def keys_signed(self) -> dict[str, int]:
        """How many requests each access key of an IAM user has signed so far that were taken."""
        signed: dict[str, int] = self._order("keys/signed", {})
        return signed

    def refuse(self, fault: SecretFault) -> None:
        self._order("secrets/faults", asdict(fault))

    def throttle(self, throttle: Throttle) -> None:
        self._order("throttles", asdict(throttle))

    def clear_faults(self) -> None:
        self._order("faults/clear", {})
        self._order("secrets/faults/clear", {})
        self._order("throttles/clear", {})

    def kill(self, function: str) -> int:
        """Kills every process of a function; says how many."""
        killed: int = self._order("kill", {"function": function})
        return killed

    def _order(self, what: str, order: dict[str, Any]) -> Any:
        request = urllib.request.Request(f"{self.endpoint}/_local/{what}", json.dumps(order).encode(), method="POST")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as response:
            return json.load(response)["done"]
