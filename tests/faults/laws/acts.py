"""What is asked of every act, by what whoever did it had looked at before."""

import json
from functools import partial
from typing import Any

from rotation.core.fleet import WRITE, Telling, to
from rotation.core.model import CURRENT, LAST, PENDING, Credential

from tests.faults.laws.recorded import active_login, content_of, login_of, parsed, recorded_in
from tests.faults.laws.violation import Violation
from tests.worlds.invocation import Answered, Boundary, Failed, Invocation, Outcome
from tests.worlds.jwks import JwksWorld
from tests.worlds.keyed import KeyedWorld
from tests.worlds.living import LivingWorld
from tests.worlds.own_function import FunctionWorld
from tests.worlds.vaulted import DESTROYS, VaultWorld
from tests.worlds.world import ADMIN


def judge(it: Invocation, boundary: Boundary) -> None:
    """An act, by what whoever did it had looked at before."""
    _tried_once(it, boundary)
    if not boundary.changed:
        return
    if it.event.get("mode") == "dry-run":
        raise Violation("dry-run", f"{boundary.what} was done in a dry run")
    _left_the_admin_to_its_owner(it, boundary)
    _once(it, boundary)
    _wrote_ahead(it, boundary)
    _made_like_the_one_in_use(it, boundary)
    _claimed_what_was_decided(it, boundary)
    _proved(it, boundary)
    _kept_the_old_one(it, boundary)
    _held_the_intent(it, boundary)
    _looked_under_the_lock(it, boundary)
    _cut_off_nobody_at_work(it, boundary)
    _one_way(it, boundary)
    _destroyed_what_is_refused(it, boundary)
    _refused_by_all(it, boundary)
    _put_over_what_it_had_seen(it, boundary)
    _ended_what_was_written_down(it, boundary)
    if it.seen.telling and boundary.what == f"tell {WRITE}":
        _told_as_it_should_be(it, *it.seen.telling)


def _told_as_it_should_be(it: Invocation, telling: Telling, told: tuple[str, ...]) -> None:
    """What is there; what may be shown to everybody who reads commands; forward the first one alone, until it is well; back to
    what is current."""
    fleet: Any = it.world.fleets()[0]
    login = fleet.login(telling.version)
    if login is None:
        raise Violation("I1", f"instances were told to hold {telling.version}, which is not there")
    if any(password in repr(telling) for password in it.world.passwords):
        raise Violation("I7", "a password is in what instances were told")
    answers = to(telling, fleet.answers(0.0))
    well = {answer.instance for answer in answers if answer.well(telling.version)}
    at_it = {answer.instance for answer in answers if not answer.ended}
    here = {one.id for one in fleet.serving}
    if telling.careful and not well & here and len((at_it | set(told)) & here) > 1:
        raise Violation("first-alone", f"{', '.join(sorted(at_it | set(told)))} were told before one of them was well")
    ours = it.world.slots.labels().pending == it.event["claim"]["version"]
    if it.event["direction"] == "restore" and it.event["entry"] != "previous" and ours and not _same_slot(it.world, login):
        raise Violation("I5", f"instances were told to go back to {login.username}, which is not what is current")


def _destroyed_what_is_refused(it: Invocation, boundary: Boundary) -> None:
    """A copy may be all that somebody has of a login. A key that was ended works for nobody, though its provider may know late."""
    if not isinstance(it.world, VaultWorld) or boundary.what != DESTROYS:
        return
    accepts = partial(it.world.source.takes, now=True) if isinstance(it.world, KeyedWorld) else it.world.accepts
    works = [one.username for one in it.world.vault.destroyed if accepts(one)]
    if works:
        raise Violation("I2", f"a copy of a login that works was destroyed: {', '.join(works)}")


def _put_over_what_it_had_seen(it: Invocation, boundary: Boundary) -> None:
    """What somebody else has put there meanwhile stays, however late a call comes."""
    if not isinstance(it.world, FunctionWorld) or boundary.what != "publish function":
        return
    looks = [one.answer["version"] for one in it.told if isinstance(one.answer, dict) and "settled" in one.answer]
    if any(version != it.world.function.replaced for version in looks):
        raise Violation("lost-update", "a version was put over another one than had been seen there")


def _refused_by_all(it: Invocation, boundary: Boundary) -> None:
    """What is recorded as withdrawn, no verifier takes, whatever it goes by."""
    if not isinstance(it.world, JwksWorld) or it.function != "discard_old_password":
        return
    if boundary.what == f"swap {CURRENT} of slots":
        before = content_of(it.world.slots, LAST)
        leaves = str(it.world.current.leaves)
        if it.world.taken(login_of(before[leaves])):
            raise Violation("withdrawn", "a key is recorded as withdrawn that a verifier still takes")


