"""Executions of the shipped machine in a time of our own: whoever waits lets it pass, and everybody else goes on meanwhile."""

import heapq
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

from rotation.core.errors import RotationError
from rotation.core.seen import Ran
from rotation.ports import World
from rotation.protocol.request import Request

from tests.statemachine.machine import definition_text, shipped
from tests.worlds.asl import Identity, Machine, Place
from tests.worlds.invocation import step
from tests.worlds.run import arn

CALL_SECONDS = 0.3
"""How long a function takes."""
Act = Callable[[], None]


@cache
def machine() -> Machine:
    return Machine(json.loads(definition_text(shipped())))


@dataclass(frozen=True)
class Moment:
    at: float
    number: int
    act: Act

    def __lt__(self, other: "Moment") -> bool:
        return (self.at, self.number) < (other.at, other.number)


class Clockwork:
    """What is to happen, by its time. Nothing happens but while somebody lets time pass."""

    def __init__(self, world: World, alive: set[str], set_clock: Callable[[float], None]) -> None:
        self._world, self._alive, self._set_clock = world, alive, set_clock
        self._moments: list[Moment] = []
        self._numbers = count()
        self.executions: dict[str, Place] = {}

    def later(self, seconds: float, act: Act) -> None:
        heapq.heappush(self._moments, Moment(self._world.now() + seconds, next(self._numbers), act))

    def pass_time(self, seconds: float) -> None:
        end = self._world.now() + seconds
        while self._moments and self._moments[0].at <= end:
            moment = heapq.heappop(self._moments)
            self._set_clock(max(moment.at, self._world.now()))
            moment.act()
        self._set_clock(max(end, self._world.now()))

    def start(self, name: str, given: dict[str, str]) -> None:
        """Once: a name that was used starts nothing more."""
        if name in self.executions:
            return
        self.executions[name] = machine().begin(Identity(arn(name), name, dict(given), f"started {name}"))
        self._alive.add(arn(name))
        self.later(0.1, lambda: self._go_on(name))

    def ran(self, name: str) -> Ran | None:
        place = self.executions.get(name)
        if place is None:
            return None
        status = "SUCCEEDED" if place.status == "SUCCEEDED" else place.error or place.status
        return Ran(arn(name), not place.ended, status, place.cause)

    @property
    def idle(self) -> bool:
        return all(place.ended for place in self.executions.values())

    def _go_on(self, name: str) -> None:
        place, seconds = self._moved(self.executions[name])
        self.executions[name] = place
        if place.ended:
            self._alive.discard(place.who.id)
        else:
            self.later(seconds, lambda: self._go_on(name))

    def _moved(self, place: Place) -> tuple[Place, float]:
        if machine().at(place)["Type"] != "Task":
            return machine().step(place)
        call = machine().call(place)
        try:
            answer: Any = step(call.function.rpartition(":")[2])(self._world, Request(call.event))
        except RotationError as error:
            cause = json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)})
            failed, seconds = machine().failed(place, type(error).__name__, cause)
            return failed, seconds + CALL_SECONDS
        return machine().answered(place, json.loads(json.dumps(answer))), CALL_SECONDS
