"""The shipped state machine as a pure function: where an execution is, and where it is after what happened there.

An engine runs one execution at a time and waits for real. To look at every order of two executions, at every fault, a place
must be a value: kept, compared, gone back to. What the definition does not use is refused, not guessed; and this passes the
tests that the engine passes (tests/statemachine).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any

Json = Any
State = dict[str, Any]

KEYS = {
    "Pass": {"Parameters", "InputPath", "Result", "ResultPath"},
    "Task": {"Resource", "Parameters", "ResultSelector", "ResultPath", "TimeoutSeconds", "Retry", "Catch"},
    "Wait": {"SecondsPath", "Seconds"},
    "Choice": {"Choices", "Default"},
    "Map": {"ItemsPath", "MaxConcurrency", "ItemSelector", "ItemProcessor", "ResultPath", "Catch"},
    "Succeed": set(),
    "Fail": {"Error", "CausePath"},
}
NOT_CAUGHT = ("States.Runtime", "States.DataLimitExceeded")


class NotUnderstood(Exception):
    """The definition uses something that this interpreter does not know."""


@dataclass(frozen=True)
class Identity:
    """What an execution is called, what it was given, and when it began."""

    id: str
    name: str
    given: Json
    started: str

    @cached_property
    def context(self) -> Json:
        return {
            "Execution": {"Id": self.id, "Name": self.name, "Input": self.given},
            "State": {"EnteredTime": self.started},
        }


@dataclass(frozen=True)
class Frame:
    """A state in one scope: the machine's own, or that of a Map for one of its items."""

    scope: str
    """The Map's name; empty for the machine itself."""
    state: str
    data: Json
    tries: tuple[int, ...] = ()
    """How often each entry of Retry was used up in this visit."""
    items: tuple[Json, ...] = ()
    """A Map's; they are done one after the other."""
    index: int = 0
    results: tuple[Json, ...] = ()
    """What came of the items before."""


@dataclass(frozen=True)
class Place:
    """Where an execution is. An ended one stays where it ended."""

    who: Identity
    frames: tuple[Frame, ...]
    status: str = "RUNNING"
    error: str = ""
    cause: str = ""

    @property
    def frame(self) -> Frame:
        return self.frames[-1]

    @property
    def state(self) -> str:
        return self.frame.state

    @property
    def ended(self) -> bool:
        return self.status != "RUNNING"

    def key(self) -> str:
        """The same for two executions to which the same may happen from here on."""
        frames = [(f.scope, f.state, f.data, f.tries, f.items, f.index, f.results) for f in self.frames]
        return json.dumps([self.who.id, self.who.given, self.status, self.error, self.cause, frames], sort_keys=True)


@dataclass(frozen=True)
class Call:
    """What a Task asks for."""

    function: str
    event: Json
    timeout: int


