"""Runs of a stack's fleet, seen from outside: what each found, meant to do and did, and whether it still runs."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from rotation.core.errors import RotationError
from rotation.fleet.holds import Hold
from rotation.fleet.outcome import Outcome
from rotation.fleet.report import End, counted
from rotation.fleet.run import Plan, Turn, outcome_key, outcomes_folder, outcomes_in, plan_key, report_key, turns

from rotation_cli.aws import Aws, Refused
from rotation_cli.stack import NO_MACHINE, Stack
from rotation_cli.trouble import Trouble

POLL_SECONDS = 3.0
RUNNING = "RUNNING"
DONE = (Outcome.ROTATED, Outcome.MEANWHILE)


@dataclass(frozen=True)
class FleetRun:
    """One of them, as far as it has come."""

    name: str
    status: str
    began: datetime
    ended: datetime | None
    end: str
    """The machine's last state; empty while it runs, and where it was stopped."""
    plan: Plan | None
    """None: it has not looked yet, or could not."""
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    stopped: str = ""
    """Why no further wave was begun."""
    through: int | None = None
    """The last wave that is known to have ended; None where the run itself has not said."""
    whys: Mapping[str, str] = field(default_factory=dict)

    @property
    def turns(self) -> list[Turn]:
        """All targets, those that ask for somebody first."""
        found = list(turns(self.plan, self.outcomes, self.whys, through=self.through)) if self.plan else []
        return sorted(found, key=lambda one: (not asks(one), one.outcome in DONE, one.target))

    @property
    def asking(self) -> list[Turn]:
        """Those that somebody should look at."""
        return [one for one in self.turns if asks(one)]

    @property
    def counts(self) -> dict[str, int]:
        """By what came of them, or how they stand."""
        return counted(self.turns)

    @property
    def waves(self) -> list[tuple[int, int, int]]:
        """Of each: how many targets, how many of them had their turn, how many failed."""
        said = [[self.outcomes.get(target) for target in wave] for wave in (self.plan.waves if self.plan else [])]
        return [(len(one), sum(out is not None for out in one), sum(bool(out and out.failed) for out in one)) for one in said]

    @property
    def exit_code(self) -> int:
        """1: somebody should look."""
        return int(self.status != RUNNING and (self.end != End.ROTATED or bool(self.asking)))

    def as_dict(self) -> dict[str, Any]:
        """For another program."""
        return {
            "run": self.name,
            "status": self.status,
            "began": self.began.isoformat(),
            "ended": self.ended.isoformat() if self.ended else None,
            "end": self.end or None,
            "stopped": self.stopped or None,
            "counts": self.counts,
            "waves": [{"targets": size, "had_their_turn": had, "failed": failed} for size, had, failed in self.waves],
            "targets": [asdict(one) for one in self.turns],
        }


def went_wrong(turn: Turn) -> bool:
    """Failed, late or unknown, and not rotated meanwhile."""
    failed = turn.outcome is not None and turn.outcome.failed
    return failed or (turn.outcome not in DONE and (turn.overdue or turn.standing == "unknown"))


def asks(turn: Turn) -> bool:
    """It went wrong, or people still have to do something there."""
    return went_wrong(turn) or bool(turn.people)


