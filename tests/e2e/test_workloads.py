"""Two services whose pods read their login from the environment, which a Kubernetes Secret fills, on PostgreSQL, under load: pods
are replaced one by one, no request fails, what is retired is refused; and blows where they are. WHOLE=1 strikes everywhere."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from local.faults import Fault
from local.follow import wait_for
from local.load import Load, Results
from local.login import Login
from local.shop.stack import SHOWN, Pace, fields, made_up
from local.shop.tables import create
from local.workloads.stack import NAMESPACE, SERVICES, Workloads, secret_of
from tests.e2e.blows import FORWARD, RESTORE, WORKLOADS, Blows, Tally
from tests.e2e.hands import document, put_target
from tests.e2e.last_looks import check
from tests.e2e.rotations import MEASURED
from tests.e2e.shared import MEASURING_RATE
from tests.e2e.shop import ShopTurns
from tests.whole import MORE, WHOLE, only_in_the_whole, only_with_more

PACE = Pace(quiet_seconds=1, cache_seconds=0)
IN_A_ROW = 10 if WHOLE else 2 if MORE else 1
REFUSED = {"errorType": "LoginRefused", "errorMessage": "made up"}
EVERY_DAY = {("RestartApp", FORWARD)}
IN_CI = {("WaitForRollout", FORWARD), ("CheckRollout", FORWARD), ("PatchSecret", FORWARD), ("RestartApp", RESTORE)}


class Together:
    """The loads of all services."""

    def __init__(self, loads: list[Load]) -> None:
        self._loads = loads

    def wait_for_those_before(self, moment: float) -> None:
        for one in self._loads:
            one.wait_for_those_before(moment)

    def results(self) -> Results:
        return Results(tuple(request for one in self._loads for request in one.results().requests))


class PodTurns(ShopTurns):
    stack: Workloads

    def assert_at_rest(self) -> None:
        """And every pod is one that was started since."""
        super().assert_at_rest()
        assert self.stack.cluster.is_rolled_out()

    def pods(self) -> set[str]:
        """Their names: a new one has another."""
        return {pod["name"] for pod in self.stack.cluster.pods()}


@pytest.fixture(scope="module")
def under_load() -> Iterator[PodTurns]:
    with Workloads(PACE) as stack:
        with ExitStack() as loads:
            pages = stack.pages
            each = [loads.enter_context(Load(page, MEASURING_RATE / len(pages), marker=SHOWN)) for page in pages]
            yield PodTurns(stack, Together(each))
        check(stack)


@pytest.fixture
def turns(under_load: PodTurns, request: pytest.FixtureRequest) -> Iterator[PodTurns]:
    with under_load.undisturbed(request, "pods") as turns:
        yield turns


@pytest.fixture(scope="module")
def tally(under_load: PodTurns, request: pytest.FixtureRequest) -> Iterator[Tally]:
    tally, start = Tally(), time.time()
    yield tally
    request.config.stash.setdefault(MEASURED, []).append(tally.line(f"pods, {WORKLOADS}", under_load.requests_since(start)))


@pytest.fixture
def blows(turns: PodTurns, tally: Tally) -> Blows:
    return Blows(turns, tally, WORKLOADS)


def test_rotations_in_a_row_replace_every_pod_each_time(turns: PodTurns) -> None:
    """The sessions of the old ones end with them, so the drain sees that nobody is left; what else is in the Secrets stays."""
    start = time.time()
    for _ in range(IN_A_ROW):
        before = turns.pods()
        turns.assert_rotates()
        assert not before & turns.pods()
    served = turns.requests_since(start)
    assert set(served.by_user()) == {"shop_a", "shop_b"}
    assert [turns.stack.cluster.secret(secret_of(one))["somebody-elses"] for one in SERVICES] == ["stays"] * len(SERVICES)


def test_one_that_fails_is_rolled_back_and_the_pods_are_replaced_once_more(turns: PodTurns) -> None:
    stack, before, pods = turns.stack, turns.active, turns.pods()
    stack.aws.fail(Fault(stack.function("ValidateApp"), match={"direction": FORWARD}, error=REFUSED))
    run = turns.run()
    assert run.outcome == "RolledBack", run.cause
    assert turns.active == before
    assert set(stack.held().values()) == {before}
    assert not pods & turns.pods()
    assert [visit.state for visit in run.visits].count("RestartApp") == 2 * len(SERVICES)


@only_with_more
def test_pods_that_do_not_become_ready_are_none_that_serve_and_it_is_rolled_back(turns: PodTurns) -> None:
    before = turns.active
    turns.stack.cluster.break_next_rollout()
    run = turns.run()
    turns.stack.cluster.heal()
    assert run.outcome == "RolledBack", run.cause
    assert "RolloutFailed" in run.cause
    assert turns.active == before


def _another_of_the_same_pods(stack: Workloads) -> str:
    """A target with two users of its own, whose login stands in the second service's Secret too. Its name."""
    server, users = stack.server, {slot: Login(f"audit_{slot.lower()}", made_up()) for slot in "AB"}
    create(server, users.values())
    server.log.write_bytes(b"")  # these statements are ours, and have passwords in them
    where = {"host": server.host, "port": str(server.port), "dbname": stack.database}
    record = {"active_slot": "A", **{slot: fields(login) | where for slot, login in users.items()}}
    put, name = stack.aws.client("secretsmanager").create_secret, secret_of("reports")
    held = stack.cluster.secret(name) | {"AUDIT_USER": users["A"].username, "AUDIT_PASSWORD": users["A"].password}
    kind = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque"}
    stack.cluster.recreate({**kind, "metadata": {"namespace": NAMESPACE, "name": name}, "stringData": held})
    own = document(stack)
    cluster = next(one for one in own["consumers"] if one["kind"] == "deployment" and one["name"] == "reports")
    read = {"kind": "app-secret", "application_cache_seconds": 0}
    own |= {
        "slot_secret": put(Name="audit/slots", SecretString=json.dumps(record))["ARN"],
        "rotates_admin": False,
        "consumers": [
            read | {"secret": put(Name="audit/application", SecretString=json.dumps(fields(users["A"])))["ARN"]},
            {**cluster, "kind": "secret", "name": name, "keys": {"AUDIT_USER": "{username}", "AUDIT_PASSWORD": "{password}"}},
            cluster,
        ],
    }
    put_target(stack, "audit", own)
    return "audit"


