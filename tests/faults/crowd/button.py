"""Secrets Manager's calls beside executions: each boundary of both may come next, as in rivals.py. An execution that a call has
started is there from then on; a call that fails is followed by createSecret, with the same version."""

from collections.abc import Iterator
from dataclasses import replace
from unittest.mock import patch

from rotation.steps import publish

from tests.faults.calls import secrets_manager
from tests.faults.calls.scenarios import Scenario
from tests.faults.crowd.actors import Actor, started
from tests.faults.crowd.rivals import Node, Rivals
from tests.faults.walk.search import Branch
from tests.worlds.behind_proxy import ProxiedWorld

BY_SECRETS_MANAGER = "rotated by Secrets Manager"
"""Where it begins."""
AWAITED_SECONDS, GONE_SECONDS = 5, 3


class Pressed(Rivals):
    """`modes`: of executions that somebody starts by hand at the same moment; and how many calls Secrets Manager makes at most."""

    world: ProxiedWorld

    def __init__(
        self, scenario: Scenario, modes: tuple[str, ...], *, calls: int, stops: int = 0, interruptions: int = 1, stop_at: int = 1
    ) -> None:
        super().__init__(scenario, modes, stops=stops, interruptions=interruptions, stop_at=stop_at)
        self.world.others = None
        self._calls = calls

    def explore(self) -> int:
        """A run waits a few looks long for finishSecret: each is one more moment at which that may come."""
        with patch.object(publish, "FINISH_SECONDS", AWAITED_SECONDS), patch.object(publish, "GONE_SECONDS", GONE_SECONDS):
            return super().explore()

    def _begin(self) -> Node:
        return replace(super()._begin(), calls=self._calls)

    def branches(self, node: Node) -> Iterator[Branch[Node]]:
        calling = [number for number, one in enumerate(node.actors) if one.name == secrets_manager.FUNCTION]
        self.world.restore(node.world)
        waits = not any(one.name == node.at_work and one.runs and one.wakes is None for one in node.actors)
        if node.calls and not calling and not node.clean and self.world.rotates and (waits or node.interruptions):
            yield Branch("Secrets Manager calls", lambda: self._call(node))
        if calling and not any(one.runs for one in node.actors):
            yield Branch(f"{secrets_manager.FUNCTION} goes on", lambda: self._act(node, calling[0]))
            return
        yield from super().branches(node)

    def _call(self, node: Node) -> list[Node]:
        self.world.restore(node.world)
        caller = Actor(secrets_manager.FUNCTION, None, secrets_manager.next_call(self.world))
        return [replace(node, actors=(*node.actors, caller), calls=node.calls - 1)]

    def _act(self, node: Node, chosen: int) -> list[Node]:
        return [self._with_what_was_started(one) for one in super()._act(node, chosen)]

    def _with_what_was_started(self, node: Node) -> Node:
        self.world.restore(node.world)
        if self.world.rotation is None or not self.world.rotation.started:
            return node
        name, given = self.world.begins(0)
        run = started(self.world, name, **given)
        return replace(node, world=self.world.snapshot(), actors=(*node.actors, run), begun=node.begun + 1)

    def _next(self, node: Node, *, clean: bool) -> list[Node]:
        """By then it has given up."""
        self.world.restore(node.world)
        if clean:
            self.world.end_rotation()
        return super()._next(replace(node, world=self.world.snapshot()), clean=clean)
