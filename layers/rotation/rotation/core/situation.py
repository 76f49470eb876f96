"""What is there, and what is to be done about it. Nothing else in the project decides.

`left_to_do` compares an intent with what is current; `decide` adds what the application uses and which passwords
log in, and gives the one decision that ReadSlots reports and ClaimRotation records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from rotation.core.errors import KeyNotHandedIn, LoginRefused, NoFreeSlot, NotOnSlots, RotationAlreadyRunning, UnknownKey
from rotation.core.model import PREVIOUS, Credential, Labels, Mode, Password, RotationStep, RotationTag, Slot

if TYPE_CHECKING:
    from rotation.core.keys import Provided
    from rotation.core.record import Record


class Left(StrEnum):
    """What an intent still wants."""

    PUBLISH = "publish forward, flip"
    DRAIN = "drain, retire the old slot"
    RETIRE = "drain, alter the old slot, discard, swap"
    FINISH = "drain, admin, finish"
    STALE = "nothing: another version became current meanwhile"


def left_to_do(intent: Record, version: str, current: Record, current_version: str) -> Left:
    """Follows from the two records alone: there is no phase field that could be out of date."""
    tag = intent.tag
    known = tag is not None and current_version in (tag.made_from, version)
    if tag is None or not (known or intent.same_content(current)):
        return Left.STALE
    if tag.step is RotationStep.FLIP:
        flipped = current.active == intent.active and _same_previous(current, intent)
        return Left.DRAIN if flipped else Left.PUBLISH
    old = intent.leaves
    same = old in current.ring and current.credential(old).password == intent.credential(old).password
    return Left.FINISH if same else Left.RETIRE


def _same_previous(one: Record, other: Record) -> bool:
    if one.previous is None or other.previous is None:
        return one.previous is other.previous
    return one.previous.same_login(other.previous)


class Action(StrEnum):
    """Where the state machine goes."""

    PUBLISH = "publish"
    RETIRE = "retire"
    RESTORE = "restore"
    RELEASE = "release"
    SYNC = "sync users"
    NOTHING = "nothing to resume"
    ALREADY_ROTATED = "already rotated"


class Found(NamedTuple):
    """A credential that a consumer holds."""

    credential: Credential
    logs_in: bool


@dataclass(frozen=True)
class Facts:
    """Everything that a decision rests on."""

    rotation_id: str
    labels: Labels
    current: Record
    pending: Record | None
    owner_alive: bool
    """Whether another, still running execution made the pending version."""
    file: Found | None
    """What the first consumer holds: it moves the traffic (sqlconf.php)."""
    others: tuple[Found, ...]
    """What the consumers after it hold (the Kubernetes Secret)."""
    accepted: Mapping[Slot, Password | None]
    """For each slot the first of the known passwords that logs in."""
    admin: Credential | None = None
    """The admin's login that works, wherever it was found; None where nobody looked for it."""
    admin_drifted: str | None = None
    """The version of the admin secret that is current, where neither that nor the pending one holds this login."""
    sessions: Mapping[Slot, int] = field(default_factory=dict)
    """How many sessions each slot's user has; only looked at when it matters (a first rotation, a ring of more than two)."""
    by_hand: bool = False
    """Whether only a person can make a key."""
    provided: Provided | None = None
    """What there is at the provider, where the record's turns are keys."""


@dataclass(frozen=True)
class Decision:
    """What this run does."""

    action: Action
    slot: Slot
    """The slot that the application is to use in the end."""
    record: Record
    """What the intent says, but for its tag; for bootstrap its password may still be to be made (`new_password`)."""
    step: RotationStep
    rotation_id: str
    reason: str
    leaves: Slot
    """The slot whose password this rotation retires."""
    new_password: bool = False
    entry: str = ""
    """The entry of the intent to publish, where that is not the slot: only a restore names another."""
    keeps_intent: bool = False
    """Whether the intent stays when this run ends: what it records is still to be finished by a rotation."""

    @property
    def summary(self) -> dict[str, str | bool]:
        """What may be shown: no credential is in it."""
        return {
            "action": str(self.action),
            "slot": str(self.slot),
            "old_slot": str(self.leaves),
            "entry": self.entry or str(self.slot),
            "keeps_intent": self.keeps_intent,
            "rotation_id": self.rotation_id,
            "reason": self.reason,
        }


