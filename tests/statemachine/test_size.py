"""What an execution carries stays small, whatever broke on its way."""

import pytest

from tests.statemachine.runs import Execution
from tests.statemachine.test_faults import failures, supersessions
from tests.statemachine.test_paths import BACK, CAME_BACK, HAPPILY, ODDLY, RETIREMENT

INTERPRETED_TOO = True
LIMIT = 4096
CASES = [*(one.values[0] for one in (*failures(), *supersessions())), *CAME_BACK, HAPPILY, ODDLY, BACK, RETIREMENT]


@pytest.mark.parametrize("run", CASES, indirect=True, ids=str)
def test_no_state_is_given_more_than_4_kib(run: Execution) -> None:
    largest = max(run.visits, key=lambda visit: len(visit.given.encode()))
    assert len(largest.given.encode()) <= LIMIT, largest.state
