"""The event of a step: each asks for what it needs, and a missing key is a bug that is named."""

import pytest
from rotation.core.drain import Drain, DrainStatus
from rotation.core.model import Direction, Mode
from rotation.protocol.request import Claim, Request

EVENT = {
    "target": "openemr",
    "mode": "dry-run",
    "scheduled_time": "",
    "execution": {"id": "arn:me", "name": "me", "started": "today"},
    "situation": {"slot": "B"},
    "claim": {"version": "v1", "own_logins": 2},
    "direction": "restore",
    "entry": "previous",
    "consumer": {"index": 1, "kind": "secret"},
    "rollout": {"began": 12.5},
    "drain": {"began": 1.0, "status": "waiting", "quiet_since": None, "logins": 3, "wait_seconds": 4, "republished": 5,
              "admin_in_use": False},
}  # fmt: skip


def test_everything_is_found_as_what_it_is() -> None:
    request = Request(EVENT)
    assert (request.target, request.mode, request.owner, request.execution_name) == ("openemr", Mode.DRY_RUN, "arn:me", "me")
    assert (request.started, request.rotation_id, request.situation) == ("today", "me", {"slot": "B"})
    assert (request.claim, request.direction, request.entry) == (Claim("v1", 2), Direction.RESTORE, "previous")
    assert (request.consumer, request.rollout_began) == (1, 12.5)
    assert request.drain == Drain(1.0, DrainStatus.WAITING, None, 3, 4, 5)


def test_a_claim_goes_round_through_the_machine_unchanged() -> None:
    assert Request({"claim": Claim("v1", 7).as_dict()}).claim == Claim("v1", 7)


@pytest.mark.parametrize("more", [{}, {"drain": {}}, {"drain": None}])
def test_before_the_first_look_there_is_no_drain(more: dict[str, object]) -> None:
    assert Request(more).drain is None


def test_a_function_does_its_step_unless_it_is_to_probe() -> None:
    assert not Request({}).probes
    assert Request({"probe": True}).probes


@pytest.mark.parametrize(("time", "expected"), [("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"), ("", "me"), (None, "me")])
def test_a_schedules_time_names_the_rotation_else_the_execution(time: str | None, expected: str) -> None:
    assert Request({**EVENT, "scheduled_time": time}).rotation_id == expected
    assert Request({key: value for key, value in EVENT.items() if key != "scheduled_time"}).rotation_id == "me"


OPTIONAL = ("drain", "probes", "secret_version")


@pytest.mark.parametrize("name", [name for name in vars(Request) if not name.startswith("_") and name not in OPTIONAL])
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(KeyError):
        getattr(Request({}), name)


@pytest.mark.parametrize(("key", "name"), [("mode", "mode"), ("direction", "direction")])
def test_an_unknown_word_is_refused(key: str, name: str) -> None:
    with pytest.raises(ValueError, match="sideways"):
        getattr(Request({key: "sideways"}), name)
