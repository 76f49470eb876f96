"""Mode verify: what each function needs is looked at by that function itself, in its role and through its mounts.

Nothing is written, but for a label that locks Secrets Manager out of its own rotation. Whatever fails is a finding and ends
nothing: all are listed, not only the first.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from rotation.core.drain import Hold
from rotation.core.errors import ClusterUnavailable, RotationError, SourceUnreachable, TransientError
from rotation.core.findings import Finding, Severity
from rotation.core.fleet import BAD, LATEST_SECONDS, NAMED, Answer, Telling, failure, refuse_none, some, to
from rotation.core.keys import said
from rotation.core.record import Record
from rotation.core.rollout import Progress, progress
from rotation.core.seen import Server
from rotation.kinds.kind import Holds
from rotation.ports import Looking, RotatedSecret, World
from rotation.protocol.admin_login import Logins, admin_record, find_admin
from rotation.protocol.altering import one_password_only
from rotation.protocol.fleets import question
from rotation.protocol.intents import read_record
from rotation.protocol.issuing import provided
from rotation.protocol.survey import check_written, refused_version

SLOWEST_CLOCK_SECONDS = 60
"""AWS refuses signatures that are five minutes off, and drains are counted in seconds by two clocks."""
SHORTEST_QUIET_SECONDS = 60
"""A function lives 30 s and may start for 15; EFS clients keep attributes for 60."""
ENDS_SOON_SECONDS = 14 * 86_400
"""For a key that ends by itself: enough for a rotation that is started by hand, and for whatever it is refused by."""

HOUR, DAY = 3600, 86_400
PUT = "PutSecret"
"""The state whose consumers its function looks at."""
KEPT = "who has a proxy's secret"

Probe = Callable[[World], Iterator[Finding]]
LoginProbe = Callable[[World, Logins], Iterator[Finding]]
"""One that tries passwords: each once in a call, whoever asks. A refused login counts where accounts are locked after some."""


@dataclass(frozen=True)
class Need:
    """Something that a function looks at."""

    what: str
    look: Probe
    reaches: type[RotationError] | None = None
    """The error after which it is not looked at: it would wait for the same in vain."""

    def seen(self, world: World, _: Logins) -> Iterator[Finding]:
        return self.look(world)


@dataclass(frozen=True)
class LoginNeed:
    """Something that a function looks at by logging in."""

    what: str
    look: LoginProbe
    reaches: type[RotationError] | None = SourceUnreachable

    def seen(self, world: World, logins: Logins) -> Iterator[Finding]:
        return self.look(world, logins)


def probe(world: World, function: str) -> list[Finding]:
    """Everything that the function of that name needs."""
    return looked_at(world, NEEDS[function])


def looked_at(world: World, needs: Iterable[Need | LoginNeed]) -> list[Finding]:
    """What a look could not reach, later ones do not wait for: the function's time is limited, and with it all that was found
    would be lost."""
    logins = Logins(world)
    found, error = _tried(TARGET_DOCUMENT, world, logins)
    missed: set[type[RotationError]] = set()
    for need in () if error else needs:
        if need.reaches in missed:
            found.append(Finding(Severity.SKIPPED, need.what, f"not looked at, after {need.reaches.__name__}", "mend that first"))
            continue
        seen, error = _tried(need, world, logins)
        found += seen
        if error is not None:
            missed.add(type(error))
    return found


def _tried(need: Need | LoginNeed, world: World, logins: Logins) -> tuple[list[Finding], RotationError | None]:
    """Once more where trying again may help: people are told of what is found here, and a hiccup is nothing to tell."""
    found, error = _once(need, world, logins)
    return _once(need, world, logins) if isinstance(error, TransientError) else (found, error)


def _once(need: Need | LoginNeed, world: World, logins: Logins) -> tuple[list[Finding], RotationError | None]:
    found: list[Finding] = []
    try:
        found += need.seen(world, logins)
    except RotationError as error:
        return [*found, _failed(need.what, error)], error
    return found, None


def _failed(what: str, error: RotationError) -> Finding:
    name = type(error).__name__
    return Finding(Severity.FAILED, what, f"{name}: {error}", f"docs/errors.md explains {name}")


def target_document(world: World) -> Iterator[Finding]:
    """Its shape; without it nothing else can be looked at."""
    yield Finding(Severity.OK, "target document", f"{world.target.name} is as its schema wants it")


def slot_secret(world: World) -> Iterator[Finding]:
    """Its shape, and whether something is under way."""
    labels = world.slots.labels()
    record = read_record(world.slots, labels.current)
    yield Finding(Severity.OK, "slot secret", f"AWSCURRENT names slot {record.active}, and both slots are whole")
    if labels.pending is not None:
        owner = read_record(world.slots, labels.pending).tag
        yield Finding(
            Severity.WARNING,
            "slot secret",
            f"AWSPENDING is held by {owner.owner if owner else 'somebody else'}",
            "if that execution has ended, start mode resume",
        )


def admin_secret(world: World) -> Iterator[Finding]:
    """Its shape; nothing where the source needs none."""
    if not world.target.admin_secret:
        return
    admin_record(world, world.admin.current().text)
    left = "" if world.target.rotates_admin else "; another target rotates it (rotates_admin is false)"
    yield Finding(Severity.OK, "admin secret", f"it is whole{left}")


def admin_login(world: World, logins: Logins) -> Iterator[Finding]:
    """Whether the database takes what is current, if there is an admin."""
    if world.target.source.known.issues_keys or not world.target.admin_secret:
        return  # whether it may issue keys, `keys` tells
    current = admin_record(world, world.admin.current().text).credential
    if find_admin(world, logins).credential.same_login(current):
        yield Finding(Severity.OK, "admin login", "AWSCURRENT logs in, with TLS")
    else:
        yield Finding(
            Severity.WARNING,
            "admin login",
            "AWSCURRENT does not log in, another known password does",
            "the next rotation records that one; find out who changed it",
        )


def slot_logins(world: World, logins: Logins) -> Iterator[Finding]:
    """Drift is mended by a rotation; it is said, since somebody caused it. What no consumer could be given is not mended. Of one
    user's two values the other one works only during a rotation."""
    record = read_record(world.slots, world.slots.labels().current)
    check_written(world.target, record)
    if world.target.source.known.by_hand:
        yield from keys_by_hand(world, logins, record)
        return
    for slot in (record.active,) if record.two_values else record.ring:
        user = record.credential(slot).username
        if record.credential(slot).is_none:
            continue
        if logins.works(record.credential(slot)):
            yield Finding(Severity.OK, "slot login", f"{user} logs in with its recorded password")
        else:
            mend = "the next rotation mends it; find out who changed it"
            yield Finding(Severity.WARNING, "slot login", f"{user} does not log in with its recorded password", mend)


