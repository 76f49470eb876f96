"""One call of a function, over the living world, in which every effect and every look is a numbered boundary.

Before and after a boundary anything may happen: the call may be refused, die, or be left lying while others go on. What an
invocation has been told so far is all that it knows; so it is kept as that list, and to go on it is asked again and told the
same (`told`). Nothing of a step has to be copied, and an invocation in the middle of its work is a value.
"""

import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, lru_cache
from importlib import import_module
from typing import Any
from unittest.mock import patch

from rotation.core.errors import (
    AppUnhealthy,
    ClusterRefused,
    ClusterUnavailable,
    ConsumerFunctionDenied,
    ConsumerFunctionUnavailable,
    FileSystemUnavailable,
    FleetDenied,
    FleetUnavailable,
    NotAnnounced,
    OwnerUnknown,
    RotationError,
    SecretInvalid,
    SecretStoreUnavailable,
    SourceRefused,
    SourceUnreachable,
    SqlconfUnsupported,
    SwarmRefused,
    SwarmUnavailable,
    TransientError,
    VaultDenied,
    VaultUnavailable,
)
from rotation.core.fleet import Answer, Instance, Telling
from rotation.core.model import PENDING, STAGING, Credential, Labels, Mark, Password, SecretText, Version
from rotation.core.record import Document
from rotation.core.rollout import Rollout
from rotation.core.seen import Activity, Server, SessionId
from rotation.kinds.target import Target
from rotation.ports import ClusterObject, SecretStore
from rotation.protocol.remembering import Remembering
from rotation.protocol.request import Request
from rotation.protocol.secret_call import SecretCall
from rotation.protocol.secret_runs import wait_for

from tests.statemachine.machine import ROOT
from tests.worlds.aws import execution_is_alive
from tests.worlds.living import LivingWorld


class Port(StrEnum):
    """Which part of the world a call goes to."""

    SECRETS = "Secrets Manager"
    DATABASE = "database"
    PROVIDER = "provider"
    PROXY = "proxy"
    FILE = "file system"
    CLUSTER = "cluster"
    INSTANCES = "instances"
    VAULT = "Vault"
    FUNCTION = "function"
    SWARM = "Swarm"
    PAGE = "page"
    EXECUTIONS = "executions"
    TOPIC = "topic"


UNAVAILABLE: dict[Port, type[RotationError]] = {
    Port.SECRETS: SecretStoreUnavailable,
    Port.DATABASE: SourceUnreachable,
    Port.PROVIDER: SourceUnreachable,
    Port.PROXY: SourceUnreachable,
    Port.FILE: FileSystemUnavailable,
    Port.CLUSTER: ClusterUnavailable,
    Port.INSTANCES: FleetUnavailable,
    Port.VAULT: VaultUnavailable,
    Port.FUNCTION: ConsumerFunctionUnavailable,
    Port.SWARM: SwarmUnavailable,
    Port.PAGE: AppUnhealthy,
    Port.EXECUTIONS: OwnerUnknown,
    Port.TOPIC: NotAnnounced,
}
PERMANENT: dict[Port, type[RotationError]] = {
    Port.SECRETS: SecretInvalid,
    Port.DATABASE: SourceRefused,
    Port.PROVIDER: SourceRefused,
    Port.FILE: SqlconfUnsupported,
    Port.CLUSTER: ClusterRefused,
    Port.INSTANCES: FleetDenied,
    Port.VAULT: VaultDenied,
    Port.FUNCTION: ConsumerFunctionDenied,
    Port.SWARM: SwarmRefused,
}


@dataclass(frozen=True)
class Boundary:
    """One call of a port."""

    number: int
    """Within the invocation."""
    port: Port
    what: str
    changed: bool = False
    """Whether it had an effect."""


@dataclass(frozen=True)
class Told:
    """What a port answered, or raised."""

    answer: Any = None
    error: Exception | None = None


@dataclass(frozen=True)
class Answered:
    payload: dict[str, Any]


@dataclass(frozen=True)
class Failed:
    error: str
    cause: str