@only_with_more
def test_two_targets_that_restart_one_deployment_at_once_are_both_rotated(turns: PodTurns) -> None:
    """Neither takes the other's restart for a stranger's."""
    other, before = _another_of_the_same_pods(turns.stack), turns.active
    arns = [turns.start(), turns.start(target=other)]
    runs = [wait_for(turns.stack, arn) for arn in arns]
    assert [run.outcome for run in runs] == ["RotationSucceeded"] * 2, [run.cause for run in runs]
    assert not turns.accepts(before)
    held = turns.stack.cluster.secret(secret_of("reports"))
    assert (held["AUDIT_USER"], held["PGUSER"]) == ("audit_b", turns.active.username)


@only_in_the_whole
def test_verify_finds_all_in_order_and_writes_nothing(turns: PodTurns) -> None:
    before = turns.pods()
    run = turns.run(mode="verify")
    assert run.outcome == "Verified", run.cause
    assert turns.pods() == before


def _without_what_is_read_back(target: dict[str, Any]) -> None:
    target["consumers"] = [one for one in target["consumers"] if one["kind"] != "app-secret"]


def _no_such_secret(target: dict[str, Any]) -> None:
    target["consumers"][1]["name"] = "nobodys"


def _other_namespace(target: dict[str, Any]) -> None:
    for one in target["consumers"][1:]:
        one["namespace"] = "elsewhere"


BAD = {
    _without_what_is_read_back: "what moves the traffic must be of kind sqlconf or app-secret or vault-kv or lambda",
    _no_such_secret: "ClusterRefused",
    _other_namespace: "ClusterRefused",
}


@only_with_more
@pytest.mark.parametrize("spoil", BAD, ids=lambda spoil: spoil.__name__.strip("_"))
def test_what_cannot_work_ends_before_anything_is_touched(spoil: Any, turns: PodTurns) -> None:
    changed, before, pods = document(turns.stack), turns.slots, turns.pods()
    spoil(changed)
    put_target(turns.stack, "spoilt", changed)
    run = turns.run(target="spoilt")
    assert run.outcome == "RotationRefused", run.cause
    assert BAD[spoil] in run.cause
    assert (turns.slots, turns.pods()) == (before, pods)


@pytest.mark.parametrize("direction", WORKLOADS.ways(FORWARD))
def test_a_rotation_outlives_the_death_of_every_function(direction: str, blows: Blows) -> None:
    blows.assert_outlived(direction)


@pytest.mark.parametrize(("state", "direction"), WORKLOADS.stops(EVERY_DAY, IN_CI))
def test_a_rotation_that_was_stopped_is_carried_on_by_the_next(state: str, direction: str, blows: Blows) -> None:
    blows.assert_carried_on(state, direction)