def keys_by_hand(world: World, logins: Logins, record: Record) -> Iterator[Finding]:
    """Of a source whose keys people make and revoke: what they have handed in, and what they are still to revoke."""
    from rotation.core.by_hand import to_revoke

    for lack in world.target.source.known.lacks(world.target.source.settings):
        yield Finding(Severity.OK, "source", lack.said)
    for slot in record.ring:
        key, which = record.credential(slot), "in use" if slot is record.active else "handed in"
        if key.password.is_empty:
            yield Finding(Severity.OK, "next key", f"none of {key.username} is handed in: a rotation waits for one")
        elif logins.works(key):
            yield Finding(Severity.OK, "key", f"the one of {key.username} that is {which} is not refused")
        else:
            mend = "make a new one, and hand it in (rotation hand-in --replace)"
            yield Finding(Severity.FAILED, "key", f"the one of {key.username} that is {which} is refused", mend)
    for one in to_revoke(record):
        named = one.id or "a key without an id"
        mend = "revoke it where it was made, then: rotation withdrawn"
        yield Finding(Severity.WARNING, "old key", f"{named} is to be revoked since {one.since}", mend)


def application_login(world: World, logins: Logins) -> Iterator[Finding]:
    """What the traffic uses."""
    record = read_record(world.slots, world.slots.labels().current)
    held = world.traffic().read().at_place_of(record.credential(record.active))
    if logins.works(held):
        yield Finding(Severity.OK, "application", f"it uses {held.username}, which logs in")
    else:
        mend = "start mode resume; if that cannot help, follow the emergency reset in docs/operating.md"
        yield Finding(Severity.FAILED, "application", f"its configuration names {held.username}, which does not log in", mend)


