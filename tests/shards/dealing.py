"""Which file goes to which shard: by the seconds that each took when that was last written down."""

from __future__ import annotations

import json
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIMES = ROOT / "tests" / "seconds.json"
RUN = "whole" if os.environ.get("WHOLE") else "with more" if os.environ.get("MORE") else "every day"
UNKNOWN = 30.0
"""Seconds of a file that nobody has timed yet."""
MEASURES = [
    *("tests/contract/test_instances_accidents.py", "tests/contract/test_instances_secrecy.py"),
    *("tests/contract/test_local_swarm.py", "tests/contract/test_swarm_on_engines.py"),
    *("tests/e2e/test_rotation.py", "tests/e2e/test_wordpress.py", "tests/e2e/test_wordpress_blows.py"),
]
"""What takes a time, or has to meet a moment of another process: alone, when all others have ended."""
FOLDERS = {"e2e": "tests/e2e", "other": "tests/contract"}
WHOLE_FOLDERS = ["tests/unit", "tests/statemachine", "reader/tests"]
SHARDS = {"e2e": 2, "other": 2}
"""Of each group, since its files share servers: each shard starts its own. They wait for half of their time."""


def units(group: str) -> list[str]:
    """The files that share a group's servers."""
    files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / FOLDERS[group]).glob("test_*.py"))
    return [file for file in files if file not in MEASURES]


def all_dealt(seconds: dict[str, float]) -> dict[str, list[str]]:
    """What each shard has, by its name. The folders need no servers: each goes to the shard that has least to do."""
    hands = {group: dealt(units(group), seconds, count) for group, count in SHARDS.items()}
    shards = {f"{group}-{number}": hand for group, dealt_out in hands.items() for number, hand in enumerate(dealt_out, 1)}
    for folder in _longest_first(WHOLE_FOLDERS, seconds):
        shards[min(shards, key=lambda name: _total(shards[name], seconds))].append(folder)
    return shards


def dealt(files: list[str], seconds: dict[str, float], shards: int) -> list[list[str]]:
    """The longest first, each to the shard that has least to do."""
    hands: list[list[str]] = [[] for _ in range(shards)]
    for file in _longest_first(files, seconds):
        min(hands, key=lambda hand: _total(hand, seconds)).append(file)
    return [sorted(hand) for hand in hands if hand]


def _longest_first(files: list[str], seconds: dict[str, float]) -> list[str]:
    return sorted(files, key=lambda one: -seconds.get(one, UNKNOWN))


def _total(files: list[str], seconds: dict[str, float]) -> float:
    return sum(seconds.get(file, UNKNOWN) for file in files)


def unit_of(module: str) -> str:
    """tests.unit.test_x is timed with its folder."""
    path = "/".join(module.split(".")[:3])
    return next((folder for folder in WHOLE_FOLDERS if path.startswith(f"{folder}/")), f"{path}.py")


def read_times() -> dict[str, float]:
    """Of the run that this is."""
    found: dict[str, float] = json.loads(TIMES.read_text())[RUN]
    return found


def write_times(times: dict[str, float]) -> None:
    """Those of the other run stay."""
    runs = json.loads(TIMES.read_text()) | {RUN: {file: round(taken, 1) for file, taken in sorted(times.items())}}
    TIMES.write_text(json.dumps(runs, indent=2, sort_keys=True) + "\n")
