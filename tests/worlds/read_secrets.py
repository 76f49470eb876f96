"""Secrets in memory that others read by themselves, and go on for a while with what they have read."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rotation.core.model import CURRENT, STAGING, Credential, SecretText

from local import secret_labels as aws
from tests.worlds.aws import ShippedSecret
from tests.worlds.living import LivingWorld
from tests.worlds.proxied import OTHERS
from tests.worlds.world import credential


class ReadSecret(ShippedSecret):
    """One that others read, who go on for a while with what they have read."""

    def __init__(self, name: str, first: Credential, world: LivingWorld, short: str) -> None:
        self.short = short
        """As boundaries call it."""
        self.past: tuple[tuple[float, Credential], ...] = ()
        """What was current before, each with the moment at which that ended."""
        content = {**OTHERS, "username": first.username, "password": first.password.reveal()}
        super().__init__(name, content, world.journal, world.now)

    @property
    def held(self) -> Credential:
        content = json.loads(aws.find(self.versions, None, CURRENT)["secret_string"])
        return credential(content["username"], content["password"])

    def contents(self) -> Iterator[dict[str, Any]]:
        """Of every version with a label that means something; one that was only named has none."""
        for version in self.versions.values():
            if version.get("secret_string") and set(version["version_stages"]) - {STAGING}:
                yield json.loads(version["secret_string"])

    def within(self, seconds: float) -> list[Credential]:
        """What whoever reads it so often may have read last."""
        return [self.held, *(one for ended, one in self.past if self._now() - ended <= seconds)]

    def forget(self, seconds: float) -> None:
        """What nobody goes on with any more."""
        self.past = tuple(one for one in self.past if self._now() - one[0] <= seconds)

    def written(self, version: str, text: SecretText, labels: list[str] | None) -> None:
        with self._remembering():
            super().written(version, text, labels)

    def moved(self, label: str, to: str | None, removed_from: str | None) -> None:
        with self._remembering():
            super().moved(label, to, removed_from)

    @contextmanager
    def _remembering(self) -> Iterator[None]:
        before = self.held
        yield
        if self.held != before:
            self.past = (*self.past, (self._now(), before))


class ApplicationSecret(ReadSecret):
    """The one that Secrets Manager may rotate."""

    created: Callable[[str], None] = staticmethod(lambda _: None)
    """Who wants to know of each version that is put."""

    def written(self, version: str, text: SecretText, labels: list[str] | None) -> None:
        new = not aws.is_filled(self.versions, version)
        super().written(version, text, labels)
        if new:
            self.created(version)

    def rotation_rules(self) -> dict[str, Any]:
        """It has no schedule of its own."""
        return {}
