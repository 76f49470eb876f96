"""A fleet's functions over records in memory: who is left, who is begun once, and that labels alone tell of a flip."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pytest
from rotation.core.model import CURRENT, SecretText, Slot, Version
from rotation.core.record import Record
from rotation.core.seen import Ran
from rotation.fleet.holds import Hold
from rotation.fleet.outcome import Outcome
from rotation.fleet.report import LONGEST, reported, text
from rotation.fleet.run import Plan, plan_key, wave_key
from rotation.protocol.fleet_turns import has_flipped
from rotation.steps.close_flip import close_flip
from rotation.steps.decide_wave import decide_wave
from rotation.steps.discard_old_password import discard_old_password
from rotation.steps.find_due import READ_AT_ONCE, find_due
from rotation.steps.flip_slot import flip_slot
from rotation.steps.look_at_target import look_at_target
from rotation.steps.release_rotation import release_rotation
from rotation.steps.report_fleet import report_fleet
from rotation.steps.rotate_admin import rotate_admin
from rotation.steps.start_target import start_target

from tests.fleet import simulated
from tests.fleet.simulated import World
from tests.worlds.run import Run, arn
from tests.worlds.world import MemoryWorld

SETTINGS = {"at_once": 20, "per_place": 3, "percent": 10, "patience_seconds": 7200}
EVENT = {"run": "run", "settings": SETTINGS}


# ---- the labels --------------------------------------------------------------------------------------------------------------


def flipped(run: Run, before: tuple[str, str]) -> bool:
    store = run.world.slots
    return has_flipped(store.name, store.labels(), arn(run.name), *before)


def seen(world: MemoryWorld) -> tuple[str, str]:
    """What is current and pending before a run begins."""
    labels = world.slots.labels()
    return labels.current, labels.pending or ""


def test_labels_tell_of_a_flip_from_when_it_lands_to_the_end_of_the_run() -> None:
    world = MemoryWorld()
    before, run = seen(world), Run(world).to_flip()
    assert not flipped(run, before)
    asked = [partial(run.ask, step) for step in (flip_slot, discard_old_password, rotate_admin, release_rotation)]
    for act in (asked[0], run.drain, run.rotate_old_slot, run.drain, *asked[1:]):
        act()
        assert flipped(run, before)
    assert world.slots.labels().pending is None
    assert not has_flipped(world.slots.name, world.slots.labels(), arn("another"), *before)


def test_a_run_that_was_rolled_back_has_not_flipped() -> None:
    world = MemoryWorld()
    before, run = seen(world), Run(world).to_flip()
    run.ask(close_flip)
    assert world.slots.labels().current != before[0], "another version is current all the same"
    assert not flipped(run, before)


def test_a_run_that_carries_on_a_dead_ones_flip_is_seen_by_its_own_claim() -> None:
    world = MemoryWorld()
    Run(world, "dead").to_flip()
    before = seen(world)
    assert before[1]
    run = Run(world, "next").to_flip()
    assert not flipped(run, before)
    run.ask(flip_slot)
    assert flipped(run, before)


# ---- the functions -----------------------------------------------------------------------------------------------------------


class Memory(World):
    """What a run writes down is kept here."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.written: dict[str, str] = {}
        self.held: dict[str, str] = {}
        self.more: dict[str, str] = {}
        self.alive: set[str] = set()
        self.seen: dict[str, Ran] = {}

    def documents(self) -> Iterator[tuple[str, str]]:
        yield from super().documents()
        yield from self.more.items()

    def holds(self) -> Mapping[str, str]:
        return self.held

    def execution(self, name: str) -> Ran | None:
        return self.seen.get(name)

    def write(self, key: str, document: Any) -> None:
        self.written[key] = json.dumps(document)

    def read(self, key: str) -> Any:
        return json.loads(self.written[key]) if key in self.written else None

    def keys(self, folder: str) -> list[str]:
        return [key for key in self.written if key.startswith(folder)]


@pytest.fixture
def world() -> Memory:
    return Memory(None, 6)


