"""Systems Manager's Run Command over moto's documents and instances. moto answers Success to whatever is sent, and runs nothing.

From AWS's documentation: what is refused, what is answered and when. What it does not say (which Status goes with which
StatusDetails, where the two differ) is as others have seen it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from moto.core.exceptions import ServiceException
from moto.ec2.models import ec2_backends
from moto.ssm.models import ssm_backends
from werkzeug.wrappers import Response

from local.instances.commands import ERROR_OUTPUT, OUTPUT, SHORT_OUTPUT, Command, Commands, Invocation, share
from local.instances.documents import Document, InvalidDocument, InvalidParameters
from local.wsgi import Environ, WsgiApp, body_of, signer_of

SERVICE = "AmazonSSM."
MOST_NAMED = 50
MOST_LISTED = 50
DEFAULT_CONCURRENCY, DEFAULT_ERRORS, DEFAULT_TIMEOUT = "50", "0", 3600
TAG = "tag:"
FILTERS = {"InvokedAfter", "InvokedBefore", "Status", "DocumentName"}
BETWEEN = "\n----------ERROR-------\n"
"""In the one text that ListCommandInvocations answers."""
Call = dict[str, Any]


class Refusal(Exception):
    """A code of AWS, and what it says."""

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(text)
        self.code = code


class RunCommand:
    """WSGI middleware; put it in front of moto."""

    def __init__(self, moto: WsgiApp, account: str) -> None:
        self._moto, self._account = moto, account
        self.commands = Commands()
        self._answers: dict[str, Callable[[Call, str], Call]] = {
            "SendCommand": self._send,
            "ListCommands": self._list,
            "ListCommandInvocations": self._list_invocations,
            "GetCommandInvocation": self._get,
            "CancelCommand": self._cancel,
            "DescribeInstanceInformation": self._instances,
        }

    def __call__(self, environ: Environ, start_response: Any) -> Any:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        answer = self._answers.get(target.removeprefix(SERVICE)) if target.startswith(SERVICE) else None
        if answer is None:
            return self._moto(environ, start_response)
        try:
            response = _response(200, answer(json.loads(body_of(environ) or b"{}"), signer_of(environ).region))
        except Refusal as refusal:
            response = _response(400, {"__type": refusal.code, "message": str(refusal)})
        return response(environ, start_response)

    # ---- commands

    def _send(self, call: Call, region: str) -> Call:
        document = self._document(call, region)
        given = call.get("Parameters", {})
        try:
            document.values(given)
        except InvalidParameters as error:
            raise Refusal("InvalidParameters", str(error)) from None
        timeout = call.get("TimeoutSeconds", DEFAULT_TIMEOUT)
        if timeout < 30:
            raise Refusal("ValidationException", "TimeoutSeconds must be at least 30")
        instances = self._targets(call, region)
        command = Command(
            document_name=call["DocumentName"],
            document=document,
            parameters=given,
            comment=call.get("Comment", ""),
            targets=call.get("Targets", []),
            max_concurrency=share(call.get("MaxConcurrency", DEFAULT_CONCURRENCY), len(instances), 1),
            max_errors=share(call.get("MaxErrors", DEFAULT_ERRORS), len(instances), 0),
            timeout_seconds=timeout,
            sent=self.commands.now(),
        )
        return {"Command": _summary(self.commands.send(command, instances))}

    def _list(self, call: Call, _: str) -> Call:
        instance, found = call.get("InstanceId"), self._asked_for(call)
        return _page(call, "Commands", [_summary(one) for one in found if instance is None or instance in one.invocations])

    def _list_invocations(self, call: Call, _: str) -> Call:
        instance, status = call.get("InstanceId"), _filters(call).get("Status")
        found = [
            _listed(command, one, with_details=call.get("Details", False))
            for command in self._asked_for(call)
            for one in command.invocations.values()
            if instance in (None, one.instance) and status in (None, one.status)
        ]
        return _page(call, "CommandInvocations", found)

    def _asked_for(self, call: Call) -> list[Command]:
        """By its id, by its document, by when it was sent."""
        filters = _filters(call)
        named, document = call.get("CommandId"), filters.get("DocumentName")
        after = _moment(filters.get("InvokedAfter", "1970-01-01T00:00:00Z"))
        before = _moment(filters.get("InvokedBefore", "9999-01-01T00:00:00Z"))
        return [
            one
            for one in self.commands.found()
            if named in (None, one.id) and document in (None, one.document_name) and after <= one.sent_at < before
        ]

    def _get(self, call: Call, _: str) -> Call:
        command = next((one for one in self.commands.found() if one.id == call["CommandId"]), None)
        if command is None or call["InstanceId"] not in command.invocations:
            raise Refusal("InvocationDoesNotExist")
        one = command.invocations[call["InstanceId"]]
        return {
            "CommandId": command.id,
            "InstanceId": one.instance,
            "Comment": command.comment,
            "DocumentName": command.document_name,
            "ResponseCode": one.code,
            "ExecutionStartDateTime": _iso(one.began_at),
            "ExecutionEndDateTime": _iso(one.ended_at),
            "Status": one.status,
            "StatusDetails": one.details,
            "StandardOutputContent": one.output[:OUTPUT],
            "StandardErrorContent": one.error_output[:ERROR_OUTPUT],
        }

    def _cancel(self, call: Call, _: str) -> Call:
        command = next((one for one in self.commands.found() if one.id == call["CommandId"]), None)
        if command is None:
            raise Refusal("InvalidCommandId")
        instances = call.get("InstanceIds") or list(command.invocations)
        if not set(instances) <= set(command.invocations):
            raise Refusal("InvalidInstanceId")
        self.commands.cancel(command, instances)
        return {}

    # ---- what they are sent to

    def _document(self, call: Call, region: str) -> Document:
        name, version = call["DocumentName"].rpartition("document/")[2], call.get("DocumentVersion")
        default = None if version in (None, "$DEFAULT") else version
        try:
            found = ssm_backends[self._account][region].get_document(name, default, None, None)
            return Document(found["Content"])
        except (ServiceException, InvalidDocument) as error:
            raise Refusal("InvalidDocument", str(error)) from None

    def _targets(self, call: Call, region: str) -> list[str]:
        named, targets = call.get("InstanceIds", []), call.get("Targets", [])
        if bool(named) == bool(targets):
            raise Refusal("InvalidParameters", "either InstanceIds or Targets")
        for target in targets:
            if target["Key"] == "InstanceIds":
                named = target["Values"]
        managed = self.commands.managed()
        if named:
            if len(named) > MOST_NAMED or not set(named) <= set(managed):
                raise Refusal("InvalidInstanceId", "Instances not in a valid state for account")
            return list(named)
        return [instance for instance in self._tagged(targets, region) if instance in managed]

    def _tagged(self, filters: Iterable[Call], region: str) -> Iterator[str]:
        wanted = {one["Key"]: list(one["Values"]) for one in filters}
        for reservation in ec2_backends[self._account][region].all_reservations(wanted):
            for instance in reservation.instances:
                if instance.state in {"running", "pending"}:
                    yield str(instance.id)

    def _instances(self, call: Call, region: str) -> Call:
        filters = {one["Key"]: one["Values"] for one in call.get("Filters", [])}
        filters |= {one["key"]: one["valueSet"] for one in call.get("InstanceInformationFilterList", [])}
        tags = [{"Key": key, "Values": values} for key, values in filters.items() if key.startswith(TAG)]
        tagged = set(self._tagged(tags, region)) if tags else None
        found = []
        for instance, online in self.commands.managed().items():
            status = "Online" if online else "ConnectionLost"
            asked = instance in filters.get("InstanceIds", [instance]) and status in filters.get("PingStatus", [status])
            if asked and (tagged is None or instance in tagged):
                found.append(_information(instance, status))
        return _page(call, "InstanceInformationList", found, least=5, default=10)


def _response(status: int, body: Call) -> Response:
    headers = {"x-amzn-RequestId": str(uuid.uuid4())}
    return Response(json.dumps(body), status, headers, content_type="application/x-amz-json-1.1")


def _page(call: Call, name: str, found: list[Call], least: int = 1, default: int = MOST_LISTED) -> Call:
    size, start = call.get("MaxResults", default), call.get("NextToken", "0")
    if not least <= size <= MOST_LISTED:
        raise Refusal("ValidationException", f"MaxResults must be {least} to {MOST_LISTED}")
    if not start.isdigit():
        raise Refusal("InvalidNextToken")
    end = int(start) + size
    return {name: found[int(start) : end]} | ({"NextToken": str(end)} if end < len(found) else {})


def _filters(call: Call) -> dict[str, str]:
    filters = {one["key"]: one["value"] for one in call.get("Filters", [])}
    if unknown := set(filters) - FILTERS:
        raise Refusal("InvalidFilterKey", ", ".join(sorted(unknown)))
    return filters


def _moment(text: str) -> float:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise Refusal("ValidationException", f"{text} is no time like 2021-07-07T00:00:00Z") from None


def _summary(command: Command) -> Call:
    ones = command.invocations.values()
    status, details = _status(command)
    return {
        "CommandId": command.id,
        "DocumentName": command.document_name,
        "Comment": command.comment,
        "Parameters": command.parameters,
        "InstanceIds": [] if command.targets else list(command.invocations),
        "Targets": command.targets,
        "RequestedDateTime": command.sent_at,
        "ExpiresAfter": command.sent_at + command.timeout_seconds + command.document.timeout_seconds,
        "TimeoutSeconds": int(command.timeout_seconds),
        "Status": status,
        "StatusDetails": details,
        "MaxConcurrency": str(command.max_concurrency),
        "MaxErrors": str(command.max_errors),
        "TargetCount": len(ones),
        "CompletedCount": len(command.is_on("Success", "Failed", "TimedOut", "Cancelled")),
        "ErrorCount": command.errors(),
        "DeliveryTimedOutCount": sum(one.details == "DeliveryTimedOut" for one in ones),
    }


def _status(command: Command) -> tuple[str, str]:
    details = {one.details for one in command.invocations.values()}
    if not details:
        return "Success", "NoInstancesInTag"
    if waiting := command.is_on("Pending", "InProgress", "Cancelling"):
        running = len(waiting) < len(command.invocations) or any(one.status != "Pending" for one in waiting)
        return ("InProgress", "InProgress") if running else ("Pending", "Pending")
    ends = (
        ("Terminated", ("Failed", "RateExceeded")),
        ("Failed", ("Failed", "Failed")),
        ("Undeliverable", ("Failed", "Failed")),
        ("ExecutionTimedOut", ("TimedOut", "ExecutionTimedOut")),
        ("DeliveryTimedOut", ("TimedOut", "DeliveryTimedOut" if len(details) == 1 else "Incomplete")),
        ("Cancelled", ("Cancelled", "Cancelled")),
    )
    return next((end for name, end in ends if name in details), ("Success", "Success"))


def _listed(command: Command, one: Invocation, *, with_details: bool) -> Call:
    told = {
        "CommandId": command.id,
        "InstanceId": one.instance,
        "Comment": command.comment,
        "DocumentName": command.document_name,
        "RequestedDateTime": command.sent_at,
        "Status": one.status,
        "StatusDetails": one.details,
        "CommandPlugins": [],
    }
    if not with_details:
        return told
    plugin = {"Name": "aws:runShellScript", "Status": one.status, "StatusDetails": one.details, "ResponseCode": one.code}
    text = one.output + (BETWEEN + one.error_output if one.error_output else "")
    return told | {"CommandPlugins": [plugin | {"Output": text[:SHORT_OUTPUT]}]}


def _information(instance: str, status: str) -> Call:
    about = {"ResourceType": "EC2Instance", "PlatformType": "Linux", "PlatformName": "Debian GNU/Linux", "AgentVersion": "3.3.0.0"}
    return {"InstanceId": instance, "PingStatus": status, "IsLatestVersion": True, **about}


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z") if moment else ""
