"""The translated template with its references resolved, as far as policies need it: ARNs as the local stack has them.

A resource that has no counterpart there (a schedule, an access entry) goes by its logical id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local.decided import decided
from local.iam.evaluator import Statement
from local.translation import ROLE, Template

REGION, ACCOUNT, STACK = "us-east-1", "123456789012", "credential-rotation"
PSEUDO = {
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::StackName": STACK,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}
POLICY, INLINE = "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"
ARNS = {
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{name}",
    "AWS::Lambda::Function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "AWS::Logs::LogGroup": "arn:aws:logs:{region}:{account}:log-group:{name}:*",
    "AWS::KMS::Key": "arn:aws:kms:{region}:{account}:key/{name}",
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::StepFunctions::StateMachine": "arn:aws:states:{region}:{account}:stateMachine:{name}",
    "AWS::SNS::Topic": "arn:aws:sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "arn:aws:sqs:{region}:{account}:{name}",
}
BY_ARN = ("AWS::StepFunctions::StateMachine", "AWS::SNS::Topic")
"""Of these Ref is the ARN."""


@dataclass(frozen=True)
class Resolved:
    """`names`: physical ids of what was created, by logical id. What a condition leaves out is not there."""

    template: Template
    parameters: Mapping[str, str]
    names: Mapping[str, str]

    def __post_init__(self) -> None:
        object.__setattr__(self, "template", decided(self.template, self.parameters))

    def of_type(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Logical ids and properties."""
        for key, one in self.template["Resources"].items():
            if one["Type"] == kind:
                yield key, self.value(one.get("Properties", {}))

    def statements(self, role: str) -> dict[str, list[Statement]]:
        """Of a role, by the policy that they stand in."""
        properties = self.template["Resources"][role]["Properties"]
        found = {one["PolicyName"]: self._document(one) for one in properties.get("Policies", [])}
        for attached in properties.get("ManagedPolicyArns", []):
            if not isinstance(attached, dict) or self.template["Resources"][attached["Ref"]]["Type"] != POLICY:
                raise NotImplementedError(f"{role} has a policy that is not in the template: {attached}")
            found[attached["Ref"]] = self._document(self.template["Resources"][attached["Ref"]]["Properties"])
        for key, one in self.template["Resources"].items():
            if one["Type"] == INLINE and {"Ref": role} in one["Properties"].get("Roles", []):
                found[key] = self._document(one["Properties"])
        return found

    def roles(self) -> list[str]:
        return [key for key, _ in self.of_type(ROLE)]

    def arn(self, logical_id: str) -> str:
        kind, name = self.template["Resources"][logical_id]["Type"], self.names.get(logical_id, logical_id)
        if name.startswith("arn:"):
            return name
        service = kind.split("::")[1].lower()
        return ARNS.get(kind, f"arn:aws:{service}:{{region}}:{{account}}:{{name}}").format(
            region=REGION, account=ACCOUNT, name=name
        )

    def value(self, node: Any) -> Any:
        """A part of the template with every intrinsic function done."""
        if isinstance(node, list):
            return [self.value(item) for item in node]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((name, argument),) = node.items()
            if name == "Ref":
                return self._ref(argument)
            if name.startswith("Fn::"):
                return self._function(name, argument)
        return {key: self.value(item) for key, item in node.items()}

    def _document(self, policy: Mapping[str, Any]) -> list[Statement]:
        statements: list[Statement] = self.value(policy["PolicyDocument"]["Statement"])
        return statements

    def _function(self, name: str, argument: Any) -> Any:
        if name == "Fn::GetAtt":
            key, attribute = argument if isinstance(argument, list) else argument.split(".")
            return self.arn(key) if attribute.endswith("Arn") else f"{key}.{attribute}"
        if name == "Fn::Sub":
            return self._sub(argument)
        if name == "Fn::FindInMap":
            first, second, third = argument[0], self.value(argument[1]), self.value(argument[2])
            return self.template["Mappings"][first][second][third]
        if name == "Fn::Join":
            return argument[0].join(map(str, self.value(argument[1])))
        if name == "Fn::Split":
            return self.value(argument[1]).split(argument[0])
        raise NotImplementedError(name)

    def _ref(self, name: str) -> Any:
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.template.get("Parameters", {}):
            given = self.parameters.get(name, self.template["Parameters"][name].get("Default", name))
            listed = "List" in self.template["Parameters"][name]["Type"]
            return str(given).split(",") if listed else str(given)
        if self.template["Resources"][name]["Type"] in BY_ARN:
            return self.arn(name)
        return self.names.get(name, name)

    def _sub(self, argument: Any) -> str:
        text, given = argument if isinstance(argument, list) else (argument, {})

        def replace(found: re.Match[str]) -> str:
            name = found[1]
            if name in given:
                return str(self.value(given[name]))
            return str(self.value({"Fn::GetAtt": name} if "." in name else {"Ref": name}))

        return re.sub(r"\$\{([^!}]+)\}", replace, text)
