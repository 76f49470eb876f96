"""Instances that are told which version of a secret to hold: who has to say that it does, and who is told next. Pure.

First one alone (the canary), whose own page is asked; then all others. Nothing is remembered: what was told and what came of it
is looked at each time, so a command whose answer was lost is found, and one that is sent twice does no harm."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from rotation.core.drain import Hold
from rotation.core.errors import (
    CommandCancelled,
    CommandFailed,
    CommandNotDelivered,
    CommandTerminated,
    CommandTimedOut,
    CommandUndeliverable,
    DiskFull,
    InstanceSilent,
    InstancesMissing,
    PageBad,
    PermanentError,
    PhpMissing,
    SecretUnreadable,
    WpConfigMissing,
    WpConfigReadOnly,
    WpConfigUnsupported,
)

WRITE, LOOK, OWN = "write", "look", "own"
"""`own`: the file's owner and mode alone."""
DELIVERY_SECONDS, SCRIPT_SECONDS = 30, 300
"""How long a command may wait for its instance, and how long it may work there, as the document says. Afterwards it does nothing:
who looks whether one is still on its way need not look further back."""
LATEST_SECONDS = DELIVERY_SECONDS + SCRIPT_SECONDS
REMEMBERED_SECONDS = 30 * 24 * 3600
"""For so long Systems Manager says what came of a command."""
ATTEMPTS = 3
"""How often an instance in service is told again that did not hear, or did not finish."""
WELL, BAD = "well", "bad"
WRITTEN, REFUSED = "written", "refused"
"""What a command did to the file: something; nothing, for a reason that it gives."""
OTHER, UNREADABLE = "other", "unreadable"
"""What an instance holds where it is none of the versions that it was asked about, or where it cannot know."""
NO_VERSION = "0" * 32
"""For a command that is about no version."""
NAMED = 3
"""So many instances a message names, at most; of the others it says how many there are."""


class Status(StrEnum):
    """What came of a command on one instance, as Systems Manager's StatusDetails have it."""

    UNDER_WAY = "under way"
    SUCCESS = "Success"
    FAILED = "Failed"
    TIMED_OUT = "ExecutionTimedOut"
    NOT_DELIVERED = "DeliveryTimedOut"
    UNDELIVERABLE = "Undeliverable"
    TERMINATED = "Terminated"
    CANCELLED = "Cancelled"


NEVER_BEGUN = (Status.NOT_DELIVERED, Status.UNDELIVERABLE, Status.TERMINATED)
"""The command did not reach the instance."""


class Place(StrEnum):
    """Where an instance is in its life, as far as it matters to a credential."""

    SERVES = "in service"
    """Nothing counts as published until it holds it."""
    BOOTS = "boots"
    """What its boot unit has read may be what was current before; what its file says now means nothing yet."""
    STANDS_BY = "stands by"
    """It serves nobody, and may come to: what it holds matters before something is withdrawn."""
    LEAVES = "leaves"
    """It does not come back."""


@dataclass(frozen=True)
class Instance:
    """One machine that has the tag, and is there."""

    id: str
    place: Place
    online: bool
    """Its agent is connected: it can be told."""

    @property
    def serves(self) -> bool:
        return self.place is Place.SERVES

    @property
    def is_asked(self) -> bool:
        """What its file says counts."""
        return self.place in (Place.SERVES, Place.STANDS_BY)


@dataclass(frozen=True)
class Telling:
    """What instances are told. No credential is in it."""

    action: str
    version: str
    """Of the application's secret."""
    candidates: tuple[str, ...] = ()
    """Other versions that the file may hold, to be named in the answer."""
    mark: str = ""
    """What makes it another telling than the same one of another publish."""
    careful: bool = False
    """Each asks its own page, and the first failure spares the others. On the way back all are told, whatever one of them says."""

    def done_by(self, answer: "Answer") -> bool:
        """Whether that instance has done it, and its own page does not show otherwise."""
        return answer.status is Status.SUCCESS if self.action == OWN else answer.well(self.version)

    @property
    def key(self) -> str:
        """By it what was told is found again, by whoever looks."""
        return f"{self.action} {self.version} {sha256(self.mark.encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class Answer:
    """What came of one command on one instance."""

    instance: str
    key: str
    """Of the telling."""
    status: Status
    asked: float
    """When it was told, in seconds since 1970."""
    holds: str = ""
    """The version whose credential its file holds; OTHER or UNREADABLE; empty where it did not say."""
    page: str = ""
    reason: str = ""
    """The name of our own error."""
    detail: str = ""
    file: str = ""
    """What it did to the file: `written`, `unchanged`, `refused`; `unknown` or empty where nobody can say."""

    @property
    def ended(self) -> bool:
        return self.status is not Status.UNDER_WAY

    @property
    def spared(self) -> bool:
        """Whether it certainly wrote nothing."""
        return self.status in NEVER_BEGUN or (self.ended and self.file == REFUSED)

    def well(self, version: str) -> bool:
        """Whether the instance holds that version, and its own page does not show otherwise."""
        return self.status is Status.SUCCESS and self.holds == version and self.page != BAD


