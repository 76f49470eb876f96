"""Who may do what: Kubernetes' RBAC, as much of it as k8s/rbac.yaml uses. Whatever no rule allows is refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from local.cluster.tokens import MASTERS, Caller

Object = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    def __str__(self) -> str:
        return f'{self.resource} "{self.name}"'


class Rules:
    """Of Roles and RoleBindings."""

    def __init__(self, manifests: Iterable[Object]) -> None:
        given = list(manifests)
        self._roles = {_place(one): one["rules"] for one in given if one["kind"] == "Role"}
        self._bindings = [one for one in given if one["kind"] == "RoleBinding"]

    def allow(self, caller: Caller, asked: Asked) -> bool:
        if MASTERS in caller.groups:
            return True
        return any(
            _covers(rule, asked) for binding in self._bindings if _binds(binding, caller, asked) for rule in self._of(binding)
        )

    def _of(self, binding: Object) -> list[Object]:
        rules: list[Object] = self._roles[binding["metadata"]["namespace"], binding["roleRef"]["name"]]
        return rules


def _place(manifest: Object) -> tuple[str, str]:
    return manifest["metadata"]["namespace"], manifest["metadata"]["name"]


def _binds(binding: Object, caller: Caller, asked: Asked) -> bool:
    groups = [subject["name"] for subject in binding["subjects"] if subject["kind"] == "Group"]
    return bool(binding["metadata"]["namespace"] == asked.namespace and set(groups) & set(caller.groups))


def _covers(rule: Object, asked: Asked) -> bool:
    resource = "/".join(part for part in (asked.resource, asked.subresource) if part)
    return bool(
        asked.group in rule["apiGroups"]
        and resource in rule["resources"]
        and asked.verb in rule["verbs"]
        and asked.name in rule.get("resourceNames", [asked.name])
    )
