"""May a request be made? moto's evaluator of policies says it, once the conditions that do not hold are taken out."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult

from local.iam.conditions import hold

Statement = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """What IAM is asked: who comes in by the policies that are looked at, and by aws:PrincipalArn."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict, hash=False)


class Decision(Enum):
    ALLOWED = PermissionResult.PERMITTED
    DENIED = PermissionResult.DENIED
    NOT_ALLOWED = PermissionResult.NEUTRAL


def decide(statements: Iterable[Statement], request: Request) -> Decision:
    """A Deny beats every Allow, and what nobody allows is not allowed."""
    applying = [_plain(one) for one in statements if hold(one.get("Condition", {}), request.context)]
    policy = IAMPolicy(json.dumps({"Statement": applying}))
    return Decision(policy.is_action_permitted(request.action, request.resource))


def _plain(statement: Statement) -> Statement:
    """Without its condition, and only what moto understands."""
    unknown = {"NotResource", "NotPrincipal"} & set(statement)
    if unknown or "?" in json.dumps([statement.get("Action"), statement.get("Resource")]):
        raise NotImplementedError(f"{sorted(unknown) or '?'} in {statement}")
    if statement.get("Principal", "*") not in ("*", {"AWS": "*"}):
        raise NotImplementedError(f"a principal other than everybody in {statement}")
    return {key: value for key, value in statement.items() if key in ("Effect", "Action", "NotAction", "Resource")}
