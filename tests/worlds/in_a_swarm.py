"""The living world of services in a Swarm: each task reads its login in the files that it was started with."""

import json
import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rotation.consumers.published import PublishedSecret, RotatedSecret
from rotation.consumers.swarm.services import SwarmSecrets, SwarmService
from rotation.consumers.swarm.spec import environment, mounted
from rotation.consumers.swarm.versions import VERSION
from rotation.core.model import Credential, RotationStep, Slot
from rotation.kinds.target import parse_target
from rotation.ports import Surroundings

from tests.worlds.families import SWARM_ACCESS
from tests.worlds.invocation import Invocation, Port
from tests.worlds.living import SESSION_SECONDS, STALE_SECONDS, LivingWorld, WithoutCluster
from tests.worlds.proxied import APPLICATION, over
from tests.worlds.read_secrets import ApplicationSecret
from tests.worlds.secret_rotation import SecretPorts
from tests.worlds.swarm import Answer, Swarm, Task
from tests.worlds.swarm_client import EngineInMemory
from tests.worlds.world import RING, TARGET, credential, login

SHELF, SERVICE, TRAFFIC = 0, 1, 2
"""The consumers' places in the target's list."""
PASSWORD, USER = "shop_password", "shop_user"
FILES = {"PASSWORD_FILE": PASSWORD, "USER_FILE": USER}
KEYS = {PASSWORD: "{password}", USER: "{username}"}
HERE = Surroundings(TARGET, "admin", secret=APPLICATION)
SAID = {"services": "look services", "tasks": "look tasks", "nodes": "look nodes", "secrets": "look secrets"}


class EngineCalls(EngineInMemory):
    """The shipped adapter's connection: each call of the engine is a boundary."""

    def __init__(self, it: Invocation, swarm: "JournalledSwarm") -> None:
        super().__init__(swarm)
        self._it = it

    def _exchange(self, method: str, target: str, body: Any) -> tuple[int, bytes]:
        kind = target.strip("/").partition("?")[0].partition("/")[0]
        said = {"POST": "make secret" if kind == "secrets" else "update service", "DELETE": "remove secret"}
        exchange = super()._exchange
        answer: tuple[int, bytes] = self._it.call(Port.SWARM, said.get(method, SAID[kind]), lambda: exchange(method, target, body))
        return answer


class SwarmPorts(SecretPorts):
    """The World of one invocation there."""

    def shelf(self, index: int) -> SwarmSecrets:
        return SwarmSecrets(EngineCalls(self._it, self._living.swarm), HERE, KEYS)

    def service(self, index: int) -> SwarmService:
        return SwarmService(EngineCalls(self._it, self._living.swarm), HERE, "web", FILES, self._living.restarts)

    def services(self) -> list[SwarmService]:
        return [self.service(SERVICE)]


class JournalledSwarm(Swarm):
    """What changes in it is told to a journal."""

    journal: Any = None

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        self.calls.clear()
        if method == "GET" or self.journal is None:
            return super().answer(method, path, query, body)
        before = self.counted
        there = len(self.secrets)
        answer = super().answer(method, path, query, body)
        if (self.counted, len(self.secrets)) != (before, there):
            with self.journal.write(f"{method} {path}"):
                pass
        return answer