def files(world: World) -> Iterator[Finding]:
    """Path, owner and mode; and whether it can be read, by what it says of the application."""
    for file in world.files():
        state = file.inspect()
        found = f"{file.name} belongs to {state.owner} and has mode {state.mode}"
        if (state.owner, state.mode) == (state.wanted_owner, state.wanted_mode):
            yield Finding(Severity.OK, "sqlconf.php", found)
        else:
            mend = f"the target names {state.wanted_owner} and {state.wanted_mode}: start mode fix-permissions"
            yield Finding(Severity.WARNING, "sqlconf.php", found, mend)
        if file.in_setup():
            mend = "$config = 1; once the application is installed. A rotation leaves it as it is"
            yield Finding(Severity.WARNING, "sqlconf.php", f"{file.name}: $config is not 1, so OpenEMR shows its setup", mend)


def writable_files(world: World) -> Iterator[Finding]:
    """Whether this function could replace it."""
    yield from files(world)
    for file in world.files():
        if file.inspect().writable:
            yield Finding(Severity.OK, "sqlconf.php", f"{file.name} can be replaced")
        else:
            mend = "the access point's POSIX user must own it, and the file system's policy allow ClientWrite"
            yield Finding(Severity.FAILED, "sqlconf.php", f"{file.name} cannot be replaced", mend)


def rotated_secret(world: World) -> Iterator[Finding]:
    """Whether Secrets Manager may rotate it. The one thing that is put right here: its label, and only while nothing rotates."""
    if world.rotated is None or world.slots.labels().pending is not None:
        return
    refused = refused_version(world)
    yield from _schedule(world, world.rotated)
    if refused is None:
        yield Finding(Severity.OK, "application's secret", "Secrets Manager may rotate it")
        return
    world.rotated.let_go(refused)
    found = f"a rotation by Secrets Manager was refused or given up; AWSPENDING was taken off its version {refused}"
    yield Finding(Severity.WARNING, "application's secret", found, "rotate it again, if it is still to be rotated")


def _schedule(world: World, secret: RotatedSecret) -> Iterator[Finding]:
    """One that comes again before the credential of before may go: every second rotation would be refused."""
    apart, least = secret.rotates_every(), world.target.overlap_seconds + world.target.quiet_seconds
    if apart is None or apart > least:
        return
    found = (
        f"Secrets Manager rotates it every {apart / HOUR:.0f} h, and a rotation needs the overlap and the quiet period,"
        f" {least / HOUR:.1f} h, before another may begin"
    )
    mend = "give it a longer interval (aws secretsmanager rotate-secret --rotation-rules), or the target a shorter overlap"
    yield Finding(Severity.WARNING, "application's secret", found, mend)


def consumers(world: World) -> Iterator[Finding]:
    """Whether each can be read."""
    for consumer in world.credentials():
        yield Finding(Severity.OK, "consumer", f"{consumer.name} {_named(consumer.read().username)}")


def _named(username: str) -> str:
    """A key may be written alone."""
    return f"names {username}" if username else "holds a key"


def published_secrets(world: World) -> Iterator[Finding]:
    """Those that PutSecret writes: whether each can be read, and holds the password that its user has now."""
    record = read_record(world.slots, world.slots.labels().current)
    for place, consumer in enumerate(world.target.consumers):
        every = consumer.known.holds is Holds.EVERY
        for slot in (record.ring if every else (record.active,)) if consumer.known.state == PUT else ():
            user = record.credential(slot)
            held = world.credential(place, user.username)
            if held.read().at_place_of(user).same_login(user):
                yield Finding(Severity.OK, "published secret", f"{held.name} holds what {user.username} logs in with")
            else:
                mend = "the next rotation publishes it; find out who changed it"
                found = f"{held.name} does not hold {user.username} with its recorded password"
                yield Finding(Severity.WARNING, "published secret", found, mend)


def stores(world: World) -> Iterator[Finding]:
    """What else those have to tell that PutSecret writes: whether it may, and for how long it can log in."""
    for store in world.looking():
        yield from store.look(world.now())


def source(world: World) -> Iterator[Finding]:
    """What else it has to tell of whoever changes what is there: whether it may, and for how long it can log in."""
    if world.target.source.known.looks:
        yield from cast("Looking", world.source).look(world.now())


def kept(world: World) -> Iterator[Finding]:
    """Whether every user has a place of its own where every user's password is kept, and nobody else has one."""
    record = read_record(world.slots, world.slots.labels().current)
    users = [record.credential(slot).username for slot in record.ring]
    if any(consumer.known.holds is Holds.EVERY for consumer in world.target.consumers):
        world.check_keepers(users)
        yield Finding(Severity.OK, KEPT, f"{', '.join(users)}: each has one, and nobody else has")


