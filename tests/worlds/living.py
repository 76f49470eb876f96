"""The small world with time in it: the application works on, pods roll by themselves, sessions end late. All of it is a value.

PHP may see a file as it was two seconds ago; whoever logged in may stay for seconds more; a fail-over takes the writer away for
a while, and with it our lock and the server's counts. Proportions are those of the shipped defaults, only shorter: the quiet
period is longer than a function may live, and that is longer than anything here needs.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple
from zlib import crc32

from rotation.consumers.sqlconf import text as sqlconf
from rotation.core.errors import SourceReadOnly, SourceUnreachable
from rotation.core.model import Credential, Mark, Password, Slot
from rotation.core.rollout import Rollout
from rotation.core.seen import Activity, SessionId

from tests.worlds.application import Held, Pods
from tests.worlds.aws import ShippedSecret
from tests.worlds.database import Account, Database, Session
from tests.worlds.journal import Journal
from tests.worlds.world import RING, MemoryWorld

STALE_SECONDS = 2.0
"""How old a file PHP may still work with."""
SESSION_SECONDS = 5.0
"""How long a request keeps its connection."""
FAIL_OVER_SECONDS = 8.0
OBSERVED_SECONDS, ROLLED_SECONDS = 1.0, 3.0
"""From a change of a Deployment until its controller has seen it, and until every pod is replaced."""
ARN = "arn:aws:states:us-east-1:123456789012:execution:rotation:"
"""What every execution's begins with."""
FUNCTION_SECONDS = 12.0
"""How long an invocation may live: less than the quiet period of the target, as the shipped defaults have it."""
FOREVER = -1.0e9
MANY_CALLS = 1_000
"""More than a run makes: how many more does not matter."""
PHP = b"<?php\n$host\t= 'x';\n$port\t= '1';\n$login\t= 'x';\n$pass\t= 'x';\n$dbase\t= 'x';\n"


SESSIONS: dict[int, str] = {}
"""The password that each number of a session stands for."""


class Snapshot(NamedTuple):
    """All that there is of a world, as values that nothing changes any more."""

    clock: float
    secrets: tuple[Any, ...]
    """The slots' and the admin's, then those that others read: each as its versions."""
    accounts: tuple[tuple[Any, ...], ...]
    """The name first, the count of logins last."""
    source: tuple[str | None, float, int]
    """The lock, the last fail-over, and how many there were."""
    held: tuple[Any, ...]
    pods: tuple[Any, ...]
    marks: tuple[Any, ...]
    environments: tuple[Credential, ...]
    shows: bool
    alive: tuple[str, ...]
    throttled: tuple[tuple[str, int], ...]
    remembers: frozenset[str]
    passwords_made: int
    beyond: tuple[Any, ...] = ()
    """What only a world behind a proxy has: what is still gone on with, and how far Secrets Manager is."""

    @property
    def lock(self) -> str | None:
        return self.source[0]

    @property
    def refuses(self) -> bool:
        """Whether a port is throttled."""
        return any(calls for _, calls in self.throttled)

    @property
    def uncounted(self) -> "Snapshot":
        """Without the server's count of logins, and ours of passwords."""
        return self._replace(accounts=tuple(account[:-1] for account in self.accounts), passwords_made=0)


class LivingFile(Held):
    """sqlconf.php, and what it was a moment ago."""

    def __init__(self, *given: Any, now: Any) -> None:
        self._now = now
        self.keeps_seconds = STALE_SECONDS + SESSION_SECONDS
        """For how long what it held before matters."""
        self.past: tuple[tuple[float, Credential], ...] = ()
        """What it held before, each with the moment at which that ended."""
        super().__init__(*given)

    def holds(self, credential: Credential) -> None:
        before = getattr(self, "_credential", None)
        super().holds(credential)
        if before is not None and before != credential:
            self.past = (*self.past, (self._now(), before))

    def publish(self, credential: Credential, mark: Mark) -> bool:
        """As the shipped code renders it, and as PHP would read that."""
        return super().publish(sqlconf.read(sqlconf.render(PHP, credential)), mark)

    def seen_within(self, seconds: float) -> Iterator[Credential]:
        """What somebody may have read in it during that time."""
        yield self.held
        yield from (credential for ended, credential in self.past if self._now() - ended <= seconds)

    def forget(self) -> None:
        """What is too long ago to matter, so that two worlds that differ in nothing else are the same."""
        self.past = tuple(one for one in self.past if self._now() - one[0] <= self.keeps_seconds)


