"""The shipped template, as `sam build` left it, brought up in the local AWS.

aws-sam-translator makes plain CloudFormation of it, moto's CloudFormation creates it, and what a function is (its
handler, environment, time-out, layers, mounts) is read back from there. What moto's CloudFormation resolves but then
drops comes back as outputs (see translation).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.aws import LocalAws
from local.decided import decided, demand
from local.sandbox import Function
from local.translation import (
    ALARM,
    DOCUMENT,
    FUNCTION,
    LOG_GROUP,
    LOGS_DATA,
    MACHINE,
    MACHINE_NEEDS,
    ROLE,
    TOLD,
    Template,
    folder_of,
    included,
    local_part,
    translate,
)

LAYER_ROOT = "python"  # the folder of a layer that Lambda puts on the path


@dataclass(frozen=True)
class Stack:
    """What was created: logical ids to physical ones (a machine's is its ARN, a function's is its name)."""

    name: str
    resources: Mapping[str, str]

    def __getitem__(self, logical_id: str) -> str:
        return self.resources[logical_id]


def deploy(aws: LocalAws, build: Path, name: str, parameters: Mapping[str, str], mounts: Mapping[str, Path] | None = None) -> Stack:
    """mounts: a directory of this machine for each LocalMountPath of the template. Refused, as CloudFormation would, before
    anything is made."""
    whole = translate(build, parameters)
    demand(whole, parameters)
    template = decided(whole, parameters)
    _create(aws, name, local_part(template, build), parameters)
    stack = Stack(name, _physical_ids(aws, name))
    kinds = {key: one["Type"] for key, one in template["Resources"].items() if key in stack.resources}
    outputs = _outputs(aws, name)
    _attach_policies(aws, stack, [key for key, kind in kinds.items() if kind == ROLE], outputs)
    for key in (key for key, kind in kinds.items() if kind == FUNCTION):
        code = build / folder_of(template["Resources"][key], "Code")
        layers = [str(build / folder / LAYER_ROOT) for folder in _list(outputs[key + "Layers"])]
        here = {path: (mounts or {})[path] for path in _list(outputs[key + "Mounts"])}
        aws.deploy_function(_function(aws, stack[key], code, layers, here))
    _create_machines(aws, [key for key, kind in kinds.items() if kind == MACHINE], outputs)
    _create_told(aws, template, outputs)
    for key, one in template["Resources"].items():
        if one["Type"] == DOCUMENT:
            _create_document(aws, outputs[key + "Name"], one["Properties"], included(one, build))
    return stack


def _create(aws: LocalAws, name: str, template: Template, parameters: Mapping[str, str]) -> None:
    cloudformation = aws.client("cloudformation")
    given = [{"ParameterKey": key, "ParameterValue": str(value)} for key, value in parameters.items()]
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template), Parameters=given)
    status = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    if status != "CREATE_COMPLETE":
        raise RuntimeError(f"stack {name}: {status}")


def _physical_ids(aws: LocalAws, name: str) -> dict[str, str]:
    resources = aws.client("cloudformation").describe_stack_resources(StackName=name)["StackResources"]
    return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources}


def _outputs(aws: LocalAws, name: str) -> dict[str, str]:
    described = aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    return {one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]}


def _list(joined: str) -> list[str]:
    return [part for part in joined.split(",") if part]


def _attach_policies(aws: LocalAws, stack: Stack, roles: list[str], outputs: Mapping[str, str]) -> None:
    """Nothing is enforced here; but who checks a function's calls against its role finds the whole role."""
    iam = aws.client("iam")
    for key in roles:
        for policy in _list(outputs[key + "Policies"]):
            if policy in stack.resources.values():  # moto has none of AWS's own
                iam.attach_role_policy(RoleName=stack[key], PolicyArn=policy)


def _create_machines(aws: LocalAws, machines: list[str], outputs: Mapping[str, str]) -> None:
    for key in machines:
        name, definition, role = (outputs[key + what] for what in MACHINE_NEEDS)
        made = aws.client("stepfunctions").create_state_machine(name=name, definition=definition, roleArn=role)
        if group := outputs[key + LOG_GROUP]:
            name_of_group = group.split(":log-group:")[-1].removesuffix(":*")
            aws.deliver_log(made["stateMachineArn"], name_of_group, include_data=outputs[key + LOGS_DATA] == "true")


def _create_told(aws: LocalAws, template: Template, outputs: Mapping[str, str]) -> None:
    for key, one in template["Resources"].items():
        if one["Type"] not in TOLD:
            continue
        properties = json.loads(outputs[key + "Properties"])
        if one["Type"] == ALARM:
            aws.client("cloudwatch").put_metric_alarm(**properties | {"Threshold": float(properties["Threshold"])})
        else:
            aws.client("logs").put_metric_filter(filterName=key, **_camel(properties))


def _create_document(aws: LocalAws, name: str, properties: Template, content: str) -> None:
    kind, form = properties["DocumentType"], properties["DocumentFormat"]
    aws.client("ssm").create_document(Name=name, Content=content, DocumentType=kind, DocumentFormat=form)


def _camel(value: Any) -> Any:
    """The API of CloudWatch Logs begins its names small, the template does not."""
    if isinstance(value, list):
        return [_camel(item) for item in value]
    return {key[0].lower() + key[1:]: _camel(item) for key, item in value.items()} if isinstance(value, dict) else value


def _function(aws: LocalAws, name: str, code: Path, layers: list[str], mounts: Mapping[str, Path]) -> Function:
    seen = aws.client("lambda").get_function_configuration(FunctionName=name)
    environment = seen.get("Environment", {}).get("Variables", {})
    return Function(
        name=name,
        arn=seen["FunctionArn"],
        handler=seen["Handler"],
        code=str(code),
        layers=layers,
        timeout=seen["Timeout"],
        memory=seen["MemorySize"],
        environment={key: _mounted(value, mounts) for key, value in environment.items()},
        mounts={path: str(folder) for path, folder in mounts.items()},
    )


def _mounted(value: str, mounts: Mapping[str, Path]) -> str:
    """A directory stands for a mount, so a value under the mount's path moves there; nothing else is changed."""
    for path, folder in mounts.items():
        if value == path or value.startswith(path + "/"):
            return f"{folder}{value.removeprefix(path)}"
    return value