@dataclass(frozen=True)
class Next:
    """What to do about instances that are to be written."""

    complete: bool
    tell: tuple[str, ...] = ()


REASONS: Mapping[str, type[PermanentError]] = {
    one.__name__: one
    for one in (WpConfigMissing, WpConfigUnsupported, WpConfigReadOnly, DiskFull, PhpMissing, SecretUnreadable, PageBad)
}
ENDS: Mapping[Status, type[PermanentError]] = {
    Status.FAILED: CommandFailed,
    Status.TIMED_OUT: CommandTimedOut,
    Status.NOT_DELIVERED: CommandNotDelivered,
    Status.UNDELIVERABLE: CommandUndeliverable,
    Status.TERMINATED: CommandTerminated,
    Status.CANCELLED: CommandCancelled,
}
SAID: Mapping[Status, str] = {
    Status.FAILED: "the command failed and did not say why; look at its output in Systems Manager",
    Status.TIMED_OUT: f"the command did not end within {SCRIPT_SECONDS} s; is the machine overloaded?",
    Status.NOT_DELIVERED: "it did not take the command in time; is its agent running?",
    Status.UNDELIVERABLE: "the command could not be delivered; does its agent reach Systems Manager?",
    Status.TERMINATED: "it was not told any more, since the command had failed elsewhere",
    Status.CANCELLED: "somebody cancelled the command",
}


def some(names: Iterable[str]) -> str:
    """For people, who look at one first."""
    found = sorted(names)
    more = len(found) - NAMED
    return ", ".join(found[:NAMED]) + (f" and {more} more" if more > 0 else "")


def to(telling: Telling, answers: Sequence[Answer]) -> list[Answer]:
    """What came of that."""
    return [answer for answer in answers if answer.key == telling.key]


def to_write(
    instances: Sequence[Instance], answers: Sequence[Answer], telling: Telling, kept: Collection[str] = frozenset()
) -> Next:
    """Whether all in service hold it, and who is to be told now: nobody who is still at an earlier write, which may end later.
    Raises what no further telling would mend. `kept`: who cannot be told, and holds it all the same."""
    serving = [one for one in instances if one.serves]
    writing, told = _writing(answers), _told(serving, answers, telling)
    done = {name for name, said in told.items() if any(map(telling.done_by, said))} | set(kept)
    _refuse_failed({name: said for name, said in told.items() if name not in done}, telling)
    if done.issuperset(told):
        return Next(complete=True)
    free = [one.id for one in serving if one.online and one.id not in done | writing]
    if telling.careful and not done:
        return Next(complete=False, tell=_canary(serving, free))
    return Next(complete=False, tell=tuple(sorted(free)))


def _writing(answers: Iterable[Answer]) -> set[str]:
    return {answer.instance for answer in answers if not answer.ended and answer.key.startswith(WRITE)}


def _told(serving: Iterable[Instance], answers: Sequence[Answer], telling: Telling) -> dict[str, list[Answer]]:
    """By instance, what came of that."""
    own = to(telling, answers)
    return {one.id: [answer for answer in own if answer.instance == one.id] for one in serving}


def unable(instances: Sequence[Instance], answers: Sequence[Answer], telling: Telling) -> list[str]:
    """Who serves and cannot be told, or has said that it cannot do it, and is at no write any more."""
    serving = {one.id: one for one in instances if one.serves}
    told, writing = _told(serving.values(), answers, telling), _writing(answers)
    waited = [name for name, said in told.items() if not any(map(telling.done_by, said)) and name not in writing]
    return [name for name in waited if not serving[name].online or any(_failed(name, told[name], telling))]


def last_write(answers: Iterable[Answer]) -> Answer | None:
    """The last that may have changed the file, whatever became of it. None: none did."""
    writes = [one for one in answers if one.key.startswith(WRITE) and not one.spared]
    return max(writes, key=lambda one: (not one.ended, one.asked), default=None)


def holds_since(last: Answer) -> str | None:
    """The version that an instance holds since that write; None where nobody knows."""
    return last.holds if last.ended and last.holds not in ("", OTHER, UNREADABLE) else None


def _canary(serving: Sequence[Instance], free: Sequence[str]) -> tuple[str, ...]:
    """None while one is at it."""
    busy = [one for one in serving if one.online and one.id not in free]
    return () if busy else tuple(sorted(free)[:1])


