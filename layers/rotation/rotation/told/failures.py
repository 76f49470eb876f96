"""What failed, in words: the step, the error's name and its message, out of what Step Functions carries. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_THROWN_IN_MAP = ("PublishFailed", "RotationSuperseded")
_IN_MAP = re.compile(r"(\w+) failed: (\S+) (.*)", re.DOTALL)
"""How the machine says which consumer's step failed, out of its Map."""


@dataclass(frozen=True)
class Failure:
    """What made a step fail, or a run stop."""

    step: str
    error: str
    message: str


def failure(step: str, error: str, cause: str) -> Failure:
    """A function's Cause is JSON that holds its error's name and message."""
    if error in _THROWN_IN_MAP and (inside := _IN_MAP.fullmatch(cause)):
        step, error, cause = inside.groups()
    inner = as_object(cause)
    return Failure(step, str(inner.get("errorType") or error), str(inner.get("errorMessage") or cause).strip())


def caught(told: Mapping[str, Any]) -> Iterator[Failure]:
    """As the machine's Catches write them, by step. Those of the way forward have a name of their own above them, once the run has
    turned back."""
    for step, one in told.items():
        if isinstance(one, dict):
            yield from [failure(step, str(one["Error"] or ""), str(one.get("Cause") or ""))] if "Error" in one else caught(one)


def as_object(text: Any) -> dict[str, Any]:
    """The JSON object in the text; empty where it is cut off, missing or something else."""
    try:
        found = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
