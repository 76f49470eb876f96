"""One fault to be put back, into the steps, the machine or an adapter; and where it is looked for."""

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from tests.faults.alike import liveness
from tests.faults.calls import machinery
from tests.statemachine.machine import shipped
from tests.worlds.living import LivingWorld

Apply = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Mutation:
    name: str
    apply: Apply
    seen_in: tuple[str, ...] = ("from A",)
    """The scenarios in which it is looked for, one after the other."""
    strike_at: str = ""
    """The state whose boundaries the fault strikes; empty: every one's."""
    rivals: bool = False
    """Looked for with two executions at once, too."""
    world: Callable[[LivingWorld], None] = lambda _: None
    check: Callable[[], Any] | None = None
    """What finds it instead: an adapter on real files, or a person's edits."""


def replaced(target: str, new: Any) -> Apply:
    return lambda: patch(target, new)


def several(*targets: Apply) -> Apply:
    @contextmanager
    def apply() -> Iterator[None]:
        with ExitStack() as stack:
            for target in targets:
                stack.enter_context(target())
            yield

    return apply


def forget_the_machine() -> None:
    machinery.machine.cache_clear()
    liveness.live_in.cache_clear()


def in_the_machine(change: Callable[[dict[str, Any]], None]) -> Apply:
    @contextmanager
    def apply() -> Iterator[None]:
        changed = copy.deepcopy(shipped())
        change(changed["States"])
        forget_the_machine()
        try:
            with patch.object(machinery, "shipped", lambda: changed):
                yield
        finally:
            forget_the_machine()

    return apply


def way(states: dict[str, Any], state: str, next_state: str) -> dict[str, Any]:
    """The one choice of a state that leads there, wherever it stands among the others."""
    found: list[dict[str, Any]] = [choice for choice in states[state]["Choices"] if choice["Next"] == next_state]
    assert len(found) == 1, f"{state} leads to {next_state} {len(found)} times"
    return found[0]


ALL_STARTS = ("from A", "from B", "bootstrap", "drifted slot", "drifted admin", "interrupted retirement", "undiscarded password")


STEPS = "rotation.steps"
