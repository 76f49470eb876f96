"""A Swarm's secrets and services as consumers: each login is a secret of its own, and a service comes to it phase by phase.

Nothing is remembered from call to call but when the update before ours began: what is there is looked at each time, and written
only onto the version that was seen. Somebody else's change meanwhile is kept, and ours comes on top of it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rotation.aws.secrets_manager import SecretsManagerStore
from rotation.consumers.keys import Keys
from rotation.consumers.swarm.engine import Access, Engine, Identity
from rotation.consumers.swarm.rolling import (
    Node,
    Task,
    Update,
    in_use,
    is_taken_back,
    left,
    progress,
    refuse_unfinished,
    refuse_unfit,
    settled,
)
from rotation.consumers.swarm.spec import File, Spec, brought, goals, is_ours, newest, phase, reads, used_by
from rotation.consumers.swarm.versions import SECRET, VERSION, Stored, check_value, find, next_name, own, superseded
from rotation.core.drain import Hold
from rotation.core.errors import RotationError, SecretInvalid, SwarmObjectMissing
from rotation.core.model import Credential, Password
from rotation.core.phases import Moved, Phase
from rotation.core.rollout import Progress

if TYPE_CHECKING:
    from rotation.kinds.kind import Settings
    from rotation.ports import Surroundings


def engine(settings: Settings) -> Engine:
    """As the target names it."""
    arn = settings["client_secret"]
    return Engine(Access(settings["managers"], settings["ca"], settings.get("tls", "1.3"), lambda: identity(arn)))


def identity(arn: str) -> Identity:
    """From a secret with the keys certificate and key."""
    try:
        content = json.loads(SecretsManagerStore(arn).current().text.reveal())
    except ValueError:
        content = None
    if not isinstance(content, dict) or not all(isinstance(content.get(key), str) for key in ("certificate", "key")):
        raise SecretInvalid(f"{arn}: make it a JSON object with the texts certificate and key")
    return Identity(content["certificate"], Password(content["key"]), arn)


class SwarmSecrets:
    """Those that hold a login, by the names that they have without a number."""

    def __init__(self, engine: Engine, surroundings: Surroundings, keys: Mapping[str, str]) -> None:
        self._engine, self._keys = engine, Keys(keys)
        self._mine = own(surroundings.target, surroundings.secret)

    @property
    def name(self) -> str:
        return f"secrets {', '.join(self._keys.names)} of {self._engine.name}"

    def look(self) -> None:
        """Whether the Swarm can be reached, as who we are."""
        _stored(self._engine)

    def keep(self, credential: Credential, version: str) -> bool:
        """Have the Swarm know that login, as it is in that version of the application's secret; False if it did already."""
        there = _stored(self._engine)
        values = {base: text.reveal().encode() for base, text in self._keys.render(credential).items()}
        lacking = [base for base in values if find(there, self._mine, base, version) is None]
        for base in lacking:
            check_value(base, values[base])
            self._engine.post(
                "secrets/create",
                {
                    "Name": next_name(base, (one.name for one in there)),
                    "Labels": {**self._mine, SECRET: base, VERSION: version},
                    "Data": base64.b64encode(values[base]).decode(),
                },
            )
        return bool(lacking)


