"""Who started a run that does not say so: what CloudTrail answers, and what is told where it does not."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from rotation_cli.aws import Aws, NotPermitted
from rotation_cli.evidence import Starter
from rotation_cli.history import Run
from rotation_cli.trail import Trail, look

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ADA = "arn:aws:sts::123456789012:assumed-role/oncall/ada"


class CloudTrail:
    """As far as it is asked here."""

    def __init__(self, *events: dict[str, Any], permitted: bool = True) -> None:
        self._events, self._permitted = events, permitted
        self.asked = 0

    def pages(self, service: str, operation: str, **given: Any) -> Iterator[dict[str, Any]]:
        assert (service, operation) == ("cloudtrail", "lookup_events")
        (which,) = given["LookupAttributes"]
        self.asked += 1
        if not self._permitted:
            raise NotPermitted("AccessDeniedException", "not permitted: cloudtrail:LookupEvents")
        yield {"Events": []}
        yield {
            "Events": [
                {"CloudTrailEvent": json.dumps(event)} for event in self._events if event["eventName"] == which["AttributeValue"]
            ]
        }


def run(name: str, days_ago: float, **given: str) -> Run:
    began = NOW - timedelta(days=days_ago)
    return Run(f"arn:x:{name}", began, dict(given), "SUCCEEDED", began)


def event(execution: str, kind: str = "StartExecution", **identity: str) -> dict[str, Any]:
    where = "responseElements" if kind == "StartExecution" else "requestParameters"
    return {
        "eventName": kind,
        "userIdentity": identity,
        where: {"executionArn": f"arn:x:{execution}"},
        "sourceIPAddress": "203.0.113.7",
    }


def ask(trail: CloudTrail, *runs: Run) -> Trail:
    return look(cast("Aws", trail), runs, NOW)


def test_a_person_is_named() -> None:
    found = ask(CloudTrail(event("other", arn="arn:other"), event("mine", arn=ADA)), run("mine", 3))
    assert found == Trail(starters={"arn:x:mine": Starter("person", ADA)})


def test_the_scheduler_is_no_person() -> None:
    found = ask(CloudTrail(event("mine", invokedBy="scheduler.amazonaws.com", arn="arn:role/scheduler")), run("mine", 3))
    assert found.starters["arn:x:mine"].kind == "schedule"


def test_who_stopped_a_run_is_named_whoever_started_it() -> None:
    stopped = run("mine", 3, started_by="schedule")
    stopped.status = "ABORTED"
    found = ask(CloudTrail(event("mine", arn="arn:other"), event("mine", "StopExecution", arn=ADA)), stopped)
    assert found == Trail(stoppers={"arn:x:mine": ADA})


@pytest.mark.parametrize("given", [{"started_by": "schedule"}, {"started_by": ADA}, {"scheduled_time": "2026-02-01T03:00:00Z"}])
def test_who_says_so_is_not_asked_for(given: dict[str, str]) -> None:
    trail = CloudTrail()
    assert (ask(trail, run("mine", 3, **given)), trail.asked) == (Trail(), 0)


def test_what_is_older_than_cloudtrail_is_said_to_be() -> None:
    trail = CloudTrail()
    found = ask(trail, run("mine", 91))
    assert (found.starters, trail.asked) == ({}, 0)
    assert "1 older run is not known" in found.notes[0]


def test_what_cloudtrail_does_not_know_stays_unknown() -> None:
    assert ask(CloudTrail(event("other", arn=ADA)), run("mine", 3)) == Trail()


def test_no_permission_is_a_note_and_no_failure() -> None:
    found = ask(CloudTrail(permitted=False), run("mine", 3))
    assert found.starters == {}
    assert "cloudtrail:LookupEvents" in found.notes[0]