def endpoint(world: World) -> Iterator[Finding]:
    """Whether the application's user gets through it."""
    if world.endpoint is None:
        return
    record = read_record(world.slots, world.slots.labels().current)
    user = record.credential(record.active)
    if world.endpoint.logs_in(user):
        yield Finding(Severity.OK, "endpoint", f"{world.endpoint.name} lets {user.username} in, its certificate is trusted")
    else:
        mend = "look at the proxy's secret of that user, and at the proxy's log"
        yield Finding(Severity.FAILED, "endpoint", f"{world.endpoint.name} refuses {user.username}", mend)


def deployment(world: World) -> Iterator[Finding]:
    """Whether it would roll, and what that does to the application."""
    for workload in world.workloads():
        rollout, name = workload.rollout(), workload.name
        if rollout.paused:
            yield Finding(Severity.FAILED, "deployment", f"{name} is paused", "kubectl rollout resume")
        elif rollout.unfit:
            yield Finding(Severity.FAILED, "deployment", f"{name} {rollout.unfit.why}", rollout.unfit.mend)
        elif progress(rollout) is Progress.COMPLETE:
            yield Finding(Severity.OK, "deployment", f"{name}: all {rollout.replicas} pods are up to date and available")
        else:
            yield Finding(Severity.WARNING, "deployment", f"{name} is rolling out, or has failed to", "kubectl rollout status")
        if rollout.outage:
            found = f"{name} {rollout.outage}: each rotation takes the application down"
            yield Finding(Severity.WARNING, "deployment", found, rollout.outage.mend)


def instances(world: World) -> Iterator[Finding]:
    """Whether there are any, and whether each can be told."""
    for fleet in world.fleets():
        found = fleet.instances()
        refuse_none(fleet.name, found)
        deaf = [one.id for one in found if one.is_asked and not one.online]
        if deaf:
            mend = "start its agent, and give its role AmazonSSMManagedInstanceCore; an instance that nobody needs: end it"
            yield Finding(Severity.FAILED, "instances", f"no agent is connected to Systems Manager on {some(deaf)}", mend)
        else:
            serving = sum(one.serves for one in found)
            yield Finding(Severity.OK, "instances", f"{fleet.name}: {serving} in service, each with a connected agent")


def instances_told(world: World) -> Iterator[Finding]:
    """They are asked what they hold, which changes nothing: another function hears later what they say. The secret, from which a
    version would be put, is read too."""
    for consumer in world.credentials() if world.fleets() else ():
        consumer.read()
    for fleet in world.fleets():
        telling = question(world, "verify", careful=True)
        told = [one.id for one in fleet.instances() if one.is_asked and one.online]
        if told:
            fleet.tell(telling, told)
        yield Finding(Severity.OK, "instances told", f"{len(told)} may be told, and are asked what they hold")
    yield from _said_by_secret(world)


def _said_by_secret(world: World) -> Iterator[Finding]:
    """Whose instances they are, as the application's secret says it: else one application's login is written to another's."""
    for consumer in world.target.consumers:
        key, secret = consumer.known.said_by_secret, world.rotated
        if not key or secret is None:
            continue
        what, wanted, said = "instances' tag", consumer.settings[key], secret.says(key)
        if said is None:
            mend = f"nothing needs it; put {key} into the secret to have the target's compared with it"
            yield Finding(Severity.SKIPPED, what, f"{secret.name} has no key {key}", mend)
        elif said == wanted:
            yield Finding(Severity.OK, what, f"{secret.name} says {key}={said}, as the target does")
        else:
            mend = "mend the one that is wrong: the instances with that tag are given what this secret holds"
            yield Finding(Severity.FAILED, what, f"{secret.name} says {key}={said}, the target {key}={wanted}", mend)


def instances_files(world: World) -> Iterator[Finding]:
    """What they have said."""
    for fleet in world.fleets():
        telling = question(world, "verify", careful=True)
        answers = sorted(to(telling, fleet.answers(world.now() - LATEST_SECONDS)), key=lambda one: one.asked)
        said = {one.instance: one for one in answers if one.ended}
        asked = [one.id for one in fleet.instances() if one.is_asked]
        yield from _files_of({name: said.get(name) for name in asked}, telling)


