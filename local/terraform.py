"""The Terraform module's variables, parameters and outputs, from the template: `make terraform` writes them.

Its main.tf is written by hand. A variable is called as its parameter, has its description, default and limits; what CloudFormation
would refuse is refused by `terraform plan`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from local.aws import REPOSITORY
from local.yaml_text import read_yaml

MODULE = REPOSITORY / "terraform"
MADE = "# Made from template.yaml: make terraform. A test holds the two together.\n"
BUILT_FOR = ("Architecture", "PythonRuntime")
"""A release is built for one of each and says so in its template: nothing is to be said again."""
FLAG = ["true", "false"]
TYPES = {"String": "string", "Number": "number"}

Template = Mapping[str, Any]


@cache
def template() -> Template:
    """As it is in the repository."""
    parsed: Template = read_yaml((REPOSITORY / "template.yaml").read_text())
    return parsed


def snake(name: str) -> str:
    """SlotSecretArn is slot_secret_arn, K8sSecretName is k8s_secret_name."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def kind(parameter: Template) -> str:
    """The type of its variable."""
    if parameter.get("AllowedValues") == FLAG:
        return "bool"
    return TYPES.get(parameter["Type"], "list(string)")


def files(source: Template) -> dict[str, str]:
    """Name → text."""
    parameters = source["Parameters"]
    variables = [f"\n# ---- {title}\n{''.join(variable(one, parameters[one]) for one in names)}" for title, names in groups(source)]
    width = max(map(len, parameters))
    given = "".join(f"    {name:<{width}} = {_given(name, parameters[name])}\n" for name in parameters)
    outputs = "".join(output(name, one) for name, one in source["Outputs"].items())
    return {
        "variables.tf": MADE + "".join(variables),
        "parameters.tf": f"{MADE}\nlocals {{\n  given = {{\n{given}  }}\n\n"
        "  # What was left out is the template's.\n"
        "  parameters = { for name, value in local.given : name => value if value != null }\n}\n",
        "outputs.tf": MADE + outputs,
    }


def groups(source: Template) -> Iterator[tuple[str, list[str]]]:
    """As CloudFormation's console shows them."""
    for group in source["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]:
        yield group["Label"]["default"], group["Parameters"]


def variable(name: str, parameter: Template) -> str:
    """A block for one parameter."""
    lines = [f"description = {quoted(_described(name, parameter))}", f"type        = {kind(parameter)}"]
    if name in BUILT_FOR:
        lines.append("default     = null")
    elif "Default" in parameter:
        lines.append(f"default     = {_default(parameter)}")
    body = "".join(f"  {line}\n" for line in lines)
    checks = "".join(_validation(condition, message) for condition, message in limits(name, parameter))
    return f'\nvariable "{snake(name)}" {{\n{body}{checks}}}\n'


def limits(name: str, parameter: Template) -> Iterator[tuple[str, str]]:
    """Conditions, each with what to say where it does not hold."""
    var, allowed = f"var.{snake(name)}", parameter.get("AllowedValues")
    unless_left_out = f"{var} == null ? true : " if name in BUILT_FOR else ""
    if allowed and allowed != FLAG:
        values = ", ".join(map(_value, allowed))
        yield f"{unless_left_out}contains([{values}], {var})", f"One of: {', '.join(map(str, allowed))}."
    if pattern := parameter.get("AllowedPattern"):
        yield f"can(regex({quoted(pattern)}, {var}))", f"It has to look like this: {pattern}"
    least, most = parameter.get("MinValue"), parameter.get("MaxValue")
    if least is not None and most is not None:
        yield f"{var} >= {least} && {var} <= {most}", f"A number from {least} to {most}."


def output(name: str, one: Template) -> str:
    """A block for one output; null where its condition does not hold."""
    found = f'aws_cloudformation_stack.rotation.outputs["{name}"]'
    value = f"try({found}, null)" if "Condition" in one else found
    return f'\noutput "{snake(name)}" {{\n  description = {quoted(one["Description"])}\n  value       = {value}\n}}\n'


def quoted(text: str) -> str:
    """In HCL, where `${` and `%{` mean something."""
    return json.dumps(text, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def _described(name: str, parameter: Template) -> str:
    more = " Left out, it is what the packaged template was built for." if name in BUILT_FOR else ""
    return " ".join(parameter["Description"].split()) + more


def _value(value: Any) -> str:
    return quoted(value) if isinstance(value, str) else str(value)


def _default(parameter: Template) -> str:
    value = parameter["Default"]
    return {"bool": str(value), "list(string)": f"[{_value(value)}]"}.get(kind(parameter), _value(value))


def _validation(condition: str, message: str) -> str:
    return f"\n  validation {{\n    condition     = {condition}\n    error_message = {quoted(message)}\n  }}\n"


def _given(name: str, parameter: Template) -> str:
    var = f"var.{snake(name)}"
    return {"string": var, "list(string)": f'join(",", {var})'}.get(kind(parameter), f"tostring({var})")


def main() -> int:
    for name, text in files(template()).items():
        (MODULE / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
