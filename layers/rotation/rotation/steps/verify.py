"""Verify: what every function found as one list, with what only the whole shows: the drain's proportions, permissions that can
only be simulated, and since when the last rotation is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rotation.core.errors import SecretInvalid, SecretVersionMissing
from rotation.core.findings import Finding, Severity, gathered, unanswered
from rotation.core.model import RotationStep, RotationTag
from rotation.protocol.intents import ATTEMPTS, read_record, version_id
from rotation.protocol.probes import Need, drain, looked_at

if TYPE_CHECKING:
    from rotation.ports import SecretStore, World
    from rotation.protocol.request import Request

DAY = 86_400
ANCESTORS = 5
"""How many versions are followed back: a rollback puts one between the last rotation and now."""


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


def since_success(store: SecretStore) -> float:
    """Seconds since a retirement was put that came to be current; where none did, since the oldest version that is known.

    The version itself tells, by its id: a rollback writes a newer one with the tag of the last rotation, and so may a person.
    One that a person put without our tag, as Terraform does when it makes its version anew, has not renewed anything either.
    """
    labels = store.labels()
    version, age = labels.current, 0.0
    for _ in range(ANCESTORS):
        tag = _tag(store, version)
        age = max(age, store.age_seconds(version))
        if tag is None and version == labels.current and labels.previous is not None:
            version = labels.previous
            continue
        if tag is None:
            break
        if tag.step is RotationStep.RETIRE:
            return _age_of_retirement(
                store, [version_id(store.name, tag.made_from, tag.owner, tag.step, n) for n in range(ATTEMPTS)], age
            )
        if not _exists(store, tag.made_from):
            break
        version = tag.made_from
    return age


def _tag(store: SecretStore, version: str) -> RotationTag | None:
    """None also of a version that is no record of ours: somebody may have put one, and another over it."""
    try:
        return read_record(store, version).tag
    except SecretInvalid:
        return None


def _age_of_retirement(store: SecretStore, versions: list[str], otherwise: float) -> float:
    ages = [store.age_seconds(version) for version in versions if _exists(store, version)]
    return min(ages) if ages else otherwise


def _exists(store: SecretStore, version: str) -> bool:
    """AWS drops versions without a label some time."""
    try:
        store.age_seconds(version)
    except SecretVersionMissing:
        return False
    return True
