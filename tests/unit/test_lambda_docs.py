"""docs/lambda.md says what the contract is, and the example beside it keeps to what it says."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
from rotation.consumers.lambda_function import contract
from rotation.kinds import registry
from rotation.kinds.target import parse_target
from rotation_cli import app

from tests.pages import PAGES, first_column, section
from tests.unit.test_kinds import page_consumer

ROOT = Path(__file__).parents[2]
PAGE = "docs/lambda.md"
CONTRACT = section("The contract", PAGE)
EXAMPLE = (ROOT / "examples/lambda-consumer/app.py").read_text()
LONGEST_EXAMPLE = 80


def schema(file: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(contract.text_of(file))
    return found


def tables() -> list[list[str]]:
    """The first column of each."""
    return [first_column(text) for text in re.findall(r"(?:^\|.*\n)+", CONTRACT, re.MULTILINE)]


def test_its_tables_have_the_keys_the_verbs_and_the_words() -> None:
    keys, verbs, words = tables()
    assert set(keys) == set(schema(contract.REQUEST)["properties"])
    assert tuple(verbs) == contract.VERBS == tuple(schema(contract.REQUEST)["properties"]["verb"]["enum"])
    assert words == list(contract.REASONS)


def test_each_word_is_said_of_the_verbs_that_may_answer_it() -> None:
    for verb in contract.VERBS:
        may = set(schema(contract.answer_schema(verb))["oneOf"][1]["properties"]["refused"]["enum"])
        rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", CONTRACT, re.MULTILINE)
        said = {word for word, of in rows if of == "all" or f"`{verb}`" in of}
        assert {word for word in said if word in contract.REASONS} == may


def test_each_answer_that_it_shows_fits_its_schema() -> None:
    for verb, shown in re.findall(r"^\| `(\w+)` \|[^|]*\| `(\{[^`]*\})`", CONTRACT, re.MULTILINE):
        assert contract.fits(contract.answer_schema(verb), json.loads(shown.replace("…", "v0"))) == ""


def test_the_request_by_hand_fits() -> None:
    (text,) = re.findall(r"--payload '(\{.*?\})'", PAGES[PAGE], re.DOTALL)
    assert contract.fits(contract.REQUEST, json.loads(text)) == ""


def test_the_target_and_the_pages_name_the_same_consumer() -> None:
    target = parse_target("appliance", (ROOT / "examples/targets/appliance.json").read_text())
    (shown,) = re.findall(r"```json\n(.*?)```", section("An example", PAGE), re.DOTALL)
    assert json.loads(shown) == page_consumer("lambda")
    assert page_consumer("lambda").items() <= {"kind": "lambda", **target.consumers[0].settings}.items()


def test_the_example_is_short_and_logs_nothing() -> None:
    assert len(EXAMPLE.splitlines()) <= LONGEST_EXAMPLE
    calls = [node.func for node in ast.walk(ast.parse(EXAMPLE)) if isinstance(node, ast.Call)]
    called = {one.id for one in calls if isinstance(one, ast.Name)}
    assert not called & {"print", "repr"}
    assert "logging" not in EXAMPLE


def test_the_command_prints_the_schemas(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main(["contract", "lambda"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == {file: schema(file) for file in contract.FILES}
    assert set(registry.consumer("lambda").contract()) == set(printed)


@pytest.mark.parametrize("file", contract.FILES)
def test_each_schema_describes_itself(file: str) -> None:
    assert schema(file)["title"]