class Fleets:
    """What is asked of AWS about them."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.aws = stack, stack.aws

    @property
    def machine(self) -> str:
        """Its ARN."""
        return f"{self.stack.machine}-fleet"

    def _none(self) -> Trouble:
        return Trouble(f"the stack {self.stack.name} has no fleet: deploy it with Fleet=by-hand or Fleet=daily (docs/fleet.md)")

    @property
    def bucket(self) -> str:
        """Where its runs are written down."""
        name = self.stack.outputs().get("FleetBucketName")
        if name is None:
            raise self._none()
        return name

    def start(self, name: str, given: Mapping[str, Any]) -> str:
        """The ARN of the execution."""
        return self.stack.start(name, given, self.machine, self._none)

    def run(self, name: str | None) -> FleetRun:
        """The one of that name, or the newest."""
        arn = self._arn(name) if name else self._latest()
        try:
            seen = self.aws.call("stepfunctions", "describe_execution", executionArn=arn)
        except Refused as error:
            if error.code == "ExecutionDoesNotExist":
                raise Trouble(f"the fleet has no run {name}: `rotation fleet status` shows the newest") from None
            raise
        return self._read(seen)

    def follow(self, arn: str) -> Iterator[FleetRun]:
        """As it gets on, until it has ended; the last one with all that is known."""
        name = arn.rsplit(":", 1)[-1]
        while True:
            found = self.run(name)
            yield found
            if found.status != RUNNING:
                return
            time.sleep(POLL_SECONDS)

    def _arn(self, name: str) -> str:
        return f"{self.machine.replace(':stateMachine:', ':execution:')}:{name.rsplit(':', 1)[-1]}"

    def _latest(self) -> str:
        try:
            found = self.aws.call("stepfunctions", "list_executions", stateMachineArn=self.machine, maxResults=1)["executions"]
        except Refused as error:
            if error.code == NO_MACHINE:
                raise self._none() from None
            raise
        if not found:
            raise Trouble("the fleet has not run yet: `rotation fleet start` starts it")
        return str(found[0]["executionArn"])

    def _read(self, seen: Mapping[str, Any]) -> FleetRun:
        name, bucket = str(seen["name"]), self.bucket
        raw = _object(self.aws, bucket, plan_key(name))
        report = _object(self.aws, bucket, report_key(name)) or {}
        outcomes = outcomes_in(name, self._keys(bucket, outcomes_folder(name)))
        plan = Plan.parse(raw) if raw else None
        whys = {one["target"]: one["why"] for one in report.get("targets", [])} or self._whys(bucket, name, outcomes)
        known = {one["target"]: Outcome(one["outcome"]) for one in report.get("targets", []) if one["outcome"]}
        end = str(seen.get("error") or ("FleetRotated" if seen["status"] == "SUCCEEDED" else ""))
        return FleetRun(
            name, str(seen["status"]), _utc(seen["startDate"]), _utc(seen["stopDate"]) if "stopDate" in seen else None, end,
            plan, {**outcomes, **known}, str(report.get("stopped") or ""), None, whys,
        )  # fmt: skip

    def _whys(self, bucket: str, run: str, outcomes: Mapping[str, Outcome]) -> dict[str, str]:
        """Of a run that has made no report yet: only what failed is asked for."""
        failed = [(target, one) for target, one in outcomes.items() if one.failed]
        return {
            target: str((_object(self.aws, bucket, outcome_key(run, target, one)) or {}).get("why", "")) for target, one in failed
        }

    def _keys(self, bucket: str, folder: str) -> list[str]:
        pages = self.aws.pages("s3", "list_objects_v2", Bucket=bucket, Prefix=folder)
        return [str(one["Key"]) for page in pages for one in page.get("Contents", [])]

    # ---- holds

    @property
    def holds_path(self) -> str:
        """Where they are in Parameter Store."""
        return f"/{self.stack.name}/holds"

    def holds(self) -> dict[str, Hold]:
        """By target; one that cannot be read is one without an end that anybody knows."""
        pages = self.aws.pages("ssm", "get_parameters_by_path", Path=self.holds_path)
        return {one["Name"].rsplit("/", 1)[-1]: _hold(str(one["Value"])) for page in pages for one in page["Parameters"]}

    def hold(self, target: str, hold: Hold) -> None:
        """Another one for the same target goes in its place."""
        name = f"{self.holds_path}/{target}"
        self.aws.call("ssm", "put_parameter", Name=name, Value=hold.text(), Type="String", Overwrite=True)

    def release(self, target: str) -> None:
        """It is due again by its class."""
        if not self.lift(target):
            raise Trouble(f"{target} is not held: there is nothing to release")

    def lift(self, target: str) -> bool:
        """Whether there was a hold."""
        try:
            self.aws.call("ssm", "delete_parameter", Name=f"{self.holds_path}/{target}")
        except Refused as error:
            if error.code == "ParameterNotFound":
                return False
            raise
        return True


def _object(aws: Aws, bucket: str, key: str) -> Any:
    try:
        return json.loads(aws.call("s3", "get_object", Bucket=bucket, Key=key)["Body"].read())
    except Refused as error:
        if error.code == "NoSuchKey":
            return None
        raise


def _hold(text: str) -> Hold:
    try:
        return Hold.parse(text)
    except (ValueError, RotationError):
        return Hold("9999-12-31T00:00:00+00:00", "this hold cannot be read: release it, or hold it again")


def _utc(when: datetime) -> datetime:
    return datetime.fromtimestamp(when.timestamp(), UTC)


def named(which: Sequence[Turn], most: int) -> str:
    """For one line."""
    more = len(which) - most
    return ", ".join(one.target for one in which[:most]) + (f" and {more} more" if more > 0 else "")
