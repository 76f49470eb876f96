"""The small world of an application that reads its secret itself and comes through a proxy; and Secrets Manager that rotates it."""

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rotation.consumers.proxy_secret.adapter import ProxySecrets
from rotation.consumers.published import PublishedSecret, RotatedSecret
from rotation.core.errors import RotationError
from rotation.core.model import STAGING, Credential, SecretText, Slot
from rotation.core.seen import Ran
from rotation.kinds.target import parse_target
from rotation.ports import CredentialConsumer, ProtectedFile, Workload
from rotation.protocol.secret_call import SecretCall
from rotation.steps.rotate_secret import rotate_secret

from local import secret_labels as aws
from local import secret_rotation as rotating
from tests.worlds.clockwork import Clockwork
from tests.worlds.secrets import InMemorySecret
from tests.worlds.world import USERS, MemoryWorld, login

SHOP = "shop"
APPLICATION = "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/application-AbCdEf"
PROXIES = {slot: f"arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/proxy-{slot}-AbCdEf" for slot in (Slot.A, Slot.B)}
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:rotate_secret"
CACHE_SECONDS, PROXY_SECONDS = 5, 4
"""How long the application, and the proxy, go on with what they have read."""
OTHERS = {"rotation_type": "application", "database_host": "proxy.example", "a key of somebody else": [1, None]}


class ApplicationSecret(InMemorySecret):
    """Of which a version may be named before it holds anything."""

    created: Callable[[str], None] = staticmethod(lambda _: None)
    rules: Mapping[str, Any] = {}
    """By which Secrets Manager rotates it by itself."""

    def rotation_rules(self) -> Mapping[str, Any]:
        return self.rules

    def put(self, version: str, text: SecretText, labels: list[str] | None = None) -> None:
        new = not aws.is_filled(self.versions, version)
        super().put(version, text, labels)
        if new:
            self.created(version)

    def put_once(self, version: str, text: SecretText, label: str = STAGING) -> SecretText:
        if not aws.is_filled(self.versions, version):
            self.put(version, text, [label])
        return self.read(version)


def over(store: InMemorySecret, kind: type[PublishedSecret]) -> Any:
    """The shipped adapter, over a secret in memory."""
    made = kind(store.name)
    made._store = store  # type: ignore[assignment]
    return made


class Proxy:
    """It knows a user's password from that user's secret, as it has read it a while ago."""

    name = "the endpoint proxy.example:5432"

    def __init__(self, world: "ProxiedWorld") -> None:
        self._world = world
        self._read: dict[str, tuple[float, Credential]] = {}

    def logs_in(self, credential: Credential) -> bool:
        read = self._read.get(credential.username, (float("-inf"), None))
        if self._world.clock - read[0] > PROXY_SECONDS:
            read = (self._world.clock, self._world.proxy_secret(credential.username).read())
            self._read[credential.username] = read
        known = read[1]
        return known is not None and known.same_login(credential) and self._world.source.logs_in(credential)


class ProxiedWorld(MemoryWorld):
    """At first the application works as slot A. It asks its database once a second, through the proxy."""

    def __init__(self) -> None:
        super().__init__()
        self.target = replace(parse_target(SHOP, json.dumps(DOCUMENT)), overlap_seconds=CACHE_SECONDS)
        self.application = ApplicationSecret(APPLICATION, _holding(login(Slot.A)), now=self._now)
        self.proxies = [ApplicationSecret(PROXIES[slot], _holding(login(slot)), now=self._now) for slot in PROXIES]
        self._proxy = Proxy(self)
        self.health = None  # type: ignore[assignment]
        self.clockwork = Clockwork(self, self.alive, self._set_clock)
        self.failed: list[str] = []
        """Requests of the application."""
        self.requests = 0
        self._read: tuple[float, Credential] = (float("-inf"), login(Slot.A))
        self._ask()

    def _set_clock(self, clock: float) -> None:
        self.clock = clock

    def _ask(self) -> None:
        if self.clock - self._read[0] >= CACHE_SECONDS:
            self._read = (self.clock, self.traffic().read())
        self.requests += 1
        if not self.endpoint.logs_in(self._read[1]):
            self.failed.append(f"{self.clock}: {self._read[1].username}")
        self.clockwork.later(1, self._ask)

    @property
    def endpoint(self) -> Proxy:  # type: ignore[override]
        return self._proxy

    @property
    def rotated(self) -> RotatedSecret:  # type: ignore[override]
        made: RotatedSecret = over(self.application, RotatedSecret)
        return made

    def proxy_secret(self, username: str) -> PublishedSecret:
        known: list[PublishedSecret] = [over(store, PublishedSecret) for store in self.proxies]
        return next(one for one in known if one.read().username == username)

    def credentials(self) -> list[CredentialConsumer]:
        return [self.traffic()]

    def credential(self, index: int, username: str = "") -> Any:
        return self.traffic() if self.target.consumers[index].traffic else self.proxy_secret(username)

    def keepers(self, username: str) -> list[CredentialConsumer]:
        return [self.proxy_secret(username)]

    def check_keepers(self, usernames: Sequence[str]) -> None:
        known = ProxySecrets([])
        known._secrets = [over(store, PublishedSecret) for store in self.proxies]
        known.check(usernames)

    def traffic(self) -> Any:
        return over(self.application, PublishedSecret)

    def files(self) -> list[ProtectedFile]:
        return []

    def workloads(self) -> list[Workload]:
        return []

    # What the function that Secrets Manager calls has besides.

    def execution(self, name: str) -> Ran | None:
        return self.clockwork.ran(name)

    def start(self, name: str, given: dict[str, str]) -> str:
        self.clockwork.start(name, given)
        return ""

    def sleep(self, seconds: float) -> None:
        self.clockwork.pass_time(seconds)

    def rest(self, most: float = 7200) -> None:
        """Until no execution runs any more."""
        ends = self.clock + most
        while not self.clockwork.idle:
            assert self.clock < ends, self.clockwork.executions
            self.sleep(1)


