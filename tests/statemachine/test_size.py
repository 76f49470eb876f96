"""What an execution carries stays small, whatever broke on its way."""

import pytest

from tests.statemachine.interpreted import interpret
from tests.statemachine.runs import Execution
from tests.statemachine.scripted import ScriptedLambda
from tests.statemachine.test_faults import failures, supersessions
from tests.statemachine.test_paths import BACK, CAME_BACK, HAPPILY, INSTANCES, INSTANCES_AGAIN, ODDLY, RETIREMENT

INTERPRETED_TOO = True
LIMIT = 4096
CASES = [*(one.values[0] for one in (*failures(), *supersessions())), *CAME_BACK, HAPPILY, ODDLY, BACK, RETIREMENT]


@pytest.mark.parametrize("run", CASES, indirect=True, ids=str)
def test_no_state_is_given_more_than_4_kib(run: Execution) -> None:
    largest = max(run.visits, key=lambda visit: len(visit.given.encode()))
    assert len(largest.given.encode()) <= LIMIT, largest.state


@pytest.mark.parametrize("run", [HAPPILY, BACK, INSTANCES, INSTANCES_AGAIN], indirect=True, ids=str)
def test_the_interpreter_counts_the_events_that_an_engine_keeps(
    run: Execution, scripted_lambda: ScriptedLambda, request: pytest.FixtureRequest
) -> None:
    assert interpret(request.node.callspec.params["run"], scripted_lambda).events == run.events
