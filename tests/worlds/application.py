"""The application in memory: where it reads its credential, its copies, and the page that its users see."""

from dataclasses import replace

from rotation.core.errors import AppUnhealthy
from rotation.core.model import Credential, Mark
from rotation.core.rollout import Outage, Rollout, Unfit
from rotation.core.seen import FileState

from tests.worlds.journal import Journal


class Held:
    """A consumer of the credential: sqlconf.php, or (without a port of its own) the Kubernetes Secret."""

    def __init__(self, name: str, credential: Credential, journal: Journal, *, has_port: bool = True) -> None:
        self._name = name
        self._journal = journal
        self._has_port = has_port
        self.holds(credential)
        self.permissions_are_right = True
        self.writable = True
        self.shows_setup = False
        """As with `$config = 0` in sqlconf.php."""
        self.forbidden: set[str] = set()
        """Verbs that the cluster does not let us do."""

    @property
    def name(self) -> str:
        return self._name

    def holds(self, credential: Credential) -> None:
        """As if a person had edited it."""
        self._credential = credential if self._has_port else replace(credential, port=None)

    @property
    def held(self) -> Credential:
        """As a test sees it."""
        return self._credential

    def read(self) -> Credential:
        self._journal.look(f"read {self._name}")
        return self._credential

    def publish(self, credential: Credential, _: Mark) -> bool:
        if self._credential.at_place_of(credential) == credential:
            return False
        with self._journal.write(f"publish {self._name}"):
            self.holds(credential)
        return True

    def allows(self, verb: str) -> bool:
        return verb not in self.forbidden

    def inspect(self) -> FileState:
        return FileState("1000:101", "0644" if self.permissions_are_right else "0600", "1000:101", "0644", self.writable)

    def in_setup(self) -> bool:
        return self.shows_setup

    def fix_permissions(self) -> bool:
        if self.permissions_are_right:
            return False
        with self._journal.write(f"permissions {self._name}"):
            self.permissions_are_right = True
        return True


class Pods:
    """A Deployment, and its controller that only looks at it when a test says so."""

    def __init__(self, name: str, journal: Journal, replicas: int = 2) -> None:
        self._name = name
        self._journal = journal
        self._replicas = replicas
        self._generation = 1
        self.started: str | None = None
        self.mark: str | None = None
        self.paused = False
        self.outage: Outage | None = None
        self.unfit: Unfit | None = None
        self.forbidden: set[str] = set()
        self.restarts = 0
        self.finish()

    @property
    def name(self) -> str:
        return self._name

    def allows(self, verb: str) -> bool:
        return verb not in self.forbidden

    def restart(self, rotation: str, started: str) -> None:
        if (self.mark, self.started) == (rotation, started):
            return
        with self._journal.write(f"restart {self._name}"):
            self.mark, self.started = rotation, started
            self._generation += 1
            self.restarts += 1

    def rollout(self) -> Rollout:
        """Until the controller has seen a change, all numbers but the generation are about the rollout before it."""
        self._journal.look(f"rollout {self._name}")
        return Rollout(
            generation=self._generation,
            observed_generation=self._observed,
            replicas_wanted=self._replicas,
            replicas=self._replicas,
            updated=self._updated,
            available=self._updated,
            deadline_exceeded=self._failed,
            paused=self.paused,
            mark=self.mark,
            outage=self.outage,
            unfit=self.unfit,
        )

    def begin(self) -> None:
        """The controller sees what is wanted; no copy is replaced yet."""
        self._observed, self._updated, self._failed = self._generation, 0, False

    def finish(self) -> None:
        """Every copy is replaced."""
        self._observed, self._updated, self._failed = self._generation, self._replicas, False

    def fail(self) -> None:
        """The first new copy never became ready."""
        self._observed, self._updated, self._failed = self._generation, 1, True


class Page:
    """The health page."""

    def __init__(self) -> None:
        self.shows_the_application = True
        self.checks = 0

    def check(self) -> None:
        self.checks += 1
        if not self.shows_the_application:
            raise AppUnhealthy("the page does not show the application")