class Killed(BaseException):
    """The function's process is gone."""


def die() -> None:
    """What may befall a function."""
    raise Killed


class Disturbed:
    """The world as a function has it to which something happens right before its call of that number."""

    def __init__(
        self, behind: Any, at: int, act: Callable[[], object] = die, made: list[str] | None = None, name: str = ""
    ) -> None:
        self._behind, self._at, self._act, self._name = behind, at, act, name
        self.made: list[str] = [] if made is None else made
        """Its calls, by their names."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._behind, name)
        if name in ("slots", "source", "endpoint", "rotated"):
            return Disturbed(value, self._at, self._act, made=self.made, name=f"{name}.")
        return self._counted(f"{self._name}{name}", value) if callable(value) and name != "now" else value

    def _counted(self, name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **more: Any) -> Any:
            self.made.append(name)
            if len(self.made) == self._at:
                self._act()
            return act(*given, **more)

        return call


class SecretsManager:
    """Whoever presses the button: the rotation is through, or given up, when `rotate` comes back."""

    def __init__(self, world: ProxiedWorld, tries: int = 4, seconds: float = 60) -> None:
        self.world, self._tries, self._seconds = world, tries, seconds
        self.seen_by_function: Any = world
        self.errors: list[str] = []
        """What the function's steps raised."""
        self.steps: list[str] = []
        self._rotation: rotating.Rotation | None = None
        world.application.created = self._created

    @property
    def versions(self) -> aws.Versions:
        return self.world.application.versions

    def rotate(self, token: str = "", *, only_test: bool = False) -> bool:
        """Whether AWS calls it a success."""
        token = token or str(uuid.uuid4())
        rotating.check_complete(self.versions, token)
        aws.reserve(self.versions, token)
        rotation = self._rotation = rotating.Rotation(APPLICATION, token, FUNCTION, only_test)
        for number in range(1 if only_test else self._tries):
            self.world.sleep(self._seconds if number else 0.5)
            failure = rotating.attempt(self.versions, rotation, self.call)
            if rotation.abandoned or not failure:
                break
        self._rotation = None
        if not failure or only_test:
            rotating.clean_up(self.versions, rotation)
        return not failure and not rotation.abandoned

    def call(self, event: dict[str, Any]) -> str:
        self.steps.append(event["Step"])
        self.world.sleep(0.5)
        try:
            rotate_secret(self.seen_by_function, SecretCall(event))
        except RotationError as error:
            self.errors.append(f"{type(error).__name__}: {error}")
            return self.errors[-1]
        except Killed:
            self.errors.append("killed")
            return "killed"
        return ""

    def _created(self, version: str) -> None:
        if self._rotation and version != self._rotation.token:
            rotating.abandon(self.versions, self._rotation)


def _holding(credential: Credential) -> SecretText:
    held = {"username": credential.username, "password": credential.password.reveal()}
    return SecretText(json.dumps(OTHERS | held))


DOCUMENT = {
    "slot_secret": "slots",
    "admin_secret": "admin",
    "source": {"kind": "mysql"},
    "consumers": [
        {"kind": "proxy-secret", "secrets": list(PROXIES.values())},
        {"kind": "app-secret", "secret": APPLICATION, "application_cache_seconds": CACHE_SECONDS},
    ],
    "endpoint": {"host": "proxy.example", "port": 5432},
    "drain": {"quiet_seconds": 20},
}
assert set(PROXIES) <= set(USERS)