class SwarmWorld(WithoutCluster, LivingWorld):
    """At first two tasks work as slot A, from secrets that a person has made."""

    application: ApplicationSecret
    swarm: JournalledSwarm

    def __init__(
        self, *, active: Slot = Slot.A, ring: tuple[Slot, ...] = RING, two_values: bool = False, restarts: int = 3
    ) -> None:
        self.restarts = restarts
        super().__init__(active=active, ring=ring, two_values=two_values)
        self.ports = SwarmPorts
        self.target = parse_target(TARGET, json.dumps(_document(restarts)))

    def furnish(self, active: Slot, ring: tuple[Slot, ...]) -> None:
        first = login(active)
        self.application = ApplicationSecret(APPLICATION, first, self, "application")
        self.past: tuple[tuple[float, Credential], ...] = ()
        """What tasks worked with that have ended, each with the moment at which that was."""
        self.swarm = JournalledSwarm(clock=self.clock - 10, ready_after=0.5, stopped_after=0.5, lost_after=3.0)
        for name in ("m1", "w1"):
            self.swarm.add_node(name)
        made = {
            f"{base}_v1": self.swarm.add_secret(f"{base}_v1", text.encode())
            for base, text in ((PASSWORD, first.password.reveal()), (USER, first.username))
        }
        self._by_hand = made
        self.add_service("web")
        self._made = self.swarm.service("web").spec
        self.swarm.journal = self.journal
        self.swarm.clock = self.clock

    def add_service(self, name: str) -> None:
        """Two tasks more, which have what a person has made."""
        self.swarm.add_service(_service(name, self._by_hand))

    def pass_time(self, seconds: float) -> None:
        super().pass_time(seconds)
        before = {one.id: self._login(one) for one in self._running()}
        self.swarm.pass_time(seconds)
        for node in self.swarm.nodes.values():
            if node.down_since is not None and self.clock - node.down_since >= DOWN_SECONDS:
                self.swarm.start(node.id)
        here = {one.id for one in self._running()}
        self.past = (*self.past, *((self.clock, one) for name, one in before.items() if name not in here))
        self.look_at_sessions()

    # What the application does, and what is seen of it.

    @property
    def held(self) -> Credential:
        return self.application.held

    def _running(self) -> list[Task]:
        return self.swarm.running("web")

    def _login(self, task: Task) -> Credential:
        return self._read(task.spec, newest=self.restarts == 1)

    def _read(self, template: dict[str, Any], *, newest: bool) -> Credential:
        """What a container finds. `newest`: it tries what comes next first."""
        user, password = (self.swarm.values[one].decode() for one in read_by(template, newest=newest))
        return credential(user, password)

    def told(self, *, made: bool) -> Credential:
        """The login that was made a secret of last; or that the service is to come to."""
        if made:
            version = [*self.swarm.secrets.values()][-1]["Spec"]["Labels"][VERSION]
            return self.rotated.login(version)
        return self._read(self.swarm.service("web").spec["TaskTemplate"], newest=True)

    def holdings(self) -> dict[str, Credential]:
        return {"the application's secret": self.held} | {one.id: self._login(one) for one in self._running()}

    def environments(self) -> tuple[Credential, ...]:
        return ()

    def notes(self) -> set[str]:
        env = self.swarm.service("web").spec["TaskTemplate"]["ContainerSpec"]["Env"]
        return {f"note service {DEPLOYED}"} if DEPLOYED in env else set()

    def reads_published(self) -> tuple[ApplicationSecret, ...]:
        return (self.application,)

    def seen(self) -> list[tuple[float, Credential]]:
        now = dict.fromkeys(self._login(one) for one in self._running())
        return [*((self.clock, one) for one in now), *((ended + STALE_SECONDS, one) for ended, one in self.past)]

    def look_at_sessions(self) -> None:
        kept = STALE_SECONDS + SESSION_SECONDS
        self.past = tuple(one for one in self.past if self.clock - one[0] <= kept)
        self.application.forget(0.0)
        here = {one.username for one in self._connected()}
        for username, account in self.source.accounts.items():
            account.sessions = int(username in here)

    def _connected(self) -> list[Credential]:
        return list(dict.fromkeys([*(self._login(one) for one in self._running()), *(one for _, one in self.past)]))

    def heal(self) -> None:
        super().heal()
        for name in self.swarm.nodes:
            self.swarm.start(name)

    def lose_a_node(self) -> None:
        """What runs there goes on, and after a while it is back."""
        self.swarm.kill(LOST)

    def deploy(self) -> None:
        """Somebody puts back what the service was made with, and a variable more: as a stack file that nobody changed does. Once
        the old login is being retired that breaks the application, whoever rotates: nobody does it any more."""
        if self.slots.labels().pending is None or self.pending.tag is None or self.pending.tag.step is not RotationStep.FLIP:
            return
        service = self.swarm.service("web")
        spec = deepcopy(self._made)
        spec["TaskTemplate"]["ContainerSpec"]["Env"].append(DEPLOYED)
        here = set(self.swarm.secrets)
        is_there = {one["SecretID"] for one in spec["TaskTemplate"]["ContainerSpec"]["Secrets"]} <= here
        if is_there and self.accepts(self._read(self._made["TaskTemplate"], newest=False)):
            Swarm.answer(self.swarm, "POST", f"/services/{service.id}/update", {"version": str(service.index)}, spec)
            self.remembers |= {f"note service {DEPLOYED}"}

    def as_for_long(self) -> None:
        self.application.past, self.past = (), ()

    # What there is to be looked at and changed.

    def credentials(self) -> list[Any]:
        return [self.traffic()]

    def credential(self, index: int, username: str = "") -> Any:
        return self.traffic()

    def traffic(self) -> Any:
        return over(self.application, PublishedSecret)

    @property
    def rotated(self) -> Any:
        return over(self.application, RotatedSecret)

    def shelf(self, index: int) -> Any:
        return SwarmSecrets(EngineInMemory(self.swarm), HERE, KEYS)

    def service(self, index: int) -> Any:
        return self.service_called("web")

    def service_called(self, name: str) -> SwarmService:
        return SwarmService(EngineInMemory(self.swarm), HERE, name, FILES, self.restarts)

    def services(self) -> list[Any]:
        return [self.service(SERVICE)]

    # To be kept and compared.

    def beyond(self) -> tuple[Any, ...]:
        return (self.application.past, (), None, self.state())

    def restore_beyond(self, kept: tuple[Any, ...]) -> None:
        self.application.past, _, _, state = kept
        self.past = state.past
        self.swarm = state.swarm.copied()
        self.swarm.journal = self.journal

    def state(self) -> "State":
        return State(self.swarm.copied(), self.past)

    def beyond_key(self) -> Any:
        return alike(self.state(), self.clock, lambda _: ""), [(self._ago(at), one.username) for at, one in self.application.past]


