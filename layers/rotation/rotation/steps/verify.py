"""Verify: what every function found as one list, with what only the whole shows: the drain's proportions, permissions that can
only be simulated, and since when the last rotation is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rotation.core.findings import Finding, Severity, gathered, unanswered
from rotation.protocol.probes import Need, drain, looked_at
from rotation.protocol.renewal import since_success

if TYPE_CHECKING:
    from rotation.ports import World
    from rotation.protocol.request import Request

DAY = 86_400


@dataclass
class _LastRotation:
    """How long it is ago; not known until somebody could look."""

    days: float | None = None

    def look(self, world: World) -> Iterator[Finding]:
        self.days = round(since_success(world.slots) / DAY, 2)
        yield Finding(Severity.OK, "last rotation", f"it, or the making of the secret, is {self.days} days ago")


def verify(world: World, request: Request) -> dict[str, Any]:
    """All findings, the worst first; the verdict is `holds` unless one failed. What is looked at here may fail as all else may:
    it is one finding more, and the functions' are told in any case."""
    last = _LastRotation()
    needs = (Need("drain", drain), Need("IAM", simulated), Need("last rotation", last.look))
    found = [(str(one["function"]), finding) for one in request.findings for finding in _parsed(one)]
    found += [("verify", finding) for finding in looked_at(world, needs)]
    findings = gathered(found)
    failed = [f"{one['what']}: {one['found']}" for one in findings if one["severity"] == Severity.FAILED]
    return {
        "verdict": "fails" if failed else "holds",
        "failed": failed,
        "findings": findings,
        "days_since_success": last.days,
        "measured": {} if last.days is None else {"credential_rotation_days_since_success": last.days},
    }


def _parsed(one: Mapping[str, Any]) -> list[Finding]:
    if "failure" in one:
        return [unanswered(str(one["function"]), one["failure"])]
    return [Finding.parse(finding) for finding in one["findings"]]


def simulated(world: World) -> Iterator[Finding]:
    """Writes to the secrets cannot be tried without doing them: IAM is asked, where we may ask."""
    denied = world.denied_by_iam()
    if denied is None:
        mend = "nothing needs it; allow iam:SimulatePrincipalPolicy on the functions' roles to have it"
        yield Finding(Severity.SKIPPED, "IAM", "may not be asked what the roles may do", mend)
    for what in denied or ():
        yield Finding(Severity.FAILED, "IAM", f"denies {what}", "a policy, a boundary or an SCP of your organisation denies it")
    if denied == []:
        yield Finding(Severity.OK, "IAM", "the roles may put versions and move labels of both secrets")