def _files_of(said: Mapping[str, Answer | None], telling: Telling) -> Iterator[Finding]:
    """What is alike is one finding, however many instances there are."""
    what = "instances' files"
    heard = {name: answer for name, answer in said.items() if answer}
    well = {name for name, answer in heard.items() if answer.well(telling.version)}
    failed = {n: a for n, a in heard.items() if n not in well and (a.reason or a.page == BAD or not a.holds)}
    for name in sorted(failed)[:NAMED]:
        yield _failed(what, failure(name, failed[name]))
    if len(failed) > NAMED:
        yield Finding(Severity.FAILED, what, f"{len(failed) - NAMED} more instances would fail too", "mend those that are named")
    if others := heard.keys() - well - failed.keys():
        mend = "the next rotation writes it; find out who changed it"
        yield Finding(Severity.WARNING, what, f"another login than what is current is held by {some(others)}", mend)
    if silent := said.keys() - heard.keys():
        yield Finding(Severity.SKIPPED, what, f"not said yet what they hold: {some(silent)}", "start mode verify again")
    if well:
        yield Finding(Severity.OK, what, f"what is current is held by {some(well)}")


def shelves(world: World) -> Iterator[Finding]:
    """Whether whatever keeps them lets us in."""
    for place, consumer in enumerate(world.target.consumers):
        if consumer.known.holds is Holds.SHELF:
            held = world.shelf(place)
            held.look()
            yield Finding(Severity.OK, "copies of the login", f"{held.name}: they can be reached")


def services(world: World) -> Iterator[Finding]:
    """Whether each can be updated, and whether all its tasks have what is current."""
    current = world.rotated.labels().current if world.rotated and world.services() else ""
    for service in world.services():
        service.refuse_unfit()
        held = service.holds(current)
        if held is Hold.SAME:
            yield Finding(Severity.OK, "services", f"{service.name} can be updated task by task, and has what is current")
        else:
            mend = "the first rotation, or the next, publishes it; else find out who changed it"
            why = "another login than what is current" if held is Hold.OTHER else "a task that is not as its spec says"
            yield Finding(Severity.WARNING, "services", f"{service.name} can be updated task by task; it has {why}", mend)
        if service.is_taken_back():
            found = f"{service.name} has the failure action rollback: an update that fails replaces tasks that are well, too"
            yield Finding(Severity.WARNING, "services", found, "docker service update --update-failure-action pause")


def cluster_may(kind: str, verb: str) -> Probe:
    """Whether RBAC allows this very function to do that."""

    def look(world: World) -> Iterator[Finding]:
        for thing in world.cluster_objects(kind):
            if thing.allows(verb):
                yield Finding(Severity.OK, "Kubernetes permission", f"may {verb} {thing.name}")
            else:
                mend = "apply k8s/rbac.yaml with these names, in this namespace; has the role an access entry?"
                yield Finding(Severity.FAILED, "Kubernetes permission", f"may not {verb} {thing.name}", mend)

    return look


def taken_at_start(world: World) -> Iterator[Finding]:
    """Of ValidateApp, which reads Secrets only where pods have their login from them alone."""
    if world.target.taken_at_start:
        yield from cluster_may("secret", "get")(world)


def reached(world: World, logins: Logins) -> Iterator[Finding]:
    """Of a function that knows no admin: whether the login works is another one's to tell."""
    record = read_record(world.slots, world.slots.labels().current)
    logins.works(record.credential(record.active))
    yield Finding(Severity.OK, "database reached", "it answers, with a certificate that is trusted")


def reached_keys(world: World) -> Iterator[Finding]:
    """Whether this function may look at them; whose they are, another one tells."""
    if world.target.source.known.issues_keys:
        yield Finding(Severity.OK, "keys", f"this function may ask for them; there are {len(provided(world).keys)}")


