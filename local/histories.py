"""Step Functions' histories in pages and from their end, as AWS gives them. moto always gives the whole.

Whoever follows an execution asks for what is new, many times: a whole history each time is most of what a local AWS then does.
"""

import json
from datetime import datetime
from typing import Any

from moto.stepfunctions.exceptions import InvalidToken
from moto.stepfunctions.responses import StepFunctionResponse

PAGE, MOST = 100, 1000
"""How many events, where nothing or too many are asked for."""


def get_execution_history(response: StepFunctionResponse) -> str:
    """In place of moto's, which takes a hundred times longer to write an event than JSON does. A token is the id of the last event
    of the page before, so that a history may grow meanwhile."""
    arn, size, backward, token = (
        response._get_param(name)  # noqa: SLF001 - moto's own responses read them so
        for name in ("executionArn", "maxResults", "reverseOrder", "nextToken")
    )
    events: list[dict[str, Any]] = response.stepfunction_backend.get_execution_history(arn)["events"]
    size = min(size or PAGE, MOST)
    left = _after(events[::-1] if backward else events, token, backward)
    page = left[:size]
    more = {"nextToken": str(page[-1]["id"])} if len(left) > size else {}
    return json.dumps({"events": page, **more}, default=datetime.timestamp)


def _after(events: list[dict[str, Any]], token: str | None, backward: bool) -> list[dict[str, Any]]:
    if token is None:
        return events
    if not token.isdecimal():
        raise InvalidToken(token)
    last = int(token)
    return [event for event in events if (event["id"] < last if backward else event["id"] > last)]


def mend() -> None:
    """Once per process."""
    StepFunctionResponse.get_execution_history = get_execution_history
