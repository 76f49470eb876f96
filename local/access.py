"""Whom the cluster lets in: the template's access entries, as EKS reads them, by the functions that have those roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.deploy import Stack
from local.translation import FUNCTION

ENTRY = "AWS::EKS::AccessEntry"


def access_entries(template: Mapping[str, Any], stack: Stack) -> dict[str, list[str]]:
    """A function's name, which is its access key id here, and its groups. One role is one function's: `GetAtt` names it."""
    resources = template["Resources"]
    groups = {
        _role(one["Properties"]["PrincipalArn"]): one["Properties"]["KubernetesGroups"]
        for one in resources.values()
        if one["Type"] == ENTRY
    }
    roles = {key: _role(one["Properties"]["Role"]) for key, one in resources.items() if one["Type"] == FUNCTION}
    return {stack[key]: groups[role] for key, role in roles.items() if role in groups}


def _role(arn: Mapping[str, list[str]]) -> str:
    role, attribute = arn["Fn::GetAtt"]
    assert attribute == "Arn"
    return role
