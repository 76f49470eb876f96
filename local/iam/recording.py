"""What a run of the local stack called, kept beside the build that it ran: it says nothing about any other build."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.aws import REPOSITORY

BUILT = REPOSITORY / ".aws-sam" / "inputs"
FOLDER = REPOSITORY / ".aws-sam" / "calls"


@dataclass(frozen=True, order=True)
class Call:
    """Caller: the access key id, which is a function's name. Resource: as the API was given it, often no ARN."""

    caller: str
    action: str
    resource: str


@dataclass(frozen=True)
class Recording:
    """Calls, each once, with what is needed to find the callers in the template: its parameters, what became of its ids."""

    parameters: Mapping[str, str]
    names: Mapping[str, str]
    calls: frozenset[Call]
    parts: Mapping[str, str] = field(default_factory=dict)
    """Of secrets that the roles reach by their tags: what each says that it is to a target."""

    @classmethod
    def of(cls, file: Path, parameters: Mapping[str, str], names: Mapping[str, str]) -> Recording:
        entries = [json.loads(line) for line in file.read_text().splitlines()]
        return cls(parameters, names, frozenset(Call(one["caller"], one["action"], one["resource"]) for one in entries))

    def keep(self) -> None:
        """Beside others of the same build."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        document = {
            "build": BUILT.read_text(),
            "parameters": dict(self.parameters),
            "names": dict(self.names),
            "calls": [[call.caller, call.action, call.resource] for call in sorted(self.calls)],
        }
        (FOLDER / f"{uuid.uuid4().hex}.json").write_text(json.dumps(document, indent=1))


def kept() -> Iterator[Recording]:
    """Of what is built now; those of other builds are removed."""
    for file in sorted(FOLDER.glob("*.json")):
        document: dict[str, Any] = json.loads(file.read_text())
        if document["build"] != BUILT.read_text():
            file.unlink()
            continue
        calls = frozenset(Call(*call) for call in document["calls"])
        yield Recording(document["parameters"], document["names"], calls)
