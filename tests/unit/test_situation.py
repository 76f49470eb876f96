"""Every situation and its one decision, as a table to read: labels, sqlconf.php, Kubernetes Secret and logins on the left.

Notation: `a=pa b=pb` are openemr_a and openemr_b with their passwords; `o=po` is openemr, which is neither slot.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import pytest
from rotation.core.errors import LoginRefused, NoFreeSlot, RotationAlreadyRunning
from rotation.core.model import PREVIOUS, Credential, Labels, Mode, Password, RotationStep, RotationTag, SecretText, Slot
from rotation.core.record import Record
from rotation.core.situation import Action, Decision, Facts, Found, Left, decide, intent, left_to_do

from tests.worlds.world import RING

USERS = {"a": "openemr_a", "b": "openemr_b", "o": "openemr"}
LETTERS = {user: letter for letter, user in USERS.items()}
SLOTS = {Slot.A: "a", Slot.B: "b"}

V0, V1, LATE, EDIT = "v0", "v1", "v-of-a-late-flip", "v-of-a-person"
THIS, THAT = "rotation-this", "rotation-that"
ME, OTHER = "arn:execution:me", "arn:execution:other"
FLIP, RETIRE = RotationStep.FLIP, RotationStep.RETIRE


def credential(text: str) -> Credential:
    """`a=pa`"""
    letter, password = text.split("=")
    return Credential(USERS[letter], Password(password), "db", 3306, "openemr")


def secret(active: str, passwords: str = "a=pa b=pb", *, previous: str | None = None, tag: RotationTag | None = None) -> Record:
    slots = {
        pair[0].upper(): {"username": USERS[pair[0]], "password": pair[2:], "host": "db", "port": "3306", "dbname": "openemr"}
        for pair in passwords.split()
    }
    record = Record.parse(SecretText(json.dumps({"active_slot": active, **slots})), "slots")
    record = record.with_previous(credential(previous) if previous else None)
    return record.with_tag(tag) if tag else record


def tagged(step: RotationStep, made_from: str = V0, *, owner: str = OTHER, rotation: str = THAT) -> RotationTag:
    return RotationTag(rotation, owner, step, made_from)


@dataclass(frozen=True)
class Given:
    """What is there."""

    sqlconf: str | None
    logs_in: str
    """What the database accepts."""
    current: Record = field(default_factory=lambda: secret("A"))
    kubernetes: str | None = None
    sessions: str = ""
    """The slots whose users have sessions."""
    pending: Record | None = None
    current_version: str = V0
    alive: bool = False

    def facts(self) -> Facts:
        accepted = {
            slot: next((Password(pair[2:]) for pair in self.logs_in.split() if pair[0] == letter), None)
            for slot, letter in SLOTS.items()
        }
        return Facts(
            rotation_id=THIS,
            labels=Labels(self.current_version, V1 if self.pending else None),
            current=self.current,
            pending=self.pending,
            owner_alive=self.alive,
            file=self._found(self.sqlconf),
            others=tuple(found for found in (self._found(self.kubernetes),) if found),
            accepted=accepted,
            sessions={slot: int(slot in self.sessions) for slot in RING},
        )

    def _found(self, text: str | None) -> Found | None:
        return Found(credential(text), text in self.logs_in.split()) if text else None


@dataclass(frozen=True)
class Then:
    """What is to be done."""

    action: Action
    slot: str
    """Which the application is to use in the end."""
    passwords: str = "a=pa b=pb"
    """What the intent records."""
    previous: str | None = None
    step: RotationStep = FLIP
    rotation: str = THIS
    new_password: bool = False


def then(decision: Decision) -> Then:
    record = decision.record
    pairs = [f"{letter}={record.credential(slot).password.reveal()}" for slot, letter in SLOTS.items()]
    previous = record.previous
    assert record.active is decision.slot
    return Then(
        action=decision.action,
        slot=str(decision.slot),
        passwords=" ".join(pairs),
        previous=f"{LETTERS[previous.username]}={previous.password.reveal()}" if previous else None,
        step=decision.step,
        rotation=decision.rotation_id,
        new_password=decision.new_password,
    )


PUBLISH, FINISH = Action.PUBLISH, Action.RETIRE
BOTH = "a=pa b=pb"
ON_B = secret("B")
FLIPPING = secret("B", tag=tagged(FLIP))

IDLE = {
    "on A: to B": (Given("a=pa", BOTH), Then(PUBLISH, "B")),
    "on B: to A, the seed stayed on B for ever": (Given("b=pb", BOTH, ON_B), Then(PUBLISH, "A")),
    "on A, the Kubernetes Secret behind on B: to B": (Given("a=pa", BOTH, kubernetes="b=pb"), Then(PUBLISH, "B")),
    "no consumer holds a credential: to the standby": (Given(None, BOTH), Then(PUBLISH, "B")),
    "sqlconf on the standby B: the same path to B": (Given("b=pb", BOTH), Then(PUBLISH, "B")),
    "sqlconf on the standby A: the same path to A": (Given("a=pa", BOTH, ON_B), Then(PUBLISH, "A")),
    "a standby that does not log in is for SyncUsers to repair": (Given("a=pa", "a=pa"), Then(PUBLISH, "B")),
    "a previous that a person left in the secret is forgotten": (
        Given("a=pa", BOTH, secret("A", previous="o=po")),
        Then(PUBLISH, "B"),
    ),
}
DRIFT = {
    "of the active slot: sqlconf's password logs in": (Given("a=px", "a=px b=pb"), Then(PUBLISH, "B", "a=px b=pb")),
    "of the active slot B": (Given("b=px", "a=pa b=px", ON_B), Then(PUBLISH, "A", "a=pa b=px")),
    "of the standby that sqlconf uses": (Given("b=px", "a=pa b=px"), Then(PUBLISH, "B", "a=pa b=px")),
    "of the standby: another known password logs in": (Given("a=pa", "a=pa b=px"), Then(PUBLISH, "B", "a=pa b=px")),
    "of both": (Given("a=px", "a=px b=py"), Then(PUBLISH, "B", "a=px b=py")),
    "sqlconf's password does not log in, the secret's does": (Given("a=px", BOTH), Then(PUBLISH, "B")),
    "nothing logs in as the user in sqlconf: the record stays": (Given("a=px", "b=pb"), Then(PUBLISH, "B")),
    "the standby's user in sqlconf, with a dead password": (Given("b=px", BOTH), Then(PUBLISH, "B")),
}
BOOTSTRAP = {
    "both slots free, neither logs in: A, a new password": (
        Given("o=po", "o=po", secret("A", "a=placeholder b=placeholder")),
        Then(PUBLISH, "A", "a=placeholder b=placeholder", previous="o=po", new_password=True),
    ),
    "both free, the secret says B": (Given("o=po", "o=po", ON_B), Then(PUBLISH, "B", previous="o=po", new_password=True)),
    "a stored password that logs in is kept": (Given("o=po", "o=po a=pa"), Then(PUBLISH, "A", previous="o=po")),
    "another known password that logs in is kept": (Given("o=po", "o=po a=px"), Then(PUBLISH, "A", "a=px b=pb", previous="o=po")),
    "A has sessions: B": (Given("o=po", "o=po", sessions="A"), Then(PUBLISH, "B", previous="o=po", new_password=True)),
    "the Kubernetes Secret uses A: B": (Given("o=po", "o=po a=pa b=pb", kubernetes="a=pa"), Then(PUBLISH, "B", previous="o=po")),
    "the Kubernetes Secret names A, with a dead password: A": (
        Given("o=po", "o=po", kubernetes="a=placeholder"),
        Then(PUBLISH, "A", previous="o=po", new_password=True),
    ),
    "the Kubernetes Secret is on neither too": (Given("o=po", "o=po a=pa", kubernetes="o=po"), Then(PUBLISH, "A", previous="o=po")),
    "neither, and dead: the application is down already": (
        Given("o=po", "a=pa"),
        Then(PUBLISH, "A", previous="o=po"),
    ),
}  # fmt: skip
INTERRUPTED = {
    "a flip": (Given("a=pa", BOTH, pending=FLIPPING), Then(PUBLISH, "B", rotation=THAT)),
    "a flip, already published": (Given("b=pb", BOTH, pending=FLIPPING), Then(PUBLISH, "B", rotation=THAT)),
    "a flip of this very execution": (
        Given("a=pa", BOTH, pending=secret("B", tag=tagged(FLIP, owner=ME, rotation=THIS))),
        Then(PUBLISH, "B"),
    ),
    "a flip, and drift of both slots meanwhile": (
        Given("a=px", "a=px b=py", pending=FLIPPING),
        Then(PUBLISH, "B", "a=px b=py", rotation=THAT),
    ),
    "a first rotation whose new password is not in the database yet": (
        Given("o=po", "o=po", secret("A", "a=x b=y"), pending=secret("A", "a=new b=y", previous="o=po", tag=tagged(FLIP))),
        Then(PUBLISH, "A", "a=new b=y", previous="o=po", rotation=THAT),
    ),
    "flipped, not retired": (
        Given("b=pb", BOTH, FLIPPING, pending=FLIPPING, current_version=V1),
        Then(FINISH, "B", rotation=THAT),
    ),
    "flipped late, under the id of the intent before it was adopted": (
        Given("b=pb", BOTH, FLIPPING, pending=secret("B", tag=tagged(FLIP, V0, owner="third")), current_version=LATE),
        Then(FINISH, "B", rotation=THAT),
    ),
    "flipped, a first rotation": (
        Given("a=pa", "a=pa o=po", secret("A", previous="o=po"), pending=secret("A", previous="o=po", tag=tagged(FLIP))),
        Then(FINISH, "A", previous="o=po", rotation=THAT),
    ),
    "flipped, and sqlconf put back by somebody: for CheckDrained to find": (
        Given("a=pa", BOTH, FLIPPING, pending=FLIPPING, current_version=V1),
        Then(FINISH, "B", rotation=THAT),
    ),
    "a retirement before the database has the new password": (
        Given("b=pb", BOTH, ON_B, pending=secret("B", "a=new b=pb", tag=tagged(RETIRE))),
        Then(FINISH, "B", "a=new b=pb", step=RETIRE, rotation=THAT),
    ),
    "a retirement while the database takes both passwords": (
        Given("b=pb", "a=pa a=new b=pb", ON_B, pending=secret("B", "a=new b=pb", tag=tagged(RETIRE))),
        Then(FINISH, "B", "a=new b=pb", step=RETIRE, rotation=THAT),
    ),
    "a retirement, and drift of the user in use": (
        Given("b=px", "a=pa b=px", ON_B, pending=secret("B", "a=new b=pb", tag=tagged(RETIRE))),
        Then(FINISH, "B", "a=new b=px", step=RETIRE, rotation=THAT),
    ),
    "a retirement that was recorded: only the admin is left": (
        Given("b=pb", "a=new b=pb", secret("B", "a=new b=pb", tag=tagged(RETIRE)),
              pending=secret("B", "a=new b=pb", tag=tagged(RETIRE)), current_version=V1),
        Then(FINISH, "B", "a=new b=pb", step=RETIRE, rotation=THAT),
    ),
}  # fmt: skip
STALE = {
    "the flip was closed by a rollback: anew, its password is tried": (
        Given("a=pa", "a=pa b=new", secret("A", "a=pa b=new"), pending=secret("B", "a=pa b=new", tag=tagged(FLIP)),
              current_version="v-closed"),
        Then(PUBLISH, "B", "a=pa b=new"),
    ),
    "a first rotation was closed by a rollback: anew": (
        Given("o=po", "o=po a=new", secret("A", "a=new b=pb"), current_version="v-closed",
              pending=secret("A", "a=new b=pb", previous="o=po", tag=tagged(FLIP))),
        Then(PUBLISH, "A", "a=new b=pb", previous="o=po"),
    ),
    "a person put a secret before the flip: anew from theirs": (
        Given("a=px", "a=px b=pb", secret("A", "a=px b=pb"), pending=FLIPPING, current_version=EDIT),
        Then(PUBLISH, "B", "a=px b=pb"),
    ),
    "a person put a secret during a retirement: the password that the database took is adopted": (
        Given("b=pb", "a=new b=pb", secret("B", "a=theirs b=pb"), pending=secret("B", "a=new b=pb", tag=tagged(RETIRE)),
              current_version=EDIT),
        Then(PUBLISH, "A", "a=new b=pb"),
    ),
    "what is pending is not ours": (Given("a=pa", BOTH, pending=secret("B")), Then(PUBLISH, "B")),
}  # fmt: skip
NOTHING_TO_DO = {
    "idle, and current carries this rotation's id": (
        Given("b=pb", BOTH, secret("B", tag=tagged(RETIRE, rotation=THIS))),
        Then(Action.ALREADY_ROTATED, "B"),
    ),
}
NOT_DONE_YET = {
    "this rotation's id is current, but its retirement is not finished": (
        Given("b=pb", BOTH, secret("B", tag=tagged(FLIP, rotation=THIS)), pending=secret("B", tag=tagged(FLIP, rotation=THIS)),
              current_version=V1),
        Then(FINISH, "B"),
    ),
    "another rotation's id is current": (Given("b=pb", BOTH, secret("B", tag=tagged(RETIRE))), Then(PUBLISH, "A")),
}  # fmt: skip

TABLE: dict[str, tuple[Given, Then]] = {
    f"{group}: {row}": pair
    for group, rows in {
        "idle": IDLE,
        "drift": DRIFT,
        "bootstrap": BOOTSTRAP,
        "interrupted": INTERRUPTED,
        "stale": STALE,
        "already rotated": NOTHING_TO_DO,
        "not rotated yet": NOT_DONE_YET,
    }.items()
    for row, pair in rows.items()
}

each_row = pytest.mark.parametrize(("given", "expected"), TABLE.values(), ids=TABLE)


@each_row
def test_every_situation_has_its_decision(given: Given, expected: Then) -> None:
    assert then(decide(given.facts())) == expected


OWNED = {name: given for name, (given, _) in TABLE.items() if given.pending}


@pytest.mark.parametrize("given", OWNED.values(), ids=OWNED)
def test_a_living_owner_is_never_interfered_with(given: Given) -> None:
    owner = given.pending.tag.owner if given.pending and given.pending.tag else "unknown"
    with pytest.raises(RotationAlreadyRunning, match=owner):
        decide(replace(given, alive=True).facts())


@pytest.mark.parametrize(
    "given",
    [
        Given("o=po", "o=po", sessions="AB"),
        Given("o=po", "o=po a=pa", sessions="B", kubernetes="a=pa"),
    ],
)
def test_a_first_rotation_waits_while_both_slots_are_in_use(given: Given) -> None:
    with pytest.raises(NoFreeSlot):
        decide(given.facts())


@pytest.mark.parametrize("sqlconf", ["o=px", "a=px", "b=px"])
def test_the_outcome_says_if_the_application_was_down_already(sqlconf: str) -> None:
    assert "already down" in decide(Given(sqlconf, BOTH).facts()).reason
    assert "already down" not in decide(Given(sqlconf, f"{sqlconf} {BOTH}").facts()).reason


@each_row
def test_what_is_shown_of_a_decision_holds_no_password(given: Given, expected: Then) -> None:
    summary = json.dumps(decide(given.facts()).summary)
    secrets = {pair[2:] for pair in f"{given.logs_in} {expected.passwords} {given.sqlconf or ''}".split()}
    assert not [password for password in secrets if password in summary.split('"')]
    assert len(summary) < 1024


def test_what_the_machine_gets_of_a_decision() -> None:
    shown = decide(Given("a=pa", BOTH).facts()).summary
    assert shown.pop("reason")
    assert shown == {"action": "publish", "slot": "B", "old_slot": "A", "entry": "B", "keeps_intent": False, "rotation_id": THIS}


# ---- what holds in every mixture, not only in the rows above -------------------------------------------------------------


def mixtures() -> Iterator[Given]:
    """Every combination of what the parts of the world may hold."""
    logins = ["", "a=pa", "b=pb", BOTH, "a=px b=pb", "a=pa b=px", "a=pa o=po", f"{BOTH} o=po", "a=new b=pb", "a=pa a=new b=pb"]
    currents = [
        (secret("A"), V0),
        (ON_B, V0),
        (secret("A", previous="o=po"), V0),
        (FLIPPING, V1),
        (secret("B", "a=new b=pb"), EDIT),
    ]
    pendings = [None, FLIPPING, secret("B", "a=new b=pb", tag=tagged(RETIRE)), secret("A", previous="o=po", tag=tagged(FLIP)), ON_B]
    for sqlconf, logs_in, (current, version), pending in product(
        [None, "a=pa", "b=pb", "a=px", "o=po"], logins, currents, pendings
    ):
        yield Given(sqlconf, logs_in, current, pending=pending, current_version=version)


def decisions() -> list[tuple[Given, Decision]]:
    return [(given, decide(given.facts())) for given in mixtures()]


def test_every_mixture_has_a_decision() -> None:
    assert len(decisions()) == 5 * 10 * 5 * 5


def test_a_password_that_logs_in_is_never_altered_away() -> None:
    """What the intent records for the slot to be used is a password that works, wherever one is known."""
    for given, decision in decisions():
        known = given.facts().accepted[decision.slot]
        if known is not None and decision.action is not Action.ALREADY_ROTATED:
            assert decision.record.credential(decision.slot).password == known, given
            assert not decision.new_password, given


def test_a_rotation_moves_the_application_to_another_slot() -> None:
    """Unless a flip to the slot that it uses is what was interrupted, by hand or by a crash."""
    for given, decision in decisions():
        if given.pending is None and given.sqlconf and given.sqlconf[0] == SLOTS[given.current.active]:
            assert decision.slot is given.current.before(given.current.active), given


def test_the_intent_of_a_decision_means_that_decision() -> None:
    """A run that dies right after its claim leaves an intent from which the next run concludes the same."""
    for given, decision in decisions():
        recorded = intent(decision, ME, given.current_version, lambda: Password("made"))
        left = left_to_do(recorded, "v-new", given.current, given.current_version)
        if decision.action is Action.RETIRE:
            assert left in (Left.DRAIN, Left.RETIRE, Left.FINISH), given
        elif not (given.current.previous and decision.record.previous):
            assert left is Left.PUBLISH, given


def test_a_decision_leaves_the_facts_as_they_were() -> None:
    facts = Given("a=px", "a=px b=py", pending=FLIPPING).facts()
    before = [facts.current.text(), FLIPPING.text()]
    decide(facts)
    assert [facts.current.text(), FLIPPING.text()] == before


# ---- the other modes ------------------------------------------------------------------------------------------------------

CLOSED: dict[str, Any] = {
    "current": secret("A", "a=pa b=new"),
    "pending": secret("B", "a=pa b=new", tag=tagged(FLIP)),
    "current_version": "v-closed",
}
FIRST_CLOSED: dict[str, Any] = {
    "current": secret("A", "a=new b=pb"),
    "pending": secret("A", "a=new b=pb", previous="o=po", tag=tagged(FLIP)),
    "current_version": "v-closed",
}

# What resume does, and what it publishes.
RESUME: dict[str, tuple[Given, Action, str]] = {
    "nothing was interrupted, on A": (Given("a=pa", BOTH), Action.NOTHING, "A"),
    "nothing was interrupted, on B": (Given("b=pb", BOTH, ON_B), Action.NOTHING, "B"),
    "no consumer holds a credential": (Given(None, BOTH), Action.NOTHING, "A"),
    "never rotated": (Given("o=po", "o=po"), Action.NOTHING, "A"),
    "moved to the standby by hand: back to what is current": (Given("b=pb", BOTH), Action.RESTORE, "A"),
    "only the Kubernetes Secret is on the standby": (Given("a=pa", BOTH, kubernetes="b=pb"), Action.RESTORE, "A"),
    "a rollback cut short before the Kubernetes Secret": (
        Given("a=pa", "a=pa b=new", kubernetes="b=new", **CLOSED),
        Action.RESTORE,
        "A",
    ),
    "the Kubernetes Secret has a password of the active slot that does not log in": (
        Given("a=pa", BOTH, kubernetes="a=px"),
        Action.RESTORE,
        "A",
    ),
    "a rollback cut short after it was closed": (Given("b=new", "a=pa b=new", **CLOSED), Action.RESTORE, "A"),
    "a rollback that only did not let go": (Given("a=pa", "a=pa b=new", **CLOSED), Action.RELEASE, "A"),
    "a first rotation's rollback cut short: the slot works and is current": (
        Given("a=new", "a=new o=po", **FIRST_CLOSED),
        Action.RELEASE,
        "A",
    ),
    "a first rotation's rollback cut short: the slot does not log in": (
        Given("a=new", "o=po", kubernetes="o=po", **FIRST_CLOSED),
        Action.RESTORE,
        PREVIOUS,
    ),
    "a first rotation's rollback that only did not let go": (Given("o=po", "a=new o=po", **FIRST_CLOSED), Action.RESTORE, PREVIOUS),
    "an interrupted flip is finished": (Given("a=pa", BOTH, pending=FLIPPING), Action.PUBLISH, "B"),
    "an interrupted retirement is finished": (
        Given("b=pb", BOTH, ON_B, pending=secret("B", "a=new b=pb", tag=tagged(RETIRE))),
        Action.RETIRE,
        "B",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("given", "action", "entry"), RESUME.values(), ids=RESUME)
def test_resume_finishes_or_puts_back_what_was_interrupted(given: Given, action: Action, entry: str) -> None:
    decision = decide(given.facts(), Mode.RESUME)
    assert (decision.action, decision.summary["entry"]) == (action, entry)


def test_resume_never_begins_a_rotation() -> None:
    """Whatever it does to an idle secret, the slot to be used in the end is the one that is current."""
    for given in mixtures():
        decision = resumed(given)
        if decision is not None and decision.action not in (Action.PUBLISH, Action.RETIRE):
            assert decision.slot is given.current.active, given
            assert not decision.new_password, given


WORKS: dict[str, Given] = {
    "a person moved it to the slot that is current": Given("a=pa", "a=pa o=po", **(FIRST_CLOSED | {"current": secret("A")})),
    "what it used before does not log in any more": Given("a=new", "a=new", **FIRST_CLOSED),
}


@pytest.mark.parametrize("given", WORKS.values(), ids=WORKS)
def test_resume_leaves_an_application_alone_that_works(given: Given) -> None:
    assert decide(given.facts(), Mode.RESUME).action is Action.RELEASE


def test_resume_puts_back_only_what_logs_in() -> None:
    """Putting back is publishing, and what is published was proven."""
    for given in mixtures():
        decision = resumed(given)
        if decision is not None and decision.action is Action.RESTORE:
            published = decision.record.credential(str(decision.summary["entry"]))
            assert f"{LETTERS[published.username]}={published.password.reveal()}" in given.logs_in.split(), given


def test_resume_refuses_to_put_back_what_does_not_log_in() -> None:
    with pytest.raises(LoginRefused, match="openemr_a"):
        decide(Given("b=pb", "b=pb").facts(), Mode.RESUME)


def resumed(given: Given) -> Decision | None:
    try:
        return decide(given.facts(), Mode.RESUME)
    except LoginRefused:
        return None


def test_syncing_users_records_whatever_logs_in() -> None:
    decision = decide(Given("a=px", "a=px b=py").facts(), Mode.SYNC_USERS)
    assert (then(decision).passwords, decision.keeps_intent) == ("a=px b=py", False)
    assert decision.action is Action.SYNC


@pytest.mark.parametrize("pending", [FLIPPING, secret("B", "a=new b=pb", tag=tagged(RETIRE))])
def test_syncing_users_keeps_what_is_still_to_be_finished(pending: Record) -> None:
    decision = decide(Given("a=pa", BOTH, pending=pending).facts(), Mode.SYNC_USERS)
    assert decision.keeps_intent
    assert decision.record.text() == pending.text()


def test_syncing_users_forgets_what_is_stale() -> None:
    decision = decide(Given("a=pa", "a=pa b=new", **CLOSED).facts(), Mode.SYNC_USERS)
    assert (decision.slot, decision.keeps_intent) == (Slot.A, False)


def test_syncing_users_never_drops_a_password_that_logs_in() -> None:
    for given in mixtures():
        decision = decide(given.facts(), Mode.SYNC_USERS)
        known = given.facts().accepted[decision.slot]
        assert known in (None, decision.record.credential(decision.slot).password), given


def test_a_dry_run_decides_as_a_rotation_would() -> None:
    for given in mixtures():
        dry, real = (decide(given.facts(), mode) for mode in (Mode.DRY_RUN, Mode.ROTATE))
        assert (dry.summary, dry.record.text()) == (real.summary, real.record.text()), given


@pytest.mark.parametrize("mode", [Mode.ROTATE, Mode.DRY_RUN, Mode.RESUME, Mode.SYNC_USERS])
def test_no_mode_interferes_with_a_living_owner(mode: Mode) -> None:
    with pytest.raises(RotationAlreadyRunning, match=OTHER):
        decide(Given("a=pa", BOTH, pending=FLIPPING, alive=True).facts(), mode)


# ---- what is left to do, from two records alone ---------------------------------------------------------------------------

A_TO_B = secret("B", tag=tagged(FLIP))
FIRST = secret("A", previous="o=po", tag=tagged(FLIP))
RETIRING = secret("B", "a=new b=pb", tag=tagged(RETIRE))

LEFT: dict[str, tuple[Record, Record, str, Left]] = {
    "flip, another slot is active": (A_TO_B, secret("A"), V0, Left.PUBLISH),
    "flip, the same slot but no previous": (FIRST, secret("A"), V0, Left.PUBLISH),
    "flip, the same slot but another previous": (FIRST, secret("A", previous="o=px"), V0, Left.PUBLISH),
    "flip, the intent itself is current": (A_TO_B, A_TO_B, V1, Left.DRAIN),
    "flip, the same slot and previous": (FIRST, secret("A", previous="o=po"), V0, Left.DRAIN),
    "flip, the same content under another version": (A_TO_B, secret("B", tag=tagged(FLIP, "x", owner=ME)), LATE, Left.DRAIN),
    "retire, another password for the old slot": (RETIRING, secret("B"), V0, Left.RETIRE),
    "retire, the intent itself is current": (RETIRING, RETIRING, V1, Left.FINISH),
    "retire, the same password for the old slot": (RETIRING, secret("B", "a=new b=pb"), V0, Left.FINISH),
    "flip, somebody else's version": (A_TO_B, secret("A"), EDIT, Left.STALE),
    "flip, closed by a rollback": (A_TO_B, secret("A"), "v-closed", Left.STALE),
    "flip of a first rotation, closed by a rollback": (FIRST, secret("A"), "v-closed", Left.STALE),
    "retire, somebody else's version": (RETIRING, secret("B", "a=theirs b=pb"), EDIT, Left.STALE),
    "no tag": (secret("B"), secret("A"), V0, Left.STALE),
    "no tag, though it is current itself": (secret("B"), secret("B"), V1, Left.STALE),
}  # fmt: skip


@pytest.mark.parametrize(("pending", "current", "version", "left"), LEFT.values(), ids=LEFT)
def test_what_is_left_follows_from_intent_and_current(pending: Record, current: Record, version: str, left: Left) -> None:
    assert left_to_do(pending, V1, current, version) is left


def test_where_previous_points_does_not_decide_whether_it_is_the_same() -> None:
    """The same login: a host that a person corrected is no other credential."""
    moved = replace(credential("o=po"), host="elsewhere", port=1)
    assert left_to_do(FIRST, V1, secret("A").with_previous(moved), V0) is Left.DRAIN


# ---- what is recorded -----------------------------------------------------------------------------------------------------


def test_an_intent_says_who_makes_it_of_what() -> None:
    recorded = intent(decide(Given("a=pa", BOTH).facts()), ME, V0, lambda: Password("unused"))
    assert recorded.tag == RotationTag(THIS, ME, FLIP, V0)


def test_an_adopted_intent_keeps_its_rotation_and_step_but_not_its_owner() -> None:
    given = Given("b=pb", BOTH, ON_B, pending=RETIRING)
    assert intent(decide(given.facts()), ME, V0, lambda: Password("unused")).tag == RotationTag(THAT, ME, RETIRE, V0)


def test_a_new_password_is_made_only_where_none_works() -> None:
    made = intent(decide(Given("o=po", "o=po").facts()), ME, V0, lambda: Password("made"))
    kept = intent(decide(Given("o=po", "o=po a=pa").facts()), ME, V0, lambda: Password("made"))
    assert [record.credential(slot).password.reveal() for record in (made, kept) for slot in RING] == ["made", "pb", "pa", "pb"]
    assert made.credential(PREVIOUS).same_login(credential("o=po"))


def test_a_stopped_sync_users_does_not_stand_in_the_way_of_a_first_rotation() -> None:
    """Its intent points where AWSCURRENT points, as that of a flip that has landed; but nobody can be on a slot that does not
    log in (found by make faults)."""
    stopped = Given("o=po", "o=po", pending=secret("A", tag=tagged(FLIP)))
    decision = decide(stopped.facts())
    assert (decision.action, decision.record.previous) == (Action.PUBLISH, credential("o=po"))
    assert decision.reason.startswith("first rotation")
