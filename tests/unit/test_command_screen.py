"""What the command prints stays what it is: no emoji, no broken line in a pipe, no broken word on a narrow terminal."""

import io
import os
import sys

import pytest
from rich.console import Console
from rotation_cli import screen

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:openemr/slots-AbCdEf"
COLUMNS = ["target", "class", "slot secret"]
ROWS = [["openemr", "monthly", ARN], ["shop", "weekly", f"{ARN}:key:x"]]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(params=[80, 120])
def terminal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    written = Terminal()
    monkeypatch.setattr(sys, "stdout", written)
    monkeypatch.setenv("COLUMNS", str(request.param))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return written


def test_no_part_of_an_arn_becomes_an_emoji(capsys: pytest.CaptureFixture[str]) -> None:
    screen.console().print(f"{ARN}: a :key: and a :bug:")
    assert capsys.readouterr().out == f"{ARN}: a :key: and a :bug:\n"


def test_a_line_in_a_pipe_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    screen.console().print("word " * 400)
    assert capsys.readouterr().out.count("\n") == 1


def test_a_row_in_a_pipe_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    screen.table(COLUMNS, [["x" * 300, "y" * 300, "z" * 300]])
    assert capsys.readouterr().out.count("\n") == 2


def test_a_terminal_that_is_too_narrow_gets_paragraphs_and_whole_words(terminal: Terminal) -> None:
    screen.table(COLUMNS, ROWS)
    out = terminal.getvalue()
    assert ARN in out
    assert f"{ARN}:key:x" in out
    stacked = int(os.environ["COLUMNS"]) < len(ARN) + 20
    assert ("target:" in out) is stacked


def test_no_colour_where_nobody_wants_it(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    screen.table(COLUMNS, ROWS)
    assert "\x1b[" in terminal.getvalue()
    terminal.truncate(0)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not Console().color_system or Console(no_color=True).no_color
    screen.console().print("plain", style="red")
    assert "\x1b[31m" not in terminal.getvalue()