@dataclass(frozen=True)
class Left:
    """Left lying before a boundary: what it was told until then."""

    told: tuple[Told, ...]
    before: Boundary


Outcome = Answered | Failed | Left


class Killed(BaseException):
    """The process is gone; what it held, the others find free."""


class Suspended(BaseException):
    """To unwind the step: the invocation itself lives on, as what it was told."""


Gate = Callable[["Invocation", Boundary], None]
Watch = Callable[["Invocation", Boundary], None]


def nothing(_invocation: "Invocation", _boundary: Boundary) -> None:
    """What happens at a boundary unless somebody arranges for something."""


@dataclass
class Seen:
    """What this invocation has done and learnt: what the oracle judges its acts by."""

    read_back: set[str] = field(default_factory=set)
    """Texts of versions that Secrets Manager gave back."""
    proven: set[Credential] = field(default_factory=set)
    """Logged in, with those very bytes."""
    trying: Credential | None = None
    """What is tried now."""
    refused: set[Credential] = field(default_factory=set)
    """Did not log in, and nothing was done about it since."""
    unanswered: bool = False
    """Whether the database did not say of one whether it logs in."""
    pending: str | None = None
    """Which version of the slot secret held AWSPENDING when it looked last."""
    boundaries: list[Boundary] = field(default_factory=list)
    issued: set[str] = field(default_factory=set)
    """Ids of the keys that a provider has given it."""
    ending: Sequence[SessionId] = ()
    """Sessions that it is about to end."""
    telling: tuple[Telling, tuple[str, ...]] | None = None
    """What instances are told now, and which."""
    under_lock: set[str] = field(default_factory=set)
    """What it did since it took the database's lock."""
    over: set[str] = field(default_factory=set)
    """Executions that it was told are over: one that is redriven is alive again."""


class Invocation:
    """`before` and `after` are asked at every boundary that is not only a repetition of what was told already."""

    def __init__(
        self,
        world: LivingWorld,
        function: str,
        event: dict[str, Any],
        name: str,
        *,
        told: tuple[Told, ...] = (),
        before: Gate = nothing,
        after: Watch = nothing,
    ) -> None:
        self.world, self.function, self.event, self.name = world, function, event, name
        self.seen = Seen()
        self._before, self._after = before, after
        self._told = list(told)
        self._at = 0
        self._boundaries = 0

    @property
    def owner(self) -> str:
        """The execution that called it."""
        return str(self.event["execution"]["id"])

    @property
    def told(self) -> tuple[Told, ...]:
        """All that it knows so far."""
        return tuple(self._told)

    def run(self) -> Outcome:
        """As Lambda does: an answer, or the name of an error and a text."""
        _RUNNING.append(self)
        try:
            return Answered(step(self.function)((self.world.ports or Ports)(self), _asked(self.function)(self.event)))
        except Suspended:
            return Left(self.told, self.seen.boundaries[-1])
        except Killed:
            return Failed("Runtime.ExitError", "killed")
        except RotationError as error:
            return Failed(type(error).__name__, str(error.at(self.world.target.name)))
        finally:
            _RUNNING.pop()

    def leave_lying(self) -> None:
        """For a gate: the invocation stops here, and may go on another time."""
        raise Suspended

    @property
    def lives(self) -> bool:
        """Whether what it does now was not done already, by whoever is only told the same again."""
        return self._at == len(self._told)

    def note(self, act: Callable[[], Any]) -> Any:
        """What is learnt without a call, the time: the same again when it is told again."""
        if self._at == len(self._told):
            self._told.append(Told(act()))
        self._at += 1
        return self._told[self._at - 1].answer

    def call(self, port: Port, what: str, act: Callable[[], Any]) -> Any:
        """One boundary."""
        self._boundaries += 1
        if self._at == len(self._told):
            self._told.append(self._live(Boundary(self._boundaries, port, what), act))
        told = self._told[self._at]
        self._at += 1
        if told.error is not None:
            raise told.error
        if what == "lock":
            self.seen.under_lock.clear()
        self.seen.under_lock.add(what)
        return told.answer

    def _live(self, boundary: Boundary, act: Callable[[], Any]) -> Told:
        self.seen.boundaries.append(boundary)
        try:
            self._before(self, boundary)
            _refuse_throttled(self.world, boundary)
            writes = len(self.world.journal.writes)
            told = Told(act())
            if len(self.world.journal.writes) != writes:
                boundary = Boundary(boundary.number, boundary.port, boundary.what, changed=True)
                self.seen.boundaries[-1] = boundary
            self._after(self, boundary)
        except RotationError as error:
            return Told(error=error.with_traceback(None))
        return told

    @contextmanager
    def holding_lock(self, admin: Credential) -> Iterator[Any]:
        epoch = self.call(Port.DATABASE, "lock", lambda: self._enter(admin))
        lives_on = False
        try:
            yield self.world.source.connection(epoch)
        except Suspended:
            lives_on = True
            raise
        finally:
            if not lives_on and self.lives:  # else it did so long ago, and may hold the lock again
                self.world.source.leave(self.name)

    def _enter(self, admin: Credential) -> int:
        self.world.source.enter(admin, self.name)
        return self.world.source.epoch


