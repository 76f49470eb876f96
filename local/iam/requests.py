"""What IAM was asked in a run: the recorded calls by role, and those that AWS makes with a role on its own.

The second kind has no call of ours to be seen. Each is in a table here with the rule that AWS documents for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from local.iam.conditions import listed
from local.iam.evaluator import Request
from local.iam.recording import Call, Recording
from local.iam.template import ACCOUNT, REGION, STACK, Resolved
from local.translation import FUNCTION, MACHINE

ENGINE = "ak"
"""The access key id with which moto's engine invokes functions."""
NEEDS_NO_POLICY = {"sts:GetCallerIdentity"}
"""Every principal may, even one to which it is denied."""
OF_A_USER = {
    f"iam:{action}"
    for action in (
        "ListAccessKeys", "GetAccessKeyLastUsed", "ListUserTags", "CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey"
    )
}  # fmt: skip
MOUNTS = ("elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite")
"""The recording names the mount's path; IAM is asked about the file system."""

ARN_OF = {
    "secretsmanager": "secret:{name}",
    "ssm": "parameter{name}",
    "eks": "cluster/{name}",
    "lambda": "function:{name}",
    "kms": "key/{name}",
    "elasticfilesystem": "file-system/{name}",
}
ARN_OF_CALL = {"ssm:SendCommand": "document/{name}"}
"""Where a service has resources of several kinds."""
SECRETS_KEY_USES = {
    # Secrets Manager, "Secret encryption and decryption": it calls KMS as the caller, with the secret's ARN for a context.
    "secretsmanager:GetSecretValue": ["kms:Decrypt"],
    "secretsmanager:PutSecretValue": ["kms:GenerateDataKey", "kms:Decrypt"],
}
EXECUTION_KEY_USES = {
    # Step Functions, "Data at rest encryption": with a key of one's own, who starts or reads an execution must be able to use it.
    "states:StartExecution": ["kms:GenerateDataKey", "kms:Decrypt"],
    "states:GetExecutionHistory": ["kms:Decrypt"],
}
ENCRYPTED_BY = {
    # SNS, "Key management", and SQS likewise: who puts a message into something encrypted with a key needs both uses of it.
    "sns:Publish": ["AWS::SNS::Topic"],
    "sqs:SendMessage": ["AWS::SQS::Queue"],
}
STEP_LOG = ["logs:CreateLogStream", "logs:PutLogEvents"]
"""Lambda writes a function's log with the function's role."""


def by_role(resolved: Resolved, recording: Recording) -> dict[str, set[Request]]:
    """Every role of the template, those that nobody used included."""
    asked: dict[str, set[Request]] = {role: set() for role in resolved.roles()}
    arns = {resolved.arn(role): role for role in asked}
    for request, arn in _all(resolved, recording):
        asked[arns[arn]].add(request)
    return asked


def _all(resolved: Resolved, recording: Recording) -> Iterator[tuple[Request, str]]:
    """With the role's ARN."""
    for key, function in resolved.of_type(FUNCTION):
        for request in _with_keys(resolved, _function(resolved, key, function, recording)):
            yield request, function["Role"]
    for key, machine in resolved.of_type(MACHINE):
        for request in (
            *_machine(resolved.arn(key), machine),
            *(_request(call) for call in recording.calls if call.caller == ENGINE and _is_asked_by(machine, call)),
        ):
            yield request, machine["RoleArn"]
    for target in _targets(resolved):
        for request in _with_keys(resolved, _deliveries(target)):
            yield request, target["RoleArn"]


