"""What an operator reads of a decision: each sentence as it is, since the runbook and the plan of a dry run quote it."""

import json
from dataclasses import replace

import pytest
from rotation.core.errors import LoginRefused, NoFreeSlot, RotationAlreadyRunning
from rotation.core.model import Credential, Labels, Mode, Password, RotationStep, RotationTag, SecretText, Slot
from rotation.core.record import Record
from rotation.core.situation import Facts, Found, decide

from tests.worlds.world import RING

A, B, OTHER = (Credential(name, Password("p"), "db", 3306, "openemr") for name in ("openemr_a", "openemr_b", "openemr"))
DOWN = "; the application was already down: its password does not log in"


def entry(user: str) -> dict[str, str]:
    return {"username": user, "password": "p", "host": "db", "port": "3306", "dbname": "openemr"}


CURRENT = Record.parse(SecretText(json.dumps({"active_slot": "A", "A": entry("openemr_a"), "B": entry("openemr_b")})), "slots")
FLIP = CURRENT.with_active(Slot.B).with_tag(RotationTag("r", "arn:owner", RotationStep.FLIP, "v0"))
RETIRE = CURRENT.with_password(Slot.B, Password("new")).with_tag(RotationTag("r", "arn:owner", RotationStep.RETIRE, "v0"))
ROLLED_BACK = FLIP.with_previous(OTHER).with_tag(RotationTag("r", "arn:owner", RotationStep.FLIP, "v-before"))

ON_A = Facts(
    rotation_id="this",
    labels=Labels("v0"),
    current=CURRENT,
    pending=None,
    owner_alive=False,
    file=Found(A, logs_in=True),
    others=(),
    accepted={slot: Password("p") for slot in RING},
)


def holding(pending: Record) -> Facts:
    return replace(ON_A, labels=Labels("v0", "v1"), pending=pending)


def using(credential: Credential, facts: Facts = ON_A, *, logs_in: bool = True) -> Facts:
    return replace(facts, file=Found(credential, logs_in))


FIRST = "first rotation: the application uses openemr, which is neither slot; it moves to A"
MANUAL = "the application already uses B: an interrupted or manual flip is carried on"
REASONS: dict[str, tuple[Facts, Mode]] = {
    "rotate to the standby": (ON_A, Mode.ROTATE),
    "rotate to the standby" + DOWN: (using(A, logs_in=False), Mode.ROTATE),
    MANUAL: (using(B), Mode.ROTATE),
    MANUAL + DOWN: (using(B, logs_in=False), Mode.ROTATE),
    FIRST: (using(OTHER), Mode.ROTATE),
    FIRST + DOWN: (using(OTHER, logs_in=False), Mode.ROTATE),
    "an interrupted flip to B is carried on": (holding(FLIP), Mode.ROTATE),
    "an interrupted retirement of B is carried on": (holding(RETIRE), Mode.ROTATE),
    "AWSCURRENT carries this rotation's id already": (
        replace(ON_A, current=CURRENT.with_tag(RotationTag("this", "arn:owner", RotationStep.RETIRE, "v"))),
        Mode.ROTATE,
    ),
    "both users are to log in with their recorded passwords": (ON_A, Mode.SYNC_USERS),
    "the application uses what AWSCURRENT names; nothing is left to finish": (ON_A, Mode.RESUME),
    "the application uses neither slot yet: mode rotate is the first rotation": (using(OTHER), Mode.RESUME),
    "the application is put back on A, which AWSCURRENT names": (using(B), Mode.RESUME),
    "an interrupted rollback is finished: back to openemr": (using(OTHER, holding(ROLLED_BACK)), Mode.RESUME),
}


@pytest.mark.parametrize(("reason", "facts", "mode"), [(reason, *given) for reason, given in REASONS.items()], ids=REASONS)
def test_a_decision_says_why(reason: str, facts: Facts, mode: Mode) -> None:
    assert decide(facts, mode).reason == reason


def test_without_a_consumer_that_holds_a_credential_it_says_the_same() -> None:
    decision = decide(replace(ON_A, file=None))
    assert (decision.slot, decision.reason) == (Slot.B, "rotate to the standby")


def test_an_unfinished_intent_says_why_in_mode_sync_users_too() -> None:
    decision = decide(holding(RETIRE), Mode.SYNC_USERS)
    assert (decision.action, decision.reason) == ("sync users", "both users are to log in with their recorded passwords")


REFUSALS: dict[str, tuple[type[Exception], Facts, Mode]] = {
    "another execution is rotating: arn:owner": (RotationAlreadyRunning, replace(holding(FLIP), owner_alive=True), Mode.ROTATE),
    "another execution is rotating: unknown": (RotationAlreadyRunning, replace(holding(CURRENT), owner_alive=True), Mode.ROTATE),
    "the application uses none of the slots, but all are in use by something else": (
        NoFreeSlot,
        replace(using(OTHER), sessions=dict.fromkeys(Slot, 1)),
        Mode.ROTATE,
    ),
    "no known password of openemr_a logs in: run mode sync-users": (
        LoginRefused,
        replace(using(B), accepted={Slot.A: None, Slot.B: Password("p")}),
        Mode.RESUME,
    ),
}


@pytest.mark.parametrize(("text", "kind", "facts", "mode"), [(text, *given) for text, given in REFUSALS.items()], ids=REFUSALS)
def test_a_refusal_says_why(text: str, kind: type[Exception], facts: Facts, mode: Mode) -> None:
    with pytest.raises(kind) as caught:
        decide(facts, mode)
    assert str(caught.value) == text


def test_a_slot_whose_sessions_nobody_counted_is_free() -> None:
    assert decide(replace(using(OTHER), sessions={})).slot is Slot.A
