"""A Swarm on this machine, its services, and the hand of tests and demos on its nodes."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import docker
from docker.errors import APIError, NotFound
from docker.types import Healthcheck, Mount, RestartPolicy, SecretReference, ServiceMode, UpdateConfig

from local.aws import REPOSITORY
from local.certificates import Authority
from local.leftovers import MARK, Leftovers, remove_cgroups
from local.shop.databases import Place
from local.swarm import image
from local.swarm.application import HEALTH, LIFETIME, PLACE, SOCKETS, TASK
from local.swarm.node import HOST, MANAGER, WORKER, Node
from local.swarm.programs import HERE, programs, why_not

RAFT_PORT = 2377
SETTLED_WITHIN = 60.0  # seconds; a node is Down 10 s after its last word
SECOND = 1_000_000_000  # the engine counts in nanoseconds


class CannotRun(RuntimeError):
    """The message says why no Swarm can run on this machine."""


@dataclass(frozen=True)
class Serving:
    """A service and the address of its page, behind a balancer."""

    name: str
    url: str


class Swarm:
    """`with Swarm(run) as swarm:` every node is up and ready. `roles`: of each node."""

    def __init__(self, run: Leftovers, roles: Sequence[str] = (MANAGER, WORKER, WORKER)) -> None:
        if (reason := why_not()) is not None:
            raise CannotRun(reason)
        self.directory = Path(tempfile.mkdtemp(prefix="swarm-", dir=run.directory))
        self._cgroup = f"{run.directory.name}/{self.directory.name}"
        self._environment = {name: run.environment[name] for name in run.environment if name in ("TMPDIR", "LANG", MARK)}
        self._authority = Authority("local Swarm authority")
        self._client_files = self._authority.issue(self.directory, "client")
        self._programs = programs()
        self.nodes = {
            name: Node(name, role, f"127.0.0.{number}", self.directory / name, self._programs)
            for number, role in enumerate(roles, start=1)
            for name in [f"node-{number}"]
        }
        self._children: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Returns when nothing of it runs."""
        for child in self._children:
            assert child.stdin
            child.stdin.close()
            child.wait()
        self._children.clear()
        for node in self.nodes.values():
            node.end()
        remove_cgroups(self._cgroup)

    # How a manager is asked from outside

    @property
    def endpoints(self) -> list[str]:
        """host:port of every manager."""
        return [f"{HOST}:{node.port}" for node in self._managers]

    @property
    def endpoint(self) -> str:
        """Of the first."""
        return self.endpoints[0]

    @property
    def ca(self) -> str:
        return self._authority.pem

    @property
    def client_certificate(self) -> str:
        return self._client_files.certificate.read_text()

    @property
    def client_key(self) -> str:
        return self._client_files.key.read_text()

    @contextmanager
    def client(self) -> Iterator[docker.DockerClient]:
        """Of the first manager whose engine runs, past TLS."""
        client = next(node for node in self._managers if node.is_running).client()
        try:
            yield client
        finally:
            client.close()

    def version(self) -> str:
        return self._programs.version()

    # Nodes

    def kill(self, name: str) -> None:
        """SIGKILL of its engine; its tasks go on."""
        self.nodes[name].kill()

    def start(self, name: str) -> None:
        """Its engine once more; returns when it answers, which is before the others have heard of it."""
        self._launch(self.nodes[name])
        self.nodes[name].wait_until_answering()

    def states(self) -> dict[str, str]:
        """What the managers know of each node: ready, down, unknown."""
        with self.client() as client:
            return {one.attrs["Description"]["Hostname"]: one.attrs["Status"]["State"] for one in client.nodes.list()}

    def wait_for(self, name: str, state: str) -> None:
        wait_until(lambda: self.states()[name] == state, f"node {name} is not {state}")

    @property
    def _managers(self) -> list[Node]:
        return [node for node in self.nodes.values() if node.role == MANAGER]

    # Secrets and services

    def create_secret(self, name: str, value: str, labels: Mapping[str, str] | None = None) -> str:
        """Its id."""
        with self.client() as client:
            return str(client.secrets.create(name=name, data=value.encode(), labels=dict(labels or {})).id)

    def create_service(
        self, name: str, place: Place, secrets: Mapping[str, str], *, replicas: int = 3, lifetime_seconds: float = 3.0, **more: Any
    ) -> Serving:
        """One that runs our application. `secrets`: by the variable that leads to its file. Returns when all replicas are well."""
        folder = self._folder(name)
        settings = {TASK: "{{.Task.ID}}", PLACE: json.dumps(asdict(place)), LIFETIME: str(lifetime_seconds)}
        files = {variable: f"/run/secrets/{secret}" for variable, secret in secrets.items()}
        with self.client() as client:
            client.services.create(
                image.NAME,
                name=name,
                env=[f"{key}={value}" for key, value in (settings | files).items()],
                mounts=[Mount(str(SOCKETS), str(folder), type="bind")],
                networks=["host"],
                secrets=[_mounted(client, secret) for secret in dict.fromkeys(secrets.values())],
                mode=ServiceMode("replicated", replicas),
                **{
                    "healthcheck": Healthcheck(["CMD-SHELL", HEALTH], interval=SECOND, timeout=5 * SECOND, retries=3),
                    "restart_policy": RestartPolicy(condition="any", delay=SECOND // 2),
                    "stop_grace_period": 10 * SECOND,
                    "update_config": UpdateConfig(parallelism=1, order="start-first", failure_action="pause", monitor=SECOND),
                    **more,
                },
            )
        self.wait_until_served(name)
        return Serving(name, f"http://{HOST}:{self._balanced(folder)}/")

    def mount(self, name: str, secret: str, **variables: str) -> None:
        """One more file for a service, and variables for its environment: a rolling update, not waited for."""
        with self.client() as client:
            service = client.services.get(name)
            of = service.attrs["Spec"]["TaskTemplate"]["ContainerSpec"]
            kept = [one for one in of["Env"] if one.partition("=")[0] not in variables]
            had = [_again(one) for one in of.get("Secrets") or []]
            service.update(
                secrets=[*had, _mounted(client, secret)],
                env=[*kept, *(f"{key}={value}" for key, value in variables.items())],
                fetch_current_spec=True,
            )

    def tasks(self, name: str) -> list[Any]:
        """Of a service, as the engine has them."""
        with self.client() as client:
            found: list[Any] = client.services.get(name).tasks()
            return found

    def wait_until_served(self, name: str) -> None:
        """By as many tasks as it is to have, all of its present spec, and by no other."""
        wait_until(lambda: self._is_served(name), f"service {name} is not complete")

    def reach(self, port: int) -> None:
        """What listens on this machine's 127.0.0.1 at that port is there for the tasks, too."""
        self._run("-I", str(HERE / "reach.py"), str(next(iter(self.nodes.values())).process), str(port))

    def _is_served(self, name: str) -> bool:
        with self.client() as client:
            service = client.services.get(name)
            spec = service.attrs["Spec"]
            at_work = [task for task in service.tasks() if task["Status"]["State"] == "running"]
        current = [task for task in at_work if task["Spec"]["ContainerSpec"] == spec["TaskTemplate"]["ContainerSpec"]]
        sockets = {path.name for path in self._folder(name).glob("[!.]*")}
        wanted = spec["Mode"]["Replicated"]["Replicas"]
        return len(at_work) == len(current) == wanted and sockets == {task["ID"] for task in current}

    def _folder(self, name: str) -> Path:
        folder = self.directory / "tasks" / name
        if not folder.is_dir():
            folder.mkdir(parents=True)
            folder.chmod(0o777)  # the application is no root
        return folder

    def _balanced(self, folder: Path) -> int:
        return int(self._run("-m", "local.swarm.balancer", str(folder)))

    def _run(self, *arguments: str) -> str:
        """A process of ours that ends with us; its first line."""
        child = subprocess.Popen(
            [sys.executable, *arguments],
            env={**self._environment, "PATH": self._programs.environment()["PATH"]},
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._children.append(child)
        assert child.stdout
        with child.stdout as said:
            line = said.readline().decode().strip()
        if not line:
            raise RuntimeError(f"{arguments[-2]} did not start")
        return line

    # The start

    def _start(self) -> None:
        first: Node | None = None
        for node in self.nodes.values():
            node.settle(self._environment, beside=first)
            first = first or node
            self._launch(node)
        with ThreadPoolExecutor() as threads:
            packed = threads.submit(image.archive, self._programs["busybox"])
            for node in self.nodes.values():
                node.wait_until_answering()
            _all(threads, lambda node: _import(node, packed.result()), self.nodes.values())
            self._form()
        for name in self.nodes:
            self.wait_for(name, "ready")

    def _launch(self, node: Node) -> None:
        node.launch(f"/{self._cgroup}/{node.name}", self._authority)

    def _form(self) -> None:
        """One after the other: a manager that joins changes who has to agree."""
        first, *others = self.nodes.values()
        if first.role != MANAGER:
            raise ValueError("the first node is the one that makes the Swarm: let it be a manager")
        with _client(first) as client:
            client.swarm.init(advertise_addr=first.address, listen_addr=f"{first.address}:{RAFT_PORT}")
            _remove_ingress(client)
            client.swarm.reload()
            tokens = client.swarm.attrs["JoinTokens"]
        for node in others:
            with _client(node) as client:
                client.swarm.join(
                    remote_addrs=[f"{first.address}:{RAFT_PORT}"],
                    join_token=tokens[node.role.capitalize()],
                    advertise_addr=node.address,
                    listen_addr=f"{node.address}:{RAFT_PORT}",
                )


@contextmanager
def _client(node: Node) -> Iterator[docker.DockerClient]:
    client = node.client()
    try:
        yield client
    finally:
        client.close()


def _all(threads: ThreadPoolExecutor, act: Callable[[Node], None], nodes: Iterable[Node]) -> None:
    for done in [threads.submit(act, node) for node in nodes]:
        done.result()


def _import(node: Node, packed: bytes) -> None:
    with _client(node) as client:
        client.api.import_image_from_data(
            packed, repository=image.NAME.partition(":")[0], tag=image.NAME.partition(":")[2], changes=image.CHANGES
        )


def _remove_ingress(client: docker.DockerClient) -> None:
    """The routing mesh needs IPVS in the kernel; the Swarm makes its network a moment after itself."""

    def is_gone() -> bool:
        with suppress(NotFound, APIError):
            client.networks.get("ingress").remove()
            return True
        return False

    wait_until(is_gone, "the ingress network could not be removed")


def _mounted(client: docker.DockerClient, name: str) -> SecretReference:
    (found,) = (one for one in client.secrets.list(filters={"name": name}) if one.name == name)
    return SecretReference(found.id, name, uid=str(image.USER), gid=str(image.USER), mode=0o400)


def _again(one: Mapping[str, Any]) -> SecretReference:
    file = one["File"]
    return SecretReference(one["SecretID"], one["SecretName"], file["Name"], file["UID"], file["GID"], file["Mode"])


def wait_until(is_so: Callable[[], bool], otherwise: str) -> None:
    """RuntimeError with that sentence, if it takes too long."""
    deadline = time.monotonic() + SETTLED_WITHIN
    while not is_so():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{otherwise} after {SETTLED_WITHIN:.0f} s")
        time.sleep(0.1)