_RUNNING: list[Invocation] = []
"""The innermost is at work: one may be called while another is left waiting for it."""
MADE = re.compile(r"Made-\d{6}")
ORIGINS: dict[str, tuple[str, ...]] = {}
"""What each version's id was computed from: who is asked again computes it again."""


@contextmanager
def known_passwords() -> Iterator[None]:
    """New passwords are numbered, not drawn: a world that is gone back to makes the same ones again, and no two the same. And who
    would wait inside of a call looks once."""

    def make() -> Password:
        it = _RUNNING[-1]
        text: str = it.note(it.world.next_password)
        return Password(text)

    with ExitStack() as stack:
        from tests.worlds.jwks import made_up_keys  # which knows this module

        stack.enter_context(patch("rotation.kinds.target.Source.make", lambda one: _nothing(one) or make()))
        stack.enter_context(made_up_keys())
        stack.enter_context(patch("rotation.steps.rotate_admin.admin_password", make))
        stack.enter_context(patch("rotation.steps.rotate_secret.wait_for", _looked_once))
        stack.enter_context(patch.object(Document, "parse", classmethod(_parsed)))
        stack.enter_context(patch("rotation.protocol.intents.uuid.uuid5", _remembered(uuid.uuid5)))
        yield


def _nothing(source: Any) -> Password | None:
    """Where people make keys, nothing is made here."""
    return source.known.makes(source.settings) if source.known.by_hand else None


def _looked_once(world: Any, look: Callable[[], Any], what: str, _: float = 0.0) -> Any:
    """What a call of Secrets Manager's would wait for, it finds when it is called again: AWS calls again after every failure."""
    return wait_for(world, look, what, 0.0)


def _parsed(document: type[Document], text: SecretText, secret: str) -> Document:
    return _parsed_once(document, text.reveal(), secret)


@lru_cache(100_000)
def _parsed_once(document: type[Document], text: str, secret: str) -> Document:
    """As the shipped code does it. Nobody changes a Document: the same text may be the same one again."""
    parsed: Document = _PARSE(document, SecretText(text), secret)
    return parsed


_PARSE = Document.parse.__func__  # type: ignore[attr-defined]


def _remembered(uuid5: Callable[[uuid.UUID, str], uuid.UUID]) -> Callable[[uuid.UUID, str], uuid.UUID]:
    @cache
    def made(namespace: uuid.UUID, name: str) -> uuid.UUID:
        version = uuid5(namespace, name)
        ORIGINS[str(version)] = tuple(name.split("|"))
        return version

    return made


def _throttled(world: LivingWorld, port: Port) -> bool:
    left = world.throttled.get(port, 0)
    if left:
        world.throttled[port] = left - 1
    return left > 0


def _refuse_throttled(world: LivingWorld, boundary: Boundary) -> None:
    if boundary.port is not Port.EXECUTIONS and _throttled(world, boundary.port):
        raise UNAVAILABLE[boundary.port](f"{boundary.port} does not answer for a while")