def _ended_what_was_written_down(it: Invocation, boundary: Boundary) -> None:
    """A key stands in the intent before it is deactivated or deleted; or it was issued just now, and nobody can store it."""
    verb, _, key = boundary.what.partition(" ")
    if verb not in ("deactivate", "delete"):
        return
    slots = it.world.slots.versions
    written = parsed(slots[it.seen.pending or ""]["secret_string"]).get("withdrawing", ()) if it.seen.pending in slots else ()
    labelled = {username for username, _ in recorded_in(it.world.slots)}
    if key not in written and not (key in it.seen.issued and key not in labelled):
        raise Violation("I1'", f"{boundary.what}: it does not stand in the intent that it is to be")


def _tried_once(it: Invocation, boundary: Boundary) -> None:
    """Failed logins can lock an account; and no answer is not a refusal, after which the next password may be tried."""
    if boundary.what.startswith("login ") and it.seen.trying in it.seen.refused:
        raise Violation("once", f"{boundary.what}: a password that was refused is tried again in the same call")
    if boundary.what.startswith("login ") and it.seen.unanswered:
        raise Violation("I3", f"{boundary.what}: tried after a login that got no answer, as if that had been refused")


def _left_the_admin_to_its_owner(it: Invocation, boundary: Boundary) -> None:
    """Its secret, and its password in the database."""
    its = boundary.what.endswith(" admin") or boundary.what in (f"alter {ADMIN}", f"discard {ADMIN}")
    if its and not it.world.target.rotates_admin:
        raise Violation("owner", f"{boundary.what}: the admin is another target's to rotate")


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


def _made_like_the_one_in_use(it: Invocation, boundary: Boundary) -> None:
    """With TLS where that needs it; and where the application comes without, it comes in as the new user too."""
    verb, _, username = boundary.what.partition(" ")
    accounts = it.world.source.accounts
    model = accounts.get(it.world.held.username)
    if verb == "create" and model and accounts[username].tls != model.tls:
        law = "I7" if model.tls else "I3"
        raise Violation(law, f"{username} was made {'without' if model.tls else 'with'} TLS, unlike the user in use")


def _claimed_what_was_decided(it: Invocation, boundary: Boundary) -> None:
    """The slot; and of each user a password that works, where one was found. (A retirement keeps the password that is recorded: it
    may be on its way into the database.)"""
    if it.function != "claim_rotation" or boundary.what != f"swap {PENDING} of slots":
        return
    content, situation = content_of(it.world.slots, PENDING), it.event["situation"]
    if content["active_slot"] != situation["slot"]:
        raise Violation("I4", f"the intent names slot {content['active_slot']}, and what was decided is {situation['slot']}")
    keeps = situation["action"] == "retire" or situation["keeps_intent"]
    current = it.world.current
    if current.issued:
        return
    if current.two_values:
        decided: tuple[Any, ...] = (current.active,)  # the other value may not be in the database yet
    else:
        decided = (content["active_slot"],) if keeps else current.ring
    for slot in decided:
        recorded = login_of(content[slot])
        works = [one for one in it.seen.proven if one.username == recorded.username and it.world.accepts(one)]
        if works and not it.world.accepts(recorded):
            raise Violation("I1", f"the intent records a password of {recorded.username} that does not log in, where another does")


def _proved(it: Invocation, boundary: Boundary) -> None:
    to_be_tried = _to_be_tried(it, boundary)
    if to_be_tried and not any(to_be_tried.same_login(credential) for credential in it.seen.proven):
        raise Violation("I3", f"{boundary.what}: what {to_be_tried.username} is to log in with had not been tried")


def _to_be_tried(it: Invocation, boundary: Boundary) -> Credential | None:
    """What is published; and what is recorded as the outcome of a change of a password. (A flip has its own proof: ValidateApp.)"""
    world = it.world
    if boundary.what.startswith("publish "):
        return world.published(boundary.what)
    if boundary.what == f"swap {CURRENT} of admin":
        return login_of(content_of(world.admin, CURRENT))
    if it.function == "discard_old_password" and boundary.what == f"swap {CURRENT} of slots":
        return world.current.credential(world.current.active if world.current.fresh else world.current.leaves)
    return _told_to_others(it, boundary)


def _told_to_others(it: Invocation, boundary: Boundary) -> Credential | None:
    """Who reads a secret, or a copy of one of its versions."""
    world: Any = it.world
    secret = _put_before_others(world, boundary)
    found: Credential | None = secret.held if secret else None
    if boundary.what == f"tell {WRITE}" and it.seen.telling:
        found = world.fleets()[0].login(it.seen.telling[0].version)
    if boundary.what == "make secret" or (boundary.what == "update service" and _begins_a_phase(it)):
        found = world.told(made=boundary.what == "make secret")
    return found