def keys(world: World, record: Record) -> Iterator[Finding]:
    """Whether keys can be issued and deleted, and whether all of them are known."""
    seen = provided(world)
    yield Finding(Severity.OK, "keys", f"it answers, and may be asked for keys; there are {len(seen.keys)}")
    unknown = seen.unknown(record)
    if unknown and seen.named:
        found = f"{', '.join(map(said, unknown))}: a rotation that was cut short has made it, and no version names it"
        yield Finding(Severity.WARNING, "keys", found, "the next rotation deletes it")
    elif unknown:
        mend = "find out whose it is: delete it, or put it into the record; until then a rotation refuses"
        yield Finding(Severity.FAILED, "keys", f"the record does not know {', '.join(map(said, unknown))}", mend)
    idle = [key for key in seen.keys if key.id in record.ids and not key.active]
    if idle:
        yield Finding(Severity.WARNING, "keys", f"{', '.join(map(said, idle))}: in the record", "the next rotation issues another")
    ends = [(key.id, key.ends_seconds) for key in seen.keys if key.id in record.ids and key.ends_seconds is not None]
    ending = [(name, seconds) for name, seconds in ends if seconds < ENDS_SOON_SECONDS]
    if ending:
        found = ", ".join(f"{name} ends by itself in {seconds / DAY:.0f} days" for name, seconds in ending)
        yield Finding(Severity.WARNING, "keys", found, "start a rotation; is the schedule on?")
    for lack in world.target.source.known.lacks(world.target.source.settings):
        yield Finding(Severity.SKIPPED, "keys", lack.said)
    if not (seen.named or seen.dedicated):
        mend = "if nobody else makes keys there, say dedicated: true in the target's source"
        yield Finding(Severity.WARNING, "keys", "a key that is issued and lost would be left for a person to delete", mend)


def database(world: World, logins: Logins) -> Iterator[Finding]:
    """TLS, what the admin may, and how much the server tells; of who issues keys, what `keys` tells. Nothing where people do."""
    if world.target.source.known.by_hand:
        return
    record = read_record(world.slots, world.slots.labels().current)
    yield from keys(world, record) if record.issued else _database(world, logins, record)


def _database(world: World, logins: Logins, record: Record) -> Iterator[Finding]:
    users = [record.credential(slot).username for slot in record.ring]
    server = find_admin(world, logins).ask(lambda admin: world.source.inspect(admin, users))
    yield Finding(Severity.OK, "database", server.said or f"version {server.version}, {server.tls}, its certificate is trusted")
    yield from (Finding(Severity.WARNING, "database", found, mend) for found, mend in server.remarks)
    if server.now is not None:
        yield from _of_a_database(world, server, record, server.now)


def _of_a_database(world: World, server: Server, record: Record, now: float) -> Iterator[Finding]:
    """What somebody who logs in there may, and how much it tells."""
    users, advice = [record.credential(slot).username for slot in record.ring], world.target.source.known.advice
    if server.lacking:
        yield Finding(Severity.FAILED, "database privileges", f"the admin lacks {', '.join(server.lacking)}", advice.lacking)
    else:
        yield Finding(Severity.OK, "database privileges", "the admin has what a rotation needs")
    for user in server.without_tls:
        mend = advice.without_tls.format(user=user)
        yield Finding(Severity.WARNING, "database TLS", f"{user} may log in without TLS", mend)
    if not server.ends_sessions:
        found = "the admin cannot end others' sessions: mode revoke would stop half way"
        yield Finding(Severity.WARNING, "database", found, advice.ends_sessions)
    if not server.dual_passwords and record.two_values:
        yield Finding(Severity.FAILED, "database", str(one_password_only(world, users[0])), "docs/errors.md explains SourceRefused")
    elif not server.dual_passwords:
        yield Finding(Severity.WARNING, "database", "it has no dual passwords: only the drain protects a password in use")
    if not server.counts_logins:
        found = "it counts no logins: short ones can be missed by the drain"
        yield Finding(Severity.WARNING, "database", found, advice.counts_logins)
    apart = abs(world.now() - now)
    if apart > SLOWEST_CLOCK_SECONDS:
        yield Finding(Severity.FAILED, "clock", f"ours and the database's are {apart:.0f} s apart", "set the clock that is wrong")
    else:
        yield Finding(Severity.OK, "clock", "ours and the database's agree")


def health(world: World) -> Iterator[Finding]:
    """What users see."""
    if world.health is None:
        return
    world.health.check()
    yield Finding(Severity.OK, "health page", "it shows the working application")


