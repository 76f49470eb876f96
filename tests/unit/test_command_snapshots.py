"""What the command shows, letter by letter: on a terminal of 80 and of 120 columns, in a pipe, with NO_COLOR, as JSON, at Ctrl-C.

The pictures lie in snapshots/; colours stand in them as ␛[…m. SNAPSHOTS=write writes them anew: look at what has changed.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from rotation_cli import app, reporting

from local.execution_log import log_event
from tests.unit.test_command_history import History, rolled_back

PICTURES = Path(__file__).with_name("snapshots")
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
ACCOUNT, STACK = "123456789012", "credential-rotation"
MACHINE = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:{STACK}"
SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:"
PERSON = f"arn:aws:sts::{ACCOUNT}:assumed-role/oncall/ada"
DOCUMENT = {
    "slot_secret": f"{SECRET}openemr/slots-AbCdEf",
    "admin_secret": f"{SECRET}openemr/admin-AbCdEf",
    "source": {"kind": "mysql"},
    "class": "monthly",
    "consumers": [{"kind": "sqlconf", "path": "default/sqlconf.php"}],
    "health": {"url": "https://openemr.example/", "marker": "OpenEMR Login"},
}


def succeeded() -> History:
    given = {"mode": "rotate", "target": "openemr", "started_by": PERSON, "reason": "a :bug: in the night"}
    situation = {"slot": "B", "old_slot": "A", "labels": {"current": "v0", "pending": None}}
    return (
        History(given)
        .enter("ReadInput", "Pass", -86400)
        .leave("ReadInput", "Pass", -86400, input=given)
        .enter("ReadSlots", "Task", -86400)
        .leave("ReadSlots", "Task", -86399, situation=situation)
        .enter("RotationSucceeded", "Succeed", -86300, summary="openemr: rotated, the application uses slot B.")
        .leave("RotationSucceeded", "Succeed", -86300)
        .add("ExecutionSucceeded", -86300, "executionSucceededEventDetails", output="{}")
    )


STYLE = r"␛\[[\d;]*m"
RUNS = {"by-hand": succeeded, "monthly": rolled_back}


class KnownAws:
    """Answers as AWS would of one stack with two runs."""

    region = "us-east-1"

    def __init__(self, *_: object) -> None:
        self._runs = {MACHINE.replace(":stateMachine:", ":execution:") + f":{name}": make().raw for name, make in RUNS.items()}
        self._runs[next(iter(self._runs))][0]["timestamp"] = self._runs[next(iter(self._runs))][1]["timestamp"]

    def call(self, service: str, operation: str, **given: Any) -> dict[str, Any]:
        answers: Mapping[str, Callable[[], dict[str, Any]]] = {
            "sts get_caller_identity": lambda: {"Arn": PERSON, "Account": ACCOUNT},
            "stepfunctions describe_state_machine": lambda: {"creationDate": datetime(2026, 1, 1, tzinfo=UTC)},
            "scheduler get_schedule": lambda: {
                "State": "ENABLED",
                "ScheduleExpression": "cron(0 3 1 * ? *)",
                "Description": "the default target, monthly",
            },
            "secretsmanager describe_secret": lambda: {"VersionIdsToStages": {"v1": ["AWSCURRENT"], "v2": ["AWSPENDING"]}},
            "cloudformation describe_stacks": lambda: {
                "Stacks": [{"Outputs": [{"OutputKey": "Version", "OutputValue": "0.1.0"}], "Parameters": [
                    {"ParameterKey": "DefaultTarget", "ParameterValue": "openemr"}]}]},
        }  # fmt: skip
        return answers[f"{service} {operation}"]()

    def pages(self, service: str, operation: str, **given: Any) -> Iterator[dict[str, Any]]:
        yield {
            "stepfunctions list_executions": self._executions,
            "stepfunctions get_execution_history": lambda given: {"events": self._runs[given["executionArn"]]},
            "logs filter_log_events": self._lines,
            "logs describe_log_groups": lambda _: {
                "logGroups": [
                    {"logGroupName": f"/aws/vendedlogs/states/{STACK}", "retentionInDays": 400, "creationTime": 1767225600000}
                ]
            },
            "ssm get_parameters_by_path": lambda _: {
                "Parameters": [{"Name": f"/{STACK}/targets/openemr", "Value": json.dumps(DOCUMENT)}]
            },
            "cloudtrail lookup_events": lambda _: {"Events": []},
        }[f"{service} {operation}"](given)

    def _executions(self, given: dict[str, Any]) -> dict[str, Any]:
        found = [{"executionArn": arn, "startDate": raw[0]["timestamp"]} for arn, raw in self._runs.items()]
        return {"executions": [] if given.get("statusFilter") == "RUNNING" else found}

    def _lines(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"events": [log_event(one, arn, include_data=True) for arn, raw in self._runs.items() for one in raw]}


class Screen(io.StringIO):
    """A terminal, or a pipe."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


