"""What keys that a provider issues are safe by, left out."""

from dataclasses import replace
from typing import Any

from rotation.core import keys as core
from rotation.core.model import NO_KEY, Mark
from rotation.core.record import Record
from rotation.protocol import issuing
from rotation.steps import close_flip, sync_users

from tests.faults.teeth.mutation import STEPS, Mutation, replaced, several

KEYS, LATE, NAMED, PERSONS = "keys", "keys, seen late", "keys, with names", "keys, one is a person's"
ISSUING, CORE = "rotation.protocol.issuing", "rotation.core.keys"

_claimed, _write, _retiring, _undone = core.claimed, issuing._write, issuing.retiring, close_flip._undone
_sync_key = sync_users._sync_key


def nobody(*_: Any) -> None:
    """No key is a stranger's."""


def no_orphans(*_: Any) -> list[Any]:
    return []


def all_ours(_: Any, unknown: Any, __: Any) -> list[str]:
    return [key.id for key in unknown]


def deletes_at_once(seen: Any, unknown: Any, there: Any) -> list[Any]:
    """Without a word in the intent."""
    _PROVIDER.extend(key.id for key in unknown if there is None or key.id not in there)
    return []


_PROVIDER: list[str] = []


def ensure_and_delete(world: Any, request: Any) -> Any:
    done = _ensure(world, request)
    while _PROVIDER:
        world.provider.delete(None, _PROVIDER.pop())
    return done


_ensure = issuing.ensure_key


def there_as_it_is_now(provided: Any, intent: Any, current: Any, pending: Any, used: Any) -> Record:
    """Whatever an intent that is replaced says of what was there."""
    forgetful = None if pending is None else pending.with_there(None)
    return _claimed(provided, intent.with_there(None), current, forgetful, used)


def claims_nothing_more(provided: Any, intent: Any, *_: Any) -> Any:
    """What an earlier run was to delete, and did not, is forgotten."""
    return intent.with_there(provided.ids).with_withdrawing(())


def own_key_all_the_same(world: Any, request: Any, held: Any, record: Record, what: str) -> Any:
    """Whatever a twin has stored."""
    written = _write(world, request, held, record, what)
    return written and written._replace(record=record)


def keeps_its_claim(world: Any, request: Any) -> dict[str, Any]:
    return {**_sync_key(world, request), **request.claim.as_dict()}


def retires_the_one_in_use(world: Any, record: Record) -> Record:
    return (
        issuing._withdrawing(_retiring(world, record), ())
        .with_key(record.active, NO_KEY)
        .with_withdrawing((record.credential(record.active).username,))
    )


def retires_and_looks_for_no_other(_: Any, record: Record) -> Record:
    left = record.credential(record.leaves).username
    return record.with_key(record.leaves, NO_KEY).with_withdrawing((*record.withdrawing, *([left] if left else [])))


def forgets_the_retired(_: Any, record: Record) -> Record:
    return record.with_key(record.leaves, NO_KEY)


def drops_the_new_one(record: Record, current: Record) -> Record:
    return _undone(record.with_key(record.active, NO_KEY), current)


def published_unstored(world: Any, request: Any, held: Any, seen: Any) -> Any:
    """The consumer is given it at once."""
    key = world.provider.issue(None, "")
    world.traffic().publish(replace(key, host="db.example", port=3306, dbname="openemr"), Mark("early"))
    return key.username


KEYED = [
    Mutation("keys: what was issued and lost is not looked for", replaced(f"{CORE}.Provided.orphans", no_orphans), (KEYS,)),
    Mutation("keys: whatever the record does not know is ours", replaced(f"{CORE}.Provided.orphans", all_ours), (PERSONS,)),
    Mutation("keys: whatever it is called is ours", replaced(f"{ISSUING}.mark_of", lambda *_: ""), (NAMED,)),
    Mutation(
        "keys: an orphan is deleted before the intent says so",
        several(
            replaced(f"{CORE}.Provided.orphans", deletes_at_once),
            replaced(f"{CORE}.Provided.refuse_strangers", nobody),
            replaced(f"{ISSUING}.ensure_key", ensure_and_delete),
        ),
        (KEYS,),
    ),
    Mutation("keys: what was there is forgotten with an intent", replaced(f"{CORE}.claimed", there_as_it_is_now), (KEYS,)),
    Mutation("keys: what is to be deleted is forgotten", replaced(f"{CORE}.claimed", claims_nothing_more), (KEYS,)),
    Mutation(
        "keys: what a call issued that came second is left",
        several(
            replaced(f"{ISSUING}._write", own_key_all_the_same), replaced(f"{ISSUING}.retiring", retires_and_looks_for_no_other)
        ),
        (NAMED,),
    ),
    Mutation("keys: the claim stays where it was", replaced(f"{STEPS}.sync_users._sync_key", keeps_its_claim), (KEYS,)),
    Mutation("keys: the one in use is withdrawn", replaced(f"{ISSUING}.retiring", retires_the_one_in_use), (KEYS,)),
    Mutation("keys: the retired one is not written down", replaced(f"{ISSUING}.retiring", forgets_the_retired), (KEYS,)),
    Mutation("keys: a rollback drops the new one", replaced(f"{STEPS}.close_flip._undone", drops_the_new_one), (KEYS,)),
    Mutation("keys: taken for refused once deleted", replaced(f"{ISSUING}._need_refused", lambda *_: None), (LATE,)),
    Mutation("keys: a new one is not waited for", replaced(f"{ISSUING}._need_taken", nobody), (LATE,)),
    Mutation("keys: published before it is stored", replaced(f"{ISSUING}._issue", published_unstored), (KEYS,)),
    Mutation(
        "keys: the last use is not looked at", replaced(f"{ISSUING}.is_used", lambda *_: False), ("keys, a job with the old one",)
    ),
]