def items(world: Memory) -> list[dict[str, str]]:
    """Of all waves."""
    waves = len(world.read(plan_key("run"))["waves"])
    return [item for wave in range(waves) for lane in world.read(wave_key("run", wave)) for item in lane["targets"]]


def turn(item: Mapping[str, str], **more: Any) -> dict[str, Any]:
    return {"run": "run", "item": item, "patience_seconds": 7200, **more}


def test_whatever_is_wrong_with_one_target_the_others_have_their_turn(world: Memory) -> None:
    world.more = {"broken": "{}"}
    world.held = {"t0000": Hold("2999-01-01T00:00:00+00:00", "audit").text(), "t0001": "not a hold"}
    answer = find_due(world, EVENT)
    assert answer["counts"] == {"overdue": 0, "due": 4, "not yet": 0, "busy": 0, "held": 1, "unknown": 2}
    found = world.read(plan_key("run"))["targets"]
    assert "TargetInvalid" in found["broken"]["why"]
    assert found["t0000"]["why"].endswith("audit")
    assert sorted(item["target"] for item in items(world)) == ["t0002", "t0003", "t0004", "t0005"]


def test_a_key_that_people_have_to_revoke_is_in_the_plan_and_in_the_message(world: Memory) -> None:
    world.records["t0000"].more = {"to_withdraw": [{"password": "canary-old-key", "since": "2026-01-02", "id": "sk-0"}]}
    find_due(world, EVENT)
    plan = Plan.parse(world.read(plan_key("run")))
    asked = "revoke its old key sk-0 where it was made, unused since 2026-01-02; then rotation withdrawn t0000 --id sk-0"
    assert [one.people for one in plan.targets.values()] == [asked, "", "", "", "", ""]
    report = reported(plan, dict.fromkeys(plan.targets, Outcome.ROTATED), {}, through=9, stopped="")
    assert f"FOR PEOPLE (1):\n  t0000: {asked}\n" in text(report)
    assert not any("canary" in one for one in world.written.values())


def test_a_run_that_looks_again_keeps_what_it_has_said(world: Memory) -> None:
    first = find_due(world, EVENT)
    world.held = {name: Hold("2999-01-01T00:00:00+00:00").text() for name in world.records}
    assert find_due(world, EVENT) == first


def test_to_be_asked_twice_starts_once(world: Memory) -> None:
    find_due(world, EVENT)
    item = items(world)[0]
    assert start_target(world, turn(item))["status"] == "running"
    assert start_target(world, turn(item))["status"] == "running"
    assert world.records[item["target"]].executions == [f"fleet-run-{item['target']}"]


def test_who_was_rotated_meanwhile_is_left_alone(world: Memory) -> None:
    find_due(world, EVENT)
    item = items(world)[0]
    assert start_target(world, turn({**item, "current": "another"}))["status"] == "ended"
    assert world.calls["states:StartExecution"] == 0
    assert [key for key in world.written if "outcomes" in key] == [f"runs/run/outcomes/{item['target']}/meanwhile.json"]


def test_a_turn_ends_with_the_flip_and_the_report_says_so(world: Memory) -> None:
    world.flip_seconds = 0
    find_due(world, EVENT)
    for item in items(world):
        begun = start_target(world, turn(item))
        assert look_at_target(world, turn(item, turn=begun))["status"] == "ended"
    waves = len(world.read(plan_key("run"))["waves"])
    decided = decide_wave(world, {"run": "run", "wave": waves - 1})
    assert (decided["verdict"], decided["through"]) == ("done", waves - 1)
    answer = report_fleet(world, {"run": "run", "through": waves - 1, "stopped": ""})
    assert (answer["end"], answer["said"]) == ("FleetRotated", "6 targets: 6 rotated. More: rotation fleet report run")
    assert answer["measured"]["fleet_late_count"] == 0
    assert len(world.told) == 1


def test_what_the_console_shows_is_short_whoever_failed_and_says_where_to_look(world: Memory) -> None:
    find_due(world, EVENT)
    stopped = f"a canary failed ({', '.join(f't{number:062}' for number in range(40))}): no other target was begun"
    answer = report_fleet(world, {"run": "run", "through": 0, "stopped": stopped})
    assert len(answer["said"]) == LONGEST
    assert answer["said"].startswith("6 targets: ")
    assert answer["said"].endswith("…. More: rotation fleet report run")