def decide(facts: Facts, mode: Mode = Mode.ROTATE) -> Decision:
    """One decision for every situation and mode, or an error that says why there is none.

    `revoke` is several rotations in one execution, all with the first one's id: its terms say what that makes different.
    """
    decision = _decide(facts, mode)
    if facts.provided is None or decision.action in (Action.ALREADY_ROTATED, Action.NOTHING):
        return decision
    from rotation.core.keys import claimed, refuse, without_dead

    held = [found for found in (facts.file, *facts.others) if found is not None]
    used = frozenset(found.credential.username for found in held if found.logs_in)
    record, publishes = decision.record, decision.action is Action.PUBLISH
    if publishes:
        works = facts.accepted.get(decision.slot) == record.credential(decision.slot).password
        record = without_dead(facts.provided, record, decision.slot, works=works)
    record = claimed(facts.provided, record, facts.current, facts.pending, used)
    if publishes:
        refuse(facts.provided, record, decision.slot, used)
    return replace(decision, record=record)


def _decide(facts: Facts, mode: Mode) -> Decision:
    terms = mode.terms
    if facts.pending is not None and facts.owner_alive and not terms.takes_over:
        raise RotationAlreadyRunning(f"another execution is rotating: {_owner(facts.pending)}")
    unfinished = _unfinished(facts)
    if facts.by_hand:
        unfinished = _refuse_without_key(facts, mode, unfinished)
    decision = _decided(facts, mode, unfinished)
    if facts.by_hand and decision.action is Action.PUBLISH:
        _need_key(facts, decision)
    return decision


def _decided(facts: Facts, mode: Mode, unfinished: tuple[Record, Left] | None) -> Decision:
    terms = mode.terms
    if mode is Mode.SYNC_USERS:
        return _sync(facts, unfinished)
    if terms.needs_slots:
        _need_slots(facts, unfinished)
    if unfinished is not None:
        return _finish(facts, unfinished)
    if mode is Mode.RESUME or _is_dead(facts):
        return _resume(facts)
    known = facts.current.tag is not None and facts.current.tag.id == facts.rotation_id
    if known and not terms.renews_each_round:
        return _decision(facts, Action.ALREADY_ROTATED, facts.current, "AWSCURRENT carries this rotation's id already")
    return _rotate(facts)


def _refuse_without_key(facts: Facts, mode: Mode, unfinished: tuple[Record, Left] | None) -> tuple[Record, Left] | None:
    """What is still to be finished. A flip to a key that is refused by now is not: nobody here can repair it."""
    if mode.terms.needs_slots:
        raise KeyNotHandedIn(
            "mode revoke cannot end a stolen key, only a person can, where it was made: hand a new one in"
            " (rotation hand-in), and revoke the old one there as soon as the application has moved"
        )
    return None if _is_dead(facts) else unfinished


def _is_dead(facts: Facts) -> bool:
    """Whether an intent is open that leads to a key which is refused by now: the application goes back, or stays, and another is to
    be handed in."""
    pending, version = facts.pending, facts.labels.pending
    if not facts.by_hand or pending is None or version is None or facts.accepted.get(pending.active) is not None:
        return False
    return left_to_do(pending, version, facts.current, facts.labels.current) is Left.PUBLISH


def _need_key(facts: Facts, decision: Decision) -> None:
    """Nothing is published but a key that somebody handed in, and that is no old one; that only where the one in use is refused."""
    from rotation.core.by_hand import was_in_use

    user = decision.record.credential(decision.slot)
    if user.password.is_empty:
        raise KeyNotHandedIn(
            f"no new key of {user.username} was handed in: make one where the key in use was made, then `rotation hand-in` with the"
            " target's name, which asks for it and starts the run"
        )
    in_use = facts.current.active
    if decision.slot is not in_use and facts.accepted.get(in_use) and was_in_use(decision.record, user.password):
        raise KeyNotHandedIn(
            f"the other key of {user.username} was in use before and has to be revoked: make a new one, then"
            " `rotation hand-in --replace`"
        )
    if facts.accepted.get(decision.slot) is None:
        raise KeyNotHandedIn(
            f"the key of {user.username} that was handed in is refused where it is tried: check that it is complete, active and of"
            " the right account, then `rotation hand-in --replace`"
        )


