"""Targets that cannot be rotated: each a document of its own with secrets and a sqlconf.php of its own, over the one
application that all of them leave alone."""

from __future__ import annotations

import copy
import itertools
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.follow import Run
from local.stack import LocalStack
from tests.e2e.hands import Object, SecretState, document, put_target, remove_target, state_of
from tests.e2e.rotations import Rotations

_numbers = itertools.count(1)


@dataclass
class BadWorld:
    """What is to be made wrong, before `make`."""

    rotations: Rotations
    name: str = field(default_factory=lambda: f"bad-{next(_numbers)}")

    def __post_init__(self) -> None:
        """At first nothing is wrong with it."""
        stack, rotations = self.rotations.stack, self.rotations
        self.document: Object = document(stack)
        self.document["consumers"][0]["path"] = f"{self.name}/sqlconf.php"
        self.text: str | None = None
        """In place of the document."""
        self.slots: Any = copy.deepcopy(rotations.slots)
        self.admin: Any = json.loads(json.dumps(stack.secret("openemr/admin")))
        self.file.parent.mkdir()
        shutil.copy2(stack.app.sites / "default" / "sqlconf.php", self.file)

    @property
    def stack(self) -> LocalStack:
        return self.rotations.stack

    @property
    def file(self) -> Path:
        return self.stack.app.sites / self.name / "sqlconf.php"

    def only_the_file(self) -> None:
        """No Secret and no Deployment: what others do to them meanwhile does not matter."""
        self.document["consumers"] = self.document["consumers"][:1]

    def edit(self, change: Callable[[bytes], bytes]) -> None:
        self.file.write_bytes(change(self.file.read_bytes()))

    def make(self) -> None:
        """The secrets and the document, as they are by now."""
        self.document["slot_secret"] = self._secret("slots", self.slots)
        self.document["admin_secret"] = self._secret("admin", self.admin)
        put_target(self.stack, self.name, self.document if self.text is None else self.text)

    def start(self) -> str:
        """The execution's ARN."""
        return self.rotations.start(target=self.name)

    def _secret(self, what: str, value: Any) -> str:
        text = value if isinstance(value, str) else json.dumps(value)
        client = self.stack.aws.client("secretsmanager")
        arn: str = client.create_secret(Name=f"{self.name}/{what}", SecretString=text)["ARN"]
        return arn

    def state(self) -> tuple[list[SecretState], object]:
        """What nobody may have changed."""
        secrets = [state_of(self.stack, self.document[key]) for key in ("slot_secret", "admin_secret")]
        status = self.file.stat() if self.file.exists() else None
        content = self.file.read_bytes() if self.file.is_file() else None
        return secrets, (content, status and (status.st_ino, status.st_mtime_ns, status.st_ctime_ns))

    def remove(self) -> None:
        remove_target(self.stack, self.name)
        shutil.rmtree(self.file.parent, ignore_errors=True)


def assert_refused(run: Run, *said: str) -> None:
    """Before the claim, and the operator is told what is wrong with what: the error in the Cause, which is cut where its message is
    long, and all of it by `rotation explain`."""
    assert run.outcome == "RotationRefused", run.cause
    assert {visit.state for visit in run.visits if visit.kind == "Task"} == {"ReadSlots", "SayWhy"}
    failed = run.visits_of("ReadSlots")[-1].failed_tries[-1]
    assert f"ReadSlots failed with {failed.error}: " in run.cause
    missing = [text for text in said if text not in f"{failed.error}: {failed.message}"]
    assert missing == [], run.cause
