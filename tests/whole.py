"""What only takes longer than a day's run may: WHOLE=1, as a release has it. docs/tests.md says what has it every day instead."""

from __future__ import annotations

import os

import pytest
from _pytest.mark import ParameterSet

WHOLE = bool(os.environ.get("WHOLE"))
only_in_the_whole = pytest.mark.skipif(not WHOLE, reason="it takes too long for every day: WHOLE=1, as a release has it")


def whole(*values: object, id: str | None = None) -> ParameterSet:  # noqa: A002 - pytest's own word
    """A case of a parametrised test."""
    return pytest.param(*values, id=id, marks=only_in_the_whole)