@dataclass(frozen=True)
class Machine:
    """A definition, ready to be walked."""

    definition: State
    scopes: Mapping[str, State] = field(init=False)

    def __post_init__(self) -> None:
        maps = {name: s["ItemProcessor"] for name, s in self.definition["States"].items() if s["Type"] == "Map"}
        object.__setattr__(self, "scopes", {"": self.definition, **maps})
        for scope in self.scopes.values():
            for name, state in scope["States"].items():
                _check(name, state)

    def begin(self, who: Identity) -> Place:
        return Place(who, (Frame("", self.definition["StartAt"], who.given),))

    def at(self, place: Place) -> State:
        """The definition of the state where that is."""
        state: State = self.scopes[place.frame.scope]["States"][place.state]
        return state

    # A Task: what it asks for, and what comes of the answer.

    def call(self, place: Place) -> Call:
        state, frame = self.at(place), place.frame
        asked = _template(state["Parameters"], frame.data, self._context(place))
        return Call(asked["FunctionName"], asked["Payload"], state["TimeoutSeconds"])

    def answered(self, place: Place, payload: Json) -> Place:
        state, frame = self.at(place), place.frame
        result = {"Payload": payload, "StatusCode": 200}
        if "ResultSelector" in state:
            result = _template(state["ResultSelector"], result, self._context(place))
        return self._next(place, _put(frame.data, state.get("ResultPath", "$"), result), state["Next"])

    def failed(self, place: Place, error: str, cause: str) -> tuple[Place, float]:
        """Where that leads, and how long the machine waits before it (at most: the jitter is left out)."""
        state, frame = self.at(place), place.frame
        retries = state.get("Retry", [])
        used = frame.tries or (0,) * len(retries)
        for number, retry in enumerate(retries):
            if not _matches(error, retry["ErrorEquals"]):
                continue
            if used[number] >= retry["MaxAttempts"]:
                break
            wait = min(retry["IntervalSeconds"] * retry["BackoffRate"] ** used[number], retry["MaxDelaySeconds"])
            tries = tuple(count + (one == number) for one, count in enumerate(used))
            return _top(place, replace(frame, tries=tries)), float(wait)
        return self._thrown(place, error, cause), 0.0

    # Every other state.

    def step(self, place: Place) -> tuple[Place, float]:
        """The next place, and how many seconds pass before it."""
        state, frame = self.at(place), place.frame
        kind = state["Type"]
        if kind == "Pass":
            return self._passed(place), 0.0
        if kind == "Choice":
            chosen = next((one["Next"] for one in state["Choices"] if _holds(one, frame.data)), state["Default"])
            return self._next(place, frame.data, chosen), 0.0
        if kind == "Wait":
            seconds = state["Seconds"] if "Seconds" in state else _find(frame.data, state["SecondsPath"])
            return self._next(place, frame.data, state["Next"]), float(seconds)
        if kind == "Map":
            return self._item(_top(place, replace(frame, items=tuple(_find(frame.data, state["ItemsPath"])), index=0))), 0.0
        if kind == "Succeed":
            return self._succeeded(place), 0.0
        if kind == "Fail":
            return self._fail(place, state["Error"], str(_evaluate(state["CausePath"], frame.data, self._context(place)))), 0.0
        raise NotUnderstood(f"{place.state}: a {kind} is not stepped over")

    def _passed(self, place: Place) -> Place:
        state, data = self.at(place), place.frame.data
        value = _find(data, state["InputPath"]) if "InputPath" in state else data
        if "Parameters" in state:
            value = _template(state["Parameters"], value, self._context(place))
        value = state.get("Result", value)
        return self._next(place, _put(data, state.get("ResultPath", "$"), value), state["Next"])

    def _item(self, place: Place) -> Place:
        """The Map's next item in a scope of its own, or what is after the last."""
        state, frame = self.at(place), place.frame
        if frame.index == len(frame.items):
            return self._next(place, _put(frame.data, state.get("ResultPath", "$"), list(frame.results)), state["Next"])
        context = {**self._context(place), "Map": {"Item": {"Value": frame.items[frame.index], "Index": frame.index}}}
        data = _template(state["ItemSelector"], frame.data, context)
        return replace(place, frames=(*place.frames, Frame(place.state, state["ItemProcessor"]["StartAt"], data)))

    def _succeeded(self, place: Place) -> Place:
        if len(place.frames) == 1:
            return replace(place, status="SUCCEEDED")
        outer = replace(place, frames=place.frames[:-1])
        kept = self.at(outer).get("ResultPath", "$") is not None
        results = (*outer.frame.results, place.frame.data) if kept else ()
        return self._item(_top(outer, replace(outer.frame, index=outer.frame.index + 1, results=results)))

    def _fail(self, place: Place, error: str, cause: str) -> Place:
        if len(place.frames) == 1:
            return replace(place, status="FAILED", error=error, cause=cause)
        return self._thrown(replace(place, frames=place.frames[:-1]), error, cause)

    def _thrown(self, place: Place, error: str, cause: str) -> Place:
        state, frame = self.at(place), place.frame
        for catch in state.get("Catch", []):
            if _matches(error, catch["ErrorEquals"]):
                told = _put(frame.data, catch.get("ResultPath", "$"), {"Error": error, "Cause": cause})
                return self._next(place, told, catch["Next"])
        return self._fail(place, error, cause)

    def _next(self, place: Place, data: Json, state: str) -> Place:
        return _top(place, Frame(place.frame.scope, state, data))

    def _context(self, place: Place) -> Json:
        return place.who.context


def _top(place: Place, frame: Frame) -> Place:
    return replace(place, frames=(*place.frames[:-1], frame))


def _check(name: str, state: State) -> None:
    known = KEYS.get(state["Type"])
    if known is None:
        raise NotUnderstood(f"{name}: type {state['Type']}")
    if unknown := set(state) - known - {"Type", "Comment", "Next"}:
        raise NotUnderstood(f"{name}: {', '.join(sorted(unknown))}")
    if state["Type"] == "Map" and state["MaxConcurrency"] != 1:
        raise NotUnderstood(f"{name}: items side by side")