Shown = Callable[..., tuple[int, str]]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """The exit code and what was shown, at that moment, by a command."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "ROTATION_"))] + ["NO_COLOR", "FORCE_COLOR", "COLORTERM"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(app, "Aws", KnownAws)
    monkeypatch.setattr(reporting, "_own_version", lambda: "0.1.0")

    def show(command: str, columns: int = 0, **environment: str) -> tuple[int, str]:
        for name, value in {"COLUMNS": str(columns or 80), "TERM": "xterm", **environment}.items():
            monkeypatch.setenv(name, value)
        screen = Screen(terminal=bool(columns))
        monkeypatch.setattr(sys, "stdout", screen)
        with time_machine.travel(NOW, tick=False):
            code = app.main(command.split())
        return code, screen.getvalue().replace("\x1b", "␛")

    return show


COMMANDS = {
    "status": 1,
    "status --json": 1,
    "history": 0,
    "history --json": 0,
    "explain": 1,
    "explain by-hand": 0,
    "explain --json": 1,
    "follow monthly": 1,
    "follow monthly --json": 1,
    "targets list": 0,
    "targets list --json": 0,
    "report --from 2026-01-01 --to 2026-03-02": 0,
}
"""With its exit code."""
WIDTHS = {"80": 80, "120": 120, "pipe": 0}
LIVE = "follow monthly"
"""On a terminal it moves; what it leaves there is what it says in a pipe."""


def pictures() -> Iterator[tuple[str, int, Path]]:
    """Each with its command and columns."""
    for command in COMMANDS:
        stem = re.sub(r"[^a-z]+", "-", command).strip("-")
        if "--json" in command or command == LIVE:
            yield command, 0, PICTURES / f"{stem}.txt"
        else:
            yield from ((command, columns, PICTURES / f"{stem}.{name}.txt") for name, columns in WIDTHS.items())


@pytest.mark.parametrize(("command", "columns", "picture"), list(pictures()), ids=lambda value: getattr(value, "stem", ""))
def test_a_command_shows_what_it_showed(command: str, columns: int, picture: Path, shown: Shown) -> None:
    code, text = shown(command, columns)
    if os.environ.get("SNAPSHOTS") == "write":
        picture.parent.mkdir(exist_ok=True)
        picture.write_text(text)
    assert text == picture.read_text()
    assert code == COMMANDS[command]


def test_no_picture_is_of_nothing() -> None:
    assert set(PICTURES.iterdir()) == {path for _, _, path in pictures()}


@pytest.mark.parametrize("command", [command for command in COMMANDS if command != LIVE])
def test_no_color_is_the_same_without_colours(command: str, shown: Shown) -> None:
    """Bold and dim are no colours."""
    coloured, plain = shown(command, 80), shown(command, 80, NO_COLOR="1")
    assert [(code, re.sub(STYLE, "", text)) for code, text in (coloured, plain)] == [
        (coloured[0], re.sub(STYLE, "", coloured[1]))
    ] * 2
    assert not re.search(r"␛\[(?:\d+;)*(?:3\d|9\d)[;m]", plain[1])


@pytest.mark.parametrize("command", [command for command in COMMANDS if "--json" in command])
def test_json_is_one_document_whatever_reads_it(command: str, shown: Shown) -> None:
    assert json.loads(shown(command, 80)[1]) == json.loads(shown(command)[1])


def test_nothing_in_a_pipe_gives_orders_or_breaks_a_line(shown: Shown) -> None:
    for command in COMMANDS:
        assert "␛" not in shown(command)[1], command
    _, wide = shown("targets list")
    assert any(DOCUMENT["slot_secret"] in line and "openemr" in line for line in wide.splitlines())  # type: ignore[operator]


def test_no_line_is_longer_than_the_terminal_but_for_a_word_that_is(shown: Shown) -> None:
    """And for a command, which is copied whole: the terminal breaks it itself."""
    for command in (one for one in COMMANDS if "--json" not in one and one != LIVE):
        lines = re.sub(STYLE, "", shown(command, 80)[1]).splitlines()
        long = [line for line in lines if len(line.rstrip()) > 80 and len(max(line.split(), key=len)) < 60]
        assert [line for line in long if ": rotation " not in line] == [], command


def test_ctrl_c_says_that_the_execution_goes_on(
    shown: Shown, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "follow", interrupted)
    code, text = shown("follow monthly", 80)
    assert (code, text) == (130, "following monthly; Ctrl-C ends this, and not the execution\n")
    assert capsys.readouterr().err == "\nthe execution goes on: `rotation follow monthly` shows it again\n\n"
