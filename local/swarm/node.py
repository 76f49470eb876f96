"""One node: an engine in namespaces of its own. The engine can be killed without them, and its tasks live on."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import docker

from local.certificates import Authority
from local.ports import free_port
from local.swarm.programs import HERE, NAMESPACES, Programs

HOST = "127.0.0.1"
MANAGER, WORKER = "manager", "worker"
STARTED_WITHIN = 60.0  # seconds; 0.7 is usual
BENEATH = "busybox ip link set lo up; echo; exec tini -s -- sleep infinity"
"""Process 1 of a node: it adopts what its engine leaves when that is killed."""
ENGINE = 'exec 3<&0 0</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"'
"""A manager is given the socket at which it is asked, as by systemd: that is in this machine's network, the rest in the Swarm's."""
SETTINGS = (
    *("--storage-driver=overlay2", "--exec-opt=native.cgroupdriver=cgroupfs", "--log-level=warn"),
    *("--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false", "--userland-proxy=false"),
)


class Node:
    def __init__(self, name: str, role: str, address: str, directory: Path, programs: Programs) -> None:
        self.name, self.role, self.address, self.directory = name, role, address, directory
        self.log = directory / "engine.log"
        self.port = 0
        """At which a manager is asked from outside."""
        self._programs = programs
        self._socket = directory / "docker.sock"
        self._namespaces: subprocess.Popen[bytes] | None = None
        self._engine: subprocess.Popen[bytes] | None = None
        self._settings_file = directory / "daemon.json"
        directory.mkdir(parents=True)
        self._settings_file.write_text("{}")

    # Beneath the engine

    def settle(self, environment: Mapping[str, str], beside: Node | None) -> None:
        """In namespaces of its own, but for the network: all nodes are in one, which has nothing but its own loopback."""
        self._environment = {**environment, **self._programs.environment(), "HOME": str(self.directory)}
        own = [flag for flag in NAMESPACES if flag != "--net"]
        network = ["nsenter", f"--net=/proc/{beside.process}/ns/net", "unshare", *own] if beside else ["unshare", *NAMESPACES]
        with self.log.open("ab") as log:
            self._namespaces = subprocess.Popen(
                [*network, "sh", HERE / "node.sh", self.directory, self.name, "sh", "-c", BENEATH],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                process_group=0,  # a Ctrl-C is for the program in front, which then stops us in order
            )
        assert self._namespaces.stdout
        with self._namespaces.stdout as said:
            if not said.readline():
                raise RuntimeError(f"node {self.name} did not start:\n{self.tail()}")
        self.process = child_of(self._namespaces.pid)

    def end(self) -> None:
        """Engine and tasks with it, at once."""
        if self._namespaces is not None:
            with suppress(ProcessLookupError):
                os.kill(self.process, signal.SIGKILL)  # all others of its namespace die with it
            self._namespaces.kill()
            self._namespaces.wait()
            self._namespaces = None
        if self._engine is not None:
            self._engine.wait()
            self._engine = None

    # The engine

    def launch(self, cgroup: str, authority: Authority) -> None:
        """Does not wait for it."""
        arguments = [
            f"--config-file={self._settings_file}",  # not the one that this machine may have
            *(f"--data-root={self.directory / 'data'}", f"--exec-root={self.directory / 'exec'}"),
            *(f"--pidfile={self.directory / 'docker.pid'}", f"--host=unix://{self._socket}", f"--cgroup-parent={cgroup}"),
        ]
        (self.directory / "docker.pid").unlink(missing_ok=True)
        self._socket.unlink(missing_ok=True)
        with self.log.open("ab") as log, socket.socket() as door:
            if self.role == MANAGER:
                self._listen(door)
                arguments += ["--host=fd://", *self._certificates(authority)]
            enter = ["nsenter", f"--target={self.process}", "--net", "--uts", "--mount", "--pid", "--"]
            command = [str(self._programs["dockerd"]), *SETTINGS, *arguments]
            self._engine = subprocess.Popen(
                [*enter, "sh", "-c", ENGINE, "sh", *command],
                env=self._environment,
                stdin=door,
                stdout=log,
                stderr=log,
                process_group=0,
            )

    def wait_until_answering(self) -> None:
        deadline = time.monotonic() + STARTED_WITHIN
        while not self._listens():
            assert self._engine
            if self._engine.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the engine of node {self.name} did not start:\n{self.tail()}")
            time.sleep(0.02)
        client = self.client()
        client.close()  # it has asked for the version

    def _listens(self) -> bool:
        """Asked without docker-py, which leaves its socket open when nobody listens."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self._socket)) == 0

    def kill(self) -> None:
        """The engine alone, as when it crashes or is out of memory: its tasks go on."""
        assert self._engine
        os.kill(child_of(self._engine.pid), signal.SIGKILL)
        self._engine.wait()
        self._engine = None

    @property
    def is_running(self) -> bool:
        return self._engine is not None and self._engine.poll() is None

    def client(self) -> docker.DockerClient:
        """To be closed."""
        return docker.DockerClient(base_url=f"unix://{self._socket}", timeout=30)

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]

    def _listen(self, door: socket.socket) -> None:
        self.port = self.port or free_port()
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((HOST, self.port))
        door.listen(1024)

    def _certificates(self, authority: Authority) -> list[str]:
        file = self.directory / "ca.pem"
        if not file.exists():
            file.write_text(authority.pem)
            authority.issue(self.directory, "manager")
        named = {"tlscacert": file, "tlscert": self.directory / "manager.pem", "tlskey": self.directory / "manager-key.pem"}
        return ["--tlsverify", *(f"--{name}={path}" for name, path in named.items())]


def child_of(pid: int) -> int:
    """Of a program that waits for its only child."""
    deadline = time.monotonic() + STARTED_WITHIN
    while time.monotonic() < deadline:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if children:
            return int(children[0])
        time.sleep(0.005)
    raise RuntimeError(f"{shlex.join(Path(f'/proc/{pid}/cmdline').read_text().split(chr(0)))} has no child")
