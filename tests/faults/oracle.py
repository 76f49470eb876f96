"""What must hold at every instant (design, section 2), asked of the world after every boundary, and of every act.

What did not hold when a scenario began, or a person broke, is excused until it holds; from then on it must.
"""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from rotation.core.model import CURRENT, PENDING, STAGING, Credential

from local import secret_labels as aws
from tests.worlds.asl import Place
from tests.worlds.invocation import Answered, Boundary, Failed, Invocation, Outcome
from tests.worlds.living import LivingWorld
from tests.worlds.world import ADMIN, FORMER, USERS, Secret, credential

Law = tuple[str, str]
"""An invariant's name, and what is wrong."""


class Violation(Exception):
    """An invariant does not hold."""

    def __init__(self, law: str, what: str) -> None:
        super().__init__(f"{law}: {what}")
        self.law, self.what = law, what
        self.where = "the end"


BY_HAND = "people were here"
BOOTSTRAPPED = "the application began as a slot"


def begin(world: LivingWorld, *, by_hand: bool = False) -> None:
    """What does not hold now is excused; a person's act is followed by this too. `by_hand`: he put the slot secret, or pointed a
    consumer elsewhere: with what he put he may have dropped from the record what is in use, which the next run finds as drift."""
    world.look_at_sessions()
    if not by_hand and world.file.held.username in USERS.values():
        world.remembers |= {BOOTSTRAPPED}
    excused = {f"excused {fact}" for fact, holds in _facts(world) if not holds}
    kept = {one for one in world.remembers if one == BOOTSTRAPPED or one.startswith(("closed ", "restarted "))} | (
        {BY_HAND} if by_hand else world.remembers & {BY_HAND}
    )
    world.remembers = frozenset(kept | excused | _notes(world))


def check(world: LivingWorld) -> None:
    """After every boundary, and whenever time has passed."""
    excused = {one for one in world.remembers if one.startswith("excused ")}
    broken = [fact for fact, holds in _facts(world) if not holds]
    for fact in broken:
        if f"excused {fact}" not in excused:
            law, _, what = fact.partition(" ")
            raise Violation(law, what)
    if excused:
        world.remembers -= excused - {f"excused {fact}" for fact in broken}
    lost = {one for one in world.remembers if one.startswith("note ")} - _notes(world)
    if lost:
        raise Violation("lost-update", f"what somebody had put is gone: {', '.join(sorted(lost))}")


def _facts(world: LivingWorld) -> Iterator[tuple[str, bool]]:
    """Each as the invariant, a space and what is wrong if it does not hold."""
    known = _recorded(world.slots)
    yield from _in_use(world, known)
    for username in (*USERS.values(), ADMIN):
        yield from _recorded_accounts(world, username, known if username != ADMIN else _recorded(world.admin))
    if BOOTSTRAPPED in world.remembers or "rotation" in _content(world.slots, CURRENT):
        yield "I6 what AWSCURRENT says for the active slot does not log in", world.accepts(_active(world))
    if world.source.dual_passwords:
        admin = _credential(_content(world.admin, CURRENT))
        yield "I6 what AWSCURRENT says for the admin does not log in", world.accepts(admin)
    former = world.source.accounts.get(FORMER)
    yield "I8 what was in use before the first rotation was changed", former is None or former.old is None


def _in_use(world: LivingWorld, known: set[tuple[str, str]]) -> Iterator[tuple[str, bool]]:
    """What consumers hold, what is worked with, what pods run with; and, unless people changed the record, that it is in it."""
    held = {"sqlconf.php": world.file.held, "the Kubernetes Secret": world.secret.held}
    for place, one in held.items():
        yield f"I3 what {place} holds for {_say(one)} does not log in", world.accepts(one)
    for one in world.lingering():
        yield f"I2 {_say(one)} is worked with and does not log in any more", world.accepts(one)
    if BY_HAND in world.remembers:
        return
    for one in world.pods.environments:
        yield f"I2 pods run with {_say(one)}, which does not log in", world.accepts(one)
    for one in {*held.values(), *world.lingering()}:
        if one.username in USERS.values():
            recorded = (one.username, one.password.reveal()) in known
            yield f"I1 {_say(one)} is in use and in no labelled version", recorded


def _recorded_accounts(world: LivingWorld, username: str, known: set[tuple[str, str]]) -> Iterator[tuple[str, bool]]:
    """Whoever puts the slot secret in the middle of a retirement drops what it recorded, while the user accepts it: no login is
    lost by that, for the application's own credential is looked at for itself."""
    account = world.source.accounts.get(username)
    if account is None or (username != ADMIN and BY_HAND in world.remembers):
        return
    for password in (account.password, account.old):
        if password is not None:
            yield f"I1 {username}:{password} is accepted and in no labelled version", (username, password) in known


