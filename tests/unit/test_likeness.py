"""Which situations of the explorations are one: only those with the same future."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from rotation.core.model import CURRENT, PENDING, SecretText, Slot, Version
from rotation.protocol.intents import version_id

from tests.faults.alike.likeness import digest
from tests.faults.alike.liveness import live_at, projected
from tests.faults.calls.machinery import LeftLying, begun, conclude, function_at, invocation, machine, passed, settled
from tests.faults.calls.scenarios import SCENARIOS
from tests.faults.walk.attempt import COUNTS, Attempt, Node
from tests.faults.walk.explorer import PARTS, Explorer, Report
from tests.statemachine.machine import ROOT
from tests.whole import whole
from tests.worlds.asl import Place
from tests.worlds.fleet import State as Fleet
from tests.worlds.invocation import Gate, Invocation, Told, known_passwords
from tests.worlds.living import LivingWorld, Snapshot
from tests.worlds.world import USERS, credential

ARN = "arn:aws:states:us-east-1:123456789012:execution:rotation:"


@pytest.fixture(autouse=True)
def _passwords() -> Iterator[None]:
    with known_passwords():
        yield


# Nothing is lost by merging


class Plain(Attempt):
    """Every call from its beginning, every late act at every boundary, nothing remembered."""

    def _from(self, number: int, before: Gate | None = None, after: Gate | None = None) -> Invocation:
        self._world.restore(self._node.world)
        return self._invocation((), before, after)

    def _only_logins(self, number: int) -> None:
        return None

    def _commutes(self, *_: Any) -> bool:
        return False

    def _once(self, key: Any, make: Any) -> list[Node]:
        nodes: list[Node] = make()
        return nodes


class Exact(Explorer):
    """Two situations are one only if they are equal to the last byte."""

    def key(self, node: Node) -> bytes:
        late = node.late and (
            node.late.name,
            node.late.function,
            node.late.event,
            node.late.dies,
            [_shown(one) for one in node.late.told],
        )
        held, past, secret = node.world.held
        logins = [
            (one.username, one.password.reveal()) for one in (held, *(one for _, one in past), secret, *node.world.environments)
        ]
        mine = (node.run, node.calls, node.struck, node.faults, node.touched)
        read = [(one.username, one.password.reveal()) for past in _pasts(node.world) for _, one in past]
        return repr((node.world, logins, read, node.place.key(), late, mine)).encode()


def _pasts(world: Snapshot) -> list[Any]:
    """What is still gone on with behind a proxy and in a Swarm, and what instances hold, have held and are about to."""
    if not world.beyond:
        return []
    application, proxies, _, *more = world.beyond
    fleets = [one for one in more if isinstance(one, Fleet)]
    holding = [[(0, one.holds) for one in fleet.machines] for fleet in fleets]
    booting = [[one.boots for one in fleet.machines if one.boots] for fleet in fleets]
    return [application, *proxies, *holding, *booting, *(one.past for one in more)]


def _shown(told: Told) -> str:
    return told.answer.reveal() if hasattr(told.answer, "reveal") else repr(told)


@pytest.mark.parametrize(
    ("scenario", "faults", "at", "fewer"),
    [
        ("dry run", 2, "", 3),
        ("from A", 1, "DiscardOldPassword", 3),
        whole("rotated by Secrets Manager", 1, "PutSecret", 2),
        ("instances", 1, "FlipSlot", 2),
        whole("instances, a ring of three", 1, "PutSecret", 2),
        whole("swarm, two restarts", 1, "PutSecret", 2),
    ],
)
def test_as_many_runs_and_pairs_as_with_every_situation_by_itself(
    scenario: str, faults: int, at: str, fewer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def figures(report: Report) -> Any:
        return report.runs, report.pairs, report.left_out, report.boundaries, report.cells, report.inapplicable, report.found

    merged = Explorer(SCENARIOS[scenario], strike_at=at).explore(faults)
    monkeypatch.setattr("tests.faults.walk.explorer.Attempt", Plain)
    single = Exact(SCENARIOS[scenario], strike_at=at).explore(faults)
    assert figures(merged) == figures(single)
    assert merged.nodes * fewer < single.nodes


def test_of_pairs_that_touch_nothing_a_share_is_made_and_the_others_are_counted() -> None:
    """A dry run touches nothing."""
    every, half, none = (Explorer(SCENARIOS["dry run"], of_the_rest=share).explore(2) for share in (PARTS, PARTS // 2, 0))
    assert (every.left_out, none.pairs, none.left_out) == (0, 0, every.pairs)
    assert half.pairs + half.left_out == every.pairs
    assert 0.4 < half.pairs / every.pairs < 0.6


# What is left of a payload


@pytest.mark.parametrize("scenario", ["from A", "bootstrap", "B does not work"])
def test_a_run_needs_nothing_of_its_payload_but_what_is_live(scenario: str) -> None:
    chosen = SCENARIOS[scenario]
    world = chosen.begun()
    began_with = world.file.held
    place, seconds = settled(world, begun("run-1", chosen.mode))
    world.alive = {place.who.id}
    while not place.ended:
        passed(world, seconds)
        if machine().at(place)["Type"] == "Task":
            place = _reduced(place)
            function, event = function_at(place)
            place, seconds = conclude(world, place, invocation(world, function, event, function).run(), pending=False)
        else:
            place, seconds = settled(world, place)
    chosen.rest(world, place, began_with)


def _reduced(place: Place) -> Place:
    """The parts that a Task is given as a whole must be there."""
    frames = [replace(frame, data=projected(frame.data, live_at(frame.scope, frame.state))) for frame in place.frames]
    return replace(place, frames=tuple(frames))


def test_what_no_state_ahead_reads_is_not_live() -> None:
    assert ("situation", "rotation_id") in live_at("", "DiscardOldPassword")
    assert not [path for path in live_at("", "DiscardOldPassword") if path[0] in ("closed", "entry")]
    assert ("failures", "forward", "ValidateApp", "Error") in live_at("", "ValidateApp")
    assert not [path for path in live_at("", "RotateAdmin") if path[0] == "drain"]


# What is only told apart


def _alike(world: LivingWorld, place: Place, late: LeftLying | None = None) -> bytes:
    return digest(world.snapshot(), place, late, 0, rolled_seconds=world.pods.rolled_seconds, quiet_seconds=20)


def _with_passwords(a: str, b: str, recorded: str) -> LivingWorld:
    world = LivingWorld()
    content = json.loads(world.slots.versions["v0"]["secret_string"])
    content["A"]["password"], content["B"]["password"] = recorded, b
    world.slots.versions["v0"]["secret_string"] = json.dumps(content)
    world.account(Slot.A).password, world.account(Slot.B).password = a, b
    world.application_uses(credential(USERS[Slot.A], a))
    return world


def test_passwords_that_were_made_are_told_apart_not_named() -> None:
    one, two, three = "Made-000001", "Made-000002", "Made-000003"
    place = begun("run-1", "rotate")
    assert _alike(_with_passwords(one, two, one), place) == _alike(_with_passwords(three, one, three), place)
    assert _alike(_with_passwords(one, two, one), place) != _alike(_with_passwords(one, two, three), place)


def _with_version(owner: str, label: str | None) -> LivingWorld:
    """One that an execution has made from what is current."""
    world, made = LivingWorld(), version_id("slots", "v0", ARN + owner, "flip")
    content = json.loads(world.slots.versions["v0"]["secret_string"])
    tag = {"id": owner, "owner": ARN + owner, "step": "flip", "from": "v0"}
    world.slots.put_once(made, SecretText(json.dumps({**content, "active_slot": "B", "rotation": tag})))
    if label:
        world.slots.swap(label, to=made, removed_from="v0" if label == CURRENT else None)
    return world


def test_runs_that_are_over_are_told_apart_not_named() -> None:
    place = begun("run-5", "rotate")
    assert _alike(_with_version("run-1", PENDING), place) == _alike(_with_version("run-2", PENDING), place)
    assert _alike(_with_version("run-1", PENDING), place) != _alike(_with_version("run-5", PENDING), place)
    assert _alike(_with_version("run-1", PENDING), place) != _alike(_with_version("run-1", CURRENT), place)


def test_a_version_without_a_label_counts_only_for_who_comes_to_its_id_again() -> None:
    mine, another = begun("run-1", "rotate"), begun("run-2", "rotate")
    assert _alike(_with_version("run-1", None), another) == _alike(LivingWorld(), another)
    assert _alike(_with_version("run-1", None), mine) != _alike(LivingWorld(), mine)


def test_what_somebody_was_told_who_acts_late_counts() -> None:
    world, place = LivingWorld(), begun("run-2", "rotate")
    event = {"execution": {"id": ARN + "run-1", "name": "run-1", "started": "then"}}
    texts = [SecretText('{"a": 1}'), SecretText('{"a": 2}')]
    found = [Version("v", text, frozenset(labels)) for text in texts for labels in ([CURRENT], [CURRENT, PENDING])]
    told = [(Told(one),) for one in ("v0", "v1", *texts, *found)]
    assert len({_alike(world, place, LeftLying("flip_slot", event, "late", one, world.clock)) for one in told}) == len(told)


def test_only_check_drained_asks_how_often_somebody_logged_in() -> None:
    steps = [path for path in (ROOT / "layers/rotation/rotation/steps").glob("*.py") if ".logins" in path.read_text()]
    assert [path.stem for path in steps] == [COUNTS]
