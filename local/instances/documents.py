"""SSM documents of schema 2.2, as far as instances need them: what SendCommand refuses, what the agent makes of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from local.yaml_text import read_yaml

MOST_BYTES = 64 * 1024
_PLACE = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
SHELL = "aws:runShellScript"

Given = Mapping[str, list[str]]
"""Of a command: each parameter is a list, of one text if its type is String."""


class InvalidParameters(Exception):
    """AWS's error of the same name."""


class InvalidDocument(Exception):
    """AWS's error of the same name; here also what InvalidDocumentContent says."""


class Document:
    """One document's content."""

    def __init__(self, content: str) -> None:
        if len(content.encode()) > MOST_BYTES:
            raise InvalidDocument("the content is larger than 64 KB")
        self._read: dict[str, Any] = json.loads(content) if content.lstrip().startswith("{") else read_yaml(content)
        if self._read.get("schemaVersion") != "2.2":
            raise InvalidDocument("only schema 2.2 is known here")
        self._parameters: dict[str, Any] = self._read.get("parameters", {})
        undeclared = set(_PLACE.findall(json.dumps(self._read["mainSteps"]))) - set(self._parameters)
        if undeclared:
            raise InvalidDocument(f"undeclared parameters: {', '.join(sorted(undeclared))}")

    def values(self, given: Given) -> dict[str, str]:
        """With the defaults; refuses what SendCommand refuses."""
        unknown = set(given) - set(self._parameters)
        if unknown:
            raise InvalidParameters(f"not declared: {', '.join(sorted(unknown))}")
        return {name: self._value(name, about, given.get(name)) for name, about in self._parameters.items()}

    @property
    def timeout_seconds(self) -> float:
        """How long its scripts may take."""
        return sum(float(inputs.get("timeoutSeconds", 3600)) for inputs in self._inputs())

    def scripts(self) -> list[str]:
        """One a step, with the names of parameters in them."""
        return ["\n".join(inputs["runCommand"]) for inputs in self._inputs()]

    def _value(self, name: str, about: dict[str, Any], given: list[str] | None) -> str:
        if given is None:
            if "default" not in about:
                raise InvalidParameters(f"{name} is missing")
            return str(about["default"])
        if len(given) != 1:
            raise InvalidParameters(f"{name} takes one value")
        [value] = given
        if not re.search(about.get("allowedPattern", ""), value) or value not in about.get("allowedValues", [value]):
            raise InvalidParameters(f"{name} does not match {about.get('allowedPattern', about.get('allowedValues'))}")
        return value

    def _inputs(self) -> Iterator[dict[str, Any]]:
        for step in self._read["mainSteps"]:
            if step["action"] != SHELL:
                raise InvalidDocument(f"{step['action']} is not known here")
            yield step["inputs"]


def rendered(script: str, values: Mapping[str, str]) -> str:
    """As the agent runs it: the text of each value stands where its name stood, whatever is in it."""
    return _PLACE.sub(lambda found: values[found[1]], script)