class LivingPods(Pods):
    """A Deployment whose controller works by itself."""

    def __init__(self, *given: Any, now: Callable[[], float], secret: Held) -> None:
        self._now, self._secret = now, secret
        self.changed = self.disturbed = FOREVER
        self.observed_seconds, self.rolled_seconds = OBSERVED_SECONDS, ROLLED_SECONDS
        self.environments: tuple[Credential, ...] = (secret.held,)
        """What pods were started with that are still running; the last is the newest."""
        super().__init__(*given)

    def restart(self, rotation: str, started: str) -> None:
        before = self._generation
        super().restart(rotation, started)
        if self._generation != before:
            self.changed = self._now()
            self._started_with(self._secret.held)

    def lose_one(self) -> None:
        """A pod dies; its successor is ready after a while."""
        self.disturbed = self._now()
        self._started_with(self._secret.held)

    def _started_with(self, credential: Credential) -> None:
        self.environments = tuple(dict.fromkeys(reversed((*self.environments, credential))))[::-1]

    def forget(self) -> None:
        """The pods of before the last restart are gone once it is through."""
        if self._now() - self.changed >= self.rolled_seconds and self._now() - self.disturbed >= self.rolled_seconds:
            self.environments = self.environments[-1:]

    def rollout(self) -> Rollout:
        since = self._now() - self.changed
        if since >= self.observed_seconds and self._observed != self._generation:
            self.begin()
        if since >= self.rolled_seconds:
            self.finish()
        seen = super().rollout()
        return replace(seen, available=seen.available - 1) if self._now() - self.disturbed < self.rolled_seconds else seen


