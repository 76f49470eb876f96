"""Mode verify asks each function for what its step touches: derived from the steps themselves, at work in the living world."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest
from rotation.core.model import Slot
from rotation.protocol.probes import KEPT, NEEDS, SHORTEST_QUIET_SECONDS, probe

from tests.faults.calls.in_a_swarm import in_a_swarm, in_a_swarm_in_a_ring_of_three
from tests.faults.calls.keyed import keys
from tests.faults.calls.machinery import begun, conclude, function_at, invocation, machine, settled
from tests.faults.calls.own_function import put_by_a_function, put_by_a_function_from_a_former_user
from tests.faults.calls.proxied import behind_a_proxy, behind_a_proxy_in_a_ring_of_three, behind_a_proxy_of_mysql
from tests.faults.calls.scenarios import (
    Scenario,
    behind_a_proxy_where_b_does_not_work,
    bootstrap,
    drifted_standby,
    from_a,
    in_a_swarm_where_b_does_not_work,
    in_a_vault_where_b_does_not_work,
    put_by_a_function_where_b_does_not_work,
    where_b_does_not_work,
)
from tests.faults.calls.signing import signs_tokens
from tests.faults.calls.vaulted import in_a_vault, in_a_vault_from_a_former_user
from tests.faults.calls.wordpress import on_instances, on_instances_in_a_ring_of_three, where_the_first_does_not_show_its_page
from tests.faults.calls.workloads import in_pods, in_pods_from_a_former_user, in_pods_where_b_does_not_work
from tests.worlds.behind_proxy import ProxiedWorld
from tests.worlds.in_a_swarm import SwarmWorld
from tests.worlds.invocation import Boundary, Invocation, Port, known_passwords
from tests.worlds.jwks import JwksWorld
from tests.worlds.keyed import KeyedPorts, KeyedWorld
from tests.worlds.living import LivingWorld
from tests.worlds.own_function import FunctionWorld
from tests.worlds.vaulted import VaultWorld
from tests.worlds.wordpress import WordPressWorld
from tests.worlds.workloads import PodsWorld
from tests.worlds.world import ADMIN, RING, USERS, MemoryWorld

Asked = set[tuple[str, str]]
"""Function, and what it is asked."""


@dataclass(frozen=True)
class Family:
    """A kind of application: runs over its living world, and how verify sees it."""

    runs: tuple[tuple[Callable[[], LivingWorld], str], ...]
    probed: Callable[[], MemoryWorld]
    without: frozenset[str]
    """The functions that such an application has not."""


def drifted_on_instances() -> LivingWorld:
    """Nobody knows the standby's password."""
    world = on_instances()
    world.account(Slot.B).password = "canary-of-b-drifted"
    return world


def drifted_in_a_swarm() -> LivingWorld:
    """Nobody knows the standby's password."""
    world = in_a_swarm()
    world.account(Slot.B).password = "canary-of-b-drifted"
    return world