def _function(resolved: Resolved, key: str, function: Mapping[str, Any], recording: Recording) -> Iterator[Request]:
    """Its calls, its mounts, and its log if it was invoked at all."""
    name = resolved.names[key]
    for call in recording.calls:
        if call.caller == name:
            yield _mount(resolved, function, call) if call.action in MOUNTS else _asked(resolved, call, recording)
        if call.caller == name and call.action == "ssm:SendCommand":
            # Systems Manager, SendCommand: asked for the document, and for each instance with its tags.
            tag = {"ssm:resourceTag/app": resolved.value({"Ref": "InstancesApp"})}
            yield Request(call.action, f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-00000000000000000", tag)
        if call.action == "lambda:InvokeFunction" and call.resource.endswith(name):
            yield from _log(function)
    # What became of an asynchronous invocation is sent on with the function's role.
    for _, asynchronous in resolved.of_type("AWS::Lambda::EventInvokeConfig"):
        if asynchronous["FunctionName"] == name:
            destinations = asynchronous.get("DestinationConfig", {}).values()
            yield from (_delivery(one["Destination"]) for one in destinations)


def _targets(resolved: Resolved) -> Iterator[dict[str, Any]]:
    """Of schedules and rules: those that are called with a role."""
    for _, schedule in resolved.of_type("AWS::Scheduler::Schedule"):
        yield schedule["Target"]
    for _, rule in resolved.of_type("AWS::Events::Rule"):
        yield from (target for target in rule.get("Targets", []) if "RoleArn" in target)


def _request(call: Call) -> Request:
    """A call as IAM sees it."""
    if call.action == "route53:ChangeResourceRecordSets":
        zone, *said = call.resource.split(" ")
        names = ("Actions", "RecordTypes", "NormalizedRecordNames")
        asked = zip(names, (one.rstrip(".").replace(".,", ",").lower() for one in said), strict=True)
        context = {f"route53:ChangeResourceRecordSets{name}": value for name, value in asked}
        return Request(call.action, zone, {key: value.upper() if "Names" not in key else value for key, value in context.items()})
    return Request(call.action, _arn(call))


def _is_asked_by(machine: Mapping[str, Any], call: Call) -> bool:
    """Of several machines only one names that function, or that bucket."""
    named = [str(one) for one in machine.get("DefinitionSubstitutions", {}).values()]
    return any(one == call.resource or f":::{one}/" in call.resource for one in named)


def _asked(resolved: Resolved, call: Call, recording: Recording) -> Request:
    """Of a user's access keys IAM is asked for the user, with its path and tags, which the call does not name."""
    if call.action not in OF_A_USER:
        return _tagged(_request(call), recording)
    user = resolved.value({"Ref": "AccessKeysOfUsers"}).replace("*", "somebody")
    return Request(call.action, f"arn:aws:iam::{ACCOUNT}:user/{user}", {"aws:ResourceTag/credential-rotation": STACK})


def _tagged(request: Request, recording: Recording) -> Request:
    """IAM is asked with the tags of the secret."""
    part = recording.parts.get(request.resource)
    if part is None:
        return request
    tags = {"aws:ResourceTag/credential-rotation": STACK, "aws:ResourceTag/credential-rotation-part": part}
    return Request(request.action, request.resource, {**request.context, **tags})


def _mount(resolved: Resolved, function: Mapping[str, Any], call: Call) -> Request:
    (mount,) = [one for one in function["FileSystemConfigs"] if one["LocalMountPath"] == call.resource]
    return Request(call.action, resolved.value({"Ref": "SitesFileSystemArn"}), {"elasticfilesystem:AccessPointArn": mount["Arn"]})


def _arn(call: Call) -> str:
    service, name = call.action.split(":")[0], call.resource
    if name == "*" or name.startswith("arn:") or service not in ARN_OF:
        return name
    form = ARN_OF_CALL.get(call.action, ARN_OF[service])
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{form.format(name=name)}"


def _with_keys(resolved: Resolved, requests: Iterable[Request]) -> Iterator[Request]:
    """And what the called service asks of KMS for the same caller."""
    for request in requests:
        if request.action not in NEEDS_NO_POLICY:
            yield request
            yield from _keys(resolved, request)


def _keys(resolved: Resolved, request: Request) -> Iterator[Request]:
    for action in SECRETS_KEY_USES.get(request.action, []):
        context = {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com", "kms:EncryptionContext:SecretARN": request.resource}
        yield Request(action, resolved.value({"Ref": "SecretsKmsKeyArn"}), context)
    for action in EXECUTION_KEY_USES.get(request.action, []):
        for key, machine in resolved.of_type(MACHINE):
            arn = resolved.arn(key)
            executions = arn.replace(":stateMachine:", ":execution:") + ":"
            if "EncryptionConfiguration" in machine and (request.resource == arn or request.resource.startswith(executions)):
                yield _execution_key(action, arn, machine)
    for kind in ENCRYPTED_BY.get(request.action, []):
        yield from _key_of(resolved, kind, request.resource)


def _key_of(resolved: Resolved, kind: str, arn: str) -> Iterator[Request]:
    service = arn.split(":")[2]
    for key, properties in resolved.of_type(kind):
        master = str(properties.get("KmsMasterKeyId", ""))
        if resolved.arn(key) == arn and master and not master.startswith("alias/aws/"):
            context = {"kms:ViaService": f"{service}.{REGION}.amazonaws.com", f"kms:EncryptionContext:aws:{service}:arn": arn}
            for action in ("kms:GenerateDataKey", "kms:Decrypt"):
                yield Request(action, _key_arn(master), context)


def _key_arn(key: str) -> str:
    return key if key.startswith("arn:") else f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{key}"


def _log(function: Mapping[str, Any]) -> Iterator[Request]:
    group = function["LoggingConfig"]["LogGroup"]
    for action in STEP_LOG:
        yield Request(action, f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:2026/01/01/[$LATEST]0")


def _machine(arn: str, machine: Mapping[str, Any]) -> Iterator[Request]:
    """Step Functions itself, as the machine's role: executions are encrypted and decrypted, the log on its way too."""
    if machine.get("EncryptionConfiguration", {}).get("Type") != "CUSTOMER_MANAGED_KMS_KEY":
        return
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        yield _execution_key(action, arn, machine)
    if machine.get("LoggingConfiguration", {}).get("Level", "OFF") != "OFF":
        # "Data at rest encryption", encrypted log groups: the source is named with a star in it.
        context = {"kms:EncryptionContext:SourceArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:*"}
        yield Request("kms:GenerateDataKey", machine["EncryptionConfiguration"]["KmsKeyId"], context)


def _execution_key(action: str, arn: str, machine: Mapping[str, Any]) -> Request:
    context = {"kms:ViaService": f"states.{REGION}.amazonaws.com", "kms:EncryptionContext:aws:states:stateMachineArn": arn}
    return Request(action, machine["EncryptionConfiguration"]["KmsKeyId"], context)


DELIVERED_BY = {
    "states": "states:StartExecution",
    "sns": "sns:Publish",
    "sqs": "sqs:SendMessage",
    "lambda": "lambda:InvokeFunction",
}


def _deliveries(target: Mapping[str, Any]) -> Iterator[Request]:
    """A schedule or a rule calls its target with the target's role, and its dead letters go the same way."""
    places = [target["Arn"], *(one["Arn"] for one in listed(target.get("DeadLetterConfig", [])))]
    yield from map(_delivery, places)


def _delivery(arn: str) -> Request:
    return Request(DELIVERED_BY[arn.split(":")[2]], arn)
