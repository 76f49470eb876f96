"""How many events an execution's history holds, as an engine keeps them; AWS ends one that has 25,000."""

from tests.worlds.asl import Machine, Place

BEGIN = 1
"""ExecutionStarted; how it ended is one more."""


def events(machine: Machine, before: Place, after: Place) -> int:
    """Of one step: a state that was entered, tried or left, and what that began or ended."""
    counted = _of_state(machine, before, after)
    if len(before.frames) > len(after.frames) and not after.ended:
        return counted + 3  # MapIterationSucceeded or …Failed, the same of the Map, and its exit
    if len(before.frames) > 1 and machine.at(before)["Type"] == "Succeed":
        return counted + 2  # MapIterationSucceeded, and the next one's start
    return counted + after.ended


def _of_state(machine: Machine, before: Place, after: Place) -> int:
    kind = machine.at(before)["Type"]
    if kind == "Task":
        again = after.frame.tries and after.state == before.state
        return (not before.frame.tries) + 3 + (not again)  # entered; scheduled, started and ended; left
    if kind == "Map":
        return 3 if len(after.frames) > len(before.frames) else 4
    return 1 if kind == "Fail" else 2
