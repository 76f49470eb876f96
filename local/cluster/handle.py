"""The cluster seen from the program that starts it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from local.cluster.kinds import KUBECONFIG, RBAC, STAND_IN
from local.cluster.tokens import ENTRIES
from local.leftovers import MARK
from local.priority import serve

REPOSITORY = Path(__file__).resolve().parents[2]
POLL = 0.05  # seconds


@dataclass(frozen=True)
class Settings:
    """`cluster`: the EKS name that tokens must be signed for. `secret_keys`: access key id → secret access
    key of the callers, `*` for any id. `access`: access key id → groups. `sites`: the mounted EFS. `database_ca`: a file.
    `directory`: logs. `kind`: stand-in, real or kubeconfig. `deployment`: the workload, of
    whatever sort. `others`: Secrets and workloads beside the two, which only the stand-in has; each workload is behind a balancer
    of its own. `rbac`: what the functions may do."""

    cluster: str
    secret: dict[str, Any] = field(repr=False)
    deployment: dict[str, Any]
    sites: Path
    database_ca: Path
    directory: Path
    secret_keys: Mapping[str, str] = field(repr=False)
    access: Mapping[str, list[str]] = field(default_factory=lambda: dict(ENTRIES))
    kind: str = STAND_IN
    observes_after: float = 0.5
    """How long the stand-in's controller takes to see a change; the real one takes what it takes."""
    others: Sequence[dict[str, Any]] = field(default=(), repr=False)
    rbac: Path = RBAC


class Cluster:
    """`api` and `ca` for the Kubernetes client, `url` of the application's balancer, `urls` of those of other Deployments."""

    api: str
    ca: str
    url: str
    urls: dict[str, str]
    version: str

    def __init__(self, settings: Settings, environment: Mapping[str, str] | None = None) -> None:
        self._settings = settings
        self._environment = environment
        self._process: subprocess.Popen[str] | None = None
        self._janitor: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when it listens; the first pods are still starting (`wait_until_rolled_out`)."""
        self._settings.directory.mkdir(parents=True, exist_ok=True)
        if self._settings.kind == KUBECONFIG:
            self._janitor = self._hire(self._settings.deployment["metadata"]["namespace"])
        log = self._settings.directory / "cluster.log"
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local.cluster"],
                cwd=REPOSITORY,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                process_group=0,
            )
        if self._settings.kind == STAND_IN:  # its own part of it is small; that of a real control plane is not
            serve(self._process.pid)
        ports = self._introduce(self._process, log)
        self.ca = ports["ca"]
        self.api = ports["api"]
        self.url = f"http://127.0.0.1:{ports['balancer']}"
        self.urls = {name: f"http://127.0.0.1:{port}" for name, port in ports["balancers"].items()}
        self.version = ports["version"]
        self._control = f"http://127.0.0.1:{ports['control']}"

    def stop(self) -> None:
        """End of its input is all it takes; returns when its pods are gone."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait()
            self._process = None
        if self._janitor is not None:
            assert self._janitor.stdin is not None
            self._janitor.stdin.close()
            self._janitor.wait()
            self._janitor = None

    def _hire(self, namespace: str) -> subprocess.Popen[bytes]:
        """Without the mark of the run: it ends after everything that has it."""
        environment = {name: value for name, value in os.environ.items() if name != MARK}
        command = [sys.executable, "-m", "local.cluster.real.janitor", namespace]
        return subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdin=subprocess.PIPE, start_new_session=True)

    def wait_until_rolled_out(self, within: float = 30.0) -> None:
        deadline = time.monotonic() + within
        while not self.is_rolled_out():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the pods were not ready within {within:.0f} s: {self.pods()}")
            time.sleep(POLL)

    def is_rolled_out(self) -> bool:
        """By the controller's own knowledge, which the API tells a while later."""
        return bool(self._call("GET", "/rollout")["complete"])

    def secret(self, name: str | None = None) -> dict[str, str]:
        """The keys and values of the application's Secret, or of another one."""
        name = name or self._settings.secret["metadata"]["name"]
        data = self._call("GET", f"/secrets/{name}")["data"]
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def pods(self) -> list[dict[str, Any]]:
        """name, revision, ready, port of each; not those that are being deleted."""
        listed: list[dict[str, Any]] = self._call("GET", "/pods")
        return listed

    def kill_pods(self) -> None:
        """An outage: every pod dies as with its node. They start again by themselves."""
        self._call("DELETE", "/pods")

    def break_next_rollout(self) -> None:
        """Pods of the next new revision never start; those of the one after it do (so a rollback rolls)."""
        self._call("PUT", "/sabotage", {"next": True})

    def break_rollouts_annotated(self, name: str, value: str) -> None:
        self._call("PUT", "/sabotage", {"annotation": name, "value": value})

    def heal(self) -> None:
        self._call("DELETE", "/sabotage")

    def recreate(self, manifest: dict[str, Any]) -> None:
        """As the administrator: the Secret or Deployment of that name is deleted, and made anew as it says."""
        self._call("PUT", "/objects", manifest)

    def delete(self, manifest: dict[str, Any]) -> None:
        self._call("DELETE", "/objects", manifest)

    def admit(self, entries: Mapping[str, list[str]]) -> None:
        """These access entries and no others from now on."""
        self._call("PUT", "/access-entries", dict(entries))

    def stop_api(self) -> None:
        """An outage of the API server; the pods serve on."""
        self._call("DELETE", "/api-server")

    def start_api(self) -> None:
        self._call("PUT", "/api-server", {})

    def _introduce(self, process: subprocess.Popen[str], log: Path) -> dict[str, Any]:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(asdict(self._settings), default=str) + "\n")
        process.stdin.flush()
        with process.stdout as output:
            line = output.readline()
        if not line:
            raise RuntimeError(f"the cluster did not start:\n{log.read_text()[-2000:]}")
        ports: dict[str, Any] = json.loads(line)
        return ports

    def _call(self, method: str, path: str, content: Any = None) -> Any:
        body = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(self._control + path, data=body, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
