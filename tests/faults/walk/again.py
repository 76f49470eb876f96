"""One run with the faults of a given name, state by state: what an exploration found, to be seen again."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.faults.calls.scenarios import Scenario
from tests.faults.laws.violation import Violation
from tests.faults.walk.attempt import Node
from tests.faults.walk.explorer import Explorer
from tests.faults.walk.search import Branch

SEPARATOR = " | "


@dataclass(frozen=True)
class Shown:
    """A run, or as many as it took to come to rest."""

    said: tuple[str, ...]
    missing: tuple[str, ...]
    """Faults that it never came to."""
    violation: Violation | None = None


def names(text: str) -> tuple[str, ...]:
    """Of the faults in a path as it is printed: how executions ended, and where it was found, follow from these."""
    parts = (part.strip() for part in text.split(SEPARATOR.strip()))
    return tuple(part for part in parts if part and not part.startswith(("[", "then at ")))


def again(scenario: Scenario, text: str) -> Shown:
    """The run that comes to all of them; if time has it that somebody acts late or dies, whichever breaks something."""
    wanted = names(text)
    explorer = Explorer(scenario)
    try:
        root = explorer.begin(len(wanted))
    except Violation as violation:
        return Shown((), wanted, violation)
    shown = None
    for shown in _runs(explorer, root, wanted, ()):
        if shown.violation or not shown.missing:
            return shown
    assert shown
    return shown


def _runs(explorer: Explorer, node: Node, wanted: tuple[str, ...], said: tuple[str, ...]) -> Iterator[Shown]:
    place = node.place
    try:
        branch, children = _chosen(explorer, node, wanted)
    except Violation as violation:
        yield Shown((*said, f"{place.who.name} {place.state}"), wanted, violation)
        return
    named = bool(wanted) and branch.what.startswith(wanted[0])
    said = (*said, branch.what or f"{place.who.name} {place.state}")
    wanted = wanted[1:] if named else wanted
    if not children:
        yield Shown(said, wanted)
    for child in children:
        yield from _runs(explorer, child, wanted, said)


def _chosen(explorer: Explorer, node: Node, wanted: tuple[str, ...]) -> tuple[Branch[Node], list[Node]]:
    """What happens by that name, else what happens undisturbed; which is looked at first: it says which boundaries there are."""
    branches = explorer.branches(node)
    undisturbed = next(branches)
    broken: Violation | None = None
    children: list[Node] = []
    try:
        children = undisturbed.grow()
    except Violation as violation:
        broken = violation
    for branch in branches if wanted else ():
        if branch.what.startswith(wanted[0]):
            return branch, branch.grow()
    if broken:
        raise broken
    return undisturbed, children