def _begins_a_phase(it: Invocation) -> bool:
    """What is tried in a phase's first call holds for those that ask how far it is; what is cleaned up has been in use."""
    return it.event["phase"] != "clean up" and it.event["moved"].get("phase") != it.event["phase"]


def _put_before_others(world: LivingWorld, boundary: Boundary) -> Any:
    """The secret that others read, in which another version became current."""
    return next((one for one in world.reads_published() if boundary.what == f"swap {CURRENT} of {one.short}"), None)


def _kept_the_old_one(it: Invocation, boundary: Boundary) -> None:
    """Where the server can: then only the discard destroys. A repair replaces what nobody knows."""
    verb, _, username = boundary.what.partition(" ")
    repairs = it.function == "sync_users" and not it.world.current.two_values
    if verb == "alter" and not repairs and it.world.source.dual_passwords and it.world.source.accounts[username].old is None:
        raise Violation("I8", f"{boundary.what}: the old password was not kept beside the new one")


def _held_the_intent(it: Invocation, boundary: Boundary) -> None:
    if it.function == "claim_rotation" and boundary.what == f"swap {PENDING} of slots":
        _left_the_living_alone(it)
        return
    if boundary.what.startswith("save "):
        return  # what a server has now outlives it: no login begins or ends by that
    if boundary.what.startswith("put ") or it.function in ("fix_permissions", "announce_incident"):
        return
    if boundary.what in (f"swap {PENDING} of application", "start"):
        return  # Secrets Manager's own label guards nothing of ours
    if it.function == "rotate_secret":
        _acted_for_a_living_run(it, boundary)
    elif _owner(it) != it.owner:
        raise Violation("I4", f"{it.function}: {boundary.what}, and the intent was not seen to be its own")


def _acted_for_a_living_run(it: Invocation, boundary: Boundary) -> None:
    """What Secrets Manager makes current is what a run awaits that it was told to be alive."""
    if _owner(it) is None:
        raise Violation("I4", f"{boundary.what}: nobody holds an intent to make it current")


def _looked_under_the_lock(it: Invocation, boundary: Boundary) -> None:
    """Immediately before a password changes: at the intent, and at whether a slot's user is at work (where that forbids it)."""
    verb, _, username = boundary.what.partition(" ")
    if verb not in ("alter", "create", "discard"):
        return
    if not {"labels of slots", "pending of slots"} & it.seen.under_lock:
        raise Violation("I4", f"{boundary.what}: nobody had looked at the intent under the database's lock")
    if it.world.current.two_values and username != ADMIN:
        if f"passwords of {username}" not in it.seen.under_lock:
            raise Violation("I2", f"{boundary.what}: nobody had looked under the lock which of its passwords is the primary")
        return
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
    return None if version is None else parsed(version["secret_string"]).get("rotation", {}).get("owner")


def _one_way(it: Invocation, boundary: Boundary) -> None:
    world = it.world
    current, closed = world.slots.labels().current, f"closed {it.event.get('claim', {}).get('version')}"
    if boundary.what == f"swap {CURRENT} of slots":
        if f"closed {current}" in world.remembers:
            raise Violation("I5", "a flip landed after it had been closed")
        if it.function == "close_flip":
            world.remembers |= {closed}
    _not_after_the_way_back(it, boundary)
    ours = world.slots.labels().pending == it.event.get("claim", {}).get("version")
    moves = boundary.what.startswith("publish ") or boundary.what == f"swap {CURRENT} of application"
    if moves and ours and it.event.get("direction") == "restore":
        held = world.held if world.reads_published() else world.published(boundary.what)
        if it.event["entry"] != "previous" and not _same_slot(world, held):
            raise Violation("I5", f"rolled back to {held.username}, which is not what is current")


def _not_after_the_way_back(it: Invocation, boundary: Boundary) -> None:
    """What Secrets Manager was to make current, once the run that awaited it has put back what was there before."""
    if boundary.what != f"swap {CURRENT} of application":
        return
    if it.function == "rotate_secret" and f"restored {it.seen.pending}" in it.world.remembers:
        raise Violation("I5", "the application's secret was moved on after the run had put it back")
    if it.event.get("direction") == "restore":
        it.world.remembers |= {f"restored {it.event['claim']['version']}"}


def _same_slot(world: LivingWorld, held: Credential) -> bool:
    current = active_login(world)
    return held.same_login(current) if world.current.fresh else held.username == current.username


def canaries(world: LivingWorld, outcome: Outcome) -> None:
    """What the state machine gets to see, and with it the history."""
    shown = json.dumps(outcome.payload) if isinstance(outcome, Answered) else outcome.cause if isinstance(outcome, Failed) else ""
    if "Made-" in shown or "canary" in shown:
        raise Violation("I7", "a password is in what a function returned")