def _need_slots(facts: Facts, unfinished: tuple[Record, Left] | None) -> None:
    """A revocation makes both slots' passwords new. The user that a first rotation finds is neither: nobody but a person may say
    that nothing else works with it, and lock it."""
    known = [facts.current, *([unfinished[0]] if unfinished else [])]  # a key is in the intent first
    on_slot = facts.file is None or any(record.slot_of(facts.file.credential) is not None for record in known)
    found = facts.file.credential.username if facts.file and not on_slot else None
    previous = unfinished[0].previous if unfinished else None
    if found or previous:
        former = found or (previous.username if previous else "")
        raise NotOnSlots(
            f"the application comes from {former}, which is neither slot: start mode rotate, lock {former}, then revoke"
        )


def _unfinished(facts: Facts) -> tuple[Record, Left] | None:
    """The intent that still wants something, and what. A retirement only as long as the slot that it follows logs in: where that
    does not, no flip has landed (mode sync-users was stopped before a first rotation), or there is worse to mend.
    """
    if facts.pending is None or facts.labels.pending is None:
        return None
    left = left_to_do(facts.pending, facts.labels.pending, facts.current, facts.labels.current)
    works = left is Left.PUBLISH or facts.accepted.get(facts.pending.active) is not None
    return (facts.pending, left) if works and left is not Left.STALE else None


def _finish(facts: Facts, unfinished: tuple[Record, Left]) -> Decision:
    pending, left = unfinished
    return _finish_flip(facts, pending) if left is Left.PUBLISH else _finish_retirement(facts, pending)


def _sync(facts: Facts, unfinished: tuple[Record, Left] | None) -> Decision:
    """Both users are to log in with a recorded password. An unfinished intent is kept: the database may hold its password."""
    reason = "both users are to log in with their recorded passwords"
    if unfinished is None:
        return _decision(facts, Action.SYNC, _recorded(facts), reason)
    return replace(_finish(facts, unfinished), action=Action.SYNC, reason=reason, keeps_intent=True)


def _resume(facts: Facts) -> Decision:
    """Nothing is to be finished. A rollback that was cut short, or a manual change, is put back to what AWSCURRENT says."""
    record = _recorded(facts)
    held = [found for found in (facts.file, *facts.others) if found is not None]
    if all(_is_on(record, record.active, found) for found in held):
        action = Action.NOTHING if facts.labels.pending is None else Action.RELEASE
        return _decision(facts, action, record, "the application uses what AWSCURRENT names; nothing is left to finish")
    previous = facts.pending.previous if facts.pending else None
    if previous is not None and any(previous.same_login(found.credential) and found.logs_in for found in held):
        reason = f"an interrupted rollback is finished: back to {previous.username}"
        return replace(_decision(facts, Action.RESTORE, record.with_previous(previous), reason), entry=PREVIOUS)
    if facts.labels.pending is None and record.slot_of(held[0].credential) is None:
        return _decision(facts, Action.NOTHING, record, "the application uses neither slot yet: mode rotate is the first rotation")
    if facts.accepted.get(record.active) is None:
        mode = "rotate" if record.issued else "sync-users"
        raise LoginRefused(f"no known password of {record.credential(record.active).username} logs in: run mode {mode}")
    return _decision(facts, Action.RESTORE, record, f"the application is put back on {record.active}, which AWSCURRENT names")


def _is_on(record: Record, slot: Slot, found: Found) -> bool:
    return found.logs_in and record.slot_of(found.credential) is slot


def _owner(record: Record) -> str:
    return record.tag.owner if record.tag else "unknown"


def _decision(
    facts: Facts, action: Action, record: Record, reason: str, *, tag: RotationTag | None = None, leaves: Slot | None = None
) -> Decision:
    """`tag`: of the intent that is carried on; its rotation id and step stay what they were."""
    step = tag.step if tag else RotationStep.FLIP
    return Decision(action, record.active, record, step, tag.id if tag else facts.rotation_id, reason, leaves or record.leaves)


def _finish_flip(facts: Facts, pending: Record) -> Decision:
    record = _with_accepted(pending, facts.accepted, *pending.ring)
    return _decision(facts, Action.PUBLISH, record, f"an interrupted flip to {pending.active} is carried on", tag=pending.tag)


def _finish_retirement(facts: Facts, pending: Record) -> Decision:
    """The old slot's recorded password stays: it may be on its way into the database."""
    old = pending.leaves
    record = _with_accepted(pending, facts.accepted, *(slot for slot in pending.ring if slot is not old))
    reason = f"an interrupted retirement of {old} is carried on"
    return _decision(facts, Action.RETIRE, record, reason, tag=pending.tag)


