"""The picture of the state machine in README, drawn from rotation.asl.yaml: a line of stations, and where each leads if it fails.

python -m local.picture    # writes docs/pictures/machine.svg
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from textwrap import wrap
from typing import Any

from local.aws import REPOSITORY
from local.yaml_text import read_yaml

MACHINE = REPOSITORY / "statemachine" / "rotation.asl.yaml"
PICTURE = REPOSITORY / "docs" / "pictures" / "machine.svg"
STATIONS = [
    *("ReadSlots", "ClaimRotation", "SyncUsers", "Publish", "ValidateApp", "FlipSlot"),
    *("OverlapWindow", "CheckDrained", "RotateOldSlot", "CheckStillDrained", "DiscardOldPassword"),
    *("RotateAdmin", "ReleaseRotation", "RotationSucceeded"),
]
"""Where every rotation of two users comes by."""
POINT_OF_NO_RETURN, WAY_BACK = "FlipSlot", "ChooseWayBack"
WIDTH, ROW, TOP, LINE, NAME, SAYS, FAILS = 1080, 40, 64, 28, 48, 250, 850
MOST, MOST_SMALL, SMALL = 76, 100, 14
STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #1f2328 } .name { font-weight: 600 } .small { font-size: 12px; fill: #59636e }
  .back { fill: #9a3412 } .line { stroke-width: 6; stroke-linecap: round } .before { stroke: #2563eb } .after { stroke: #15803d }
  .dot { fill: #ffffff; stroke-width: 4 } .ground { fill: #ffffff }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .small { fill: #9198a1 } .back { fill: #fdba74 } .before { stroke: #60a5fa } .after { stroke: #4ade80 }
    .dot, .ground { fill: #0d1117 }
  }
"""

State = dict[str, Any]


def states() -> dict[str, State]:
    found: dict[str, State] = read_yaml(MACHINE.read_text())["States"]
    return found


def where_it_fails_to(state: State) -> str:
    """The way of all errors that have none of their own."""
    catches = state.get("Catch", [])
    leads = str(catches[-1]["Next"]).removeprefix("EndAs") if catches else ""
    return "all is put back: RolledBack" if leads == WAY_BACK else leads


def first_sentence(state: State) -> str:
    said = re.split(r" - |; |\. ", str(state.get("Comment", "")))[0]
    return said if len(said) <= MOST else f"{said[: MOST - 1].rsplit(' ', 1)[0]} …"


def published_by(machine: dict[str, State]) -> list[str]:
    """The states in Publish, of which each kind of consumer has one or two."""
    inner = machine["Publish"].get("ItemProcessor") or machine["Publish"]["Iterator"]
    return [name for name, state in inner["States"].items() if state["Type"] == "Task"]


def draw() -> str:
    machine = states()
    height = TOP + ROW * len(STATIONS) + 44
    flip = STATIONS.index(POINT_OF_NO_RETURN)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title">',
            '<title id="title">The states of a rotation, and where each leads if it fails</title>',
            f"<style>{STYLE}</style>",
            f'<rect class="ground" width="{WIDTH}" height="{height}"/>',
            _text(NAME, 28, "state", "small"),
            _text(SAYS, 28, "what it does", "small"),
            _text(FAILS, 28, "if it fails", "small"),
            _line(0, flip, "before"),
            _line(flip, len(STATIONS) - 1, "after"),
            *(line for number, name in enumerate(STATIONS) for line in _station(number, name, machine, number > flip)),
            _text(
                NAME,
                height - 14,
                "blue: until here all can be undone, both logins work · green: only forward, the next run finishes",
                "small",
            ),
            "</svg>",
            "",
        ]
    )


def _station(number: int, name: str, machine: dict[str, State], after: bool) -> Iterator[str]:
    y = TOP + number * ROW
    yield f'<circle class="dot {"after" if after else "before"}" cx="{LINE}" cy="{y - 5}" r="7"/>'
    yield _text(NAME, y, name, "name")
    yield _text(SAYS, y, first_sentence(machine[name]))
    if name == "Publish":
        for place, line in enumerate(wrap("\N{NO-BREAK SPACE}· ".join(published_by(machine)), MOST_SMALL), 1):
            yield _text(SAYS, y + SMALL * place, line, "small")
    if leads := where_it_fails_to(machine[name]):
        yield _text(FAILS, y, f"→ {leads}", "back")


def _text(x: int, y: int, text: str, kind: str = "") -> str:
    return f'<text x="{x}" y="{y}"{f" class={chr(34)}{kind}{chr(34)}" if kind else ""}>{escape(text)}</text>'


def _line(first: int, last: int, kind: str) -> str:
    return f'<line class="line {kind}" x1="{LINE}" y1="{TOP + first * ROW - 5}" x2="{LINE}" y2="{TOP + last * ROW - 5}"/>'


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(draw())
