"""Two executions and an operator, in an order drawn at random: what the bounded searches leave out.

A number draws the whole schedule, so that a number is all it takes to see it again. What the operator does is what operators do:
he stops a run, redrives it, starts another in some mode, puts a secret again with a note in it, points a consumer at the other
slot.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass

from rotation.core.model import CURRENT, Credential, SecretText

from local import secret_labels as aws
from tests.faults.calls.kinds import Kind, Strike, why_not
from tests.faults.calls.machinery import clean_run
from tests.faults.calls.scenarios import SCENARIOS
from tests.faults.crowd.actors import Actors, acted, redriven, started, stopped
from tests.faults.laws import instant
from tests.faults.laws.violation import Violation
from tests.faults.walk.explorer import finished
from tests.faults.walk.search import Found
from tests.worlds.asl import Place
from tests.worlds.invocation import Boundary, Invocation
from tests.worlds.living import FUNCTION_SECONDS, LivingWorld
from tests.worlds.world import Secret

UNPREVENTABLE = ("CheckStillDrained", "DiscardOldPassword")
DISCARD = "discard_old_password"
"""A consumer that is pointed at the old slot between the last look and the discard: no check can prevent that, whether the run
is in one of these states, or was stopped and left that function at work."""
MOVES = 40
MODES = ("rotate", "rotate", "resume", "sync-users", "revoke")
WITHOUT_REVOKE = MODES[:-1]
"""Where it cuts off who works: it ends all sessions of the one user, and gives up tokens."""
OPERATOR_ACTS = 4
STRIKES = (
    *(Kind.REFUSED, Kind.FAILED_DONE, Kind.DIES, Kind.CRASHED, Kind.TIMED_OUT, Kind.TIMED_OUT_DONE),
    *(Kind.POD, Kind.FAIL_OVER, Kind.THROTTLED),
)


@dataclass(frozen=True)
class Draws:
    """What one sort of schedules is drawn from."""

    starts: tuple[str, ...]
    modes: tuple[str, ...] = MODES
    points: bool = False
    """Whether the operator points consumers elsewhere: sqlconf.php and the Kubernetes Secret are edited by hand."""
    admin: bool = True
    """Whether there is an admin's secret, which he puts again."""


OPENEMR = "OpenEMR"
SORTS = {
    OPENEMR: Draws(("from A", "from B", "bootstrap", "drifted slot", "no login counts"), points=True),
    "two values": Draws(("two values of one user", "two values on two nodes of Redis"), WITHOUT_REVOKE),
    "keys": Draws(
        (
            *("keys", "keys, the first rotation", "keys, seen late", "keys, with names"),
            "keys, one is kept of a run that was rolled back",
        ),
        admin=False,
    ),
    "signing keys": Draws(("signing keys",), WITHOUT_REVOKE, admin=False),
}
"""Not the drifted admin: a person who puts that secret twice has thrown away the password himself."""


@dataclass
class Schedule:
    """One, as far as it has come."""

    scenario: str
    draws: Draws
    world: LivingWorld
    began_with: Credential
    actors: Actors = ()
    begun: int = 0
    acts: int = 0
    """Of the operator."""
    said: tuple[str, ...] = ()
    stopped: tuple[Place, ...] = ()
    """Executions that may be redriven."""

    def say(self, what: str) -> None:
        self.said = (*self.said, what)

    # What the three of them may do.

    def start(self, mode: str) -> None:
        self.begun += 1
        self.say(f"run-{self.begun} is started: {mode}")
        self.actors = (*self.actors, started(self.world, f"run-{self.begun}", mode))

    def act(self, chosen: int, boundaries: int, strike: Strike | None = None) -> None:
        """One of them goes on."""
        actor = self.actors[chosen]
        self.say(f"{actor.name} {'has waited' if actor.wakes is not None else f'does {boundaries}'}")
        before = strike.before if strike else None
        after = strike.after if strike else None
        actors = acted(self.world, self.actors, chosen, boundaries, before, after)
        self.actors = tuple(one for one in actors if not one.over)

    def stop(self, chosen: int) -> None:
        self.say(f"{self.actors[chosen].name} is stopped")
        place = self.actors[chosen].place
        assert place
        self.stopped = (*self.stopped, place)
        self.actors = tuple(stopped(self.world, one) if number == chosen else one for number, one in enumerate(self.actors))
        self.actors = tuple(one for one in self.actors if not one.over)

    def redrive(self, chosen: int) -> None:
        place = self.stopped[chosen]
        self.say(f"{place.who.name} is redriven")
        self.stopped = (*self.stopped[:chosen], *self.stopped[chosen + 1 :])
        self.actors = (*self.actors, redriven(self.world, place))

    def put_again(self, secret: Secret) -> None:
        """At the console: what is current, and a note."""
        content = json.loads(aws.find(secret.versions, None, CURRENT)["secret_string"])
        note = f"note{len(secret.versions)}"
        self.say(f"somebody puts {secret.name} again, with {note}")
        secret.put(f"theirs-{len(secret.versions)}", SecretText(json.dumps({**content, note: "x"})))
        instant.begin(self.world, by_hand=secret is self.world.slots)

    @property
    def at_stake(self) -> bool:
        """Whether somebody is between the last look and the discard."""
        return any(one.state in UNPREVENTABLE or (one.call and one.call.function == DISCARD) for one in self.actors)

    def point(self, what: str, credential: Credential) -> None:
        """A consumer is edited by hand, to something that works."""
        self.say(f"somebody points {what} at {credential.username}")
        (self.world.file if what == "sqlconf.php" else self.world.secret).holds(credential)
        instant.begin(self.world, by_hand=True)

    def end(self) -> None:
        """Whoever is there comes to an end, then one clean run."""
        for _ in range(2_000):
            if not self.actors:
                break
            self.act(min(range(len(self.actors)), key=lambda n: (self.actors[n].wakes is not None, n)), 10_000)
        else:
            raise Violation("at-rest", "they do not come to an end")
        self.world.throttled.clear()
        self.world.pass_time(FUNCTION_SECONDS)
        self.begun += 1
        name = f"run-{self.begun}"
        if self.draws.points:
            finished(self.world, name, self.began_with, self.world.file.held)
        else:
            SCENARIOS[self.scenario].rest(self.world, clean_run(self.world, name), self.began_with)


