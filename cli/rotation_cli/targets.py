"""Target documents: what is asked before one is stored, changed or taken out, and what stays behind."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff

from rotation.core.errors import SecretInvalid, TargetInvalid
from rotation.core.record import Record
from rotation.kinds.apart import clashes, own
from rotation.kinds.documents import owners_beside
from rotation.kinds.target import Target, parse_target

from rotation_cli.fleets import Fleets
from rotation_cli.reach import Reach, secrets_of
from rotation_cli.stack import NOT_KNOWN, Stack
from rotation_cli.trouble import Trouble
from rotation_cli.words import count

NAMED = 5


def parsed(name: str, text: str) -> Target:
    """The document as a Target, or Trouble naming the field."""
    try:
        return parse_target(name, text)
    except TargetInvalid as error:
        raise Trouble(f"{error}; layers/rotation/rotation/kinds/target.schema.json says what may be there") from None


def check(stack: Stack, target: Target, record: Record | None = None) -> list[str]:
    """Trouble where the roles of the stack do not reach what it names, or another target has the same; else what is to be said of
    it all the same. `record`: what its record is going to hold, where that is not stored yet."""
    _within_reach(stack, target)
    documents = stack.documents()
    said = [
        f"{other} rotates the same admin, {target.admin_secret}: say rotates_admin: false in all but one of them"
        for other in owners_beside(target, documents)
    ]
    return [*said, *_apart(stack, target, documents, record)]


def _within_reach(stack: Stack, target: Target) -> None:
    parameters = stack.parameters()
    admin = [target.admin_secret] if target.admin_secret else []
    named = [target.slot_secret, *admin, *(arn for one in target.consumers for arn in secrets_of(one))]
    tagged = stack.tagged(named) if Reach(parameters).by_tag else {}
    reach = Reach(parameters, {arn: one.part for arn, one in tagged.items()}, {arn: one.key for arn, one in tagged.items()})
    try:
        beyond = list(reach.beyond(target))
    except KeyError as error:
        raise Trouble(f"the stack {stack.name} has no parameter {error}: --stack must name one made from this template") from None
    if beyond:
        raise Trouble(
            f"{target.name} names what this stack cannot reach: {'; '.join(beyond)}. Deploy a stack for it, or mend the document"
        )


def _apart(stack: Stack, target: Target, documents: Mapping[str, str], record: Record | None) -> list[str]:
    """Users are compared where the caller may read the records; files and keys always. Broken documents are passed over."""
    others = {name: found for name, text in documents.items() if name != target.name and (found := _readable(name, text))}
    records = _records(stack, target, others, record or _record(stack, target))
    owned = {name: own(one, records[name]) for name, one in {**others, target.name: target}.items()}
    clash = clashes(owned).get(target.name)
    if clash:
        raise Trouble(f"{target.name} takes what another target has: {clash}")
    return list(_not_compared(target.name, records)) if others else []


def _readable(name: str, text: str) -> Target | None:
    try:
        return parse_target(name, text)
    except TargetInvalid:
        return None


def _records(stack: Stack, target: Target, others: Mapping[str, Target], its: Record | None) -> dict[str, Record | None]:
    """Of all of them; of the others only where its own is known."""
    return {**{name: _record(stack, one) if its else None for name, one in others.items()}, target.name: its}


def _record(stack: Stack, target: Target) -> Record | None:
    text = stack.record_text(target.slot_secret)
    try:
        return Record.parse(text, target.slot_secret) if text else None
    except SecretInvalid:
        return None


def _not_compared(name: str, records: Mapping[str, Record | None]) -> Iterator[str]:
    unread = [other for other, record in records.items() if record is None]
    if not unread:
        return
    whose = name if name in unread else ", ".join(unread[:NAMED]) + (" and others" if len(unread) > NAMED else "")
    yield (
        f"the record of {whose} could not be read, so whether another target has the same user was not asked: the fleet asks it"
        " before it rotates (read it here with secretsmanager:GetSecretValue)"
    )


# ---- changed, or taken out


@dataclass(frozen=True)
class Change:
    """What is about to be done to a document that is there. Nothing is done yet."""

    name: str
    before: str
    after: str | None
    """None: it is taken out."""
    lines: Sequence[str]
    """For people."""


def removal(stack: Stack, name: str) -> Change:
    """Trouble where it may not be."""
    before = stack.target(name)
    _refuse_where_not_ours(stack, name, "deploy the stack with another one, or delete it (docs/deleting.md)")
    _refuse_while_it_runs(stack, name)
    return Change(name, before, None, list(_left_behind(stack, name, before)))


def edition(stack: Stack, name: str, after: str) -> Change:
    """Trouble where it may not be, or where the new document may not be."""
    before, target = stack.target(name), parsed(name, after)
    _refuse_where_not_ours(stack, name, "change the stack's parameters and deploy it")
    _refuse_while_it_runs(stack, name)
    said = check(stack, target)
    was = _readable(name, before)
    if was is not None and was.slot_secret != target.slot_secret and _open_intent(stack, before):
        raise Trouble(
            f"slot_secret: a rotation of {name} was begun and not finished, and another record knows nothing of it: finish it first"
            f" (rotation start --mode resume --target {name} --follow)"
        )
    lines = unified_diff(_pretty(before), _pretty(after), "stored", "new", lineterm="", n=1)
    return Change(name, before, after, [*lines, *said, *_given_up(was, target)])


def do(stack: Stack, change: Change) -> None:
    """Whether a rotation of it has begun meanwhile is looked at afterwards: then all is put back as it was."""
    if change.after is None:
        stack.delete_target(change.name)
    else:
        stack.put_target(change.name, change.after)
    running = stack.runs_of(change.name)
    if running:
        stack.put_target(change.name, change.before)
        raise Trouble(f"{running[0]} has begun to rotate {change.name} meanwhile: all was put back. Try again when it has ended")
    if change.after is None:
        Fleets(stack).lift(change.name)


def _refuse_where_not_ours(stack: Stack, name: str, out: str) -> None:
    if name == stack.own_target():
        raise Trouble(f"{name} was made by the stack, which would make it again: {out}")


def _refuse_while_it_runs(stack: Stack, name: str) -> None:
    running = stack.runs_of(name)
    if running:
        raise Trouble(
            f"{running[0]} runs for {name}, and reads its document at every step: wait for its end (rotation follow {running[0]})"
        )


def _open_intent(stack: Stack, text: str) -> str:
    found = stack.pending(text)
    return "" if found.startswith(NOT_KNOWN) else found


def _left_behind(stack: Stack, name: str, text: str) -> Iterator[str]:
    yield f"{name} is taken out with its hold, and not rotated any more. Nothing else is changed. What stays:"
    target = _readable(name, text)
    if target is None:
        yield "  whatever its document names, which cannot be read"
        return
    yield f"  {target.slot_secret}: the record, its users in the database, and their passwords, which nobody makes new any more"
    if target.admin_secret:
        yield f"  {target.admin_secret}: the admin's secret; {_who_has_the_admin(stack, target)}"
    yield from (f"  {what}: as it is" for field, what in own(target) if not field.startswith("slot_secret"))
    if Reach(stack.parameters()).by_tag:
        yield "  the tags of its secrets, by which the stack's roles still reach them: aws secretsmanager untag-resource"
    if _open_intent(stack, text):
        yield (
            f"  a rotation that was begun and not finished, so an old password may be valid: to finish it first, stop here and"
            f" rotation start --mode resume --target {name} --follow"
        )


def _who_has_the_admin(stack: Stack, target: Target) -> str:
    others = {name: found for name, text in stack.documents().items() if name != target.name and (found := _readable(name, text))}
    sharing = [name for name, one in others.items() if one.admin_secret == target.admin_secret]
    if not sharing:
        return "no other target has it, so nobody makes it new any more"
    owners = [name for name in sharing if others[name].rotates_admin]
    if owners:
        return f"{owners[0]} goes on rotating it"
    who = f"{count(len(sharing), 'target')} that share it ({', '.join(sharing[:NAMED])})"
    return f"nobody makes it new any more: say rotates_admin: true in one of {who}"


def _given_up(was: Target | None, target: Target) -> Iterator[str]:
    after = {what for _, what in own(target)}
    for field, what in own(was) if was else ():
        if what not in after:
            yield f"{field}: {what} is not this target's any more, and stays as it is"


def _pretty(text: str) -> list[str]:
    try:
        return json.dumps(json.loads(text), indent=2).splitlines()
    except ValueError:
        return text.splitlines()