class LivingDatabase(Database):
    """A writer that may be taken away."""

    def __init__(self, *given: Any, now: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._now = now
        self.application_sessions: Callable[[], list[SessionId]] = list
        self.on_readers: Callable[[], list[str]] = list
        self.failed_over = FOREVER
        self.epoch = 0
        """How often it failed over: a connection from before is dead."""

    def fail_over(self) -> None:
        """Its connections are cut, and what it had in memory is gone: our lock, and how often who logged in."""
        self.failed_over = self._now()
        self.epoch += 1
        self.lock = None
        for account in self.accounts.values():
            account.logins = 0

    def connected(self, username: str) -> list[SessionId]:
        return [one for one in self.application_sessions() if one[0] == username] or super().connected(username)

    def activity(self, admin: Credential, username: str) -> Activity:
        """On the writer and the readers; a session of ours on the writer sees only that."""
        there = super().activity(admin, username)
        return there._replace(sessions=there.sessions + self.on_readers().count(username))

    @property
    def read_only(self) -> bool:
        return self._now() - self.failed_over < FAIL_OVER_SECONDS

    def enter(self, admin: Credential, who: str) -> "LivingSession":
        super().enter(admin, who)
        if self.read_only:
            self.leave(who)
            raise SourceReadOnly(f"{admin.host} is a reader now")
        return self.connection(self.epoch)

    def connection(self, epoch: int) -> "LivingSession":
        """One that was made then."""
        return LivingSession(self, self._journal, epoch)


class LivingSession(Session):
    """A connection that a fail-over cuts."""

    def __init__(self, database: LivingDatabase, journal: Journal, epoch: int) -> None:
        super().__init__(database, journal)
        self._living = database
        self._epoch = epoch

    def activity(self, username: str) -> Activity:
        self._need_connection()
        return super().activity(username)

    def exists(self, username: str) -> bool:
        self._need_connection()
        return super().exists(username)

    def create_account(self, credential: Credential, like: Credential) -> None:
        self._need_connection()
        super().create_account(credential, like)

    def copy_grants(self, user: Credential, like: Credential) -> bool:
        self._need_connection()
        return super().copy_grants(user, like)

    def set_password(self, username: str, password: Password, *, retain: bool) -> None:
        self._need_connection()
        super().set_password(username, password, retain=retain)

    def needs_retain(self, username: str, in_use: Password, new: Password) -> bool:
        self._need_connection()
        return super().needs_retain(username, in_use, new)

    def needs_discard(self, username: str, in_use: Password, old: Password) -> bool:
        self._need_connection()
        return super().needs_discard(username, in_use, old)

    def discard_old_password(self, username: str, keep: Password) -> None:
        self._need_connection()
        super().discard_old_password(username, keep)

    def _need_connection(self) -> None:
        if self._epoch != self._living.epoch:
            raise SourceUnreachable("the connection was lost")


class LivingWorld(MemoryWorld):
    """It can be kept and gone back to (`snapshot`, `restore`), and compared (`key`)."""

    made_of = ShippedSecret
    databases = LivingDatabase
    ports: Any = None
    """What an invocation has of it, where that is not invocation.Ports."""
    others: Any = None
    """What somebody else does whenever time has passed, if anybody does."""

    def __init__(
        self,
        *,
        active: Slot = Slot.A,
        ring: tuple[Slot, ...] = RING,
        two_values: bool = False,
        dual_passwords: bool = True,
        counts_logins: bool = True,
    ) -> None:
        super().__init__(
            active=active, ring=ring, two_values=two_values, dual_passwords=dual_passwords, counts_logins=counts_logins
        )
        accounts = self.source.accounts
        self.source: LivingDatabase = self.databases(
            self.journal, dual_passwords=dual_passwords, counts_logins=counts_logins, now=self._now
        )
        self.source.accounts = accounts
        self.source.application_sessions = self.application_sessions
        self.source.on_readers = self.on_readers
        self.file: LivingFile = LivingFile("sqlconf.php", self.file.held, self.journal, now=self._now)
        self.pods: LivingPods = LivingPods("Deployment openemr/openemr", self.journal, now=self._now, secret=self.secret)
        self.throttled: dict[str, int] = {}
        """How many calls to a port are still refused for a while."""
        self.remembers: frozenset[str] = frozenset()
        """What the oracle has seen to hold, and is to hold from then on."""
        self.passwords_made = 0
        self.job: tuple[float, Credential] | None = None
        """Until when a job that knows its login by heart logs in again and again, each time for a moment; and with what."""
        self.job_on_a_reader = False
        """It keeps one session instead, which only a reader knows of, and comes back with the same login if it is lost."""
        self.furnish(active, ring)
        self.pass_time(0.0)

    def furnish(self, active: Slot, ring: tuple[Slot, ...]) -> None:
        """What a kind of it has besides, before any time passes."""

    def pass_time(self, seconds: float) -> None:
        """The application logs in all the while, with what it sees in the file."""
        began, self.clock = self.clock, self.clock + seconds
        for seen_until, credential in (*self.seen(), *([self.job] if self.job and not self.job_on_a_reader else [])):
            account = self.source.accounts.get(credential.username)
            if account is not None:
                account.logins += max(0, math.ceil(min(self.clock, seen_until) - began))
        self.look_at_sessions()

    def seen(self) -> list[tuple[float, Credential]]:
        """What the application logs in with, each until when."""
        return [(self.clock, self.file.held), *((ended + STALE_SECONDS, one) for ended, one in self.file.past)]

    @property
    def held(self) -> Credential:
        """What moves the traffic holds that."""
        return self.file.held

    def holdings(self) -> dict[str, Credential]:
        """What the application reads, by the place where it does."""
        return {"sqlconf.php": self.file.held, "the Kubernetes Secret": self.secret.held}

    def published(self, what: str) -> Credential:
        """What a publish has just put, by the boundary's name."""
        return self.file.held if what.endswith(self.file.name) else self.secret.held

    def environments(self) -> tuple[Credential, ...]:
        """What running copies of it were started with."""
        return self.pods.environments

    def gets_in(self, one: Credential) -> bool:
        """Whether it would log in the way that the application does."""
        return self.accepts(one)

    def notes(self) -> set[str]:
        """What somebody else has put where the application reads."""
        return set()

    def reads_published(self) -> tuple[Any, ...]:
        """The secrets that others read, which have no fields but a login's that are ours."""
        return ()

    @property
    def stores(self) -> tuple[Any, ...]:
        """All its secrets."""
        return (self.slots, self.admin, *self.reads_published())

    def begins(self, number: int) -> tuple[str, dict[str, str]]:
        """What the next run is called and given, but for its mode."""
        return f"run-{number}", {}

    def heal(self) -> None:
        """What did not answer as long as a run lasted, does again."""
        self.throttled.clear()

    def as_for_long(self) -> None:
        """As if all had been for long as it is now."""
        self.file.past, self.pods.environments = (), (self.secret.held,)

    def next_password(self) -> str:
        """One that nobody had before."""
        self.passwords_made += 1
        return f"Made-{self.passwords_made:06d}"

    def look_at_sessions(self) -> None:
        """Who is still connected."""
        self.file.forget()
        self.pods.forget()
        here = {credential.username for credential in self._connected()}
        for username, account in self.source.accounts.items():
            account.sessions = int(username in here)

    def lingering(self) -> list[Credential]:
        """Credentials that somebody works with, or may still be about to log in with."""
        return list(dict.fromkeys((*self._connected(), *([self.job[1]] if self.job and self.job_lasts(self.clock) else []))))

    def job_lasts(self, clock: float) -> float:
        """For how long from then on."""
        return max(0.0, self.job[0] - clock) if self.job else 0.0

    def on_readers(self) -> list[str]:
        """Whose sessions there are."""
        return [self.job[1].username] if self.job and self.job_on_a_reader and self.job_lasts(self.clock) else []

    def _connected(self) -> list[Credential]:
        return list(dict.fromkeys(self.file.seen_within(STALE_SECONDS + SESSION_SECONDS)))

    def application_sessions(self) -> list[SessionId]:
        """One for each credential: who logs in with another password is not who was there before."""
        return [(one.username, _session(one.password.reveal())) for one in self._connected()]

    def snapshot(self) -> Snapshot:
        return Snapshot(
            self.clock,
            tuple(_secret(secret) for secret in self.stores),
            tuple(_frozen(name, account) for name, account in self.source.accounts.items()),
            (self.source.lock, self.source.failed_over, self.source.epoch),
            (self.file.held, self.file.past, self.secret.held),
            (self.pods._generation, self.pods._observed, self.pods._updated, self.pods._failed),
            (self.pods.mark, self.pods.started, self.pods.paused, self.pods.changed, self.pods.disturbed),
            self.pods.environments,
            self.health.shows_the_application,
            tuple(sorted(self.alive)),
            tuple(sorted(self.throttled.items())),
            self.remembers,
            self.passwords_made,
            self.beyond(),
        )

    def beyond(self) -> tuple[Any, ...]:
        """What a snapshot has of it besides."""
        return ()

    def restore_beyond(self, kept: tuple[Any, ...]) -> None:
        """The same again."""

    def restore(self, snapshot: Snapshot) -> None:
        (self.clock, secrets, accounts, source, held, pods, marks, environments,
         shows, alive, throttled, self.remembers, made, beyond) = snapshot  # fmt: skip
        for secret, versions in zip(self.stores, secrets, strict=True):
            secret.versions = {
                name: {"version_id": name, "secret_string": text, "version_stages": list(labels)} for name, text, labels in versions
            }
            secret._put_at = {name: self.clock for name, _, _ in versions}
        self.source.accounts = {name: Account(p, old, set(granted), *rest) for name, p, old, granted, *rest in accounts}
        self.source.lock, self.source.failed_over, self.source.epoch = source
        self.file._credential, self.file.past, self.secret._credential = held
        self.pods._generation, self.pods._observed, self.pods._updated, self.pods._failed = pods
        self.pods.mark, self.pods.started, self.pods.paused, self.pods.changed, self.pods.disturbed = marks
        self.pods.environments = environments
        self.health.shows_the_application = shows
        self.alive, self.throttled, self.passwords_made = set(alive), dict(throttled), made
        self.restore_beyond(beyond)
        self.source.tried.clear()  # only for the tests of the steps to look at: it would grow for ever
        self.journal.writes.clear()

    def key(self) -> str:
        """The same for two worlds in which the same may happen from here on: moments count from now, and counts not at all
        (whoever compares a count with an earlier one has to add it)."""
        accounts = [_frozen(name, self.source.accounts[name])[:-1] for name in sorted(self.source.accounts)]
        past = [(round(self.clock - ended, 3), _text(credential)) for ended, credential in self.file.past]
        pods = self.pods
        rolled = self.clock - pods.changed >= pods.rolled_seconds
        roll = rolled or (self._ago(pods.changed), pods._observed == pods._generation)
        rolling = (pods.mark, pods.started, pods.paused, pods._failed, roll)
        return repr((
            sorted((_secret(secret) for secret in self.stores), key=str),
            accounts,
            (self.source.lock, self._recent(self.source.failed_over, FAIL_OVER_SECONDS)),
            (_text(self.file.held), past, _text(self.secret.held)),
            (rolling, self._recent(pods.disturbed, pods.rolled_seconds), [_text(one) for one in pods.environments]),
            self.health.shows_the_application,
            sorted(self.alive),
            sorted((port, min(calls, MANY_CALLS)) for port, calls in self.throttled.items() if calls),
            sorted(self.remembers),
            self.job_lasts(self.clock),
            self.beyond_key(),
        ))  # fmt: skip

    def beyond_key(self) -> Any:
        """What `key` has of it besides."""
        return ()

    def _ago(self, moment: float) -> float:
        return round(self.clock - moment, 3)

    def _recent(self, moment: float, seconds: float) -> float | None:
        return self._ago(moment) if self.clock - moment < seconds else None


def _session(password: str) -> int:
    number = crc32(password.encode())
    SESSIONS[number] = password
    return number


def _secret(secret: Any) -> tuple[tuple[str, str | None, tuple[str, ...]], ...]:
    """A version that was only named has no text."""
    return tuple(
        (name, version.get("secret_string"), tuple(sorted(version["version_stages"]))) for name, version in secret.versions.items()
    )


def _text(credential: Credential) -> tuple[Any, ...]:
    return (credential.username, credential.password.reveal(), credential.host, credential.port, credential.dbname)


def _frozen(name: str, account: Account) -> tuple[Any, ...]:
    """In the order of Account's fields; the count of logins is last."""
    a = account
    return (name, a.password, a.old, tuple(sorted(a.privileges)), a.tls, a.locked, a.sessions, a.nodes, a.logins)


class WithoutCluster:
    """Of an application that has neither a file of its own nor pods."""

    def files(self) -> list[Any]:
        return []

    def workloads(self) -> list[Any]:
        return []

    def cluster_objects(self, kind: str) -> list[Any]:
        return []