def begun(start: str, draws: Draws = SORTS[OPENEMR]) -> Schedule:
    """Before anybody has done anything."""
    world = SCENARIOS[start].begun()
    return Schedule(start, draws, world, world.file.held if draws.points else world.held)


def carried_out(draw: random.Random, schedule: Schedule) -> None:
    """It raises what it finds."""
    schedule.start("rotate")
    if draw.random() < 0.8:
        schedule.start(draw.choice(schedule.draws.modes))
    for _ in range(MOVES):
        _move(draw, schedule)
    schedule.end()


def _move(draw: random.Random, schedule: Schedule) -> None:
    if schedule.actors and (schedule.acts == OPERATOR_ACTS or draw.random() < 0.9):
        strike = Strike(draw.choice(STRIKES), draw.randrange(1, 25)) if draw.random() < 0.04 else None
        schedule.act(draw.randrange(len(schedule.actors)), draw.choice((1, 1, 2, 3, 5, 8, 40)), _possible(strike))
        return
    if schedule.acts < OPERATOR_ACTS:
        schedule.acts += 1
        draw.choice(_operator(draw, schedule))()


def _possible(strike: Strike | None) -> Strike | None:
    """Only where that can happen at all."""
    if strike is None:
        return None
    before, after = strike.before, strike.after

    def judged_before(it: Invocation, boundary: Boundary) -> None:
        if not why_not(strike.kind, Boundary(boundary.number, boundary.port, boundary.what, changed=True), ()):
            before(it, boundary)

    def judged_after(it: Invocation, boundary: Boundary) -> None:
        if boundary.changed and not why_not(strike.kind, boundary, ()):
            after(it, boundary)

    strike.before, strike.after = judged_before, judged_after  # type: ignore[method-assign]
    return strike


def _operator(draw: random.Random, schedule: Schedule) -> list[Callable[[], None]]:
    world, running = schedule.world, [n for n, one in enumerate(schedule.actors) if one.runs]
    secrets = (world.slots, world.admin) if schedule.draws.admin else (world.slots,)
    can: list[Callable[[], None]] = [lambda: schedule.put_again(draw.choice(secrets))]
    if running:
        can.append(lambda: schedule.stop(draw.choice(running)))
    if len(running) < 2 and schedule.stopped:
        can.append(lambda: schedule.redrive(draw.randrange(len(schedule.stopped))))
    if len(running) < 2:
        can.append(lambda: schedule.start(draw.choice(schedule.draws.modes)))
    current = world.current
    works = [c for c in (current.credential(s) for s in ("A", "B")) if world.accepts(c)] if schedule.draws.points else []
    if works and not schedule.at_stake:
        can.append(lambda: schedule.point(draw.choice(("sqlconf.php", "the Secret")), draw.choice(works)))
    return can


def find(number: int, sort: str = OPENEMR) -> Found | None:
    """What the schedule of that number breaks."""
    return shown(number, sort)[1]


def shown(number: int, sort: str = OPENEMR) -> tuple[tuple[str, ...], Found | None]:
    """Who did what in it, and what broke."""
    draw = random.Random(number)  # noqa: S311 - to be drawn again the same
    schedule = begun(draw.choice(SORTS[sort].starts), SORTS[sort])
    name = f"schedule {number} of {sort}, {schedule.scenario}"
    found: Found | None = None
    try:
        carried_out(draw, schedule)
    except Violation as violation:
        found = Found(violation.law, violation.what, (name, *schedule.said, f"then at {violation.where}"))
    except Exception as error:  # noqa: BLE001 - a step that breaks is found, like all else
        found = Found("error", f"{type(error).__name__}: {error}", (name, *schedule.said))
    return schedule.said, found