class SwarmService:
    """One service, whose variables lead to such secrets."""

    def __init__(self, engine: Engine, surroundings: Surroundings, service: str, files: Mapping[str, str], restarts: int) -> None:
        """`files`: the secrets' names without a number, by variable."""
        self._engine, self._service, self._files, self._restarts = engine, service, files, restarts
        self._mine = own(surroundings.target, surroundings.secret)

    @property
    def name(self) -> str:
        return f"service {self._service} of {self._engine.name}"

    def refuse_unfit(self) -> None:
        """What cannot be updated as it is: before anything is made."""
        self._refuse_unfit(self._look())

    def is_taken_back(self) -> bool:
        """Whether the Swarm itself goes back where an update fails."""
        return is_taken_back(self._look().spec)

    def advance(self, goal: Phase, version: str, current: str, since: str | None = None, *, back: bool = False) -> Moved:
        """Have it come to that phase with a version, and say how far it is; called again with what was answered until it is
        complete. `current`: the version that the application's secret says now. `back`: whatever is under way ends with it."""
        if not back and goal not in goals(self._restarts):
            return Moved(Progress.COMPLETE, since or "")
        seen, files = self._look(), self._wanted(version, current)
        if phase(seen.spec, files) >= goal:
            found = self._progress(seen, since or "")
            return Moved(found, since or "", left(seen.spec, seen.tasks, seen.nodes) if found is Progress.WAITING else "")
        if since is not None:
            self._progress(seen, since)  # the Swarm's own way back is a failure; who deploys at the same time is waited for
            if seen.update.is_at_work and not back:
                return Moved(Progress.WAITING, since, "an update of somebody else's is under way")
        elif not back:
            self._refuse_unfit(seen)
            self._refuse_unfinished(seen)
        with self._named():
            wanted = brought(seen.spec, files, goal)
        self._engine.post(f"services/{seen.id}/update", wanted, version=str(seen.index))
        return Moved(Progress.WAITING, seen.update.started if since is None else since)

    def holds(self, version: str) -> Hold:
        """Whether all that runs anywhere, or may, has that version."""
        seen, there = self._look(), _stored(self._engine)
        for variable, base in self._files.items():
            found = find(there, self._mine, base, version)
            used = newest(seen.spec, variable) if self._restarts == 1 else reads(seen.spec, variable)
            if found is None or used is None or used.id != found.id:
                return Hold.OTHER
        with self._named():
            return Hold.SAME if settled(seen.spec, seen.tasks, seen.nodes) else Hold.UNKNOWN

    def remove_old(self, version: str) -> list[str]:
        """Take away those of our secrets that hold another version, and that nothing has any more; their names."""
        there = _stored(self._engine)
        old = [one for base in self._files.values() for one in superseded(there, self._mine, base, version)]
        if not old:
            return []
        specs = [one["Spec"] for one in self._engine.get("services")]
        tasks = [Task.of(one) for one in self._engine.get("tasks")]
        gone = [one for one in old if not in_use(one.id, specs, tasks)]
        for one in gone:
            self._engine.delete(f"secrets/{one.id}")
        return [one.name for one in gone]

    def _wanted(self, version: str, current: str) -> list[File]:
        there = _stored(self._engine)
        return [self._file(there, variable, base, version, current) for variable, base in self._files.items()]

    def _file(self, there: Sequence[Stored], variable: str, base: str, version: str, current: str) -> File:
        found, used = (find(there, self._mine, base, one) for one in (version, current))
        if found is None:
            raise SwarmObjectMissing(f"{self.name}: the Swarm has no {base} for version {version}; it should have been made before")
        return File(variable, base, found.id, found.name, used.id if used else "")

    def _refuse_unfit(self, seen: _Seen) -> None:
        with self._named():
            for variable, base in self._files.items():
                used_by(seen.spec, variable, base)
            refuse_unfit(seen.spec, seen.nodes)

    def _refuse_unfinished(self, seen: _Seen) -> None:
        """What an earlier run of ours has left is carried on, or ends with the next update."""
        if not is_ours(seen.spec, seen.previous, self._files):
            with self._named():
                refuse_unfinished(seen.update)

    def _progress(self, seen: _Seen, since: str) -> Progress:
        with self._named():
            return progress(seen.spec, seen.update, since, seen.tasks, seen.nodes)

    def _look(self) -> _Seen:
        found = self._engine.get(f"services/{self._service}")
        tasks = self._engine.get("tasks", {"service": [found["ID"]]})
        return _Seen(
            found["ID"],
            found["Version"]["Index"],
            found["Spec"],
            found.get("PreviousSpec"),
            Update.of(found),
            [Task.of(one) for one in tasks],
            [Node.of(one) for one in self._engine.get("nodes")],
        )

    @contextmanager
    def _named(self) -> Iterator[None]:
        """What was decided of a service says of which."""
        try:
            yield
        except RotationError as error:
            raise error.at(self.name) from None


@dataclass(frozen=True)
class _Seen:
    """A service as it was at one look."""

    id: str
    index: int
    """What is written onto: the engine takes no change of another."""
    spec: Spec
    previous: Spec | None
    """Before the last update."""
    update: Update
    tasks: Sequence[Task]
    nodes: Sequence[Node]


def _stored(engine: Engine) -> list[Stored]:
    return [Stored.of(one) for one in engine.get("secrets")]
