"""Instances by their tag, told through Run Command. What is sent names a secret, a version of it and a file; never a login."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from rotation.aws.client import AWS_ERRORS, client, code
from rotation.consumers.wp_config.kind import TAG
from rotation.core.errors import FleetDenied, FleetUnavailable, TargetInvalid
from rotation.core.fleet import (
    DELIVERY_SECONDS,
    OWN,
    REMEMBERED_SECONDS,
    WRITE,
    Answer,
    Instance,
    Place,
    Status,
    Telling,
    last_write,
)

if TYPE_CHECKING:
    from rotation.kinds.kind import Settings
    from rotation.ports import Surroundings

THERE = ("pending", "running")
"""Of an instance's states those in which it serves, or may come to. One that is stopped comes back through its boot."""
BOOTS = ("Pending", "Warmed:Pending")
STANDS_BY = ("Standby", "EnteringStandby", "Warmed:")
LEAVES = ("Terminating", "Detaching", "Warmed:Terminating")
"""How the Auto Scaling states begin; all others, InService and Detached, are as an instance that is in no group."""
AT_ONCE = 50
"""So many ids one command may name, and so many instances one page of Auto Scaling."""
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnrecognizedClientException", "AuthFailure")
_MISSING = ("InvalidDocument", "InvalidDocumentVersion")
_NOT_THERE = ("InvocationDoesNotExist", "InvalidCommandId")
_STATUSES = {one.value.lower(): one for one in Status} | dict.fromkeys(
    ("pending", "inprogress", "delayed", "cancelling"), Status.UNDER_WAY
)
_OUTPUT = frozenset(("file", "holds", "page", "reason", "detail"))


def make(settings: Settings, surroundings: Surroundings) -> Instances:
    """As the target names them."""
    return Instances(settings, surroundings)


