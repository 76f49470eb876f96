"""A world in which Secrets Manager rotates the application's secret: what it has begun, and the executions that it has started."""

from dataclasses import dataclass, replace
from typing import Any

from rotation.consumers.published import PublishedSecret, RotatedSecret
from rotation.core.model import PENDING
from rotation.core.seen import Ran

from local import secret_labels as aws
from tests.worlds.invocation import Invocation, Port, Ports, Store
from tests.worlds.living import ARN
from tests.worlds.proxied import over
from tests.worlds.read_secrets import ApplicationSecret

MOST_EXECUTIONS = 2
"""So many Secrets Manager has started for one version, then it gives up."""


@dataclass(frozen=True)
class Rotation:
    """Secrets Manager's, of the application's secret."""

    token: str
    step: int = 0
    """Of the four: which comes next."""
    started: str = ""
    """The execution that was started for it last, where that has not begun yet."""
    executions: int = 0
    ended: bool = False
    """Complete, abandoned or given up: it calls no more, and a call that is still at work may act."""


class RotatedBySecretsManager:
    """Beside a LivingWorld."""

    application: ApplicationSecret
    alive: set[str]
    others: Any
    rotation: Rotation | None = None
    abandons = True
    """Whether Secrets Manager gives up its rotation when somebody else puts a version: AWS says so, and not when it looks."""

    def begin_rotation(self, token: str) -> None:
        """To the version of that name."""
        aws.reserve(self.application.versions, token)
        self.rotation = Rotation(token)

    def version_created(self, version: str) -> None:
        """Somebody else's version makes it abandon its rotation."""
        if self.rotates and self.abandons and version != self.rotates.token:
            if aws.holder_of(self.application.versions, PENDING) == self.rotates.token:
                aws.move(self.application.versions, PENDING, None, self.rotates.token)
            self.end_rotation()

    @property
    def rotates(self) -> Rotation | None:
        """What Secrets Manager still calls for."""
        return None if self.rotation is None or self.rotation.ended else self.rotation

    def end_rotation(self) -> None:
        """It calls no more."""
        self.rotation = self.rotation and replace(self.rotation, ended=True)

    def begins(self, number: int) -> tuple[str, dict[str, str]]:
        """Secrets Manager's, if it has started one; else somebody's who starts one by hand."""
        if self.rotates and not self.rotates.started and self.others:
            self.others(self)
        if not (self.rotation and self.rotation.started):
            self.end_rotation()
            by_hand: tuple[str, dict[str, str]] = super().begins(number)  # type: ignore[misc]
            return by_hand
        name, self.rotation = self.rotation.started, replace(self.rotation, started="", executions=self.rotation.executions + 1)
        return name, {"secret_version": self.rotation.token}

    def execution(self, name: str) -> Ran | None:
        number = int(name.rpartition("-")[2])
        rotation = self.rotation
        if rotation is None or not (number <= rotation.executions or name == rotation.started):
            return None
        return Ran(ARN + name, ARN + name in self.alive or name == rotation.started, "ended", "")

    def start(self, name: str, given: dict[str, str]) -> str:
        assert self.rotation
        if self.rotation.executions == MOST_EXECUTIONS:
            return "LimitExceeded"
        self.rotation = replace(self.rotation, started=name)
        return ""


class SecretPorts(Ports):
    """Of an application whose traffic a secret of its own moves: the shipped adapter of that, each call of which is a boundary."""

    def __init__(self, invocation: Invocation) -> None:
        super().__init__(invocation)
        self._living: Any = invocation.world

    def traffic(self) -> Any:
        return self._shipped(PublishedSecret)

    @property
    def rotated(self) -> Any:
        return self._shipped(RotatedSecret)

    def _shipped(self, kind: type[PublishedSecret]) -> Any:
        secret = self._living.application
        return over(Store(self._it, secret.short, secret), kind)  # type: ignore[arg-type]

    def credentials(self) -> list[Any]:
        return [self.traffic()]

    def credential(self, index: int, username: str) -> Any:
        return self.traffic()

    def files(self) -> list[Any]:
        return []

    def workloads(self) -> list[Any]:
        return []


class CalledPorts(Ports):
    """What a function that Secrets Manager calls has besides."""

    _living: Any

    def execution(self, name: str) -> Ran | None:
        ran: Ran | None = self._it.call(Port.EXECUTIONS, "execution", lambda: self._living.execution(name))
        return ran

    def start(self, name: str, given: dict[str, str]) -> str:
        failure: str = self._it.call(Port.EXECUTIONS, "start", lambda: self._living.start(name, given))
        return failure