def test_no_credential_is_in_what_is_written_down(world: Memory) -> None:
    find_due(world, EVENT)
    record = Record.parse(next(iter(world.records.values())).current_dated()[0].text, "secret")
    assert json.dumps(record.credential(Slot.A).username) not in "".join(world.written.values())
    assert '"password"' not in "".join(world.written.values())


def test_neither_of_two_targets_on_one_user_is_rotated_and_both_are_told(world: Memory) -> None:
    twin = json.loads(dict(world.documents())["t0000"])
    twin["consumers"][0]["secret"] = "arn:aws:secretsmanager:us-east-1:123456789012:secret:of-its-own"
    world.more = {"twin": json.dumps(twin)}
    assert find_due(world, EVENT)["counts"]["unknown"] == 2
    found = world.read(plan_key("run"))["targets"]
    assert "user t0000_a of db0:3306 is target twin's too" in found["t0000"]["why"]
    assert "is target t0000's too" in found["twin"]["why"]
    assert {item["target"] for item in items(world)} == set(world.records) - {"t0000"}


def test_keys_crowd_no_server(world: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a key belongs no record says: nobody waits there for another."""
    key = {"username": "AKIA", "password": "its secret"}
    text = SecretText(json.dumps({"turns": "keys", "active_slot": "A", "A": key, "B": {}}))
    monkeypatch.setattr(simulated.Record, "current_dated", lambda one: (Version(one.before, text, frozenset({CURRENT})), one.age))
    documents = {
        name: json.dumps(json.loads(said) | {"source": {"kind": "iam-access-key", "user": name}})
        for name, said in world.documents()
    }
    monkeypatch.setattr(world, "documents", lambda: ((name, without_admin(said)) for name, said in documents.items()))
    find_due(world, {"run": "run", "settings": SETTINGS | {"per_place": 1}})
    waves = len(world.read(plan_key("run"))["waves"])
    assert [len(world.read(wave_key("run", number))) for number in range(waves)] == [1, 3, 2]


def without_admin(said: str) -> str:
    document = json.loads(said)
    return json.dumps({field: one for field, one in document.items() if field not in ("admin_secret", "rotates_admin", "endpoint")})


def test_documents_are_read_as_they_are_looked_at_and_never_held_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    world = Memory(None, 250)
    documents, each, read, looked = world.documents, world.each, [0], [0]

    def counted() -> Iterator[tuple[str, str]]:
        for one in documents():
            read[0] += 1
            assert read[0] - looked[0] <= READ_AT_ONCE
            yield one

    def watched(do: Any, some: Any) -> list[Any]:
        found = each(do, some)
        looked[0] += len(some)
        return found

    monkeypatch.setattr(world, "documents", counted)
    monkeypatch.setattr(world, "each", watched)
    assert find_due(world, EVENT)["counts"]["due"] == looked[0] == 250


def test_what_is_due_is_found_by_one_call_for_each_target_at_rest(world: Memory) -> None:
    find_due(world, EVENT)
    asked = {call: number for call, number in world.calls.items() if not call.startswith("s3:")}
    assert asked == {"ssm:GetParametersByPath": 1, "secretsmanager:GetSecretValue": len(world.records)}


def test_no_answer_grows_with_the_fleet() -> None:
    """All that does is in the bucket."""
    answers = []
    for size in (6, 60):
        world = Memory(None, size, flip_seconds=0)
        found = find_due(world, EVENT)
        item = items(world)[0]
        begun = start_target(world, turn(item))
        ended = look_at_target(world, turn(item, turn=begun))
        decided = decide_wave(world, {"run": "run", "wave": 0})
        told = report_fleet(world, {"run": "run", "through": 0, "stopped": ""})
        answers.append([len(json.dumps(one)) for one in (found, begun, ended, decided, told)])
    assert all(abs(few - many) < 30 for few, many in zip(*answers, strict=True)), answers