class Instances:
    """All with one tag."""

    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        self._settings, self._secret = settings, surroundings.secret
        told = (surroundings.target, self._secret, settings[TAG], settings["path"])
        self._own = sha256("|".join(told).encode()).hexdigest()[:12]

    @property
    def name(self) -> str:
        return f"instances with the tag {TAG}={self._settings[TAG]}"

    def instances(self) -> list[Instance]:
        found = {one["InstanceId"]: one for one in self._described()}
        lifecycles, online = self._lifecycles(sorted(found)), self._online()
        young = datetime.now(UTC) - timedelta(seconds=self._settings["slowest_boot_seconds"])
        return [Instance(name, _place(one, lifecycles.get(name, ""), young), name in online) for name, one in sorted(found.items())]

    def answers(self, since: float) -> list[Answer]:
        return self._answers(datetime.fromtimestamp(since, UTC))

    def last_write(self, instance: str) -> Answer | None:
        remembered = datetime.now(UTC) - timedelta(seconds=REMEMBERED_SECONDS)
        return last_write(self._answers(remembered, InstanceId=instance))

    def _answers(self, since: datetime, **more: str) -> list[Answer]:
        after = since.strftime("%Y-%m-%dT%H:%M:%SZ")
        filters = [{"key": "DocumentName", "value": self._settings["document"]}, {"key": "InvokedAfter", "value": after}]
        found = self._pages("ssm", "list_command_invocations", "CommandInvocations", Filters=filters, Details=True, **more)
        own = [(str(one.get("Comment", "")).partition(" "), one) for one in found]
        return [_answer(key, one) for (whose, _, key), one in own if whose == self._own]

    def tell(self, telling: Telling, instances: Sequence[str]) -> None:
        for first in range(0, len(instances), AT_ONCE):
            self._send(telling, instances[first : first + AT_ONCE])

    def _send(self, telling: Telling, instances: Sequence[str]) -> None:
        careful = telling.careful and telling.action == WRITE
        parameters = {
            "Action": telling.action,
            "SecretArn": self._secret,
            "VersionId": telling.version,
            "Candidates": ",".join(telling.candidates),
            "Path": self._settings["path"],
            "Page": self._settings["page"] if telling.careful else "",
            "Marker": self._settings["marker"] if telling.careful else "",
            **self._owned(telling),
        }
        self._asked(
            "ssm",
            lambda ssm: ssm.send_command(
                DocumentName=self._settings["document"],
                DocumentVersion="$DEFAULT",
                InstanceIds=list(instances),
                Parameters={key: [value] for key, value in parameters.items()},
                Comment=f"{self._own} {telling.key}",
                TimeoutSeconds=DELIVERY_SECONDS,
                MaxConcurrency=str(AT_ONCE),
                MaxErrors="0" if careful else "100%",
            ),
        )

    def _owned(self, telling: Telling) -> dict[str, str]:
        """Whose the file is to be, where it is about that."""
        owner, mode = self._settings["owner"], self._settings["mode"]
        if telling.action != OWN:
            return {"Owner": "", "Mode": ""}
        if not (owner and mode):
            raise TargetInvalid(f"{self.name}: the target's wp-config names no owner and mode: give both, such as 33:33 and 0640")
        return {"Owner": owner, "Mode": mode}

    def _described(self) -> Iterator[Mapping[str, Any]]:
        filters = [
            {"Name": f"tag:{TAG}", "Values": [self._settings[TAG]]},
            {"Name": "instance-state-name", "Values": list(THERE)},
        ]
        for reservation in self._pages("ec2", "describe_instances", "Reservations", Filters=filters):
            yield from reservation["Instances"]

    def _lifecycles(self, instances: Sequence[str]) -> dict[str, str]:
        """Of those that are in a group."""
        found: dict[str, str] = {}
        for first in range(0, len(instances), AT_ONCE):
            some = list(instances[first : first + AT_ONCE])
            pages = self._pages("autoscaling", "describe_auto_scaling_instances", "AutoScalingInstances", InstanceIds=some)
            found |= {one["InstanceId"]: one["LifecycleState"] for one in pages}
        return found

    def _online(self) -> set[str]:
        filters = [{"Key": f"tag:{TAG}", "Values": [self._settings[TAG]]}]
        pages = self._pages("ssm", "describe_instance_information", "InstanceInformationList", Filters=filters)
        return {one["InstanceId"] for one in pages if one.get("PingStatus") == "Online"}

    def _pages(self, service: str, operation: str, key: str, **given: Any) -> list[Mapping[str, Any]]:
        def all_of(made: Any) -> list[Mapping[str, Any]]:
            return [one for page in made.get_paginator(operation).paginate(**given) for one in page[key]]

        found: list[Mapping[str, Any]] = self._asked(service, all_of)
        return found

    def _asked(self, service: str, act: Callable[[Any], Any]) -> Any:
        """By AWS's name for what went wrong; the message may quote what was sent."""
        try:
            return act(client(service))
        except AWS_ERRORS as error:
            why = code(error)
        if why in _NOT_THERE:
            return []
        if why in _DENIED:
            raise FleetDenied(f"{self.name}: {why} at {service}; was the stack deployed with their tag and for this document?")
        if why in _MISSING:
            raise TargetInvalid(f"{self.name}: there is no document {self._settings['document']} ({why})")
        raise FleetUnavailable(f"{self.name}: {service} did not answer ({why})")


def _place(one: Mapping[str, Any], lifecycle: str, young: datetime) -> Place:
    """`young`: who was launched after that may still boot, whatever its group says: it is in service as soon as it runs."""
    if lifecycle.startswith(LEAVES):
        return Place.LEAVES
    if lifecycle.startswith(BOOTS) or one["State"]["Name"] == "pending" or one["LaunchTime"] > young:
        return Place.BOOTS
    return Place.STANDS_BY if lifecycle.startswith(STANDS_BY) else Place.SERVES


def _answer(key: str, one: Mapping[str, Any]) -> Answer:
    status = _STATUSES.get(str(one.get("StatusDetails") or one["Status"]).replace(" ", "").lower(), Status.FAILED)
    said = _said("".join(str(plugin.get("Output") or "") for plugin in one.get("CommandPlugins") or []))
    return Answer(
        one["InstanceId"],
        key,
        status,
        one["RequestedDateTime"].timestamp(),
        *(said.get(key, "") for key in ("holds", "page", "reason", "detail", "file")),
    )


def _said(output: str) -> dict[str, str]:
    """The one line that our document writes; whatever else is there was not ours."""
    for line in reversed(output.splitlines()):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and found.keys() >= _OUTPUT:
            return {key: str(found[key]) for key in _OUTPUT}
    return {}