def _notes(world: LivingWorld) -> set[str]:
    """What people wrote into the secrets beside what is ours."""
    return {
        f"note {secret.name} {key}"
        for secret in (world.slots, world.admin)
        for key in _content(secret, CURRENT)
        if key.startswith("note")
    }


def _content(secret: Secret, label: str) -> dict[str, Any]:
    return _parsed(aws.find(secret.versions, None, label)["secret_string"])


@lru_cache(10_000)
def _parsed(text: str) -> dict[str, Any]:
    """Not to be changed."""
    content: dict[str, Any] = json.loads(text)
    return content


@lru_cache(10_000)
def _logins(text: str) -> frozenset[tuple[str, str]]:
    content = _parsed(text)
    entries = [content, *(entry for entry in content.values() if isinstance(entry, dict))]
    return frozenset((entry["username"], entry["password"]) for entry in entries if "password" in entry)


def _recorded(secret: Secret) -> set[tuple[str, str]]:
    """Users and passwords in the versions that carry a label that means something."""
    labelled = (one for one in secret.versions.values() if set(one["version_stages"]) - {STAGING})
    return {login for one in labelled for login in _logins(one["secret_string"])}


def _rotation_of(secret: Secret) -> object:
    return _content(secret, CURRENT).get("rotation", {}).get("id")


def _renewal(world: LivingWorld, place: Place, state: str) -> object:
    """A revocation makes a new one in each of its rounds."""
    return f"{place.who.name} {place.who.started} {len(world.current.ring)}" if state == "Revoked" else _rotation_of(world.slots)


def _active(world: LivingWorld) -> Credential:
    content = _content(world.slots, CURRENT)
    return _credential(content[content["active_slot"]])


def _credential(entry: dict[str, Any]) -> Credential:
    return credential(entry["username"], entry["password"])


def _say(credential: Credential) -> str:
    return f"{credential.username}:{credential.password.reveal()}"


# ---- acts ---------------------------------------------------------------------------------------------------------------


def judge(it: Invocation, boundary: Boundary) -> None:
    """An act, by what whoever did it had looked at before."""
    if not boundary.changed:
        return
    if it.event.get("mode") == "dry-run":
        raise Violation("dry-run", f"{boundary.what} was done in a dry run")
    _once(it, boundary)
    _wrote_ahead(it, boundary)
    _proved(it, boundary)
    _kept_the_old_one(it, boundary)
    _held_the_intent(it, boundary)
    _looked_under_the_lock(it, boundary)
    _cut_off_nobody_at_work(it, boundary)
    _one_way(it, boundary)


def _once(it: Invocation, boundary: Boundary) -> None:
    """One publish restarts the application once, however often it is asked."""
    if boundary.what == "restart":
        again = it.event["drain"].get("republished", 0)
        mark = f"restarted {it.event['execution']['name']} {it.event['direction']} {it.event['claim']['version']} {again}"
        if mark in it.world.remembers:
            raise Violation("once", "a repeated call started a second rollout")
        before = {one for one in it.world.remembers if one.startswith("restarted ")}
        it.world.remembers = it.world.remembers - before | {mark}


def _wrote_ahead(it: Invocation, boundary: Boundary) -> None:
    verb, _, username = boundary.what.partition(" ")
    if verb in ("alter", "create"):
        password = it.world.source.accounts[username].password
        if not any(password in text for text in it.seen.read_back):
            raise Violation("I1", f"{username} was given a password that had not been read back")


def _proved(it: Invocation, boundary: Boundary) -> None:
    to_be_tried = _to_be_tried(it, boundary)
    if to_be_tried and not any(to_be_tried.same_login(credential) for credential in it.seen.proven):
        raise Violation("I3", f"{boundary.what}: what {to_be_tried.username} is to log in with had not been tried")


def _to_be_tried(it: Invocation, boundary: Boundary) -> Credential | None:
    """What is published; and what is recorded as the outcome of a change of a password. (A flip has its own proof: ValidateApp.)"""
    world = it.world
    if boundary.what.startswith("publish "):
        return _published(world, boundary)
    if boundary.what == f"swap {CURRENT} of admin":
        return _credential(_content(world.admin, CURRENT))
    if it.function == "discard_old_password" and boundary.what == f"swap {CURRENT} of slots":
        return world.current.credential(world.current.leaves)
    return None


def _published(world: LivingWorld, boundary: Boundary) -> Credential:
    return world.file.held if boundary.what.endswith(world.file.name) else world.secret.held


def _kept_the_old_one(it: Invocation, boundary: Boundary) -> None:
    """Where the server can: then only the discard destroys. A repair replaces what nobody knows."""
    verb, _, username = boundary.what.partition(" ")
    repairs = it.function == "sync_users"
    if verb == "alter" and not repairs and it.world.source.dual_passwords and it.world.source.accounts[username].old is None:
        raise Violation("I8", f"{boundary.what}: the old password was not kept beside the new one")


