"""What the pages say of the command is what it is: commands, options, exit codes, permissions, packages."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from rotation.told.runbook import ENDS, Urgency
from rotation_cli import app, following
from rotation_cli.aws import action_of
from rotation_cli.history import TELLING

from tests.pages import PAGES
from tests.statemachine.machine import shipped, states

ROOT = Path(__file__).resolve().parents[2]
DOCS = PAGES["docs/command.md"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def section(text: str, title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, title
    return found.group(1)


def first_column(text: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)


def commands(command: click.Command = app.rotation, path: str = "rotation") -> Iterator[tuple[str, click.Command]]:
    """All that can be called, by what is typed."""
    if isinstance(command, click.Group):
        for name, one in command.commands.items():
            yield from commands(one, f"{path} {name}")
    else:
        yield path, command


def options(command: click.Command) -> list[str]:
    return [param.opts[0] for param in command.params if isinstance(param, click.Option)]


COMMANDS = dict(commands())


def test_the_commands_are_those_that_there_are() -> None:
    assert sorted(first_column(section(DOCS, "All commands"))) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_options_are_those_that_the_page_names(name: str) -> None:
    assert first_column(section(DOCS, f"`{name}`")) == options(COMMANDS[name])


def test_the_options_of_all_commands_are_those_that_the_page_names() -> None:
    assert first_column(section(DOCS, "Options of all commands")) == options(app.rotation)


def test_every_command_in_the_pages_is_one_that_can_be_typed() -> None:
    """Wherever one is written with its options, in a table, a sentence or a block."""
    texts = [*PAGES.values(), (ROOT / "CHANGELOG.md").read_text(), (ROOT / "layers/rotation/rotation/told/runbook.py").read_text()]
    typed = re.findall(r"\brotation ((?:(?:targets|fleet) )?[a-z]+)((?: [^`\n;:#]*)?)", "\n".join(texts))
    named = [(f"rotation {name}", re.findall(r"--[a-z-]+", rest)) for name, rest in typed if "--" in rest]
    assert len(named) > 5
    unknown = [(name, option) for name, given in named for option in given if option not in options(COMMANDS[name])]
    assert unknown == []


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_what_each_is_for(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main([*name.split()[1:], "--help"]) == 0
    assert "Usage: " in capsys.readouterr().out
    assert COMMANDS[name].help


def test_every_urgency_has_an_exit_code_and_the_page_names_them() -> None:
    assert set(app.EXIT_CODES) == set(Urgency)
    codes = [int(code) for code in re.findall(r"^\| (\d) \|", section(DOCS, "Exit codes"), re.MULTILINE)]
    assert codes == sorted({*app.EXIT_CODES.values(), app.BAD_INPUT})


def test_the_permissions_are_those_of_the_calls_that_the_command_makes() -> None:
    """Every call is written with two literals: the service and the operation."""
    made = set()
    for path in (ROOT / "cli/rotation_cli").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("call", "pages", "once"):
                service, operation = (argument.value for argument in node.args if isinstance(argument, ast.Constant))
                assert isinstance(operation, str)
                made.add(action_of(str(service), operation))
    assert set(first_column(section(DOCS, "Permissions"))) == made


def test_its_packages_are_those_that_the_tests_run_with() -> None:
    pins = [*(ROOT / "requirements-dev.txt").read_text().split(), *(ROOT / "layers/rotation/requirements.txt").read_text().split()]
    assert set(PROJECT["dependencies"]) <= set(pins)


def test_the_states_that_it_knows_by_name_are_the_machines() -> None:
    known = set(states(shipped()))
    assert {*following.PATH, *TELLING, *ENDS} <= known
