"""What may come of one call of a function: undisturbed, with each fault at each of its boundaries, and while somebody acts late."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tests.faults.calls.kinds import IN_A_SWARM, OF_INSTANCES, STOPS, Kind, Strike, touches, why_not
from tests.faults.calls.machinery import MOST_TRIES, LeftLying, conclude, finish, function_at, invocation, machine, passed, settled
from tests.faults.laws.violation import Violation
from tests.faults.walk.search import Branch
from tests.worlds.asl import Place
from tests.worlds.invocation import Boundary, Failed, Gate, Invocation, Left, Outcome, Port, Told
from tests.worlds.living import FUNCTION_SECONDS, LivingWorld, Snapshot

COUNTS = "check_drained"
"""The only function that asks how often somebody logged in."""
_SHOWS = {
    Port.PAGE: {Port.FILE, Port.CLUSTER, Port.SECRETS, Port.PAGE},
    Port.PROXY: {Port.SECRETS, Port.DATABASE},
}
"""Of what ports a look at another depends."""


@dataclass
class Node:
    """A moment between two calls: the world, the place of the execution, and perhaps an invocation that was left lying."""

    world: Snapshot
    place: Place
    run: int = 1
    calls: int = 0
    struck: bool = False
    """Whether a fault hit this run, or somebody acted late in it: it need not succeed."""
    late: LeftLying | None = None
    faults: int = 0
    """How many more there may be."""
    touched: bool = False
    """Whether a fault struck where a password or a label moves."""
    likeness: bytes | None = None
    """Kept, once it was found out."""


@dataclass(frozen=True)
class Moment:
    """Right before a boundary."""

    world: Snapshot
    told: tuple[Told, ...]


@dataclass(frozen=True)
class Landing:
    """What came of somebody's acting late, and what he did."""

    nodes: list[Node]
    did: tuple[Boundary, ...]
    with_lock: bool
    """Whether he needed the database's lock, or held it."""

    def commutes(self, boundary: Boundary, *, counts: bool) -> bool:
        """Whether nobody could tell which came first, he or that boundary of the call, which has no effect. `counts`: the call
        asks how often somebody logged in. A version never changes, and its labels only when they are moved."""
        verb, _, what = boundary.what.partition(" ")
        changed = {one.what for one in self.did if one.changed}
        if verb in ("read", "which") and boundary.port is Port.SECRETS:
            return True
        if verb == "labels":
            return not any(one.startswith("swap ") and one.endswith(what.removeprefix("of ")) for one in changed)
        if verb == "login":  # it counts, and so do his: the sum is the same
            return not any(one.endswith(f" {what}") for one in changed)
        if verb == "activity" and not counts:
            return True
        if boundary.port is Port.DATABASE:
            return not any(one.port is Port.DATABASE for one in self.did)
        shows = _SHOWS.get(boundary.port, {boundary.port})
        return not any(one.port in shows for one in self.did if one.changed)


def _more_logins(before: Snapshot, after: Snapshot) -> dict[str, int]:
    return {one[0]: one[-1] - other[-1] for one, other in zip(after.accounts, before.accounts, strict=True) if one[-1] != other[-1]}


