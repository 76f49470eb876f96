"""What a rotation costs on the local stack, by its own record of who called what."""

import json
from collections import Counter

from local.follow import Run
from local.stack import LocalStack
from tests.e2e.rotations import Rotations
from tests.whole import only_with_more
from tests.worlds.costs import CALLS, SUM, documented

SERVICE = "secretsmanager:"
Cost = Counter[tuple[str, str]]
"""Function and call."""


def counted(stack: LocalStack, since: float) -> Cost:
    functions = {stack.function(state) for state in documented() if state != SUM}
    entries = [json.loads(line) for line in stack.calls.read_text().splitlines()]
    ours = [one for one in entries if one["time"] >= since and one["caller"] in functions and one["action"].startswith(SERVICE)]
    return Counter((one["caller"], one["action"].removeprefix(SERVICE)) for one in ours)


def expected(stack: LocalStack, run: Run) -> Cost:
    cost: Cost = Counter()
    for visit in run.visits:
        for call, times in zip(CALLS, documented().get(visit.state, ()), strict=False):
            cost[stack.function(visit.state), call] += times
    return +cost


@only_with_more
def test_a_rotation_calls_secrets_manager_as_often_as_the_page_says(rotations: Rotations) -> None:
    rotations.assert_rotates()
    run = rotations.assert_rotates()
    assert counted(rotations.stack, run.began) == expected(rotations.stack, run)