def _matches(error: str, names: list[str]) -> bool:
    return error in names or ("States.ALL" in names and error not in NOT_CAUGHT)


# ---- paths, templates, rules --------------------------------------------------------------------------------------------


@cache
def _steps(path: str) -> tuple[str, ...]:
    if not re.fullmatch(r"\${1,2}(\.\w+)*", path):
        raise NotUnderstood(f"path {path}")
    return tuple(path.lstrip("$").split(".")[1:])


def _find(data: Json, path: str) -> Json:
    for step in _steps(path):
        data = data[step]
    return data


def _present(data: Json, path: str) -> bool:
    try:
        _find(data, path)
    except (KeyError, TypeError):
        return False
    return True


def _put(data: Json, path: str | None, value: Json) -> Json:
    """A copy with that in it: what was handed out before stays as it was."""
    return data if path is None else _set(data, _steps(path), value)


def _set(data: Json, steps: tuple[str, ...], value: Json) -> Json:
    if not steps:
        return value
    return {**data, steps[0]: _set(data.get(steps[0], {}), steps[1:], value)}


def _template(template: Json, data: Json, context: Json) -> Json:
    if not isinstance(template, dict):
        return template
    return {
        key.removesuffix(".$"): _evaluate(value, data, context) if key.endswith(".$") else _template(value, data, context)
        for key, value in template.items()
    }


def _evaluate(text: str, data: Json, context: Json) -> Json:
    """A path, or one of the intrinsic functions."""
    if text.startswith("$$"):
        return _find(context, text)
    if text.startswith("$"):
        return _find(data, text)
    name, arguments = _intrinsic(text)
    values = [_argument(one, data, context) for one in arguments]
    if name == "States.JsonToString":
        return json.dumps(values[0], separators=(",", ":"))
    if name == "States.JsonMerge":
        return {**values[0], **values[1]}
    if name == "States.Format":
        return _format(values)
    if name == "States.MathAdd":
        return values[0] + values[1]
    raise NotUnderstood(text)


def _format(values: list[Json]) -> str:
    pieces, rest = str(values[0]).split("{}"), values[1:]
    if len(pieces) != len(rest) + 1:
        raise NotUnderstood(f"{len(rest)} values for: {values[0]}")
    told = [value if isinstance(value, str) else json.dumps(value, separators=(",", ":")) for value in rest]
    return pieces[0] + "".join(value + piece for value, piece in zip(told, pieces[1:], strict=True))


@cache
def _intrinsic(text: str) -> tuple[str, tuple[str, ...]]:
    found = re.fullmatch(r"(States\.\w+)\((.*)\)", text, re.DOTALL)
    if found is None:
        raise NotUnderstood(text)
    return found[1], tuple(_arguments(found[2]))


def _arguments(text: str) -> list[str]:
    """Split at the commas that are in no quotes and no brackets."""
    parts, depth, quoted, begun = [], 0, False, 0
    for place, letter in enumerate(text):
        if letter == "'":
            quoted = not quoted
        elif not quoted:
            depth += {"(": 1, ")": -1}.get(letter, 0)
            if letter == "," and depth == 0:
                parts.append(text[begun:place].strip())
                begun = place + 1
    return [*parts, text[begun:].strip()]


def _argument(text: str, data: Json, context: Json) -> Json:
    if text.startswith("'"):
        return text[1:-1]
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    return {"true": True, "false": False}[text] if text in ("true", "false") else _evaluate(text, data, context)


def _holds(rule: State, data: Json) -> bool:
    if "Or" in rule:
        return any(_holds(one, data) for one in rule["Or"])
    if "And" in rule:
        return all(_holds(one, data) for one in rule["And"])
    (test,) = set(rule) - {"Variable", "Next"}
    if test == "IsPresent":
        return _present(data, rule["Variable"]) is rule[test]
    if test == "NumericLessThanPath":
        return bool(_find(data, rule["Variable"]) < _find(data, rule[test]))
    if test == "StringMatches":
        pattern = ".*".join(map(re.escape, rule[test].split("*")))
        return re.fullmatch(pattern, str(_find(data, rule["Variable"]))) is not None
    value, kind = _find(data, rule["Variable"]), {"StringEquals": str, "BooleanEquals": bool}.get(test)
    if kind is None:
        raise NotUnderstood(f"rule {test}")
    return isinstance(value, kind) and value == rule[test]