_READ: dict[tuple[int, bool], tuple[dict[str, Any], list[str]]] = {}


def read_by(template: dict[str, Any], *, newest: bool) -> list[str]:
    """The secrets of user and password that its tasks read, by their ids; found out once, as nobody changes it."""
    key = (id(template), newest)
    if key not in _READ:
        of = template["ContainerSpec"]
        paths, env = {one.path: one.id for one in mounted(of)}, environment(of)
        named = [(newest and env.get(f"{variable}_NEW")) or env[variable] for variable in ("USER_FILE", "PASSWORD_FILE")]
        _READ[key] = template, [paths[one] for one in named]
    return _READ[key][1]


@dataclass(frozen=True, eq=False)
class State:
    """All of it, as a value that nothing changes any more."""

    swarm: JournalledSwarm
    past: tuple[tuple[float, Credential], ...]

    @property
    def started(self) -> str:
        """When the service's last update began, as the managers say it."""
        return (self.swarm.service("web").status or {}).get("StartedAt", "")

    @cached_property
    def _all(self) -> Any:
        """A spec is one object as long as it says the same."""
        swarm = self.swarm
        return (
            swarm.clock,
            swarm.counted,
            swarm.quorum,
            self.past,
            tuple((one.id, one.down_since) for one in swarm.nodes.values()),
            tuple((key, one["Spec"]["Name"], one["Spec"]["Labels"].get(VERSION)) for key, one in swarm.secrets.items()),
            tuple(
                (one.id, one.index, id(one.spec), id(one.previous), tuple((one.status or {}).items()), one.fresh)
                for one in swarm.services.values()
            ),
            tuple((one.id, one.node, id(one.spec), one.state, one.desired, one.since) for one in swarm.tasks),
        )

    def __hash__(self) -> int:
        return hash(self._all)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and self._all == other._all


