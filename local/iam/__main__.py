"""`make iam`: what each role is asked for, and what it grants, in runs of the build that is there: `make test MORE=1` records them.

Exit code 0 only if nothing would be denied, and whatever is granted is used or forced by a rule of AWS.
"""

from __future__ import annotations

import sys

from local.iam.audit import FORCED, Findings, audit, forced_by
from local.iam.recording import kept
from local.running import BUILD
from local.translation import translate


def main(arguments: list[str]) -> int:
    """The exit code. `--quiet`: only that."""
    recordings = list(kept())
    findings = audit(translate(BUILD), recordings)
    if "--quiet" not in arguments:
        tell(findings, len(recordings))
    return 0 if findings and not any(one.denied or one.unused for one in findings) else 1


def tell(findings: list[Findings], recordings: int) -> None:
    """A line for each role, then what is wrong, then what AWS forces."""
    print(f"{recordings} recording{'' if recordings == 1 else 's'} of this build")
    print(f"{'role':28}{'asked':>7}{'denied':>8}{'unused':>8}{'forced':>8}")
    for one in findings:
        print(f"{one.role:28}{one.requests:7}{len(one.denied):8}{len(one.unused):8}{len(one.forced):8}")
    together = [sum(len(getattr(one, what)) for one in findings) for what in ("denied", "unused", "forced")]
    print(f"{len(findings)} roles: {together[0]} denied, {together[1]} granted and never used, {together[2]} forced by AWS")
    for one in findings:
        for request in one.denied:
            print(f"DENIED  {one.role}: {request.action} on {request.resource} {dict(request.context) or ''}")
        for grant in one.unused:
            print(f"UNUSED  {one.role}: {grant.action} on {grant.resource} ({grant.policy}, statement {grant.statement})")
    if together[1]:
        print("Unused means: not used in these recordings. Run `make test MORE=1` with this build first: it records every kind")
    rules = {rule for one in findings for grant in one.forced if (rule := forced_by(grant))}
    for number, rule in enumerate((one for one in FORCED if one in rules), 1):
        print(f"forced by AWS, {number} of at most 5: {min(rule.actions).split(':')[0]}:* - {rule.rule}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
