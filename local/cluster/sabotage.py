"""Rollouts that are made to fail: pods of a broken revision never start, as if their image could not be pulled.

Not reachable through the Kubernetes API: what is under test must not be able to tell.
"""

from __future__ import annotations

from typing import Any


class Sabotage:
    def __init__(self) -> None:
        self._broken: set[str] = set()
        self._seen: set[str] = set()
        self._next = False
        self._annotations: dict[str, str] = {}

    def break_next(self) -> None:
        """One new revision, the next that the controller meets; the one after it (a rollback) rolls."""
        self._next = True

    def break_annotated(self, name: str, value: str) -> None:
        """Every revision whose pod template carries this annotation with this value."""
        self._annotations[name] = value

    def heal(self) -> None:
        """Images can be pulled again, those of pods that wait for theirs included."""
        self._next = False
        self._annotations.clear()
        self._broken.clear()

    def meet(self, revision: str, template: dict[str, Any]) -> None:
        """The controller observed this revision."""
        annotations = template.get("metadata", {}).get("annotations") or {}
        if self._annotations.items() & annotations.items():
            self._broken.add(revision)
        if revision not in self._seen and self._next:
            self._next = False
            self._broken.add(revision)
        self._seen.add(revision)

    def breaks(self, revision: str) -> bool:
        return revision in self._broken
