"""The living world of an application whose login a function of the user's own puts where only that reaches.

Who uses the place gets what is in it bit by bit, logs in seldom, and is not seen meanwhile: only the function can say
whether all of them have it.

The adapter is the shipped one; each of its requests, and each call of the secret, is a boundary. The function of this
world compares, and does not look at the clock."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from rotation.consumers.lambda_function import contract
from rotation.consumers.lambda_function.adapter import LambdaPlace
from rotation.consumers.published import RotatedSecret
from rotation.core.model import Credential, Password, SecretText, Slot
from rotation.kinds.target import parse_target

from local import secret_labels as aws
from tests.worlds.invocation import Invocation, Port, Ports, Store
from tests.worlds.living import LivingWorld, WithoutCluster
from tests.worlds.proxied import APPLICATION, over
from tests.worlds.read_secrets import ReadSecret
from tests.worlds.world import RING, TARGET, credential, login

SPREAD_SECONDS = 22.0
"""Longer than the quiet period: that nobody was seen for so long does not say that all have it."""
NAME = "function put-openemr:live"
HANDED = APPLICATION.replace("application", "handed")
BOUNDARIES = {contract.HOLDS: "read function", contract.PUT: "publish function", contract.CHECK: "check function"}


class Placed(NamedTuple):
    """All that there is of its place, as a value."""

    version: str | None
    held: Credential
    past: tuple[tuple[float, Credential], ...] = ()
    """What was there before, each with the moment at which that ended."""

    def alike(self, clock: float) -> Any:
        """To be compared: moments as so long ago."""
        past = [(round(clock - ended, 3), one.username, one.password.reveal()) for ended, one in self.past]
        return self.version, self.held.username, self.held.password.reveal(), past


class OwnFunction:
    """It does as the contract says."""

    name = NAME
    timeout_seconds = 5

    def __init__(self, secret: ReadSecret, now: Callable[[], float], journal: Any, first: Credential) -> None:
        self._secret, self._now, self._journal = secret, now, journal
        self.placed = Placed(secret.labels().current, first)
        self.replaced: str | None = None
        """What was there before the last put."""

    def ask(self, verb: str, request: Mapping[str, Any], never: Password | None = None) -> dict[str, Any]:
        broken = contract.fits(contract.REQUEST, dict(request))
        assert not broken, broken
        answers = {contract.HOLDS: self._holds, contract.PUT: self._put, contract.CHECK: lambda _: {"compares": True}}
        answer = {"contract": contract.VERSION, **answers[verb](request)}
        return contract.parse(self.name, verb, SecretText(json.dumps(answer)), never)

    def _holds(self, _: Mapping[str, Any]) -> dict[str, Any]:
        left = sum(self._now() - ended < SPREAD_SECONDS for ended, _ in self.placed.past)
        return {"version": self.placed.version, "settled": not left, "left": left}

    def _put(self, request: Mapping[str, Any]) -> dict[str, Any]:
        version = request["version"]
        if self.placed.version == version:
            return {"version": version}
        if self.conflicts(request):
            return {"refused": "conflict"}
        try:
            content = json.loads(aws.find(self._secret.versions, version, None)["secret_string"])
        except aws.Refusal:
            return {"refused": "unreadable"}
        self.replaced = self.placed.version
        with self._journal.write("publish function"):
            self.place(version, credential(content["username"], content["password"]))
        return {"version": version}

    def conflicts(self, request: Mapping[str, Any]) -> bool:
        """Whether another version is there than was seen."""
        return bool(self.placed.version != request["expects"])

    def place(self, version: str, held: Credential) -> None:
        before = () if held == self.placed.held else ((self._now(), self.placed.held),)
        self.placed = Placed(version, held, (*self.placed.past, *before))

    def within(self, seconds: float) -> list[Credential]:
        """What whoever gets it so late may work with."""
        return [self.placed.held, *(one for ended, one in self.placed.past if self._now() - ended <= seconds)]


class Calls:
    """Each is a boundary."""

    name, timeout_seconds = NAME, OwnFunction.timeout_seconds

    def __init__(self, it: Invocation, function: OwnFunction) -> None:
        self._it, self._function = it, function

    def ask(self, verb: str, request: Mapping[str, Any], never: Password | None = None) -> dict[str, Any]:
        answer: dict[str, Any] = self._it.call(
            Port.FUNCTION, BOUNDARIES[verb], lambda: self._function.ask(verb, request, never)
        )  # fmt: skip
        return answer


class FunctionPorts(Ports):
    """The World of one invocation there."""

    def __init__(self, invocation: Invocation) -> None:
        super().__init__(invocation)
        self._living: Any = invocation.world

    def traffic(self) -> Any:
        store = Store(self._it, self._living.handed.short, self._living.handed)
        return place_over(store, Calls(self._it, self._living.function), self.now)

    def credentials(self) -> list[Any]:
        return [self.traffic()]

    def credential(self, index: int, username: str) -> Any:
        return self.traffic()

    def looking(self) -> list[Any]:
        return [self.traffic()]

    def spreading(self) -> dict[int, Any]:
        return {0: self.traffic()}

    def files(self) -> list[Any]:
        return []

    def workloads(self) -> list[Any]:
        return []


class FunctionWorld(WithoutCluster, LivingWorld):
    """At first the application works as slot A."""

    handed: ReadSecret
    """The secret that the function reads."""
    function: OwnFunction

    def __init__(self, *, active: Slot = Slot.A, ring: tuple[Slot, ...] = RING, dual_passwords: bool = True) -> None:
        super().__init__(active=active, ring=ring, dual_passwords=dual_passwords)
        self.ports = FunctionPorts
        self.target = parse_target(TARGET, json.dumps(DOCUMENT))

    def furnish(self, active: Slot, ring: tuple[Slot, ...]) -> None:
        self._begin_with(login(active))

    def _begin_with(self, one: Credential) -> None:
        self.handed = ReadSecret(HANDED, one, self, "handed")
        self.function = OwnFunction(self.handed, self.now, self.journal, one)

    def application_uses(self, one: Credential) -> None:
        """From the beginning."""
        self._begin_with(one)

    @property
    def held(self) -> Credential:
        return self.function.placed.held

    def holdings(self) -> dict[str, Credential]:
        return {"the function's place": self.held}

    def published(self, _: str) -> Credential:
        return self.held

    def environments(self) -> tuple[Credential, ...]:
        return ()

    def reads_published(self) -> tuple[ReadSecret, ...]:
        return (self.handed,)

    def seen(self) -> list[tuple[float, Credential]]:
        return [(self.clock, self.held)]

    def look_at_sessions(self) -> None:
        placed = self.function.placed
        self.function.placed = placed._replace(past=tuple(one for one in placed.past if self.clock - one[0] <= SPREAD_SECONDS))
        self.handed.forget(0.0)
        for username, account in self.source.accounts.items():
            account.sessions = int(username == self.held.username)

    def _connected(self) -> list[Credential]:
        """Or about to be: whoever has not got the new one yet may log in with the old one now."""
        return list(dict.fromkeys(self.function.within(SPREAD_SECONDS - 0.001)))

    def as_for_long(self) -> None:
        self.handed.past = ()
        self.function.placed = self.function.placed._replace(past=())

    def credentials(self) -> list[Any]:
        return [self.traffic()]

    def credential(self, index: int, username: str = "") -> Any:
        return self.traffic()

    def looking(self) -> list[Any]:
        return [self.traffic()]

    def spreading(self) -> dict[int, Any]:
        return {0: self.traffic()}

    def traffic(self) -> Any:
        return place_over(self.handed, self.function, self.now)

    def beyond(self) -> tuple[Any, ...]:
        return (self.handed.past, (), None, self.function.placed)

    def restore_beyond(self, kept: tuple[Any, ...]) -> None:
        self.handed.past, _, _, self.function.placed = kept

    def beyond_key(self) -> Any:
        return [(self._ago(ended), one.username) for ended, one in self.handed.past], self.function.placed.alike(self.clock)


def place_over(secret: Any, function: Any, now: Callable[[], float]) -> LambdaPlace:
    """The shipped adapter."""
    return LambdaPlace(TARGET, HANDED, over(secret, RotatedSecret), function, now)


DOCUMENT: dict[str, Any] = {
    "slot_secret": "slots",
    "admin_secret": "admin",
    "source": {"kind": "mysql"},
    "consumers": [
        {
            "kind": "lambda",
            "function": "arn:aws:lambda:us-east-1:123456789012:function:put-openemr:live",
            "secret": HANDED,
            "application_cache_seconds": 0,
        }
    ],
    "drain": {"quiet_seconds": 20},
    "health": {"url": "https://shop.example/", "marker": "Welcome"},
    "overlap_seconds": 0,
    "rollout": {"deadline_seconds": 60},
}