class Attempt:
    """It is made once and then, as far as it was not disturbed, only told again."""

    def __init__(self, world: LivingWorld, node: Node) -> None:
        self._world, self._node = world, node
        self._function, self._event = function_at(node.place)
        self.boundaries: list[Boundary] = []
        """Of the undisturbed call."""
        self._moments: list[Moment] = []
        self._concluded_before: dict[Any, list[Node]] = {}
        self._landing: Landing | None = None
        self._afterwards: tuple[Snapshot, Outcome] | None = None
        """Undisturbed."""
        self._without_effect: dict[Any, dict[str, int] | None] = {}

    def undisturbed(self) -> list[Node]:
        self._world.restore(self._node.world)
        it = self._invocation((), before=self._keep if self._node.faults or self._node.late else None)
        outcome = it.run()
        self.boundaries = it.seen.boundaries
        if self._node.late:
            self._afterwards = (self._world.snapshot(), outcome)
        return self._concluded(outcome, self._node.struck)

    def _keep(self, it: Invocation, _: Boundary) -> None:
        """What only reads a text leaves the world as it was."""
        before = it.seen.boundaries[-2:-1]
        same = before and self._moments and before[0].what.startswith(("read ", "labels ")) and self._same_as_before()
        world = self._moments[-1].world if same else self._world.snapshot()
        self._moments.append(Moment(world, it.told))

    def _same_as_before(self) -> bool:
        before = self._moments[-1].world
        return not before.refuses and (before.lock, before.passwords_made) == (self._world.source.lock, self._world.passwords_made)

    def _from(self, number: int, before: Gate | None = None, after: Gate | None = None) -> Invocation:
        """The same call, right before that boundary; as if nothing had happened yet. One that has none begins."""
        moment = self._moments[number - 1] if self._moments else Moment(self._node.world, ())
        self._world.restore(moment.world)
        return self._invocation(moment.told, before, after)

    def _invocation(self, told: tuple[Told, ...], before: Gate | None = None, after: Gate | None = None) -> Invocation:
        name = f"{self._node.place.who.name}/{self._function}/{self._node.run}.{self._node.calls}"
        return invocation(self._world, self._function, self._event, name, told=told, before=before, after=after)

    # ---- faults -----------------------------------------------------------------------------------------------------

    def faults(self) -> Iterator[tuple[Kind, Boundary, str]]:
        """Each kind at each boundary, and why it cannot happen there."""
        kinds = [kind for kind in Kind if self._may_befall(kind)]
        for place, boundary in enumerate(self.boundaries):
            for kind in kinds:
                why = why_not(kind, boundary, self.boundaries[place + 1 :])
                if kind in (Kind.ZOMBIE, Kind.LATE) and self._node.late:
                    why = "one acts late already"
                if kind is Kind.POD and not self._world.environments():
                    why = "there are no pods"
                yield kind, boundary, why

    def _may_befall(self, kind: Kind) -> bool:
        if kind in OF_INSTANCES:
            return bool(self._world.fleets())
        return kind not in IN_A_SWARM or bool(self._world.services())

    def say(self, kind: Kind, boundary: Boundary) -> str:
        return f"{self._node.place.who.name} {self._node.place.state} {boundary.number} ({boundary.what}): {kind}"

    def struck(self, kind: Kind, at: Boundary) -> list[Node]:
        touched = self._node.touched or touches(at)
        strike = Strike(kind, at.number)
        it = self._from(at.number, before=strike.before, after=strike.after)
        outcome = it.run()
        if strike.instead is not None:
            outcome = strike.instead
        if isinstance(outcome, Left):
            left = LeftLying(self._function, self._event, it.name, outcome.told, self._world.clock + FUNCTION_SECONDS)
            if kind is Kind.LATE:
                return self._concluded(Failed("Lambda.Unknown", "no answer"), True, late=left, spent=1, touched=touched)
            return self._stopped(left, touched)
        if kind in STOPS:
            return self._stopped(self._node.late, touched)
        if kind is Kind.REPEATED:
            place, _ = machine().failed(self._node.place, "Lambda.Unknown", "no answer")
            return self._concluded(outcome, True, spent=1, place=place, touched=touched)
        return self._concluded(outcome, True, spent=1, touched=touched)

    # ---- somebody acts late -----------------------------------------------------------------------------------------

    def landings(self) -> Iterator[Branch[Node]]:
        """Whoever was left lying goes on, before each boundary of this call and after its last."""
        for number in range(1, len(self.boundaries) + 2):
            what = f"{self._node.place.who.name} {self._node.place.state} before {number}: the late one acts"
            yield Branch(what, lambda n=number: self._landed(n))  # type: ignore[misc]

    def _landed(self, number: int) -> list[Node]:
        """Without an effect: as if he had not been there, but that the server counts his logins. Else the same as one boundary
        earlier, if neither of the two notices which of them came first."""
        logins = self._only_logins(number)
        if logins is not None:
            return self._had_not_been_there(logins)
        if self._landing is None or not self._commutes(number - 1, self._landing):
            self._landing = None
            self._landing = self._land(number)
        return self._landing.nodes

    def _only_logins(self, number: int) -> dict[str, int] | None:
        """How often he logs in, if he does nothing else there, and the call does not ask how often somebody did."""
        late = self._node.late
        assert late
        assert self._afterwards
        if self._node.world.lock == late.name or self._node.world.refuses:
            return None
        before = self._moments[number - 1].world if number <= len(self._moments) else self._afterwards[0]
        there = before.uncounted
        if there not in self._without_effect:
            self._world.restore(before)
            finish(self._world, late)
            after = self._world.snapshot()
            self._without_effect[there] = _more_logins(before, after) if after.uncounted == there else None
        logins = self._without_effect[there]
        return None if logins and self._function == COUNTS else logins

    def _had_not_been_there(self, logins: dict[str, int]) -> list[Node]:
        assert self._afterwards
        world, outcome = self._afterwards
        self._world.restore(world)
        for username, more in logins.items():
            self._world.source.accounts[username].logins += more
        return self._concluded(outcome, True, late=None)

    def _commutes(self, number: int, landing: Landing) -> bool:
        if self.boundaries[number - 1].changed or self._node.world.refuses:
            return False
        after = self._moments[number].world.lock if number < len(self._moments) else None
        if landing.with_lock and self._moments[number - 1].world.lock != after:
            return False
        return landing.commutes(self.boundaries[number - 1], counts=self._function == COUNTS)

    def _land(self, number: int) -> Landing:
        late = self._node.late
        assert late
        seen: list[Boundary] = []
        acted = False

        def act(_: Invocation, boundary: Boundary) -> None:
            nonlocal acted
            if boundary.number == number:
                acted = True
                seen.extend(finish(self._world, late))

        outcome = self._from(min(number, len(self._moments)), before=act).run()
        if not acted:  # the call came to its end before that
            seen.extend(finish(self._world, late))
        with_lock = self._node.world.lock == late.name or any(one.what == "lock" for one in seen)
        return Landing(self._concluded(outcome, True, late=None), tuple(seen), with_lock)

    # ---- what comes of it -------------------------------------------------------------------------------------------

    def _stopped(self, late: LeftLying | None, touched: bool) -> list[Node]:
        node = self._node
        self._world.alive.discard(node.place.who.id)
        place = replace(node.place, status="ABORTED")
        return self._once(
            ("stopped", late and id(late), touched),
            lambda: [
                replace(
                    node,
                    world=self._world.snapshot(),
                    place=place,
                    struck=True,
                    late=late,
                    faults=node.faults - 1,
                    touched=touched,
                    likeness=None,
                )
            ],
        )

    def _concluded(
        self,
        outcome: Outcome,
        struck: bool,
        *,
        late: Any = ...,
        spent: int = 0,
        place: Place | None = None,
        touched: bool | None = None,
    ) -> list[Node]:
        late = self._node.late if late is ... else late
        touched = self._node.touched if touched is None else touched
        key = (repr(outcome), struck, late and id(late), spent, place is None, touched)
        return self._once(key, lambda: self._follow(outcome, struck, late, spent, place or self._node.place, touched))

    def _once(self, key: Any, make: Any) -> list[Node]:
        """The same world and the same outcome: the same nodes."""
        key = (key, self._world.snapshot())
        if key not in self._concluded_before:
            self._concluded_before[key] = make()
        return self._concluded_before[key]

    def _follow(
        self, outcome: Outcome, struck: bool, late: LeftLying | None, spent: int, place: Place, touched: bool
    ) -> list[Node]:
        node = self._node
        if node.calls > MOST_TRIES:
            raise Violation("at-rest", f"{MOST_TRIES} calls, and no end")
        place, wait = conclude(self._world, place, outcome, pending=late is not None)
        now = replace(
            node,
            place=place,
            calls=node.calls + 1,
            struck=struck,
            late=late,
            faults=node.faults - spent,
            touched=touched,
            likeness=None,
        )
        return list(self._after_waits(now, wait))

    def _after_waits(self, node: Node, seconds: float) -> Iterator[Node]:
        """Time passes; whoever was left lying dies in it when its own is up, or acts just before that."""
        place, world, late = node.place, self._world, node.late
        while True:
            if late and world.clock + seconds > late.dies:
                left = max(0.0, late.dies - world.clock)
                passed(world, left)
                alternative = world.snapshot()
                finish(world, late)
                yield from self._after_waits(replace(node, place=place, late=None, struck=True), seconds - left)
                world.restore(alternative)
                world.source.leave(late.name)
                seconds, late = seconds - left, None
            passed(world, seconds)
            if place.ended or machine().at(place)["Type"] == "Task":
                break
            place, seconds = settled(world, place)
        yield replace(node, place=place, late=late, world=world.snapshot())
