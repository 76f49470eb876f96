"""Mode verify asks each function for what its step touches: derived from the steps themselves, at work in the living world."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from rotation.core.model import Slot
from rotation.protocol.probes import KEPT, NEEDS, SHORTEST_QUIET_SECONDS, probe

from tests.faults.calls.machinery import begun, conclude, function_at, invocation, machine, settled
from tests.faults.calls.scenarios import Scenario, bootstrap, drifted_standby, from_a, where_b_does_not_work
from tests.worlds.invocation import Boundary, Port, known_passwords
from tests.worlds.living import LivingWorld
from tests.worlds.world import ADMIN, RING, USERS, MemoryWorld

Asked = set[tuple[str, str]]
"""Function, and what it is asked."""
RUNS: tuple[tuple[Callable[[], LivingWorld], str], ...] = (
    (from_a, "rotate"), (from_a, "revoke"), (from_a, "resume"), (from_a, "fix-permissions"),
    (bootstrap, "rotate"), (drifted_standby, "sync-users"), (where_b_does_not_work, "rotate"),
)  # fmt: skip


class Touched:
    """The boundaries of one call, in their order, as questions about them."""

    def __init__(self, boundaries: list[Boundary]) -> None:
        self._all = [(one.port, one.what) for one in boundaries]
        self._whats = [what for _, what in self._all]

    def did(self, pattern: str) -> bool:
        return any(re.fullmatch(pattern, what) for what in self._whats)

    def port(self, port: Port) -> bool:
        return any(one is port for one, _ in self._all)

    @property
    def as_admin(self) -> bool:
        return self.did(f"login {ADMIN}|lock|activity .*|sessions of .*|end sessions")

    @property
    def logs_in_with_what_it_read(self) -> bool:
        """As whoever the application is: it has read the file before."""
        return bool(re.search(r"\nread sqlconf\.php\n(.*\n)*login (?!" + ADMIN + ")", "\n" + "\n".join(self._whats)))

    @property
    def all_slots(self) -> bool:
        return all(self.did(f"login {USERS[slot]}") for slot in RING)


SEEN = {function: needs for function, needs in NEEDS.items() if function not in ("put_secret", "check_login")}
"""OpenEMR has no secret of its own in Secrets Manager and no proxy: test_verify_published.py looks at those two."""
RULES: dict[str, Callable[[Touched], bool]] = {
    "slot secret": lambda t: t.did(".* slots"),
    "admin secret": lambda t: t.did(".* admin"),
    "admin login": lambda t: t.as_admin,
    "slot login": lambda t: t.all_slots,
    "application": lambda t: t.logs_in_with_what_it_read,
    "database reached": lambda t: t.port(Port.DATABASE) and not t.as_admin and not t.logs_in_with_what_it_read,
    "sqlconf.php": lambda t: t.port(Port.FILE),
    "sqlconf.php can be replaced": lambda t: t.did(r"(publish|permissions) sqlconf\.php"),
    "may get Secret openemr/db": lambda t: t.did("(read|publish) Secret openemr/db"),
    "may patch Secret openemr/db": lambda t: t.did("publish Secret openemr/db"),
    "may get Deployment openemr/openemr": lambda t: t.did("rollout|restart"),
    "may patch Deployment openemr/openemr": lambda t: t.did("restart"),
    "consumer": lambda t: t.did(r"read sqlconf\.php") and t.did("read Secret openemr/db"),
    "deployment": lambda t: t.did("rollout"),
    "health page": lambda t: t.did("page"),
}
"""What a touch asks for. A refused login counts at the server: so one look is chosen where several would do."""
ASKED_OF_ANOTHER = {
    ("claim_rotation", "slot login"),
    ("claim_rotation", "application"),
    ("sync_users", "slot login"),
}
"""Its step logs in so too, but ReadSlots has looked already, and no password is to be refused more often than it must."""
OF_THE_SERVER: Asked = {("read_slots", what) for what in ("database", "database privileges", "clock")}
"""No function's own: one looks."""


def called(world: LivingWorld, mode: str) -> Iterator[tuple[str, Touched]]:
    """Every call of a whole execution over the shipped machine."""
    place = begun("run", mode)
    world.alive = {place.who.id}
    place, _ = settled(world, place)
    while not place.ended:
        function, event = function_at(place)
        it = invocation(world, function, event, function)
        outcome = it.run()
        yield function, Touched(it.seen.boundaries)
        place, wait = conclude(world, place, outcome, pending=False)
        world.pass_time(wait)
        while not place.ended and machine().at(place)["Type"] != "Task":
            place, wait = settled(world, place)
            world.pass_time(wait)


@cache
def derived() -> frozenset[tuple[str, str]]:
    """By what the steps touch."""
    found: Asked = set()
    with known_passwords():
        for make, mode in RUNS:
            for function, touched in called(Scenario(make).begun(), mode):
                found |= {(function, what) for what, calls_for_it in RULES.items() if calls_for_it(touched)}
    return frozenset(found)


def expected() -> Asked:
    return derived() - ASKED_OF_ANOTHER | OF_THE_SERVER | {(function, "target document") for function in SEEN}


def label(finding: Any) -> str:
    if finding.what == "Kubernetes permission":
        return str(finding.found)
    return "sqlconf.php can be replaced" if finding.found.endswith("can be replaced") else str(finding.what)


def asked() -> Asked:
    """As verify would list it: who asked what."""
    world = MemoryWorld(active=Slot.A)
    world.target = replace(world.target, quiet_seconds=SHORTEST_QUIET_SECONDS)
    return {(function, label(finding)) for function in SEEN for finding in probe(world, function)}


def test_each_function_is_asked_for_what_its_step_touches_and_for_nothing_else() -> None:
    assert asked() == expected()


def test_every_function_that_is_asked_was_seen_at_work() -> None:
    assert {function for function, _ in derived()} | {"announce_incident"} == set(SEEN)


def test_what_is_left_to_another_function_is_asked_of_one() -> None:
    assert derived() >= ASKED_OF_ANOTHER, "the step touches it no more"
    assert {what for _, what in ASKED_OF_ANOTHER} <= {what for function, what in asked() if function == "read_slots"}


ITEMS = [
    (function, place)
    for function, needs in SEEN.items()
    for place, need in enumerate(needs)
    if need.what not in ("application's secret", KEPT)
]
"""OpenEMR has neither: test_button.py and test_verify_published.py look at them."""


@pytest.mark.parametrize(
    ("function", "place"), ITEMS, ids=[f"{function}-{place}-{NEEDS[function][place].what}" for function, place in ITEMS]
)
def test_what_is_left_out_is_noticed(function: str, place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    needs = NEEDS[function]
    monkeypatch.setitem(NEEDS, function, needs[:place] + needs[place + 1 :])
    assert asked() < expected()
