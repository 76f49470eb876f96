"""A target that shares its admin, while the target that owns it makes the admin's password new: the owner does one or all of its
acts at every boundary of the run. Neither waits for the other, and the admin's secret is the owner's alone."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

from rotation.core.model import CURRENT, PENDING, SecretText

from local import secret_labels as aws
from tests.faults.crowd import schedules
from tests.faults.crowd.schedules import Schedule
from tests.faults.laws import instant
from tests.faults.laws.violation import Violation
from tests.faults.walk.search import Found
from tests.worlds.living import LivingWorld
from tests.worlds.world import ADMIN

VERSION, PASSWORD = "the owner's", "canary-of-master-renewedM"
STARTS = ("from A", "no dual passwords")
Act = Callable[[LivingWorld], None]


def _put(world: LivingWorld) -> None:
    content = json.loads(aws.find(world.admin.versions, None, CURRENT)["secret_string"])
    world.admin.put(VERSION, SecretText(json.dumps({**content, "password": PASSWORD})), [PENDING])


def _alter(world: LivingWorld) -> None:
    account = world.source.accounts[ADMIN]
    account.password, account.old = PASSWORD, account.password if world.source.dual_passwords else None


def _swap(world: LivingWorld) -> None:
    aws.move(world.admin.versions, CURRENT, VERSION, world.admin.labels().current)


def _discard(world: LivingWorld) -> None:
    world.source.accounts[ADMIN].old = None


def _let_go(world: LivingWorld) -> None:
    aws.move(world.admin.versions, PENDING, None, VERSION)


ACTS: tuple[Act, ...] = (_put, _alter, _swap, _discard, _let_go)
SPANS = ((0, 5), *((0, last) for last in range(1, 5)), *((first, 5) for first in range(1, 5)))
"""Which acts happen at the boundary: all; the first few, with the others at the end; the last few, with the others before."""


def walked(spans: tuple[tuple[int, int], ...] = SPANS) -> tuple[int, list[Found]]:
    """How many runs there are, and what they break."""
    results = [one for start in STARTS for span in spans for one in _each(start, span)]
    return len(results), [found for found in results if found]


def first() -> Found | None:
    """The first thing found."""
    return next((found for start in STARTS for found in _each(start, SPANS[0]) if found), None)


def _each(start: str, span: tuple[int, int]) -> Iterator[Found | None]:
    """For every boundary that the run has."""
    number = 0
    while True:
        schedule = _shared(start)
        path = (start, f"the owner's acts {span[0] + 1} to {span[1]} at boundary {number}")
        try:
            if not _met(schedule, number, span):
                return
            yield None
        except Violation as violation:
            yield Found(violation.law, violation.what, (*path, *schedule.said[-5:], f"then at {violation.where}"))
        except Exception as error:  # noqa: BLE001 - a step that breaks is found, like all else
            yield Found("error", f"{type(error).__name__}: {error}", (*path, *schedule.said[-5:]))
        number += 1


def _shared(start: str) -> Schedule:
    schedule = schedules.begun(start)
    schedule.world.target = replace(schedule.world.target, rotates_admin=False)
    return schedule


def _met(schedule: Schedule, number: int, span: tuple[int, int]) -> bool:
    """Whether the run came to that boundary; it ended well, and so did the one after it."""
    _do(schedule, ACTS[: span[0]])
    schedule.start("rotate")
    for _ in range(number):
        schedule.act(0, 1)
        if not schedule.actors:
            return False
    _do(schedule, ACTS[span[0] : span[1]])
    while schedule.actors:
        schedule.act(0, 10_000)
    if schedule.world.current.credential(schedule.world.current.active).same_login(schedule.began_with):
        raise Violation("at-rest", "the run did not rotate")
    _do(schedule, ACTS[span[1] :])
    schedule.end()
    return True


def _do(schedule: Schedule, acts: tuple[Act, ...]) -> None:
    for act in acts:
        act(schedule.world)
        schedule.say(f"the owner: {act.__name__[1:]}")
        instant.check(schedule.world)
