"""The database turns read-only in the middle of a rotation, as by a fail-over: waited for."""

from __future__ import annotations

from local.follow import Visit
from tests.e2e.hands import failures_of, sql
from tests.e2e.rotations import Rotations


def test_a_database_that_is_read_only_for_a_while(rotations: Rotations) -> None:
    """As after a fail-over: reads go on, so the application does; no password is changed until it may be."""
    in_use = rotations.active
    arn = rotations.start()

    def meddle(visit: Visit | None) -> None:
        if visit and visit.state == "FlipSlot":
            sql(rotations.stack, "SET GLOBAL read_only = ON")
        elif visit is None and "SourceReadOnly" in failures_of(rotations, arn):
            sql(rotations.stack, "SET GLOBAL read_only = OFF")

    try:
        run = rotations.follow(arn, meddle)
    finally:
        sql(rotations.stack, "SET GLOBAL read_only = OFF")
    assert run.outcome == "RotationSucceeded", run.cause
    assert "SourceReadOnly" in failures_of(rotations, arn), "it met it"
    assert not rotations.accepts(in_use)
    rotations.assert_at_rest()
