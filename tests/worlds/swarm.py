"""A small Swarm: nodes, secrets, services and their tasks, in memory, behind the engine's paths. Time passes when it is told to.

What it does as the real one does, since that is where rotations go wrong: an update's state is nothing until the updater has
begun; `completed` comes before the old tasks have stopped; a node that is down goes on serving what it had; a secret is refused
removal only for the sake of a service's present spec; an update onto another version of a service is an HTTP 500; the updater's own
writes change the version too."""

from __future__ import annotations

import base64
import json
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Self

READY_AFTER, STOPPED_AFTER, LOST_AFTER = 2.0, 3.0, 10.0
"""Seconds until a new task is healthy, until an old one has stopped, and until the managers know that a node is down."""
KEPT_TASKS = 1
"""How many tasks of a slot that have ended are kept."""
TICK = 0.5
_NOTHING: dict[str, str] = {}
_KNOWN: dict[str, dict[str, Any]] = {}


def one_of(spec: dict[str, Any]) -> dict[str, Any]:
    """The same object for the same content: nobody changes it, so that it can be kept, and told from others, at no cost."""
    text = json.dumps(spec, sort_keys=True)
    if text not in _KNOWN:
        _KNOWN[text] = json.loads(text)
    return _KNOWN[text]


def _spec(body: dict[str, Any]) -> dict[str, Any]:
    known = one_of(body)
    known["TaskTemplate"] = one_of(known["TaskTemplate"])
    return known


class Copied:
    """What is copied all the time: as `copy` would, but for what that looks for first."""

    def __copy__(self) -> Self:
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        return made


@dataclass
class Node(Copied):
    """One engine."""

    id: str
    role: str = "worker"
    down_since: float | None = None
    availability: str = "active"


@dataclass
class Task(Copied):
    """One copy of a service."""

    id: str
    service: str
    slot: int
    node: str
    spec: dict[str, Any]
    state: str = "starting"
    desired: str = "running"
    since: float = 0.0
    """When it came to its state, or was told to end."""

    @property
    def secrets(self) -> set[str]:
        """That it has as files, by their ids."""
        return {one["SecretID"] for one in self.spec["ContainerSpec"].get("Secrets") or []}


@dataclass
class Service(Copied):
    """As the managers store it."""

    id: str
    spec: dict[str, Any]
    index: int
    previous: dict[str, Any] | None = None
    status: dict[str, str] | None = None
    fresh: bool = True
    """No updater has looked at its spec yet."""


@dataclass
class Answer:
    """Of the engine."""

    status: int
    body: Any = None