OPENEMR = frozenset({"write_sqlconf", "fix_permissions", "patch_secret", "restart_app", "check_rollout"})
IN_SWARM = frozenset({"create_swarm_secret", "prepare_service"})
FAMILIES = {
    "OpenEMR": Family(
        (
            (from_a, "rotate"), (from_a, "revoke"), (from_a, "resume"), (from_a, "fix-permissions"),
            (bootstrap, "rotate"), (drifted_standby, "sync-users"), (where_b_does_not_work, "rotate"),
        ),
        MemoryWorld,
        frozenset({"put_secret", "check_login", "write_wp_config"}) | IN_SWARM,
    ),
    "behind a proxy": Family(
        (
            (behind_a_proxy, "rotate"), (behind_a_proxy_of_mysql, "revoke"),
            (behind_a_proxy, "sync-users"), (behind_a_proxy_where_b_does_not_work, "rotate"),
            (behind_a_proxy_in_a_ring_of_three, "rotate"),
        ),
        ProxiedWorld,
        frozenset({"write_wp_config"}) | OPENEMR | IN_SWARM,
    ),
    "WordPress on instances": Family(
        (
            (on_instances, "rotate"), (on_instances, "revoke"), (on_instances, "sync-users"), (drifted_on_instances, "rotate"),
            (where_the_first_does_not_show_its_page, "rotate"), (on_instances_in_a_ring_of_three, "rotate"),
            (on_instances, "fix-permissions"),
        ),
        WordPressWorld,
        frozenset({"check_login"}) | (OPENEMR - {"fix_permissions"}) | IN_SWARM,
    ),
    "services in a Swarm": Family(
        (
            (in_a_swarm, "rotate"), (in_a_swarm, "revoke"), (in_a_swarm, "sync-users"), (drifted_in_a_swarm, "rotate"),
            (in_a_swarm_where_b_does_not_work, "rotate"), (in_a_swarm_in_a_ring_of_three, "rotate"),
        ),
        SwarmWorld,
        frozenset({"check_login", "write_wp_config"}) | OPENEMR,
    ),
    "a Vault": Family(
        (
            (in_a_vault, "rotate"), (in_a_vault, "revoke"), (in_a_vault, "sync-users"),
            (in_a_vault_where_b_does_not_work, "rotate"), (in_a_vault_from_a_former_user, "rotate"),
        ),
        VaultWorld,
        frozenset({"check_login", "write_wp_config"}) | OPENEMR | IN_SWARM,
    ),
    "pods beside a Vault": Family(
        (
            (in_pods, "rotate"), (in_pods, "revoke"), (in_pods, "sync-users"),
            (in_pods_where_b_does_not_work, "rotate"), (in_pods_from_a_former_user, "rotate"),
        ),
        PodsWorld,
        frozenset({"check_login", "write_wp_config", "write_sqlconf", "fix_permissions"}) | IN_SWARM,
    ),
    "a function of one's own": Family(
        (
            (put_by_a_function, "rotate"), (put_by_a_function, "revoke"), (put_by_a_function, "sync-users"),
            (put_by_a_function_where_b_does_not_work, "rotate"), (put_by_a_function_from_a_former_user, "rotate"),
        ),
        FunctionWorld,
        frozenset({"check_login", "write_wp_config"}) | OPENEMR | IN_SWARM,
    ),
}  # fmt: skip


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
        """As whoever the application is: it has read that before."""
        read = r"\nread (sqlconf\.php|application|vault|function)\n(.*\n)*login (?!" + ADMIN + ")"
        return bool(re.search(read, "\n" + "\n".join(self._whats)))

    @property
    def surveys_the_secret(self) -> bool:
        """Who publishes, or destroys copies, reads what is there, and ValidateApp tries what it read. Who waits until everybody has
        what it has published has tried that before."""
        acts = self.publishes or self.tells or self.did("GET metadata of vault")
        reads_first = re.match(r"\n((?!login ).*\n)*?read (application|vault|function)\n", "\n" + "\n".join(self._whats) + "\n")
        return bool(reads_first) and not acts and not self.did("page")

    @property
    def publishes(self) -> bool:
        return self.did("put (application|proxy-.*)|publish (vault|function)") and not self.tells

    @property
    def tells(self) -> bool:
        """The drain hears what instances say too, but as the admin."""
        return self.did("answers of instances|make secret|look services") and not self.as_admin

    @property
    def all_slots(self) -> bool:
        return all(self.did(f"login {USERS[slot]}") for slot in RING)


