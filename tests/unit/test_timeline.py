"""What is drawn of an execution: every Task, every wait as one, where it stopped, and what it undid."""

from local.timeline import bars, rows
from tests.worlds.story import BEGAN, FORTH, RETIRE, rollback, rotation, run


def test_a_rotation_is_its_tasks_and_waits_and_no_other_state() -> None:
    drawn = bars(rotation().run)
    tasks = {state for state, kind, _ in FORTH + RETIRE if kind == "Task"}
    assert {bar.row for bar in drawn} == tasks
    assert {bar.kind for bar in drawn} == {"work", "wait"}


def test_a_wait_that_was_looked_at_in_between_is_one_wait() -> None:
    rollouts = [bar for bar in bars(rotation().run) if bar.row == "CheckRollout" and bar.kind == "wait"]
    assert [bar.title for bar in rollouts] == ["rollout, 4.05 s"]
    assert rollouts[0].looked_at


def test_an_overlap_window_of_nothing_is_not_drawn() -> None:
    assert "OverlapWindow" not in rows([rotation().run])
    assert "OverlapWindow" in rows([run("long", BEGAN, [("OverlapWindow", "Wait", 60.0)])])


def test_a_rollback_shows_where_it_stopped_and_what_it_undid() -> None:
    drawn = bars(rollback().run)
    assert [bar.row for bar in drawn if bar.kind == "stopped"] == ["CheckRollout"]
    undone = [
        "CloseFlip",
        "WriteSqlconf",
        "PatchSecret",
        "RestartApp",
        "CheckRollout",
        "CheckRollout",
        "ValidateApp",
        "ReleaseRotation",
    ]
    assert [bar.row for bar in drawn if bar.kind == "undo"] == undone


def test_waiting_for_the_rollout_back_is_a_wait_of_its_own() -> None:
    waited = [bar for bar in bars(rollback().run) if bar.kind == "wait"]
    assert len(waited) == 2
    assert waited[0].end < waited[1].start


def test_what_only_puts_the_end_into_words_stops_nothing_and_undoes_nothing() -> None:
    assert [bar.kind for bar in bars(rollback().run) if bar.row == "SayWhy"] == ["work"]
    refused = run("refused", BEGAN, [("ReadSlots", "Task", 1.0), ("SayWhy", "Task", 1.0), ("RotationRefused", "Fail", 0)])
    assert [bar.kind for bar in bars(refused)] == ["stopped", "work"]


def test_a_flip_that_had_landed_after_all_is_not_undone() -> None:
    landed = run("landed", BEGAN, [("FlipSlot", "Task", 1.0), ("CloseFlip", "Task", 1.0), ("CheckDrained", "Task", 1.0)])
    assert [bar.kind for bar in bars(landed)] == ["stopped", "work", "work"]


def test_a_state_that_only_a_later_run_passed_comes_after_the_one_before_it() -> None:
    found = rows([rotation().run, rollback().run])
    assert found.index("CloseFlip") == found.index("CheckRollout") + 1
    assert found[0] == "ReadSlots"
    assert len(found) == len(set(found))


def test_a_state_that_is_passed_again_pushes_nobody_down() -> None:
    told_twice = run("told", BEGAN, [(state, "Task", 1.0) for state in ("PutSecret", "CheckLogin", "PutSecret", "ValidateApp")])
    assert rows([told_twice]) == ["PutSecret", "CheckLogin", "ValidateApp"]


def test_a_state_that_still_lasts_is_drawn_until_now() -> None:
    unfinished = run("unfinished", BEGAN, [("ReadSlots", "Task", 3.0)])
    unfinished.visits[0].left = None
    assert bars(unfinished)[0].end == unfinished.ended
