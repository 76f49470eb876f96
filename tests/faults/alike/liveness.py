"""Which parts of its payload a state machine may still read: found out from its definition, as compilers do."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from tests.faults.calls.machinery import machine

Json = Any
Path = tuple[str, ...]
READ = {("RotateAdmin", "situation"): ("rotation_id",), ("SayWhy", "failures"): ("in words",)}
"""What a step reads of a part that it is given whole. What is only put into words decides nothing."""


def live_at(scope: str, state: str) -> frozenset[Path]:
    """What is read there or after, before it is written again."""
    return live_in(scope)[state]


@cache
def live_in(scope: str) -> dict[str, frozenset[Path]]:
    """Of each state of the machine, or of a Map."""
    states = machine().scopes[scope]["States"]
    live: dict[str, frozenset[Path]] = dict.fromkeys(states, frozenset())
    while True:
        now = {name: _kept(scope, state) | _before(name, state, live) for name, state in states.items()}
        if now == live:
            return live
        live = now


def _kept(scope: str, state: Json) -> frozenset[Path]:
    """All that an item of a Map ends with, where the Map keeps that."""
    keeps = scope and machine().scopes[""]["States"][scope].get("ResultPath", "$") is not None
    return frozenset({()} if keeps and state["Type"] == "Succeed" else ())


def _before(name: str, state: Json, after: dict[str, frozenset[Path]]) -> frozenset[Path]:
    found = set(_uses(name, state))
    for rule in state.get("Choices", []):
        found |= after[rule["Next"]]
    if "Default" in state:
        found |= after[state["Default"]]
    if "Next" in state:
        sources = _sources(state) if state["Type"] == "Pass" else None
        found.update(
            _through(
                after[state["Next"]], state.get("ResultPath", "$" if state["Type"] in ("Pass", "Task", "Map") else None), sources
            )
        )
    for catch in state.get("Catch", []):
        found.update(_through(after[catch["Next"]], catch.get("ResultPath", "$"), None))
    return frozenset(_shortest(found))


def _through(live: frozenset[Path], written: str | None, sources: dict[Path, Path] | None) -> Iterator[Path]:
    """What is live before something is written there. `sources`: where what is written comes from; None: from elsewhere."""
    at = None if written is None else _path(written)
    for path in live:
        if at is None or path[: len(at)] != at[: len(path)]:
            yield path
            continue
        if len(path) < len(at):
            yield path
        rest = path[len(at) :]
        for target, source in (sources or {}).items():
            if rest[: len(target)] == target:
                yield (*source, *rest[len(target) :])
            elif target[: len(rest)] == rest:
                yield source


def _sources(state: Json) -> dict[Path, Path]:
    if "Result" in state:
        return {}
    if "Parameters" in state:
        return {(key.removesuffix(".$"),): _path(one) for key, one in state["Parameters"].items() if _is_path(key, one)}
    return {(): _path(state.get("InputPath", "$"))}


def _is_path(key: str, value: Json) -> bool:
    return key.endswith(".$") and value.startswith("$") and not value.startswith("$$")


def _uses(name: str, state: Json) -> Iterator[Path]:
    if state["Type"] == "Task":
        for key, value in _named(state["Parameters"]):
            yield (*_path(value), *READ.get((name, key.removesuffix(".$")), ()))
    if state["Type"] == "Pass" and "Parameters" in state:
        yield from (_path(one) for one in _intrinsic_paths(state["Parameters"]))
    if state["Type"] == "Map":
        yield _path(state["ItemsPath"])
        yield from (_path(one) for key, one in state["ItemSelector"].items() if _is_path(key, one))
    if state["Type"] == "Wait" and "SecondsPath" in state:
        yield _path(state["SecondsPath"])
    for rule in state.get("Choices", []):
        yield from _variables(rule)


def _named(template: Json) -> Iterator[tuple[str, str]]:
    """The paths in it, however deep."""
    for key, value in template.items():
        if isinstance(value, dict):
            yield from _named(value)
        elif _is_path(key, value):
            yield key, value


def _intrinsic_paths(template: Json) -> Iterator[str]:
    for key, value in template.items():
        if isinstance(value, dict):
            yield from _intrinsic_paths(value)
        elif key.endswith(".$") and value.startswith("States."):
            yield from re.findall(r"(?<!\$)\$(?:\.\w+)+", value)


def _variables(rule: Json) -> Iterator[Path]:
    yield from (_path(value) for test, value in rule.items() if test == "Variable" or test.endswith("Path"))
    for one in (*rule.get("And", ()), *rule.get("Or", ())):
        yield from _variables(one)


def _path(text: str) -> Path:
    return tuple(text.split(".")[1:])


def _shortest(paths: set[Path]) -> Iterator[Path]:
    """What is part of another is in it."""
    for path in paths:
        if not any(path[:length] in paths for length in range(len(path))):
            yield path


def projected(data: Json, paths: frozenset[Path]) -> dict[str, Any]:
    """Only those parts of it."""
    found: dict[str, Any] = dict(data) if () in paths else {}
    for path in sorted(paths - {()}):
        value, into = data, found
        for step in path[:-1]:
            if not isinstance(value, dict) or not isinstance(value.get(step), dict):
                break
            value, into = value[step], into.setdefault(step, {})
        else:
            if isinstance(value, dict) and path[-1] in value:
                into[path[-1]] = value[path[-1]]
    return found