RULES: dict[str, Callable[[Touched], bool]] = {
    "slot secret": lambda t: t.did(".* slots"),
    "admin secret": lambda t: t.did(".* admin"),
    "admin login": lambda t: t.as_admin,
    "slot login": lambda t: t.all_slots,
    "application": lambda t: t.logs_in_with_what_it_read and not t.tells,
    "database reached": lambda t: (
        t.port(Port.DATABASE) and not t.as_admin and (t.publishes or t.tells or not t.logs_in_with_what_it_read)
    ),
    "sqlconf.php": lambda t: t.port(Port.FILE),
    "sqlconf.php can be replaced": lambda t: t.did(r"(publish|permissions) sqlconf\.php"),
    "may get Secret openemr/db": lambda t: t.did("(read|publish) Secret openemr/db"),
    "may patch Secret openemr/db": lambda t: t.did("publish Secret openemr/db"),
    "may get Deployment openemr/openemr": lambda t: t.did("rollout|restart"),
    "may patch Deployment openemr/openemr": lambda t: t.did("restart"),
    "consumer": lambda t: (t.did(r"read sqlconf\.php") and t.did("read Secret openemr/db")) or t.surveys_the_secret,
    "published secret": lambda t: t.publishes,
    "Vault permission": lambda t: t.did("(mark|publish|destroy in) vault"),
    "Vault login": lambda t: t.did("(mark|publish|destroy in) vault"),
    "function": lambda t: t.did("publish function"),
    "endpoint": lambda t: t.did("through .*"),
    KEPT: lambda t: t.did("whose the proxy's secrets are"),
    "application's secret": lambda t: t.did("labels of application") and not t.did("read application") and not t.tells,
    "deployment": lambda t: t.did("rollout"),
    "copies of the login": lambda t: t.did("make secret"),
    "services": lambda t: t.did("look services"),
    "instances": lambda t: t.did("which instances"),
    "instances told": lambda t: t.did("tell write"),
    "instances' tag": lambda t: t.did("tell write"),
    "instances' files": lambda t: t.did("tell look"),
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
def derived(family: str) -> frozenset[tuple[str, str]]:
    """By what the steps touch."""
    found: Asked = set()
    with known_passwords():
        for make, mode in FAMILIES[family].runs:
            for function, touched in called(Scenario(make).begun(), mode):
                found |= {(function, what) for what, calls_for_it in RULES.items() if calls_for_it(touched)}
    return frozenset(found)


def seen(family: str) -> set[str]:
    """The functions of such a stack."""
    return set(NEEDS) - FAMILIES[family].without


def expected(family: str) -> Asked:
    return derived(family) - ASKED_OF_ANOTHER | OF_THE_SERVER | {(function, "target document") for function in seen(family)}


def label(finding: Any) -> str:
    if finding.what == "Kubernetes permission":
        return str(finding.found)
    return "sqlconf.php can be replaced" if finding.found.endswith("can be replaced") else str(finding.what)


def asked(family: str) -> Asked:
    """As verify would list it: who asked what."""
    world = FAMILIES[family].probed()
    world.target = replace(world.target, quiet_seconds=SHORTEST_QUIET_SECONDS)
    return {(function, label(finding)) for function in seen(family) for finding in probe(world, function)}


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_each_function_is_asked_for_what_its_step_touches_and_for_nothing_else(family: str) -> None:
    assert asked(family) == expected(family)


def test_every_function_that_is_asked_was_seen_at_work(family: str) -> None:
    assert {function for function, _ in derived(family)} | {"announce_incident", "say_why"} == seen(family)


def test_every_function_is_some_familys() -> None:
    assert set().union(*(seen(family) for family in FAMILIES)) == set(NEEDS)


def test_what_is_left_to_another_function_is_asked_of_one(family: str) -> None:
    assert derived(family) >= ASKED_OF_ANOTHER, "the step touches it no more"
    assert {what for _, what in ASKED_OF_ANOTHER} <= {what for function, what in asked(family) if function == "read_slots"}


KEYS, SOURCE = "keys", "source"
ITEMS = [
    (function, place) for function, needs in NEEDS.items() for place in range(len(needs)) if needs[place].what not in (KEYS, SOURCE)
]


@pytest.mark.parametrize(
    ("function", "place"), ITEMS, ids=[f"{function}-{place}-{NEEDS[function][place].what}" for function, place in ITEMS]
)
def test_what_is_left_out_is_noticed(function: str, place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    needs = NEEDS[function]
    monkeypatch.setitem(NEEDS, function, needs[:place] + needs[place + 1 :])
    assert any(asked(family) < expected(family) for family in FAMILIES)


def test_whoever_changes_a_jwks_is_asked_whether_it_may() -> None:
    changes: set[str] = set()
    with known_passwords():
        for mode in ("rotate", "sync-users"):
            for function, touched in called(Scenario(signs_tokens).begun(), mode):
                changes |= {function} if touched.did("(alter|discard) .*") else set()
        assert changes == {function for function, needs in NEEDS.items() if SOURCE in {need.what for need in needs}}
        for function in changes:
            assert SOURCE in {finding.what for finding in probe(JwksWorld(), function)}, function
        assert SOURCE not in {finding.what for function in changes for finding in probe(MemoryWorld(), function)}


def test_whoever_asks_a_provider_for_more_than_a_login_is_asked_whether_it_may() -> None:
    """ReadSlots lists them as it looks at any other source: with what is asked of the database."""
    asks: set[str] = set()
    with known_passwords():
        for mode in ("rotate", "revoke"):
            for function, touched in called(Scenario(keys).begun(), mode):
                asks |= {function} if touched.did("list keys|issue|deactivate .*|delete .*") else set()
    assert asks == {function for function, needs in NEEDS.items() if KEYS in {need.what for need in needs}} | {"read_slots"}
    it = Invocation(KeyedWorld(), "claim_rotation", {"execution": {"id": "x", "name": "x"}}, "x")
    for function in asks:
        assert KEYS in {finding.what for finding in probe(KeyedPorts(it), function)}, function