def step(function: str) -> Callable[[Any, Request], dict[str, Any]]:
    """The step that a shipped function is made of."""
    module, name = _step_of(function)
    made: Callable[[Any, Request], dict[str, Any]] = getattr(import_module(module), name)
    return made


@cache
def _step_of(function: str) -> tuple[str, str]:
    """It says so itself."""
    source = (ROOT / "functions" / function / "app.py").read_text()
    found = re.search(r"from (rotation\.steps\.\w+) import (\w+)", source)
    assert found, function
    return found[1], found[2]


def _asked(function: str) -> Callable[[dict[str, Any]], Any]:
    """How that function understands its event."""
    return SecretCall if function == "rotate_secret" else Request


# ---- the ports ----------------------------------------------------------------------------------------------------------


class Ports:
    """The World of one invocation."""

    def __init__(self, invocation: Invocation) -> None:
        self._it = invocation
        self._world = invocation.world
        self.slots: SecretStore = Remembering(Store(invocation, "slots"))
        self.admin: SecretStore = Remembering(Store(invocation, "admin"))
        self.source = Database(invocation)
        self.health = Page(invocation)

    @property
    def target(self) -> Target:
        return self._world.target

    @property
    def now(self) -> Callable[[], float]:
        return lambda: float(self._it.note(self._world.now))

    def credentials(self) -> list["Consumer"]:
        return [Consumer(self._it, one) for one in (self._world.file, self._world.secret)]

    def credential(self, index: int, username: str) -> "Consumer":
        return Consumer(self._it, self._world.credential(index, username))

    def keepers(self, username: str) -> list["Consumer"]:
        return []

    def copies(self, index: int) -> Any:
        raise LookupError("no consumer of this world keeps older versions")

    def looking(self) -> list[Any]:
        return []

    def spreading(self) -> dict[int, Any]:
        return {}

    def check_keepers(self, usernames: Sequence[str]) -> None:
        self._world.check_keepers(usernames)

    @property
    def provider(self) -> Any:
        raise LookupError("nobody issues keys here")

    @property
    def endpoint(self) -> None:
        return None

    @property
    def rotated(self) -> None:
        return None

    def files(self) -> list["Consumer"]:
        return self.credentials()[:1]

    def traffic(self) -> "Consumer":
        return self.credentials()[0]

    def workload(self, index: int) -> "Deployment":
        return Deployment(self._it)

    def workloads(self) -> list["Deployment"]:
        return [Deployment(self._it)]

    def fleets(self) -> list["FleetCalls"]:
        return []

    def services(self) -> list[Any]:
        return []

    def execution_is_alive(self, arn: str, age_seconds: float) -> bool:
        alive, over = self._it.call(Port.EXECUTIONS, "owner alive?", lambda: self._asked_about(arn, age_seconds))
        if over:
            self._it.seen.over.add(arn)
        return bool(alive)

    def _asked_about(self, arn: str, age_seconds: float) -> tuple[bool, bool]:
        """What the adapter makes of the answer, or of being throttled; and whether the execution is over."""
        alive = self._world.alive
        said = execution_is_alive(arn, age_seconds, alive, throttled=_throttled(self._world, Port.EXECUTIONS))
        return said, arn not in alive

    def cluster_objects(self, kind: str) -> list[ClusterObject]:
        return self._world.cluster_objects(kind)

    def denied_by_iam(self) -> list[str] | None:
        return self._world.denied_by_iam()

    def announce(self, subject: str, text: str) -> None:
        self._it.call(Port.TOPIC, "announce", lambda: self._world.announce(subject, text))


