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
from local.priority import serve, serve_in
from local.shop.databases import Place
from local.swarm import image
from local.swarm.application import HEALTH, LIFETIME, PLACE, SOCKETS, TASK
from local.swarm.node import HOST, MANAGER, WORKER, Node
from local.swarm.programs import HERE, programs, why_not

RAFT_PORT = 2377
SETTLED_WITHIN = 60.0  # seconds; a node is Down 10 s after its last word
SECOND = 1_000_000_000  # the engine counts in nanoseconds
STARTS_WITHIN, ASKED_FOR = 60, 30
"""Seconds in which a task that is not well yet is not given up, and in which one that is asked may be silent: 2 and 0.1 are usual.
The engine starts two programs to ask; on a machine that has much else to do they wait. What is not well says so at once."""
UPDATES = UpdateConfig(parallelism=1, order="start-first", failure_action="pause", monitor=SECOND)


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
        wait_until(lambda: self._is(name, state), f"node {name} is not {state}")

    def _is(self, name: str, state: str) -> bool:
        with suppress(APIError):  # managers that have just been started have no leader yet
            return self.states().get(name) == state
        return False

    @property
    def _managers(self) -> list[Node]:
        return [node for node in self.nodes.values() if node.role == MANAGER]

    # Secrets and services

    def create_secret(self, name: str, value: str, labels: Mapping[str, str] | None = None) -> str:
        """Its id."""
        with self.client() as client:
            return str(client.secrets.create(name=name, data=value.encode(), labels=dict(labels or {})).id)

    def create_service(
        self,
        name: str,
        *,
        replicas: int,
        command: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
        secrets: Iterable[str] = (),
        **more: Any,
    ) -> None:
        """Of our image, in the Swarm's network; each secret a file of its name. Waits for nothing. `more`: as docker-py has it."""
        with self.client() as client:
            client.services.create(
                image.NAME,
                command,
                name=name,
                env=[f"{key}={value}" for key, value in (environment or {}).items()],
                networks=["host"],
                secrets=[_mounted(client, secret) for secret in dict.fromkeys(secrets)],
                mode=ServiceMode("replicated", replicas),
                **{"restart_policy": RestartPolicy("any", delay=SECOND // 2), "update_config": UPDATES, **more},
            )

    def serve(
        self, name: str, place: Place, files: Mapping[str, str], *, replicas: int = 3, lifetime_seconds: float = 3.0, **more: Any
    ) -> Serving:
        """A service that is our application. `files`: a secret by the variable that leads to its file; `environment`: what else it
        is told. All replicas are well."""
        folder = self._folder(name)
        folder.mkdir(parents=True)
        folder.chmod(0o777)  # the application is no root
        settings = {TASK: "{{.Task.ID}}", PLACE: json.dumps(asdict(place)), LIFETIME: str(lifetime_seconds)}
        self.create_service(
            name,
            replicas=replicas,
            environment=settings
            | {variable: f"/run/secrets/{secret}" for variable, secret in files.items()}
            | more.pop("environment", {}),
            secrets=files.values(),
            **{
                "mounts": [Mount(str(SOCKETS), str(folder), type="bind")],
                "healthcheck": Healthcheck(
                    test=["CMD-SHELL", HEALTH],
                    interval=SECOND,
                    timeout=ASKED_FOR * SECOND,
                    retries=3,
                    start_period=STARTS_WITHIN * SECOND,
                ),
                "stop_grace_period": 10 * SECOND,
                **more,
            },
        )
        self.wait_until_complete(name)
        return Serving(name, self.front(name))

    def front(self, *names: str) -> str:
        """The address of a balancer in front of all tasks of these services."""
        return f"http://{HOST}:{int(self._run('-m', 'local.swarm.balancer', *(str(self._folder(one)) for one in names)))}/"

    def mount(self, name: str, *secrets: str, **variables: str) -> None:
        """More files for a service, and variables of its environment: a rolling update. Waits for nothing."""
        with self.client() as client:
            service = client.services.get(name)
            of = service.attrs["Spec"]["TaskTemplate"]["ContainerSpec"]
            kept = [one for one in of["Env"] if one.partition("=")[0] not in variables]
            service.update(
                secrets=[*map(_again, of.get("Secrets") or []), *(_mounted(client, secret) for secret in secrets)],
                env=[*kept, *(f"{key}={value}" for key, value in variables.items())],
                fetch_current_spec=True,
            )

    def tasks(self, name: str, node: str | None = None) -> list[Any]:
        """Of a service, as the managers know them; on one node only, if that is named."""
        with self.client() as client:
            found = client.services.get(name).tasks()
            names = {one.id: one.attrs["Description"]["Hostname"] for one in client.nodes.list()}
        return [task for task in found if node in (None, names.get(task.get("NodeID")))]

    def label(self, name: str, label: str, value: str) -> None:
        """Somebody updates a service, and its tasks are none the wiser. Who writes at the same moment may be first, as the Swarm's
        own updater: then it is looked at anew."""

        def is_written() -> bool:
            with self.client() as client, suppress(APIError):
                service = client.services.get(name)
                service.update(labels={**service.attrs["Spec"].get("Labels", {}), label: value}, fetch_current_spec=True)
                return True
            return False

        wait_until(is_written, f"service {name} has no label {label}")

    def read_by(self, name: str, variable: str, *, newest: bool = False) -> Mapping[str, str]:
        """The labels of the secret that a variable of a service leads to. `newest`: to which `…_NEW` does, where there is one."""
        with self.client() as client:
            of = client.services.get(name).attrs["Spec"]["TaskTemplate"]["ContainerSpec"]
            said = dict(one.split("=", 1) for one in of["Env"])
            path = (newest and said.get(f"{variable}_NEW")) or said[variable]
            (found,) = (
                one["SecretID"] for one in of["Secrets"] if path in (one["File"]["Name"], f"/run/secrets/{one['File']['Name']}")
            )
            labels: Mapping[str, str] = client.secrets.get(found).attrs["Spec"].get("Labels") or {}
            return labels

    def containers(self) -> Iterator[tuple[str, bytes]]:
        """What each engine that runs says of its containers, by the node's name."""
        for node in self.nodes.values():
            if node.is_running:
                with _client(node) as client:
                    yield node.name, json.dumps([one.attrs for one in client.containers.list(all=True)]).encode()

    def behind_balancer(self, name: str) -> set[str]:
        """The tasks of a service that are well, by their own word."""
        return {path.name for path in self._folder(name).glob("[!.]*")}

    def wait_until_complete(self, name: str) -> None:
        """As many tasks as it is to have, all of its present spec, well and behind the balancer; and no other is left."""
        wait_until(lambda: self._is_complete(name), f"service {name} is not complete")

    def reach(self, port: int) -> None:
        """What listens on this machine's 127.0.0.1 at that port is there for the tasks, too."""
        self._run("-I", str(HERE / "reach.py"), str(next(iter(self.nodes.values())).process), str(port))

    def _is_complete(self, name: str) -> bool:
        with self.client() as client:
            spec = client.services.get(name).attrs["Spec"]
        at_work = [task for task in self.tasks(name) if task["Status"]["State"] == "running"]
        current = {task["ID"] for task in at_work if task["Spec"]["ContainerSpec"] == spec["TaskTemplate"]["ContainerSpec"]}
        well = self.behind_balancer(name) if self._folder(name).exists() else current
        return len(at_work) == len(current) == spec["Mode"]["Replicated"]["Replicas"] and well == current

    def _folder(self, name: str) -> Path:
        return self.directory / "tasks" / name

    def _run(self, *arguments: str) -> str:
        """A process of ours that ends with us, through which every request goes; its first line."""
        child = subprocess.Popen(
            [sys.executable, *arguments],
            env={**self._environment, "PATH": self._programs.environment()["PATH"]},
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        serve(child.pid)
        self._children.append(child)
        assert child.stdout
        with child.stdout as said:
            line = said.readline().decode().strip()
        if not line:
            raise RuntimeError(f"{arguments[1]} did not start")
        return line

    # The start

    def _start(self) -> None:
        first: Node | None = None
        serve_in(self._cgroup.partition("/")[0])
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
