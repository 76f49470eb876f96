"""Instances in memory, what their files hold, and the commands that are on their way. All of it is a value, with time in it.

A command takes a while to an instance, is lost where the agent does not answer, and may come late; whoever was launched boots with
what was current when it began to, and writes that at its end.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from rotation.core.fleet import BAD, LOOK, OWN, REFUSED, WELL, WRITE, WRITTEN, Answer, Instance, Place, Status, Telling, last_write
from rotation.core.model import CURRENT, Credential

from local import secret_labels as aws
from tests.worlds.journal import Journal
from tests.worlds.world import USERS, credential

AGENT_SECONDS = 1.0
"""From a command until it has been carried out."""
BOOT_SECONDS = 6.0
"""From a launch, which reads what is current, until that is in the file and the instance serves."""
SILENT_SECONDS = 40.0
"""How long an agent does not answer: longer than a rollout may take."""
COMMAND_SECONDS = 12.0
"""How long a command may wait for its instance: less than the quiet period of the target, as the shipped proportions have it."""
LOOKS = ("WpConfigReadOnly", "DiskFull")
"""Why a file cannot be written, and can be read: that it holds already what was asked for is said all the same."""
FIRST, SECOND, LAUNCHED = "i-1", "i-2", "i-3"


@dataclass(frozen=True)
class Machine:
    """One instance."""

    id: str
    holds: Credential
    """In its file; as long as it boots for the first time, what it is about to write."""
    launched: float = 0.0
    serves: bool = True
    """Its file has been there; else it boots for the first time."""
    boots: tuple[float, Credential] | None = None
    """When its boot unit writes, and what it has read."""
    silent_until: float = 0.0
    """Before that its agent does not answer."""
    delay: float = AGENT_SECONDS
    shows: bool = True
    """Its page, with slot B."""
    refuses: str = ""
    """Why nothing can be written into its file."""
    ends: Status = Status.SUCCESS
    """Of what it is told to write, whatever else comes of it."""
    owned: bool = False
    """Its file has the owner and mode that the target names."""
    wrote: Answer | None = None
    """What came of the last write that may have changed its file. Systems Manager remembers it for long."""


@dataclass(frozen=True)
class Command:
    """What one instance was told."""

    instance: str
    telling: Telling
    asked: float
    at: float
    """When it is carried out, unless the agent does not answer."""
    said: Answer | None = None
    """Once it has ended."""


class Fleet:
    """Two in service at first."""

    name = "instances with the tag app=openemr"

    def __init__(self, secret: Any, journal: Journal, now: Any, first: Credential) -> None:
        self._secret, self._journal, self._now = secret, journal, now
        self.machines: tuple[Machine, ...] = (Machine(FIRST, first), Machine(SECOND, first))
        self.commands: tuple[Command, ...] = ()
        self.boot_seconds, self.slowest_boot_seconds = BOOT_SECONDS, BOOT_SECONDS + 2
        self.kept_seconds = KEPT_SECONDS
        self.past: tuple[tuple[float, Credential], ...] = ()
        """What a file held before, each with the moment at which that ended."""

    # As the port has it.

    def instances(self) -> list[Instance]:
        now = self._now()
        return [Instance(one.id, self._place(one), one.silent_until <= now) for one in self.machines]

    def _place(self, one: Machine) -> Place:
        return Place.BOOTS if self._now() - one.launched < self.slowest_boot_seconds else Place.SERVES

    def answers(self, since: float) -> list[Answer]:
        return [
            one.said or Answer(one.instance, one.telling.key, Status.UNDER_WAY, one.asked)
            for one in self.commands
            if one.asked >= since
        ]

    def last_write(self, instance: str) -> Answer | None:
        kept = next((one.wrote for one in self.machines if one.id == instance), None)
        own = [one for one in self.answers(0.0) if one.instance == instance]
        return last_write([*([kept] if kept else []), *own])

    def tell(self, telling: Telling, instances: Sequence[str]) -> None:
        with self._journal.write(f"tell {telling.action}"):
            here = {one.id: one for one in self.machines}
            now = self._now()
            told = (Command(name, telling, now, now + here[name].delay) for name in instances if name in here)
            self.commands = (*self.commands, *told)

    # What happens by itself.

    def pass_time(self) -> None:
        """All that is due, in its order."""
        now = self._now()
        while True:
            due = [(at, number) for number, (at, _) in enumerate(self._ahead()) if at <= now]
            if not due:
                break
            at, number = min(due)
            self._ahead()[number][1](at)
        self.commands = tuple(one for one in self.commands if one.said is None or now - one.asked <= self.kept_seconds)

    def _ahead(self) -> list[tuple[float, Any]]:
        commands = [(self._ends(one), lambda at, one=one: self._carried_out(one, at)) for one in self.commands if not one.said]
        boots = [(one.boots[0], lambda at, one=one: self._booted(one, at)) for one in self.machines if one.boots]
        return [*commands, *boots]

    def _ends(self, one: Command) -> float:
        """In vain, if nobody takes it in time."""
        machine = next((machine for machine in self.machines if machine.id == one.instance), None)
        return one.at if machine and machine.silent_until <= one.at else one.asked + COMMAND_SECONDS

    def _carried_out(self, one: Command, at: float) -> None:
        machine = next((machine for machine in self.machines if machine.id == one.instance), None)
        if machine is None or machine.silent_until > at:
            said = Answer(one.instance, one.telling.key, Status.NOT_DELIVERED, one.asked)
        else:
            said = self._done(machine, one, at)
            if one.telling.action == WRITE and not said.spared:
                self._replace(machine.id, wrote=said)
        self.commands = tuple(replace(each, said=said) if each is one else each for each in self.commands)

    def _done(self, machine: Machine, one: Command, at: float) -> Answer:
        if one.telling.action == OWN:
            return self._owned(machine, one)
        wanted = self.login(one.telling.version)
        if wanted is None:
            return _refused(machine, one, "SecretUnreadable")
        if machine.ends is not Status.SUCCESS and one.telling.careful:
            return Answer(machine.id, one.telling.key, machine.ends, one.asked)
        same = machine.refuses in LOOKS and wanted.same_login(machine.holds)
        if one.telling.action == WRITE and machine.refuses and not same:
            return _refused(machine, one, machine.refuses)
        if one.telling.action == WRITE:
            self._writes(machine.id, wanted, at)
        machine = self.machine(machine.id)
        held = machine.holds
        known = (one.telling.version, *one.telling.candidates)
        there = machine.serves or one.telling.action == WRITE
        holds = next((version for version in known if there and held.same_login(self.login(version))), "other")
        page = "not asked" if not one.telling.careful else WELL if self._shows(machine, held) else BAD
        well = holds == one.telling.version and page != BAD
        reason = "PageBad" if page == BAD else ""
        status = Status.SUCCESS if well else Status.FAILED
        return Answer(machine.id, one.telling.key, status, one.asked, holds, page, reason, reason)

    def _owned(self, machine: Machine, one: Command) -> Answer:
        if machine.refuses:
            return _refused(machine, one, machine.refuses)
        self._replace(machine.id, owned=True)
        did = "unchanged" if machine.owned else WRITTEN
        return Answer(machine.id, one.telling.key, Status.SUCCESS, one.asked, "unreadable", "not asked", file=did)

    def _shows(self, machine: Machine, held: Credential) -> bool:
        return machine.shows or held.username != USERS["B"]  # type: ignore[index]

    def _booted(self, machine: Machine, at: float) -> None:
        assert machine.boots
        self._replace(machine.id, boots=None, serves=True)
        self._writes(machine.id, machine.boots[1], at)

    def _writes(self, name: str, wanted: Credential, at: float) -> None:
        before = self.machine(name).holds
        if before != wanted:
            self.past = (*self.past, (at, before))
            self._replace(name, holds=wanted)

    # What a person or a test does and sees.

    def machine(self, name: str) -> Machine:
        return next(one for one in self.machines if one.id == name)

    def change(self, name: str, **more: Any) -> None:
        """As if it were so already."""
        self._replace(name, **more)

    def launch(self, name: str = LAUNCHED) -> None:
        """It reads what is current now, and serves after a while."""
        if any(one.id == name for one in self.machines):
            return
        read = self._current()
        boots = (self._now() + self.boot_seconds, read)
        self.machines = (*self.machines, Machine(name, read, self._now(), False, boots))

    def reboot(self, name: str) -> None:
        """It has read what is current now, and writes that when it is up again."""
        if any(one.id == name for one in self.machines):
            self._replace(name, boots=(self._now() + self.boot_seconds, self._current()))

    def end(self, name: str) -> None:
        """It is gone; what it was told is never answered."""
        if len(self.serving) > 1:
            self.machines = tuple(one for one in self.machines if one.id != name)

    @property
    def serving(self) -> list[Machine]:
        return [one for one in self.machines if one.serves]

    def login(self, version: str) -> Credential | None:
        text = self._secret.versions.get(version, {}).get("secret_string")
        if text is None:
            return None
        content = json.loads(text)
        return credential(content["username"], content["password"])

    def _current(self) -> Credential:
        found = self.login(aws.find(self._secret.versions, None, CURRENT)["version_id"])
        assert found
        return found

    def _replace(self, name: str, **more: Any) -> None:
        self.machines = tuple(replace(one, **more) if one.id == name else one for one in self.machines)

    # To be kept and compared.

    def state(self) -> "State":
        return State(self.machines, self.commands, self.past)

    def key(self, called: Callable[[str], str | None]) -> Any:
        """What `alike` makes of it."""
        return alike(self.state(), self._now(), called)

    def restore(self, state: "State") -> None:
        self.machines, self.commands, self.past = state


class State(NamedTuple):
    """All of them, as values that nothing changes any more."""

    machines: tuple[Machine, ...]
    commands: tuple[Command, ...]
    past: tuple[tuple[float, Credential], ...]


def alike(state: State, clock: float, called: Callable[[str], str | None]) -> Any:
    """The same for two in which the same may happen from here on. `called`: what a mark is told by; None where nobody asks for what
    came of it any more, so that only what is still on its way matters."""

    def ago(moment: float) -> float:
        return round(clock - moment, 3)

    machines = [
        (
            one.id,
            _login(one.holds),
            one.serves,
            one.boots and (ago(one.boots[0]), _login(one.boots[1])),
            max(0.0, -ago(one.silent_until)),
            one.delay,
            min(ago(one.launched), YOUNG_SECONDS),
            one.wrote and (one.wrote.key.split(" ")[1], one.wrote.holds),
        )
        for one in state.machines
    ]
    commands = []
    for one in state.commands:
        telling, mark = one.telling, called(one.telling.mark)
        if one.said and mark is None:
            continue
        asked = ago(one.asked) if telling.action == LOOK or one.said is None else None
        said = one.said and (one.said.status, one.said.holds, one.said.page, one.said.reason)
        commands.append(
            (one.instance, telling.action, telling.version, telling.careful, mark, asked, one.said is None and ago(one.at), said)
        )
    return machines, commands, [(ago(ended), _login(one)) for ended, one in state.past]


def _refused(machine: Machine, one: Command, reason: str) -> Answer:
    """It wrote nothing, and says why."""
    return Answer(machine.id, one.telling.key, Status.FAILED, one.asked, "other", "not asked", reason, reason, REFUSED)


def _login(one: Credential) -> tuple[str, str]:
    return one.username, one.password.reveal()


YOUNG_SECONDS = 100.0
"""After that no instance of any of these worlds counts as booting."""
KEPT_SECONDS = 45.0
"""How long it matters what came of a command: nobody asks about one that is older."""