class Store:
    """A secret."""

    def __init__(self, it: Invocation, name: str, secret: Any = None) -> None:
        """`secret`: where it is neither of the two."""
        self._it, self.name = it, name
        self._secret = secret or (it.world.slots if name == "slots" else it.world.admin)

    def labels(self) -> Labels:
        labels: Labels = self._it.call(Port.SECRETS, f"labels of {self.name}", self._secret.labels)
        if self.name == "slots":
            self._it.seen.pending = labels.pending
        return labels

    def current(self) -> Version:
        found: Version = self._it.call(Port.SECRETS, f"current of {self.name}", self._secret.current)
        self._it.seen.read_back.add(found.text.reveal())
        return found

    def pending(self) -> Version | None:
        found: Version | None = self._it.call(Port.SECRETS, f"pending of {self.name}", self._secret.pending)
        if found is not None:
            self._it.seen.read_back.add(found.text.reveal())
        if self.name == "slots":
            self._it.seen.pending = found and found.id
        return found

    def staged(self) -> Version | None:
        found: Version | None = self._it.call(Port.SECRETS, f"staged of {self.name}", self._secret.staged)
        return found

    def read(self, version: str) -> SecretText:
        text: SecretText = self._it.call(Port.SECRETS, f"read {self.name}", lambda: self._secret.read(version))
        self._it.seen.read_back.add(text.reveal())
        return text

    def age_seconds(self, version: str) -> float:
        age: float = self._it.note(lambda: self._secret.age_seconds(version))
        return age

    def put_once(self, version: str, text: SecretText, label: str = STAGING) -> SecretText:
        put = self._secret.put_once
        stored: SecretText = self._it.call(Port.SECRETS, f"put {self.name}", lambda: put(version, text, label))
        self._it.seen.read_back.add(stored.reveal())
        return stored

    def swap(self, label: str, *, to: str | None, removed_from: str | None) -> bool:
        moved: bool = self._it.call(
            Port.SECRETS, f"swap {label} of {self.name}", lambda: self._secret.swap(label, to=to, removed_from=removed_from)
        )
        if moved and (self.name, label) == ("slots", PENDING):
            self._it.seen.pending = to
        return moved


class Database:
    """The writer."""

    def __init__(self, it: Invocation) -> None:
        self._it, self._database = it, it.world.source

    def logs_in(self, credential: Credential) -> bool:
        return self._tried(credential, lambda: self._database.logs_in(credential))

    def refuses(self, credential: Credential) -> bool:
        return not self._tried(credential, lambda: not self._database.refuses(credential))

    def settles_in(self) -> float:
        return 0.0

    def _tried(self, credential: Credential, ask: Callable[[], bool]) -> bool:
        seen = self._it.seen
        seen.trying = credential
        try:
            works: bool = self._it.call(Port.DATABASE, f"login {credential.username}", ask)
        except TransientError:
            seen.unanswered = True
            raise
        (seen.proven if works else seen.refused).add(credential)
        return works

    @contextmanager
    def as_admin(self, admin: Credential) -> Iterator["Session"]:
        with self._it.holding_lock(admin) as connection:
            yield Session(self._it, connection)

    def activity(self, admin: Credential, username: str) -> Activity:
        what = f"activity {username}"
        activity: Activity = self._it.call(Port.DATABASE, what, lambda: self._database.activity(admin, username))
        return activity

    def inspect(self, admin: Credential, users: Sequence[str]) -> Server:
        server: Server = self._it.call(Port.DATABASE, "inspect", lambda: self._database.inspect(admin, users))
        return server

    def sessions(self, admin: Credential, username: str) -> list[SessionId]:
        what = f"sessions of {username}"
        sessions: list[SessionId] = self._it.call(Port.DATABASE, what, lambda: self._database.sessions(admin, username))
        return sessions

    def end_sessions(self, admin: Credential, username: str, sessions: Sequence[SessionId]) -> None:
        self._it.seen.ending = sessions
        self._it.call(Port.DATABASE, "end sessions", lambda: self._database.end_sessions(admin, username, sessions))


