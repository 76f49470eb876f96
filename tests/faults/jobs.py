"""The explorations as pieces of work that processes can share."""

import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tests.faults.calls.scenarios import SCENARIOS
from tests.faults.crowd import edits, owner
from tests.faults.crowd.button import BY_SECRETS_MANAGER, Pressed
from tests.faults.crowd.rivals import Rivals
from tests.faults.crowd.schedules import OPENEMR, SORTS, find
from tests.faults.teeth.hunt import hunt
from tests.faults.teeth.mutations import MUTATIONS
from tests.faults.walk.explorer import PARTS, Explorer
from tests.faults.walk.search import Found
from tests.worlds.invocation import known_passwords

SCHEDULES = 100_000
OF_OTHERS = 10_000
"""Schedules of each other sort than OpenEMR's."""
CHUNK = 2_500
DEEP = 1_000_000
"""Calls within calls: a search goes as deep as the longest way through its runs."""
STACK = 512 * 1024 * 1024
IN_PAIRS = (
    *("interrupted retirement", "undiscarded password", "bootstrap", "drifted admin", "from A", "from B", "drifted slot"),
    *("interrupted flip", "keys, seen late", "keys"),
)
"""The largest first."""
OF_THE_REST = 10
"""In a thousand: of the pairs that touch neither an ALTER, a DISCARD nor a label, unless all are asked for."""
SELDOM = (
    *(name for name in SCENARIOS if name.startswith("swarm, ")),
    *("keys, the first rotation", "keys, with names, seen late"),
)
"""Not with single: they go a way that another scenario goes, and each takes as long. `LEVEL=all ONLY="swarm"` has them."""
QUICK_SCENARIOS = ("interrupted flip", "B does not work", "dry run")
QUICK_MUTATIONS = 12
RIVALS: tuple[tuple[str, tuple[str, ...], int, int], ...] = (
    ("from A", ("rotate", "rotate"), 0, 2),
    ("bootstrap", ("rotate", "rotate"), 0, 1),
    ("from A", ("rotate", "sync-users"), 0, 2),
    ("from A", ("rotate", "revoke"), 0, 1),
    ("interrupted flip", ("rotate", "resume"), 0, 2),
    ("from A", ("rotate",), 1, 3),
    ("bootstrap", ("rotate",), 1, 2),
    ("keys", ("rotate", "rotate"), 0, 1),
    ("keys", ("rotate", "revoke"), 0, 1),
    ("keys", ("rotate",), 1, 2),
    ("keys, acme", ("rotate", "rotate"), 0, 1),
)
"""Where, which runs at once, how many an operator stops, and how often one is interrupted for another."""
PRESSED: tuple[tuple[tuple[str, ...], int, int], ...] = (((), 7, 0), (("rotate",), 5, 0))
"""Which runs somebody has started by hand, how many calls Secrets Manager makes beside them, and how often one is interrupted for
another: never is at every moment at which the others wait."""
PRESSED_DEEP: tuple[tuple[tuple[str, ...], int, int], ...] = (((), 4, 1), (("rotate",), 3, 1))


@dataclass(frozen=True)
class Job:
    kind: str
    name: str
    arguments: tuple[Any, ...] = ()


EDITS = Job("edits", "an edit between two tries of a claim")
OWNER = Job("owner", "a shared admin, renewed meanwhile by the target that owns it", (owner.SPANS,))


@dataclass(frozen=True)
class Done:
    job: Job
    seconds: float = 0.0
    boundaries: int = 0
    cells: int = 0
    """Faults applied to the undisturbed run: boundaries by kinds, without those that cannot happen."""
    inapplicable: dict[str, int] = field(default_factory=dict)
    runs: int = 0
    pairs: int = 0
    """Of faults, one after the other, that were made; and that were not."""
    left_out: int = 0
    found: tuple[Found, ...] = ()
    caught: tuple[str, ...] = ()
    """Of a mutation: its law, where, and the trace."""

    @property
    def well(self) -> bool:
        """Nothing found; or, of a mutation, something."""
        return bool(self.caught) if self.job.kind == "mutation" else not self.found

    @property
    def words(self) -> str:
        if self.job.kind == "mutation" and not self.found:
            return "NOT CAUGHT"
        return "; ".join(f"{one.law}: {one.what} [{' | '.join(one.path)}]" for one in self.found)


def carry_out(job: Job) -> Done:
    """In a thread with room for deep searches. A job that breaks by itself is told like one that found something."""
    sys.setrecursionlimit(DEEP)
    threading.stack_size(STACK)
    kept: list[Done] = []

    def work() -> None:
        try:
            kept.append(_KINDS[job.kind](job))
        except Exception as error:  # noqa: BLE001 - the other jobs go on, and the table says where this one broke
            where = traceback.format_exc(limit=-3).strip().splitlines()
            kept.append(Done(job, found=(Found("error", f"{type(error).__name__}: {error}", tuple(where)),)))

    began = time.monotonic()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    (done,) = kept
    return replace(done, seconds=time.monotonic() - began)


