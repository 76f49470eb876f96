"""What a demo does to a stack, to show how it ends."""

from __future__ import annotations

from local.faults import Fault, meant
from local.options import FORWARD
from local.running import Running

TRIES = 4
"""A killed function is tried this often by the machine (once and three retries): to fail a state, kill it as often."""
OUTAGE_SECONDS = 1.0


def kill(stack: Running, state: str, direction: str = FORWARD) -> None:
    """Its function, as often as it is tried."""
    stack.aws.fail(Fault(stack.function(state), meant(state, direction), TRIES))