def drain(world: World) -> Iterator[Finding]:
    """Whether a function that everybody takes for dead is outlasted."""
    quiet = world.target.quiet_seconds
    if quiet < SHORTEST_QUIET_SECONDS:
        mend = f"set QuietSeconds to {SHORTEST_QUIET_SECONDS} at least"
        found = f"the quiet period of {quiet} s may end before a stopped function does, or an EFS client looks again"
        yield Finding(Severity.WARNING, "drain", found, mend)
    else:
        yield Finding(Severity.OK, "drain", f"the quiet period of {quiet} s outlasts every function")


TARGET_DOCUMENT = Need("target document", target_document)

_SLOT_SECRET = Need("slot secret", slot_secret)
_ADMIN = (Need("admin secret", admin_secret), LoginNeed("admin login", admin_login))
_SLOT_LOGINS = LoginNeed("slot login", slot_logins)
_APPLICATION = LoginNeed("application", application_login)
_REACHED = LoginNeed("database reached", reached)
_KEYS = Need("keys", reached_keys)
_SOURCE = Need("source", source)
_DATABASE = LoginNeed("database", database)
_ENDPOINT = Need("endpoint", endpoint)
_FILES = Need("sqlconf.php", files)
_WRITABLE = Need("sqlconf.php", writable_files)
_CONSUMERS = Need("consumer", consumers, ClusterUnavailable)
_INSTANCES = Need("instances", instances)
_SERVICES = Need("services", services)
_DEPLOYMENT = Need("deployment", deployment, ClusterUnavailable)


def _may(kind: str, *verbs: str) -> tuple[Need, ...]:
    return tuple(Need("Kubernetes permission", cluster_may(kind, verb), ClusterUnavailable) for verb in verbs)


NEEDS: dict[str, tuple[Need | LoginNeed, ...]] = {
    "read_slots": (
        _SLOT_SECRET, *_ADMIN, _FILES, *_may("secret", "get"), *_may("deployment", "get"), _CONSUMERS, _DEPLOYMENT,
        _DATABASE, _SLOT_LOGINS, _APPLICATION, Need(KEPT, kept), _INSTANCES, _SERVICES,
    ),
    "claim_rotation": (_SLOT_SECRET, *_ADMIN, _FILES, *_may("secret", "get"), _CONSUMERS, _KEYS),
    "sync_users": (_SLOT_SECRET, *_ADMIN, _KEYS, _SOURCE),
    "write_sqlconf": (_SLOT_SECRET, _WRITABLE, _REACHED),
    "fix_permissions": (_WRITABLE, _INSTANCES),
    "patch_secret": (_SLOT_SECRET, *_may("secret", "get", "patch"), _REACHED),
    "put_secret": (_SLOT_SECRET, Need("published secret", published_secrets), Need("store", stores), _REACHED),
    "check_login": (_SLOT_SECRET, _ENDPOINT),
    "write_wp_config": (_SLOT_SECRET, _INSTANCES, Need("instances told", instances_told), _REACHED),
    "create_swarm_secret": (_SLOT_SECRET, Need("copies of the login", shelves), _REACHED),
    "prepare_service": (_SLOT_SECRET, _SERVICES, _REACHED),
    "restart_app": (_SLOT_SECRET, *_may("deployment", "get", "patch")),
    "check_rollout": (*_may("deployment", "get"), _DEPLOYMENT),
    "validate_app": (
        _SLOT_SECRET, _FILES, Need("Kubernetes permission", taken_at_start, ClusterUnavailable), _APPLICATION, _ENDPOINT,
        Need("health page", health),
    ),
    "flip_slot": (_SLOT_SECRET,),
    "close_flip": (_SLOT_SECRET,),
    "check_drained": (
        _SLOT_SECRET, *_ADMIN, _FILES, *_may("secret", "get"), *_may("deployment", "get"), _CONSUMERS, _DEPLOYMENT,
        _INSTANCES, Need("instances' files", instances_files), _SERVICES, _KEYS,
    ),
    "rotate_old_slot": (_SLOT_SECRET, *_ADMIN, _KEYS),
    "discard_old_password": (_SLOT_SECRET, *_ADMIN, _ENDPOINT, _KEYS, _SOURCE),
    "rotate_admin": (_SLOT_SECRET, *_ADMIN),
    "release_rotation": (_SLOT_SECRET, Need("application's secret", rotated_secret)),
    "announce_incident": (),
    "say_why": (),
}  # fmt: skip
"""By the function's name: what of the world its step touches; a test derives it from the steps. Two things are looked at by nobody:
telling people, which cannot be tried without doing it, and asking for another execution, whose name nobody knows."""