def _refuse_failed(told: Mapping[str, Sequence[Answer]], telling: Telling) -> None:
    """The worst of all: that a command was taken back elsewhere says less than why."""
    failures = [found for name, said in told.items() for found in _failed(name, said, telling)]
    failures.sort(key=lambda error: isinstance(error, CommandTerminated))
    if failures:
        raise failures[0]


def _failed(name: str, said: Sequence[Answer], telling: Telling) -> Iterator[PermanentError]:
    ended = sorted((answer for answer in said if answer.ended), key=lambda answer: answer.asked)
    final = [answer for answer in ended if answer.reason or answer.status is Status.CANCELLED or _differs(answer, telling)]
    for answer in final[-1:] or (ended[-1:] if len(ended) >= ATTEMPTS else []):
        yield failure(name, answer)


def _differs(answer: Answer, telling: Telling) -> bool:
    return answer.status is Status.SUCCESS and not telling.done_by(answer)


def failure(name: str, answer: Answer) -> PermanentError:
    """As people are told of it."""
    error = REASONS.get(answer.reason) or (PageBad if answer.page == BAD else ENDS.get(answer.status, CommandFailed))
    return error(f"instance {name}: {answer.detail or SAID.get(answer.status, 'it does not hold what it was told to')}")


def refuse_none(name: str, instances: Sequence[Instance]) -> None:
    """The tag may be misspelt: to write nowhere would look like success."""
    if not any(one.serves for one in instances):
        boot = sum(one.place is Place.BOOTS for one in instances)
        said = f"; {boot} boot: wait for them" if boot else "; does the tag say what the target says?"
        raise InstancesMissing(f"{name}: none is in service{said}")


def first_told(name: str, instances: Sequence[Instance]) -> str:
    """For a dry run: how many would be written, and which one first."""
    serving = sorted(one.id for one in instances if one.serves and one.online)
    more = sum(not one.serves for one in instances)
    return f"{name}: {len(serving)} in service are told{f', {serving[0]} first' if serving else ''}; {more} boot, stand by or leave"


def silent(name: str, instances: Sequence[Instance], answers: Sequence[Answer], telling: Telling, waited: float) -> PermanentError:
    """Whoever is in service and has not answered when time is up."""
    well = {answer.instance for answer in to(telling, answers) if telling.done_by(answer)}
    missing = [one.id for one in instances if one.serves and one.id not in well]
    offline = [one.id for one in instances if one.serves and not one.online]
    said = f"; without a connected agent: {some(offline)}" if offline else ""
    return InstanceSilent(f"{name}: after {waited:.0f} s no answer of {some(missing)} (rollout.deadline_seconds){said}")


@dataclass(frozen=True)
class Heard:
    """What all instances that stay hold, as far as they said."""

    writing: tuple[str, ...]
    """Still being told to write, of whatever run: as long as there is one, nothing is known."""
    booting: tuple[str, ...]
    """They may have read what was current before."""
    silent: tuple[str, ...]
    others: tuple[str, ...]
    """They hold something else."""

    @property
    def hold(self) -> Hold:
        if self.writing or self.booting or self.silent:
            return Hold.UNKNOWN
        return Hold.OTHER if self.others else Hold.SAME

    @property
    def words(self) -> str:
        """Who is waited for; empty for nobody."""
        waited = {
            "boots": self.booting,
            "is still being told to write": self.writing,
            "has not said what it holds": self.silent,
            "holds another version": self.others,
        }
        return "; ".join(f"{what}: {some(names)}" for what, names in waited.items() if names)


def heard(instances: Sequence[Instance], answers: Sequence[Answer], telling: Telling, since: float) -> Heard:
    """By what was said since then."""
    newest = _newest(to(telling, answers), since)
    here = {one.id for one in instances}
    asked = [one.id for one in instances if one.is_asked]
    return Heard(
        tuple({one.instance for one in answers if not one.ended and one.key.startswith(WRITE) and one.instance in here}),
        tuple(one.id for one in instances if one.place is Place.BOOTS),
        tuple(name for name in asked if name not in newest),
        tuple(name for name in asked if name in newest and newest[name].holds != telling.version),
    )


def unasked(instances: Sequence[Instance], answers: Sequence[Answer], telling: Telling, since: float) -> tuple[str, ...]:
    """Who can be asked, and has neither answered since then nor been asked."""
    said = to(telling, answers)
    busy = {answer.instance for answer in said if not answer.ended} | set(_newest(said, since))
    return tuple(sorted(one.id for one in instances if one.is_asked and one.online and one.id not in busy))


def _newest(answers: Sequence[Answer], since: float) -> dict[str, Answer]:
    """Of those that say what is held."""
    said = (answer for answer in answers if answer.ended and answer.holds and answer.asked >= since)
    return {answer.instance: answer for answer in sorted(said, key=lambda answer: answer.asked)}
