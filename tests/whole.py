"""How much of the tests a run has: what a person runs often, what CI runs with every change, what a release needs.

`make test` alone runs each tier and each application. `MORE=1`, as CI has it, adds what another test or the explorer holds already
and this shows on running servers. `WHOLE=1`, as a release has it, adds what only takes longer. docs/tests.md has the tables.
"""

from __future__ import annotations

import os

import pytest
from _pytest.mark import ParameterSet

WHOLE = bool(os.environ.get("WHOLE"))
MORE = WHOLE or bool(os.environ.get("MORE"))
only_in_the_whole = pytest.mark.skipif(not WHOLE, reason="it takes too long for every day: WHOLE=1, as a release has it")
only_with_more = pytest.mark.skipif(not MORE, reason="another test or the explorer has it too: MORE=1, as CI has it")


def whole(*values: object, id: str | None = None) -> ParameterSet:  # noqa: A002 - pytest's own word
    """A case of a parametrised test that only a release runs."""
    return pytest.param(*values, id=id, marks=only_in_the_whole)


def more(*values: object, id: str | None = None) -> ParameterSet:  # noqa: A002 - pytest's own word
    """A case of a parametrised test that CI and a release run."""
    return pytest.param(*values, id=id, marks=only_with_more)