def _faults(job: Job) -> Done:
    scenario, faults, *rest = job.arguments
    with known_passwords():
        report = Explorer(SCENARIOS[scenario], stop_at=3, of_the_rest=rest[0] if rest else PARTS).explore(faults)
    cells, found = sum(report.cells.values()), tuple(report.found)
    pairs, left_out = report.pairs, report.left_out
    return Done(job, 0.0, report.boundaries, cells, dict(report.inapplicable), report.runs, pairs, left_out, found)


def _rivals(job: Job) -> Done:
    scenario, modes, stops, interruptions = job.arguments
    with known_passwords():
        rivals = Rivals(SCENARIOS[scenario], modes, stops=stops, interruptions=interruptions)
        runs = rivals.explore()
    return Done(job, runs=runs, found=tuple(rivals.found))


def _button(job: Job) -> Done:
    modes, calls, interruptions = job.arguments
    with known_passwords():
        pressed = Pressed(SCENARIOS[BY_SECRETS_MANAGER], modes, calls=calls, interruptions=interruptions)
        runs = pressed.explore()
    return Done(job, runs=runs, found=tuple(pressed.found))


def _schedules(job: Job) -> Done:
    sort, first, last = job.arguments
    with known_passwords():
        found = [one for one in (find(number, sort) for number in range(first, last)) if one]
    return Done(job, runs=last - first, found=tuple(found[:3]))


def _edits(job: Job) -> Done:
    with known_passwords():
        runs, found = edits.walked()
    return Done(job, runs=runs, found=tuple(found[:3]))


def _owner(job: Job) -> Done:
    with known_passwords():
        runs, found = owner.walked(*job.arguments)
    return Done(job, runs=runs, found=tuple(found[:3]))


def _mutation(job: Job) -> Done:
    caught = hunt(MUTATIONS[job.arguments[0]])
    if caught is None:
        return Done(job)
    found = caught.found
    return Done(job, caught=(f"{found.law} {found.what}", caught.scenario, *found.path))


_KINDS: dict[str, Callable[[Job], Done]] = {
    "single": _faults,
    "pairs": _faults,
    "rivals": _rivals,
    "button": _button,
    "schedules": _schedules,
    "edits": _edits,
    "owner": _owner,
    "mutation": _mutation,
}


def _singles(*, seldom: bool) -> list[Job]:
    return [Job("single", name, (name, 1)) for name in SCENARIOS if (name in SELDOM) is seldom]


def _mutations() -> list[Job]:
    return [Job("mutation", mutation.name, (number,)) for number, mutation in enumerate(MUTATIONS)]


def _named(rivals: tuple[str, tuple[str, ...], int, int]) -> Job:
    scenario, modes, stops, interruptions = rivals
    what = " beside ".join(modes) + (", one stopped" if stops else "")
    return Job("rivals", f"{what}, {scenario}, {interruptions} interruptions", rivals)


def _pressed(pressed: tuple[tuple[str, ...], int, int]) -> Job:
    modes, calls, interruptions = pressed
    beside = f"{' and '.join(modes)} by hand, " if modes else ""
    return Job("button", f"{beside}{calls} calls of Secrets Manager, {interruptions} interruptions", pressed)


def _pairs(of_the_rest: int) -> list[Job]:
    return [Job("pairs", name, (name, 2, of_the_rest)) for name in IN_PAIRS]


def pairs() -> list[Job]:
    return _pairs(PARTS)


def _drawn(sort: str, count: int) -> list[Job]:
    starts = range(0, count, CHUNK)
    return [Job("schedules", f"schedules of {sort} from {n}", (sort, n, min(n + CHUNK, count))) for n in starts]


def everything() -> list[Job]:
    schedules = [one for sort in SORTS for one in _drawn(sort, SCHEDULES if sort == OPENEMR else OF_OTHERS)]
    seldom = _singles(seldom=True)
    return [*_pairs(OF_THE_REST), *(_named(one) for one in RIVALS), *map(_pressed, PRESSED_DEEP), *schedules, *single(), *seldom]


def single() -> list[Job]:
    return [*_mutations(), *map(_pressed, PRESSED), *_singles(seldom=False), EDITS, OWNER]


def quick() -> list[Job]:
    few = [Job("single", name, (name, 1)) for name in QUICK_SCENARIOS]
    none = [Job("single", f"{name}, undisturbed", (name, 0)) for name in SCENARIOS]
    at_once = replace(OWNER, arguments=(owner.SPANS[:1],))
    return [*few, *none, EDITS, at_once, *_mutations()[:QUICK_MUTATIONS], *_drawn(OPENEMR, 300)]


JOBS = {"all": everything, "pairs": pairs, "single": single, "quick": quick}