def _rotate(facts: Facts) -> Decision:
    record = _recorded(facts)
    if record.issued:
        return _rotate_keys(facts, record)
    if facts.file is None:
        return _to(facts, record, record.after(record.active), "rotate to the standby")
    used = record.slot_of(facts.file.credential)
    if used is None:
        return _bootstrap(facts, record, facts.file)
    down = "" if facts.file.logs_in else "; the application was already down: its password does not log in"
    if used is record.active:
        return _to(facts, record, _next(facts, record), "rotate to the standby" + down)
    return _to(facts, record, used, f"the application already uses {used}: an interrupted or manual flip is carried on" + down)


def _rotate_keys(facts: Facts, record: Record) -> Decision:
    """To the other slot, whose key is issued if it holds none. The first rotation finds the key in use, which the record may not
    know yet, and so does one after a person has changed it."""
    used = record.slot_of(facts.file.credential) if facts.file else record.active
    if facts.file and used is None and facts.file.logs_in:
        if facts.accepted.get(record.active) is not None:
            raise UnknownKey(
                f"the application uses {facts.file.credential.username}, which the record does not know, and slot {record.active}"
                f" holds another key that works: put the one in use there, or publish the recorded one"
            )
        record = record.with_key(record.active, facts.file.credential)
    down = "" if facts.file is None or facts.file.logs_in else "; the application was already down: its key is refused"
    if used is not None and used is not record.active:
        return _to(facts, record, used, f"the application already uses {used}: an interrupted or manual flip is carried on" + down)
    return _to(facts, record, record.after(record.active), "rotate to another key" + down)


def _next(facts: Facts, record: Record) -> Slot:
    """Whose turn it is. In a longer ring nobody but the application has a reason to use it: whoever does is found out first,
    not cut off with its next retirement. A ring of two has nowhere else to go."""
    slot = record.after(record.active)
    ours = any(record.slot_of(found.credential) is slot for found in facts.others)
    if len(record.ring) > 2 and facts.sessions.get(slot, 0) and not ours:
        user = record.credential(slot).username
        raise NoFreeSlot(f"it is the turn of {user}, but something else uses it ({facts.sessions[slot]} sessions): find out what")
    return slot


def _to(facts: Facts, record: Record, slot: Slot, reason: str) -> Decision:
    leaves = record.active
    return _decision(facts, Action.PUBLISH, record.with_active(slot).with_previous(None), reason, leaves=leaves)


def _bootstrap(facts: Facts, record: Record, file: Found) -> Decision:
    """To a slot that no consumer uses and no session: nobody can be cut off by making it work."""
    in_consumers = {record.slot_of(found.credential) for found in facts.others if found.logs_in}
    turns = sorted(record.ring, key=lambda slot: slot is not record.active)
    free = [slot for slot in turns if slot not in in_consumers and not facts.sessions.get(slot, 0)]
    if not free:
        raise NoFreeSlot("the application uses none of the slots, but all are in use by something else")
    slot = free[0]
    leaves = next((used for used in turns if used in in_consumers), record.before(slot))
    user = file.credential.username
    reason = f"first rotation: the application uses {user}, which is neither slot; it moves to {slot}"
    if not file.logs_in:
        reason += "; the application was already down: its password does not log in"
    target = record.with_active(slot).with_previous(file.credential)
    decision = _decision(facts, Action.PUBLISH, target, reason, leaves=leaves)
    return replace(decision, new_password=facts.accepted.get(slot) is None)


def _recorded(facts: Facts) -> Record:
    """What is current, with what else is known of it by now."""
    if facts.current.issued:
        from rotation.core.keys import adopted

        return adopted(facts.current, facts.pending)
    return _with_accepted(facts.current, facts.accepted, *facts.current.ring)


def _with_accepted(record: Record, accepted: Mapping[Slot, Password | None], *slots: Slot) -> Record:
    """Drift: the password that logs in is adopted into the record, never altered away. A key is recorded as it was issued."""
    for slot in () if record.issued else slots:
        password = accepted.get(slot)
        if password is not None and password != record.credential(slot).password:
            record = record.with_password(slot, password)
    return record


Make = Callable[[], Password]


def intent(decision: Decision, owner: str, made_from: str, make: Make) -> Record:
    """The record to put: the decision's, written by us. A new password only where no known one works."""
    record = decision.record
    if decision.new_password:
        record = record.with_password(decision.slot, make())
    leaves = decision.leaves if len(record.ring) > 2 else None
    return record.with_tag(RotationTag(decision.rotation_id, owner, decision.step, made_from, leaves))