class Session:
    """The admin's connection."""

    def __init__(self, it: Invocation, connection: Any) -> None:
        self._it, self._connection = it, connection

    @property
    def dual_passwords(self) -> bool:
        dual: bool = self._connection.dual_passwords
        return dual

    def _call(self, what: str, act: Callable[[], Any]) -> Any:
        return self._it.call(Port.DATABASE, what, act)

    def activity(self, username: str) -> Activity:
        activity: Activity = self._call(f"activity {username}", lambda: self._connection.activity(username))
        return activity

    def exists(self, username: str) -> bool:
        exists: bool = self._call(f"exists {username}", lambda: self._connection.exists(username))
        return exists

    def create_user(self, credential: Credential, like: Credential) -> None:
        self._call(f"create {credential.username}", lambda: self._connection.create_account(credential, like))
        self._changed(credential.username)
        self.copy_grants(credential, like)

    def copy_grants(self, user: Credential, like: Credential) -> bool:
        granted: bool = self._call(f"grant {user.username}", lambda: self._connection.copy_grants(user, like))
        return granted

    def set_password(self, username: str, password: Password, *, retain: bool) -> None:
        self._call(f"alter {username}", lambda: self._connection.set_password(username, password, retain=retain))
        self._changed(username)

    def _changed(self, username: str) -> None:
        self._it.seen.refused = {one for one in self._it.seen.refused if one.username != username}

    def needs_retain(self, username: str, in_use: Password, new: Password) -> bool:
        needs: bool = self._call(f"passwords of {username}", lambda: self._connection.needs_retain(username, in_use, new))
        return needs

    def needs_discard(self, username: str, in_use: Password, old: Password) -> bool:
        needs: bool = self._call(f"passwords of {username}", lambda: self._connection.needs_discard(username, in_use, old))
        return needs

    def discard_old_password(self, username: str, keep: Password) -> None:
        self._call(f"discard {username}", lambda: self._connection.discard_old_password(username, keep))


class Consumer:
    """sqlconf.php, or the Kubernetes Secret."""

    def __init__(self, it: Invocation, held: Any) -> None:
        self._it, self._held = it, held
        self.name: str = held.name
        self._port = Port.FILE if held is it.world.file else Port.CLUSTER

    def read(self) -> Credential:
        credential: Credential = self._it.call(self._port, f"read {self.name}", self._held.read)
        return credential

    def publish(self, credential: Credential, mark: Mark) -> bool:
        changed: bool = self._it.call(self._port, f"publish {self.name}", lambda: self._held.publish(credential, mark))
        return changed

    def in_setup(self) -> bool:
        setup: bool = self._it.call(self._port, f"setup in {self.name}", self._held.in_setup)
        return setup

    def fix_permissions(self) -> bool:
        changed: bool = self._it.call(self._port, f"permissions {self.name}", self._held.fix_permissions)
        return changed


class Deployment:
    """The application's pods."""

    def __init__(self, it: Invocation) -> None:
        self._it, self._pods = it, it.world.pods
        self.name: str = self._pods.name

    def restart(self, rotation: str, started: str) -> None:
        self._it.call(Port.CLUSTER, "restart", lambda: self._pods.restart(rotation, started))

    def rollout(self) -> Rollout:
        rollout: Rollout = self._it.call(Port.CLUSTER, "rollout", self._pods.rollout)
        return rollout


class FleetCalls:
    """Instances that are told."""

    def __init__(self, it: Invocation, fleet: Any) -> None:
        self._it, self._fleet = it, fleet
        self.name: str = fleet.name

    def instances(self) -> list[Instance]:
        found: list[Instance] = self._it.call(Port.INSTANCES, "which instances", self._fleet.instances)
        return found

    def answers(self, since: float) -> list[Answer]:
        found: list[Answer] = self._it.call(Port.INSTANCES, "answers of instances", lambda: self._fleet.answers(since))
        return found

    def last_write(self, instance: str) -> Answer | None:
        found: Answer | None = self._it.call(Port.INSTANCES, f"last write of {instance}", lambda: self._fleet.last_write(instance))
        return found

    def tell(self, telling: Telling, instances: Sequence[str]) -> None:
        self._it.seen.telling = (telling, tuple(instances))
        self._it.call(Port.INSTANCES, f"tell {telling.action}", lambda: self._fleet.tell(telling, instances))


class Page:
    """The health page."""

    def __init__(self, it: Invocation) -> None:
        self._it = it

    def check(self) -> None:
        self._it.call(Port.PAGE, "page", self._it.world.health.check)
