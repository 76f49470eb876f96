"""How far a rolling update of a service has come, by its tasks and by what the engine says of it. Pure.

The engine's word alone is not enough: `completed` comes before the old tasks have stopped, and a node that is down goes on serving
the old file. Right after an update its state may still be the last one's: what began no later than that is not about this one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rotation.consumers.swarm.spec import Spec, container, environment, mounted, replicas
from rotation.core.errors import ServiceBusy, ServiceUnfit, ServiceUpdateFailed
from rotation.core.rollout import Progress

ALIVE = ("assigned", "accepted", "preparing", "ready", "starting", "running")
"""States of a task that is on a node, or may be: one that the engine lost sight of stays in the last state that it was seen in."""


@dataclass(frozen=True)
class Task:
    """One copy of a service on one node."""

    id: str
    service: str
    node: str
    wanted: bool
    """Whether it is to run."""
    state: str
    container: Mapping[str, Any]

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Task:
        """As the engine lists it."""
        spec = found.get("Spec") or {}
        return cls(
            found["ID"],
            found.get("ServiceID", ""),
            found.get("NodeID", ""),
            found.get("DesiredState") == "running",
            (found.get("Status") or {}).get("State", ""),
            spec.get("ContainerSpec") or {},
        )

    @property
    def is_alive(self) -> bool:
        return self.state in ALIVE

    @property
    def secrets(self) -> set[str]:
        """By their ids."""
        return {one.id for one in mounted(self.container)}


@dataclass(frozen=True)
class Node:
    """A machine of the Swarm."""

    id: str
    name: str
    ready: bool
    active: bool
    """Whether it takes tasks."""
    facts: Mapping[str, str]
    """What a placement may ask for."""

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Node:
        """As the engine lists it."""
        spec, described = found.get("Spec") or {}, found.get("Description") or {}
        name, platform = described.get("Hostname", ""), described.get("Platform") or {}
        facts = {"node.id": found["ID"], "node.hostname": name, "node.role": spec.get("Role", "")}
        facts |= {"node.platform.os": platform.get("OS", ""), "node.platform.arch": platform.get("Architecture", "")}
        facts |= {f"node.labels.{key}": value for key, value in (spec.get("Labels") or {}).items()}
        engine = described.get("Engine") or {}
        facts |= {f"engine.labels.{key}": value for key, value in (engine.get("Labels") or {}).items()}
        ready = (found.get("Status") or {}).get("State") == "ready"
        return cls(found["ID"], name, ready, spec.get("Availability") == "active", facts)


@dataclass(frozen=True)
class Update:
    """What the engine says of a service's last update."""

    state: str = ""
    started: str = ""

    @property
    def is_at_work(self) -> bool:
        return self.state in ("updating", "rollback_started")

    @classmethod
    def of(cls, service: Mapping[str, Any]) -> Update:
        """Of a service as the engine lists it: nothing where none was ever made, or where it has just been asked for."""
        found = service.get("UpdateStatus") or {}
        return cls(found.get("State") or "", found.get("StartedAt") or "")


def refuse_unfit(spec: Spec, nodes: Sequence[Node]) -> None:
    """What cannot be updated task by task as it is: said before anything is changed."""
    replicas(spec)
    asked = (spec["TaskTemplate"].get("Placement") or {}).get("Constraints") or []
    fitting = [node for node in nodes if all(_fits(node, constraint) for constraint in asked)]
    if not any(node.ready and node.active for node in fitting):
        down = ", ".join(node.name for node in fitting) or "none"
        raise ServiceUnfit(f"no node that it may run on is ready (its placement allows: {down})")


def is_taken_back(spec: Spec) -> bool:
    """Whether the Swarm goes back by itself where an update fails. With start-first it then replaces tasks that are well."""
    return (spec.get("UpdateConfig") or {}).get("FailureAction") == "rollback"


def refuse_unfinished(update: Update) -> None:
    """Where the last update is somebody else's: ours on top of it would carry theirs on, too."""
    if update.is_at_work:
        raise ServiceBusy(f"somebody else is updating it ({update.state})")
    if update.state.endswith("paused"):
        raise ServiceUnfit(f"its last update is {update.state}, and is somebody else's: finish it first")


def _fits(node: Node, constraint: str) -> bool:
    """A constraint that the engine knows and we do not is taken to hold: then the engine will say."""
    found = re.fullmatch(r"\s*([\w.-]+)\s*(==|!=)\s*(.*?)\s*", constraint)
    if found is None or not (found[1] in node.facts or found[1].startswith(("node.labels.", "engine.labels."))):
        return True
    return (node.facts.get(found[1], "").lower() == found[3].lower()) == (found[2] == "==")


def progress(spec: Spec, update: Update, since: str, tasks: Sequence[Task], nodes: Sequence[Node]) -> Progress:
    """Of the spec that we asked for. `since`: when the update before it began. ServiceUpdateFailed where it goes no further."""
    if update.started != since and update.state.startswith("rollback"):
        raise ServiceUpdateFailed(f"the Swarm rolled the update back ({update.state}): its failure action is rollback")
    if settled(spec, tasks, nodes) and not update.is_at_work:
        return Progress.COMPLETE
    if update.started != since and update.state == "paused":
        raise ServiceUpdateFailed("the Swarm has paused the update: a new task did not run, or did not stay")
    return Progress.WAITING


def settled(spec: Spec, tasks: Sequence[Task], nodes: Sequence[Node]) -> bool:
    """Whether as many tasks as are wanted run as the spec says, and no other runs anywhere, or may."""
    ready = {node.id for node in nodes if node.ready}
    running = [one for one in tasks if one.wanted and one.state == "running" and one.node in ready and _is_as(spec, one)]
    return len(running) >= replicas(spec) and not any(one.is_alive and not _is_as(spec, one) for one in tasks)


def _is_as(spec: Spec, task: Task) -> bool:
    of = container(spec)
    return mounted(of) == mounted(task.container) and environment(of) == environment(task.container)


def left(spec: Spec, tasks: Sequence[Task], nodes: Sequence[Node]) -> str:
    """What is still waited for, for a person: nothing is said of a node that does as it should."""
    return "; ".join(_left(spec, tasks, {node.id: node for node in nodes}))


def _left(spec: Spec, tasks: Sequence[Task], nodes: Mapping[str, Node]) -> Iterator[str]:
    old = [one for one in tasks if one.is_alive and not _is_as(spec, one)]
    lost = sorted({nodes[one.node].name for one in old if one.node in nodes and not nodes[one.node].ready})
    running = sum(one.wanted and one.state == "running" and _is_as(spec, one) for one in tasks)
    yield f"{running} of {replicas(spec)} tasks run as they should"
    if old:
        yield f"{len(old)} of an earlier update are still there"
    if lost:
        yield f"node {', '.join(lost)} is down and may go on serving them"


def in_use(secret: str, specs: Sequence[Spec], tasks: Sequence[Task]) -> bool:
    """Whether any service's spec has it, or any task that is on a node, or may be: also on one that is down."""
    return any(secret in {one.id for one in mounted(container(spec))} for spec in specs) or any(
        one.is_alive and secret in one.secrets for one in tasks
    )