def _held_the_intent(it: Invocation, boundary: Boundary) -> None:
    if it.function == "claim_rotation" and boundary.what == f"swap {PENDING} of slots":
        _left_the_living_alone(it)
        return
    if boundary.what.startswith("put ") or it.function in ("fix_permissions", "announce_incident"):
        return
    if _owner(it) != it.owner:
        raise Violation("I4", f"{it.function}: {boundary.what}, and the intent was not seen to be its own")


def _looked_under_the_lock(it: Invocation, boundary: Boundary) -> None:
    """Immediately before a password changes: at the intent, and at whether a slot's user is at work (where that forbids it)."""
    verb, _, username = boundary.what.partition(" ")
    if verb not in ("alter", "create", "discard"):
        return
    if "labels of slots" not in it.seen.under_lock:
        raise Violation("I4", f"{boundary.what}: nobody had looked at the intent under the database's lock")
    if verb != "create" and f"login {username}" not in it.seen.under_lock:
        raise Violation("I2", f"{boundary.what}: nobody had tried under the lock what is to work after it")
    forbids = verb != "create" and username != ADMIN and it.event["mode"] not in ("revoke", "sync-users")
    if forbids and f"activity {username}" not in it.seen.under_lock:
        raise Violation("I2", f"{boundary.what}: nobody had looked under the lock whether somebody works with it")


def _left_the_living_alone(it: Invocation) -> None:
    """`seen` is still what it saw before it took the label. A revocation leaves nobody alone."""
    if it.event["mode"] != "revoke" and _owner(it) in it.world.alive - {it.owner} - it.seen.over:
        raise Violation("I4", f"{it.owner.rpartition(':')[2]} took over a run that was alive")


def _cut_off_nobody_at_work(it: Invocation, boundary: Boundary) -> None:
    if boundary.what == "end sessions" and it.event["mode"] != "revoke":
        raise Violation("I2", "a rotation ended sessions: only a revocation does")
    if boundary.what == "end sessions" and set(it.seen.ending) & set(it.world.application_sessions()):
        raise Violation("I2", "sessions with which the application works were ended")


def _owner(it: Invocation) -> str | None:
    version = it.world.slots.versions.get(it.seen.pending or "")
    return None if version is None else _parsed(version["secret_string"]).get("rotation", {}).get("owner")


def _one_way(it: Invocation, boundary: Boundary) -> None:
    world = it.world
    current, closed = world.slots.labels().current, f"closed {it.event.get('claim', {}).get('version')}"
    if boundary.what == f"swap {CURRENT} of slots":
        if f"closed {current}" in world.remembers:
            raise Violation("I5", "a flip landed after it had been closed")
        if it.function == "close_flip":
            world.remembers |= {closed}
    ours = world.slots.labels().pending == it.event.get("claim", {}).get("version")
    if boundary.what.startswith("publish ") and ours and it.event["direction"] == "restore":
        held = _published(world, boundary)
        if it.event["entry"] != "previous" and held.username != _active(world).username:
            raise Violation("I5", f"rolled back to {held.username}, which is not what is current")


def canaries(world: LivingWorld, outcome: Outcome) -> None:
    """What the state machine gets to see, and with it the history."""
    shown = json.dumps(outcome.payload) if isinstance(outcome, Answered) else outcome.cause if isinstance(outcome, Failed) else ""
    if "Made-" in shown or "canary" in shown:
        raise Violation("I7", "a password is in what a function returned")


# ---- the end ------------------------------------------------------------------------------------------------------------


def at_rest(world: LivingWorld, place: Place, *before: Credential, state: str = "RotationSucceeded") -> None:
    """After one clean run: nothing is left over, and the application is on a working and new credential.

    `before`: what it used at first. Where people changed it meanwhile, also what they changed it to: new is what is not all of
    these; and that an old password is accepted one rotation longer is what a secret put in the middle of a retirement costs.
    """
    current, accounts, by_hand = world.current, world.source.accounts, BY_HAND in world.remembers
    wrong = {
        f"the run ended {place.state}: {place.cause}": place.state == state,
        "AWSPENDING is held": world.slots.labels().pending is None and world.admin.labels().pending is None,
        "a consumer is not on the active slot": all(one.held.same_login(_active(world)) for one in (world.file, world.secret)),
        "a slot does not log in": all(world.accepts(current.credential(slot)) for slot in current.ring),
        "the admin does not log in": world.accepts(world.current_admin.credential),
        "the admin's password is not of this rotation": _rotation_of(world.admin) == _renewal(world, place, state),
        "an old password is left": by_hand
        or not [n for n in (*USERS.values(), ADMIN) if n in accounts and accounts[n].old is not None],
        "the application uses what it used before": by_hand or not all(world.file.held.same_login(one) for one in before),
        "the old credential is accepted": by_hand or before[0].username == FORMER or not world.accepts(before[0]),
        "the record of a first rotation was kept": current.previous is None,
    }
    for what, holds in wrong.items():
        if not holds:
            raise Violation("at-rest", what)
