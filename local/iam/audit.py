"""What the roles of a template grant, against what was asked in a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from local.iam.conditions import listed
from local.iam.evaluator import Decision, Request, Statement, decide
from local.iam.recording import Recording
from local.iam.requests import by_role
from local.iam.template import Resolved
from local.translation import Template


@dataclass(frozen=True)
class Forced:
    """Granted though no run here can use it, because of a rule of AWS."""

    actions: frozenset[str]
    resource: str
    rule: str


FORCED = (
    Forced(
        frozenset(
            f"ec2:{action}"
            for action in (
                "CreateNetworkInterface", "DescribeNetworkInterfaces", "DescribeSubnets", "DeleteNetworkInterface",
                "AssignPrivateIpAddresses", "UnassignPrivateIpAddresses",
            )
        ),
        "*",
        "Lambda refuses to attach a function to a VPC unless its role has exactly these on every resource",
    ),
    Forced(
        frozenset(
            f"logs:{action}"
            for action in (
                "CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries",
                "PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups",
            )
        ),
        "*",
        "Step Functions delivers a machine's log only with these; deliveries belong to the account and take no resource",
    ),
)  # fmt: skip
"""At most five."""


READ, DESCRIBE = "secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"


@dataclass(frozen=True, order=True)
class Grant:
    """One action on one resource, as a statement says it."""

    policy: str
    statement: int
    action: str
    resource: str


@dataclass
class Findings:
    """Of one role."""

    role: str
    requests: int
    denied: list[Request] = field(default_factory=list)
    unused: list[Grant] = field(default_factory=list)
    forced: list[Grant] = field(default_factory=list)


def audit(template: Template, recordings: Iterable[Recording]) -> list[Findings]:
    """One for each role; a request is made, and a grant is used, if it is in any of the recordings."""
    found: dict[str, Findings] = {}
    granted: dict[str, set[Grant]] = {}
    used: dict[str, set[Grant]] = {}
    for recording in recordings:
        resolved = Resolved(template, recording.parameters, recording.names)
        for role, requests in by_role(resolved, recording).items():
            policies = resolved.statements(role)
            every = [statement for statements in policies.values() for statement in statements]
            findings = found.setdefault(role, Findings(role, 0))
            findings.requests = max(findings.requests, len(requests))
            findings.denied += [one for one in requests if decide(every, one) is not Decision.ALLOWED]
            grants = _grants(policies)
            granted.setdefault(role, set()).update(_named(grant, resolved) for grant in grants)
            used.setdefault(role, set()).update(
                _named(grant, resolved)
                for grant, alone in grants.items()
                if any(decide([alone], one) is Decision.ALLOWED for one in requests)
            )
    for role, findings in found.items():
        idle = [grant for grant in sorted(granted[role]) if grant not in used[role] and _as_read(grant) not in used[role]]
        findings.forced = [grant for grant in idle if forced_by(grant)]
        findings.unused = [grant for grant in idle if not forced_by(grant)]
    return list(found.values())


def _as_read(grant: Grant) -> Grant | None:
    """Why a secret cannot be read is said by DescribeSecret alone: marked for deletion, or its labels have moved. Whoever reads it
    may come to ask, which is used as much as the reading is."""
    return replace(grant, action=READ) if grant.action == DESCRIBE else None


def forced_by(grant: Grant) -> Forced | None:
    """The rule of AWS for which nobody's use is needed."""
    return next((one for one in FORCED if grant.action in one.actions and grant.resource == one.resource), None)


def _grants(policies: dict[str, list[Statement]]) -> dict[Grant, Statement]:
    """Each with a statement that grants it alone."""
    return {
        Grant(policy, number, action, resource): statement | {"Action": action, "Resource": resource}
        for policy, statements in policies.items()
        for number, statement in enumerate(statements, 1)
        if statement["Effect"] == "Allow"
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }


def _named(grant: Grant, resolved: Resolved) -> Grant:
    """Physical ids differ from run to run, and so does the length of a list: what is granted on each of its ids is one grant."""
    resource = grant.resource
    for logical, physical in sorted(resolved.names.items(), key=lambda one: -len(one[1])):
        resource = resource.replace(physical, logical)
    for name, value in resolved.parameters.items():
        for one in value.split(","):
            if one.startswith("arn:") and len(one) > 8:
                resource = resource.replace(one, name)
            elif one and resource.endswith(f":hostedzone/{one}"):
                resource = f"{resource.removesuffix(one)}{name}"
    return replace(grant, resource=resource)