@dataclass
class Swarm(Copied):
    """Managers with a quorum, until it is taken."""

    clock: float = 1000.0
    nodes: dict[str, Node] = field(default_factory=dict)
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    values: dict[str, bytes] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=dict)
    tasks: list[Task] = field(default_factory=list)
    quorum: bool = True
    unhealthy: set[str] = field(default_factory=set)
    """Secrets, by id: a task that has one never becomes healthy."""
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    ready_after: float = READY_AFTER
    stopped_after: float = STOPPED_AFTER
    lost_after: float = LOST_AFTER
    counted: int = 0
    """Ids and versions that were given."""

    # ---- what there is

    def add_node(self, name: str, role: str = "worker") -> None:
        self.nodes[name] = Node(name, role)

    def add_secret(self, name: str, value: bytes = b"x", labels: dict[str, str] | None = None) -> str:
        made: str = self._create({"Name": name, "Data": base64.b64encode(value).decode(), "Labels": labels}).body["ID"]
        return made

    def add_service(self, spec: dict[str, Any]) -> str:
        """With its tasks, healthy."""
        service = Service(self._new("service"), _spec(spec), self._next(), fresh=False)
        self.services[service.id] = service
        for slot in range(1, self._replicas(service) + 1):
            self._start(service, slot)
        self.pass_time(self.ready_after)
        service.status = None
        return service.id

    def service(self, name: str) -> Service:
        return next(one for one in self.services.values() if name in (one.id, one.spec["Name"]))

    def running(self, name: str) -> list[Task]:
        """What serves, wanted or not."""
        return [one for one in self.tasks if one.service == self.service(name).id and one.state == "running"]

    def kill(self, node: str) -> None:
        """Its engine's managers lose sight of it; what runs there goes on."""
        self.nodes[node].down_since = self.clock

    def start(self, node: str) -> None:
        self.nodes[node].down_since = None

    # ---- time

    def pass_time(self, seconds: float) -> None:
        end = self.clock + seconds
        while self.clock < end:
            before = self._signs()
            self.clock = min(self.clock + TICK, end)
            self._tick()
            if self._signs() == before:
                self._skip(end)

    def _signs(self) -> Any:
        """Of whether anything happened."""
        return self.counted, [(one.state, one.desired) for one in self.tasks], [one.fresh for one in self.services.values()]

    def _skip(self, end: float) -> None:
        """Nothing happens before the next moment at which something is due."""
        due = [one.since + self.ready_after for one in self.tasks if one.state == "starting"]
        due += [one.since + self.stopped_after for one in self.tasks if one.desired == "shutdown"]
        due += [one.down_since + self.lost_after for one in self.nodes.values() if one.down_since is not None]
        until = min((one for one in due if one > self.clock), default=end)
        self.clock += max(0, int((min(until, end) - self.clock) / TICK) - 1) * TICK

    def copied(self) -> Self:
        """As it is now, for itself."""
        made = copy(self)
        made.nodes = {key: copy(one) for key, one in self.nodes.items()}
        made.services = {key: copy(one) for key, one in self.services.items()}
        made.tasks = [copy(one) for one in self.tasks]
        made.secrets, made.values, made.unhealthy = dict(self.secrets), dict(self.values), set(self.unhealthy)
        made.calls = []
        return made

    def _tick(self) -> None:
        for task in self.tasks:
            self._live(task)
        if not self.quorum:
            return
        for service in list(self.services.values()):
            self._orchestrate(service)
        self._forget()

    def _forget(self) -> None:
        """As the managers do, or a long life would fill the list."""
        ended: dict[tuple[str, int], list[Task]] = {}
        for task in self.tasks:
            if task.state in ("shutdown", "failed"):
                ended.setdefault((task.service, task.slot), []).append(task)
        gone = {id(one) for many in ended.values() for one in many[:-KEPT_TASKS]}
        self.tasks = [one for one in self.tasks if id(one) not in gone]

    def _live(self, task: Task) -> None:
        """On its node, which does this much by itself."""
        if self.nodes[task.node].down_since is not None:
            return
        age = self.clock - task.since
        if task.state == "starting" and age >= self.ready_after:
            failed = any(one["SecretID"] in self.unhealthy for one in task.spec["ContainerSpec"].get("Secrets") or [])
            task.state, task.since = ("failed" if failed else "running"), self.clock
        if task.desired == "shutdown" and task.state in ("running", "starting") and age >= self.stopped_after:
            task.state = "shutdown"

    def _is_down(self, node: str) -> bool:
        since = self.nodes[node].down_since
        return since is not None and self.clock - since >= self.lost_after

    def _orchestrate(self, service: Service) -> None:
        slots = range(1, self._replicas(service) + 1)
        for slot in slots:
            self._replace_lost(service, slot)
        state = (service.status or _NOTHING).get("State")
        if state in ("paused", "rollback_paused"):
            return
        dirty = [slot for slot in slots if not self._is_done(service, slot)]
        for slot in set(slots) - set(dirty):
            self._end_old(service, slot)
        begins, service.fresh = service.fresh or state is None, False
        if dirty and begins:
            self._say(service, "updating")
        elif dirty:
            at_once = (service.spec.get("UpdateConfig") or _NOTHING).get("Parallelism", 1)
            for slot in dirty[: at_once or None]:  # type: ignore[misc]
                self._replace(service, slot)
        elif state in ("updating", "rollback_started"):
            self._say(service, "completed" if state == "updating" else "rollback_completed")

    def _end_old(self, service: Service, slot: int) -> None:
        for task in self._wanted(service, slot):
            if not self._is_current(service, task):
                self._end(task)

    def _replace_lost(self, service: Service, slot: int) -> None:
        lost = [one for one in self._wanted(service, slot) if self._is_down(one.node)]
        for task in lost:
            self._end(task)
        if lost and not self._wanted(service, slot):
            self._start(service, slot)

    def _replace(self, service: Service, slot: int) -> None:
        """Start first: the old task is told to end once the new one is healthy."""
        mine = [one for one in self.tasks if one.service == service.id and one.slot == slot and self._is_current(service, one)]
        if any(one.state == "failed" and one.desired == "running" for one in mine):
            for task in mine:
                task.desired = "shutdown"
            self._give_up(service)
        elif not any(one.state in ("starting", "running") and one.desired == "running" for one in mine):
            self._start(service, slot)

    def _give_up(self, service: Service) -> None:
        action = (service.spec.get("UpdateConfig") or _NOTHING).get("FailureAction", "pause")
        rolling_back = (service.status or _NOTHING).get("State") == "rollback_started"
        if action == "rollback" and not rolling_back and service.previous is not None:
            service.spec, service.previous = service.previous, service.spec
            self._say(service, "rollback_started")
        else:
            self._say(service, "rollback_paused" if rolling_back else "paused")

    def _say(self, service: Service, state: str) -> None:
        """The updater writes to the service, too."""
        began = state in ("updating", "rollback_started") or service.status is None
        started = self._now() if began else service.status["StartedAt"]  # type: ignore[index]
        service.status = {"State": state, "StartedAt": started, "Message": state}
        service.index = self._next()

    def _now(self) -> str:
        """Nobody but the managers reads it as a time."""
        return f"{self.clock:.3f}"

    def _wanted(self, service: Service, slot: int) -> list[Task]:
        return [one for one in self.tasks if one.service == service.id and one.slot == slot and one.desired == "running"]

    def _is_done(self, service: Service, slot: int) -> bool:
        return any(one.state == "running" and self._is_current(service, one) for one in self._wanted(service, slot))

    def _is_current(self, service: Service, task: Task) -> bool:
        return task.spec is service.spec["TaskTemplate"] or task.spec == service.spec["TaskTemplate"]

    def _end(self, task: Task) -> None:
        task.desired, task.since = "shutdown", self.clock

    def _start(self, service: Service, slot: int) -> None:
        up = [one.id for one in self.nodes.values() if one.down_since is None and one.availability == "active"]
        if up:
            spec, node = service.spec["TaskTemplate"], up[slot % len(up)]
            self.tasks.append(Task(self._new("task"), service.id, slot, node, spec, since=self.clock))

    def _replicas(self, service: Service) -> int:
        return int(((service.spec.get("Mode") or {}).get("Replicated") or {}).get("Replicas") or 0)

    def _new(self, what: str) -> str:
        return f"{what}-{self._next()}"

    def _next(self) -> int:
        self.counted += 1
        return self.counted

    # ---- the engine's paths

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        """To one call, its path without the version; to be sent, not to be changed."""
        self.calls.append((method, path, body))
        parts = path.strip("/").split("/")
        if parts == ["version"]:
            return Answer(200, {"ApiVersion": "1.41", "MinAPIVersion": "1.12", "Version": "20.10.24"})
        if not self.quorum:
            return Answer(503, {"message": "rpc error: The swarm does not have a leader."})
        if method == "GET":
            return self._read(parts, query)
        return self._written(method, parts, query, body)

    def _written(self, method: str, parts: list[str], query: dict[str, str], body: Any) -> Answer:
        if parts == ["secrets", "create"]:
            return self._create(body)
        if method == "DELETE" and parts[0] == "secrets":
            return self._remove(parts[1])
        if method == "POST" and parts[0] == "services" and parts[2:] == ["update"]:
            return self._update(parts[1], query, body)
        return Answer(404, {"message": "page not found"})

    def _read(self, parts: list[str], query: dict[str, str]) -> Answer:
        if parts[0] == "services" and len(parts) == 2:
            found = next((one for one in self.services.values() if parts[1] in (one.id, one.spec["Name"])), None)
            return Answer(200, self._shown(found)) if found else Answer(404, {"message": f"service {parts[1]} not found"})
        if parts == ["services"]:
            return Answer(200, [self._shown(one) for one in self.services.values()])
        if parts == ["secrets"]:
            return Answer(200, list(self.secrets.values()))
        if parts == ["nodes"]:
            return Answer(200, [self._node(one) for one in self.nodes.values()])
        if parts == ["tasks"]:
            wanted = json.loads(query.get("filters", "{}")).get("service")
            return Answer(200, [self._task(one) for one in self.tasks if not wanted or one.service in wanted])
        return Answer(404, {"message": "page not found"})

    def _create(self, body: Any) -> Answer:
        if any(one["Spec"]["Name"] == body["Name"] for one in self.secrets.values()):
            return Answer(409, {"message": f"rpc error: code = AlreadyExists desc = secret {body['Name']} already exists"})
        value = base64.b64decode(body["Data"])
        if not 0 < len(value) < 512_000:
            return Answer(400, {"message": "secret data must be larger than 0 and less than 512000 bytes"})
        made = self._new("secret")
        self.secrets[made] = {"ID": made, "Spec": {"Name": body["Name"], "Labels": body.get("Labels") or {}}}
        self.values[made] = value
        return Answer(201, {"ID": made})

    def _remove(self, secret: str) -> Answer:
        if secret not in self.secrets:
            return Answer(404, {"message": f"secret {secret} not found"})
        for one in self.services.values():
            if any(each["SecretID"] == secret for each in one.spec["TaskTemplate"]["ContainerSpec"].get("Secrets") or []):
                return Answer(400, {"message": f"secret is in use by the following service: {one.spec['Name']}"})
        del self.secrets[secret]
        return Answer(204)

    def _update(self, name: str, query: dict[str, str], body: Any) -> Answer:
        service = next((one for one in self.services.values() if name in (one.id, one.spec["Name"])), None)
        if service is None:
            return Answer(404, {"message": f"service {name} not found"})
        if int(query["version"]) != service.index:
            return Answer(500, {"message": "rpc error: code = Unknown desc = update out of sequence"})
        lost = [one for one in body["TaskTemplate"]["ContainerSpec"].get("Secrets") or [] if one["SecretID"] not in self.secrets]
        if lost:
            return Answer(400, {"message": "rpc error: code = InvalidArgument desc = secret not found"})
        service.previous, service.spec, service.status = service.spec, _spec(body), None
        service.fresh, service.index = True, self._next()
        return Answer(200, {"Warnings": None})

    def _shown(self, service: Service) -> dict[str, Any]:
        shown: dict[str, Any] = {"ID": service.id, "Version": {"Index": service.index}, "Spec": service.spec}
        shown |= {"PreviousSpec": service.previous} if service.previous else {}
        return shown | ({"UpdateStatus": dict(service.status)} if service.status else {})

    def _task(self, task: Task) -> dict[str, Any]:
        return {
            "ID": task.id,
            "ServiceID": task.service,
            "NodeID": task.node,
            "DesiredState": task.desired,
            "Status": {"State": task.state},
            "Spec": task.spec,
        }

    def _node(self, node: Node) -> dict[str, Any]:
        return {
            "ID": node.id,
            "Spec": {"Role": node.role, "Availability": node.availability},
            "Description": {"Hostname": node.id},
            "Status": {"State": "down" if self._is_down(node.id) else "ready"},
        }