NUMBERED = re.compile(rf"({PASSWORD}|{USER})_v([0-9]+)")


def alike(state: State, clock: float, _called: Callable[[str], str | None]) -> Any:
    """The same for two in which the same may happen from here on: what things are called by their ids does not matter, and of the
    numbers in names only which is the higher one."""
    swarm = state.swarm

    def of(template: dict[str, Any]) -> Any:
        container = template["ContainerSpec"]
        return [(one.name, one.id in swarm.secrets, one.path) for one in mounted(container)], container["Env"]

    def ago(moment: float) -> float:
        return round(clock - moment, 3)

    services = [
        (
            of(one.spec["TaskTemplate"]),
            one.previous and of(one.previous["TaskTemplate"]),
            (one.status or {}).get("State"),
            one.fresh,
        )
        for one in swarm.services.values()
    ]
    tasks = sorted(
        (one.slot, one.node, repr(of(one.spec)), one.state, one.desired, min(ago(one.since), SETTLED_SECONDS))
        for one in swarm.tasks
        if one.state in ("starting", "running") or one.desired == "running"
    )
    secrets = [(one["Spec"]["Name"], one["Spec"]["Labels"].get(VERSION)) for one in swarm.secrets.values()]
    nodes = [(one.id, one.down_since and min(ago(one.down_since), OLD_SECONDS)) for one in swarm.nodes.values()]
    past = [(ago(at), one.username, one.password.reveal()) for at, one in state.past]
    return _ranked(repr((services, tasks, secrets, nodes, swarm.quorum, past)))


def _ranked(text: str) -> str:
    """Each number of a name as its rank among those that there are."""
    found = sorted({(base, int(number)) for base, number in NUMBERED.findall(text)})
    ranks = {(base, number): sum(one[0] == base for one in found[:place]) for place, (base, number) in enumerate(found)}
    return NUMBERED.sub(lambda one: f"{one[1]}_r{ranks[one[1], int(one[2])]}", text)


OLD_SECONDS = 30.0
"""No node is down for longer."""
SETTLED_SECONDS = 1.0
"""What a task is about to become it is by then."""
DOWN_SECONDS = 25.0
LOST, DEPLOYED = "w1", "DEPLOYED=again"


def _service(name: str, made: dict[str, str]) -> dict[str, Any]:
    return {
        "Name": name,
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": "web@sha256:1",
                "Env": [f"{variable}=/run/secrets/{base}_v1" for variable, base in FILES.items()],
                "Secrets": [
                    {"File": {"Name": name, "UID": "0", "GID": "0", "Mode": 0o400}, "SecretID": found, "SecretName": name}
                    for name, found in made.items()
                ],
            }
        },
        "Mode": {"Replicated": {"Replicas": 2}},
        "UpdateConfig": {"Order": "start-first", "FailureAction": "pause", "Parallelism": 0},
    }


def _document(restarts: int) -> dict[str, Any]:
    return {
        "slot_secret": "slots",
        "admin_secret": "admin",
        "source": {"kind": "mysql"},
        "consumers": [
            {"kind": "swarm-secret", **SWARM_ACCESS, "keys": KEYS},
            {"kind": "swarm-service", **SWARM_ACCESS, "service": "web", "files": FILES, "restarts": restarts},
            {"kind": "app-secret", "secret": APPLICATION, "application_cache_seconds": 0},
        ],
        "drain": {"quiet_seconds": 20},
        "health": {"url": "https://shop.example/", "marker": "Shop"},
        "overlap_seconds": 0,
        "rollout": {"deadline_seconds": 60},
    }
