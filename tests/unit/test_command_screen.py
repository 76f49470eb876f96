"""What the command prints stays what it is: no emoji, no broken line in a pipe, no broken word on a narrow terminal."""

import io
import sys

import pytest
from rotation_cli import screen

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:openemr/slots-AbCdEf"
COLUMNS = ["target", "class", "slot secret"]
ROWS = [["openemr", "monthly", ARN], ["shop", "weekly", f"{ARN}:key:x"]]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> Terminal:
    """In the test itself: between a fixture and its test, pytest puts its own stdout back."""
    written = Terminal()
    monkeypatch.setattr(sys, "stdout", written)
    monkeypatch.setenv("COLUMNS", str(columns))
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


@pytest.mark.parametrize(("columns", "stacked"), [(80, True), (120, False)])
def test_a_terminal_that_is_too_narrow_gets_paragraphs_and_whole_words(
    columns: int, stacked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = terminal(monkeypatch, columns)
    screen.table(COLUMNS, ROWS)
    assert f"{ARN}:key:x" in out.getvalue()
    assert ("slot secret:" in out.getvalue()) is stacked


def test_no_colour_where_nobody_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    out = terminal(monkeypatch, 120)
    screen.console().print("red", style="red")
    assert "\x1b[31m" in out.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    screen.console().print("plain", style="red")
    assert out.getvalue().count("\x1b[31m") == 1
