"""EC2, Auto Scaling and Systems Manager in memory, as far as the shipped adapter asks them, over the instances of fleet.py.

Where a stand-in that runs the shipped document takes its place, the tests of the adapter are the same."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from rotation.core.fleet import Answer, Status, Telling

from tests.worlds.aws import refused
from tests.worlds.fleet import Command, Fleet

PAGE = 2
"""So few on each, so that whoever reads only the first is found."""
STATUSES = {
    Status.UNDER_WAY: ("InProgress", "InProgress"),
    Status.SUCCESS: ("Success", "Success"),
    Status.FAILED: ("Failed", "Failed"),
    Status.TIMED_OUT: ("TimedOut", "ExecutionTimedOut"),
    Status.NOT_DELIVERED: ("TimedOut", "DeliveryTimedOut"),
    Status.UNDELIVERABLE: ("Failed", "Undeliverable"),
    Status.TERMINATED: ("Failed", "Terminated"),
    Status.CANCELLED: ("Cancelled", "Cancelled"),
}


class FleetClient:
    """The client of all three. `offset`: from the fleet's clock to the wall's."""

    def __init__(self, fleet: Fleet, now: Callable[[], float], app: str = "blog", offset: float = 0.0) -> None:
        self.fleet, self._now, self._app, self._offset = fleet, now, app, offset
        self.sent: list[dict[str, Any]] = []
        """Every request that told somebody something."""
        self.refuses: dict[str, str] = {}
        """By operation, the code of an error."""
        self.states: dict[str, str] = {}
        self.lifecycles: dict[str, str] = {}
        """Of those that are in a group; the others are in none."""
        self.statuses: dict[str, Status] = {}
        """What a person, or AWS, made of whatever that instance was told."""
        self._comments: dict[int, str] = {}

    def __call__(self, _service: str) -> "FleetClient":
        return self

    def send_command(self, **given: Any) -> dict[str, Any]:
        self._may("send_command")
        here = {one.id for one in self.fleet.machines}
        if not set(given["InstanceIds"]) <= here:
            raise refused("InvalidInstanceId")
        self.sent.append(given)
        said = {key: value[0] for key, value in given["Parameters"].items()}
        candidates = tuple(filter(None, said["Candidates"].split(",")))
        telling = Telling(said["Action"], said["VersionId"], candidates, given["Comment"], careful=bool(said["Page"]))
        self.fleet.tell(telling, given["InstanceIds"])
        return {"Command": {"CommandId": str(len(self.sent))}}

    def get_paginator(self, operation: str) -> "Pages":
        self._may(operation)
        return Pages({
            "describe_instances": self._instances,
            "describe_auto_scaling_instances": self._groups,
            "describe_instance_information": self._agents,
            "list_command_invocations": self._invocations,
        }[operation])  # fmt: skip

    def _may(self, operation: str) -> None:
        if operation in self.refuses:
            raise refused(self.refuses[operation])

    def _instances(self, **given: Any) -> tuple[str, list[Any]]:
        assert {"Name": "tag:app", "Values": [self._app]} in given["Filters"]
        states = next(one["Values"] for one in given["Filters"] if one["Name"] == "instance-state-name")
        found = [
            {
                "InstanceId": one.id,
                "State": {"Name": self.states.get(one.id, "running")},
                "LaunchTime": self._at(one.launched),
            }
            for one in self.fleet.machines
        ]
        return "Reservations", [{"Instances": [one]} for one in found if one["State"]["Name"] in states]

    def _groups(self, **given: Any) -> tuple[str, list[Any]]:
        assert len(given["InstanceIds"]) <= 50
        known = self.lifecycles
        return "AutoScalingInstances", [
            {"InstanceId": name, "LifecycleState": known[name]} for name in given["InstanceIds"] if name in known
        ]

    def _agents(self, **given: Any) -> tuple[str, list[Any]]:
        assert given["Filters"] == [{"Key": "tag:app", "Values": [self._app]}]
        return "InstanceInformationList", [
            {"InstanceId": one.id, "PingStatus": "Online" if one.silent_until <= self._now() else "ConnectionLost"}
            for one in self.fleet.machines
        ]

    def _invocations(self, **given: Any) -> tuple[str, list[Any]]:
        assert given["Details"], "else there is no output"
        filters = {one["key"]: one["value"] for one in given["Filters"]}
        after = datetime.strptime(filters["InvokedAfter"], "%Y-%m-%dT%H:%M:%S%z").timestamp() - self._offset
        whose = given.get("InstanceId")
        found = [self._invocation(one) for one in self.fleet.commands if one.asked >= after and whose in (None, one.instance)]
        return "CommandInvocations", found

    def _invocation(self, one: Command) -> dict[str, Any]:
        status = self.statuses.get(one.instance) or (one.said.status if one.said else Status.UNDER_WAY)
        coarse, fine = STATUSES[status]
        said = one.said if one.instance not in self.statuses else None
        return {
            "InstanceId": one.instance,
            "Comment": one.telling.mark,
            "Status": coarse,
            "StatusDetails": fine,
            "RequestedDateTime": self._at(one.asked),
            "CommandPlugins": [{"Output": _line(said)}] if said and said.holds else [],
        }

    def _at(self, moment: float) -> datetime:
        return datetime.fromtimestamp(moment + self._offset, UTC)


class Pages:
    """Of one operation."""

    def __init__(self, all_of: Callable[..., tuple[str, list[Any]]]) -> None:
        self._all_of = all_of

    def paginate(self, **given: Any) -> Iterator[Mapping[str, Any]]:
        key, found = self._all_of(**given)
        for first in range(0, max(1, len(found)), PAGE):
            yield {key: found[first : first + PAGE]}


def _line(said: Answer) -> str:
    """As the document prints it, and what an agent may put around it."""
    line = {"file": said.file or "unchanged", "holds": said.holds, "page": said.page, "reason": said.reason, "detail": said.detail}
    return f"{json.dumps(line)}\n----------ERROR-------\nfailed to run commands: exit status 1"
