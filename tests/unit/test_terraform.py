"""The Terraform module: a variable for each parameter, an output for each output, and what it hands over makes a stack."""

import json
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from local import terraform
from local.decided import demand
from local.translation import Template, translate
from local.yaml_text import read_yaml
from tests.worlds.families import FAMILIES, OPENEMR

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = {path.parent.name: read_yaml(path.read_text()) for path in sorted((ROOT / "examples").glob("*/parameters.yaml"))}
STACKS = {**FAMILIES, **EXAMPLES}
PARAMETERS: dict[str, Any] = terraform.template()["Parameters"]
PROGRAM = shutil.which("terraform")
by_terraform = pytest.mark.skipif(not PROGRAM, reason="terraform is not on the PATH: the module is compared, and not evaluated")


def text(name: str) -> str:
    return (ROOT / "terraform" / name).read_text()


def blocks(kind: str, name: str) -> dict[str, str]:
    """By their names, of a file of the module."""
    return dict(re.findall(rf'^{kind} "(\w+)" {{\n(.*?)^}}', text(name), re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("name", terraform.files(terraform.template()))
def test_what_is_made_from_the_template_is_that_of_the_template(name: str) -> None:
    assert text(name) == terraform.files(terraform.template())[name], "make terraform"


def test_each_parameter_is_a_variable_with_its_description_and_default() -> None:
    variables = blocks("variable", "variables.tf")
    assert set(variables) == set(map(terraform.snake, PARAMETERS))
    for name, one in PARAMETERS.items():
        body = variables[terraform.snake(name)]
        said = re.findall(r"^  description = (.*)$", body, re.MULTILINE)[0]
        assert json.loads(said).startswith(one["Description"].strip())
        default = re.findall(r"^  default     = (.*)$", body, re.MULTILINE)
        assert bool(default) == ("Default" in one), name
        if default and name not in terraform.BUILT_FOR:
            assert default[0].strip('[]"') == str(one["Default"])


def test_each_output_is_one() -> None:
    outputs = terraform.template()["Outputs"]
    found = {name: re.findall(r'outputs\["(\w+)"\]', body) for name, body in blocks("output", "outputs.tf").items()}
    assert found == {terraform.snake(name): [name] for name in outputs}


def test_the_example_gives_what_has_no_default_and_nothing_that_is_unknown() -> None:
    main = (ROOT / "examples/terraform/main.tf").read_text()
    given = dict(re.findall(r"^  (\w+) += (\S.*)$", main.split('module "credential_rotation" {')[1].split("\n}")[0], re.MULTILINE))
    variables = blocks("variable", "variables.tf") | blocks("variable", "main.tf")
    required = {name for name, body in variables.items() if "  default " not in body}
    assert required <= set(given) - {"source"} <= set(variables)
    assert (ROOT / "examples/terraform" / given["source"].strip('"')).resolve() == ROOT / "terraform"
    assert given["slot_secret_arn"].endswith(".outputs.rds_slot_secret_arn")
    assert given["admin_secret_arn"].endswith(".outputs.rds_admin_secret_arn")


def test_the_example_declares_each_variable_that_it_uses() -> None:
    main, variables = ((ROOT / "examples/terraform" / name).read_text() for name in ("main.tf", "variables.tf"))
    assert set(re.findall(r"\bvar\.(\w+)", main)) == set(re.findall(r'^variable "(\w+)"', variables, re.MULTILINE))


# ---- evaluated, but for the resources: their provider comes from a registry ----------------------------------------------------


def as_variables(parameters: dict[str, str]) -> dict[str, Any]:
    """As a person would write them in Terraform."""
    convert = {"bool": lambda text: text == "true", "list(string)": lambda text: text.split(","), "number": float}
    return {terraform.snake(name): convert.get(terraform.kind(PARAMETERS[name]), str)(value) for name, value in parameters.items()}


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("module")
    for name in ("variables.tf", "parameters.tf"):
        shutil.copy(ROOT / "terraform" / name, folder)
    (folder / "root.tf").write_text('output "parameters" {\n  value = local.parameters\n}\n')
    assert evaluate(folder, "init").returncode == 0
    return folder


def evaluate(folder: Path, *arguments: str, given: str = "") -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_")} | {"CHECKPOINT_DISABLE": "1"}
    command = [str(PROGRAM), *arguments, "-no-color"] if arguments[0] != "console" else [str(PROGRAM), *arguments]
    return subprocess.run(command, cwd=folder, env=environment, input=given, capture_output=True, text=True, timeout=60)


def given_to(module: Path, parameters: dict[str, str]) -> Path:
    path = module / "given.tfvars.json"
    path.write_text(json.dumps(as_variables(parameters)))
    return path


@cache
def template() -> Template:
    return translate(ROOT)


@by_terraform
@pytest.mark.parametrize("stack", STACKS)
def test_what_the_module_hands_over_is_what_was_given_and_else_the_templates(stack: str, module: Path) -> None:
    path = given_to(module, STACKS[stack])
    said = evaluate(module, "console", f"-var-file={path}", given="jsonencode(local.parameters)\n")
    assert said.returncode == 0, said.stderr
    handed = json.loads(json.loads(said.stdout))
    defaults = {name: str(one["Default"]) for name, one in PARAMETERS.items() if "Default" in one}
    assert defaults | handed == defaults | STACKS[stack]
    demand(template(), handed)


@by_terraform
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SlotSecretArn", "openemr/slots", "It has to look like this: ^arn:aws"),
        ("SourceKind", "oracle", "One of: mysql, postgresql, redis."),
        ("OverlapSeconds", "172801", "A number from -1 to 172800."),
    ],
)
def test_what_cloudformation_would_refuse_is_refused_by_the_plan(name: str, value: str, said: str, module: Path) -> None:
    planned = evaluate(module, "plan", "-input=false", f"-var-file={given_to(module, {**OPENEMR, name: value})}")
    assert planned.returncode == 1
    assert said in " ".join(planned.stderr.replace("│", " ").split())


@by_terraform
@pytest.mark.parametrize("folder", ["terraform", "examples/terraform"])
def test_the_module_is_written_as_terraform_writes_it(folder: str) -> None:
    assert evaluate(ROOT / folder, "fmt", "-check", "-diff").stdout == ""
