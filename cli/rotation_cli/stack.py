"""A deployed stack, seen from outside: its machine, its executions, its log and its targets."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from rotation.core.by_hand import to_revoke
from rotation.core.classes import CLASSES, DEFAULT_CLASS, RotationClass
from rotation.core.errors import SecretInvalid
from rotation.core.model import SecretText
from rotation.core.record import Record
from rotation.kinds import registry
from rotation.told.failures import as_object
from rotation.told.history import ENTERED, EXITED, RUNNING, Event

from rotation_cli.aws import Aws, NotPermitted, Refused
from rotation_cli.history import Run, needed, read
from rotation_cli.reach import PART, TAG
from rotation_cli.schedule import Schedule, next_run
from rotation_cli.trouble import Trouble

NO_EXECUTION = ("ExecutionDoesNotExist", "InvalidArn")
STATES_ONLY = '{ ($.type = "*StateEntered") || ($.type = "*StateExited") || ($.type = "Execution*") }'
"""Most of a log is what went into functions and came out; not every CloudWatch knows the filter, and then all of it comes."""
MOST_RUNNING = 10_000
NO_MACHINE = "StateMachineDoesNotExist"
SCHEDULE = "rotate"
NOT_KNOWN = "not known: "
NO_SECRET = f"{NOT_KNOWN}the target document names no slot secret"
EXECUTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")


@dataclass(frozen=True)
class Caller:
    """Who runs this command."""

    arn: str
    account: str

    @property
    def partition(self) -> str:
        """aws, aws-cn, aws-us-gov."""
        return self.arn.split(":")[1]


@dataclass(frozen=True)
class Kept:
    """How the log is kept."""

    retention: str
    """In words."""
    days: int | None = None
    made: datetime | None = None


@dataclass(frozen=True)
class Tagged:
    """A secret that has this stack's tag."""

    part: str
    """What it says that it is to a target."""
    key: str
    """That encrypts it; empty for AWS's own."""


@dataclass
class Lines:
    """Lines of the log about states and executions, whether or not CloudWatch left out the others."""

    messages: set[tuple[int, str]] = field(default_factory=set)

    def take(self, events: Iterable[Mapping[str, Any]]) -> None:
        """A page of them."""
        for one in events:
            kind = str(as_object(one["message"]).get("type") or "")
            if kind.startswith("Execution") or kind.endswith((ENTERED, EXITED)):
                self.messages.add((int(one["timestamp"]), str(one["message"])))

    def digest(self) -> str:
        """The same for the same lines: each with a line end, in the order of their times."""
        return sha256("".join(f"{message}\n" for _, message in sorted(self.messages)).encode()).hexdigest()


class Stack:
    """What is asked of AWS about one stack."""

    def __init__(self, aws: Aws, name: str) -> None:
        self.aws, self.name = aws, name
        self._caller: Caller | None = None

    @property
    def caller(self) -> Caller:
        """Asked once; it needs no permission."""
        if self._caller is None:
            said = self.aws.call("sts", "get_caller_identity")
            self._caller = Caller(said["Arn"], said["Account"])
        return self._caller

    @property
    def machine(self) -> str:
        """The ARN of the state machine, which has the stack's name."""
        return f"arn:{self.caller.partition}:states:{self.aws.region}:{self.caller.account}:stateMachine:{self.name}"

    @property
    def log_group(self) -> str:
        """The audit record."""
        return f"/aws/vendedlogs/states/{self.name}"

    def not_found(self) -> Trouble:
        """What to say where there is no such stack."""
        where = f"account {self.caller.account}, {self.aws.region}"
        return Trouble(f"there is no stack {self.name!r} in {where}: give --stack or ROTATION_STACK, --region or --profile")

    # ---- executions

    def execution_arn(self, name_or_arn: str) -> str:
        """Of an execution of this stack's machine, and of no other."""
        prefix = self.machine.replace(":stateMachine:", ":execution:") + ":"
        if name_or_arn.startswith("arn:"):
            if not name_or_arn.startswith(prefix):
                raise Trouble(
                    f"{name_or_arn} is no execution of {self.machine}: give --stack and --region of the machine it belongs to"
                )
            return name_or_arn
        if not EXECUTION_NAME.fullmatch(name_or_arn):
            raise Trouble(
                f"{name_or_arn!r} is no execution's name: up to 80 letters, digits, - and _; `rotation history` lists them"
            )
        return prefix + name_or_arn

    def start(
        self, name: str, given: Mapping[str, Any], machine: str | None = None, none: Callable[[], Trouble] | None = None
    ) -> str:
        """The ARN of the execution. `machine`: another one of the stack's, with what to say where it has none."""
        try:
            answer = self.aws.call(
                "stepfunctions", "start_execution", stateMachineArn=machine or self.machine, name=name, input=json.dumps(given)
            )
        except Refused as error:
            if error.code == NO_MACHINE:
                trouble = none or self.not_found
                raise trouble() from None
            if error.code == "ExecutionAlreadyExists":
                raise Trouble(f"there is an execution {name} already: give another --name") from None
            raise
        return str(answer["executionArn"])

    def latest(self, limit: int, status: str | None = None) -> list[Run]:
        """The newest first; Step Functions forgets them after ninety days. One that has no events yet has not begun."""
        arns = [one["executionArn"] for one in self._executions(limit, {"statusFilter": status} if status else {})]
        return [run for arn in arns if (run := self.recent_run(arn)) is not None]

    def _executions(self, limit: int, which: Mapping[str, str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        try:
            for page in self.aws.pages("stepfunctions", "list_executions", stateMachineArn=self.machine, **which):
                found += page["executions"]
                if len(found) >= limit:
                    break
        except Refused as error:
            if error.code == NO_MACHINE:
                raise self.not_found() from None
            raise
        return sorted(found, key=lambda one: one["startDate"], reverse=True)[:limit]

    def run(self, arn: str) -> Run:
        """From Step Functions; once that has forgotten it, from the log."""
        found = self.recent_run(arn) or next((run for run in self.logged(None, None, arn) if run.arn == arn), None)
        if found is None:
            raise Trouble(f"{self.name} has no execution {arn.rsplit(':', 1)[-1]}: `rotation history` lists them")
        return found

    def recent_run(self, arn: str) -> Run | None:
        """From Step Functions. One that was just started may not be known yet, or have no events."""
        try:
            pages = self.aws.pages("stepfunctions", "get_execution_history", executionArn=arn, includeExecutionData=True)
            return read(arn, [needed(Event.of_history(raw)) for page in pages for raw in page["events"]])
        except Refused as error:
            if error.code not in NO_EXECUTION:
                raise
            return None

    def logged(self, start: datetime | None, end: datetime | None, arn: str | None = None, lines: Lines | None = None) -> list[Run]:
        """Runs whose beginning is in the log between the two moments; all of each of which the log knows. `lines` takes what
        they are read from."""
        times = {name: int(when.timestamp() * 1000) for name, when in (("startTime", start), ("endTime", end)) if when}
        pattern = {"filterPattern": f'{{ $.execution_arn = "{arn}" }}' if arn else STATES_ONLY}
        events: dict[str, list[Event]] = {}
        try:
            for page in self.aws.pages("logs", "filter_log_events", logGroupName=self.log_group, **times, **pattern):
                if lines is not None:
                    lines.take(page["events"])
                for execution, event in _events(page["events"]):
                    events.setdefault(execution, []).append(event)
        except Refused as error:
            if error.code == "ResourceNotFoundException":
                raise self.not_found() from None
            raise
        return [run for execution, own in events.items() if (run := read(execution, own))]

    def log_kept(self) -> Kept:
        """How long the log is kept, and since when it is there: it stays when a stack is deleted."""
        try:
            pages = self.aws.pages("logs", "describe_log_groups", logGroupNamePrefix=self.log_group)
            group = next((one for page in pages for one in page["logGroups"] if one["logGroupName"] == self.log_group), None)
        except NotPermitted:
            return Kept(f"{NOT_KNOWN}logs:DescribeLogGroups is not permitted")
        if group is None:
            return Kept(f"{NOT_KNOWN}there is no log group {self.log_group}")
        days, made = group.get("retentionInDays"), group.get("creationTime")
        since = datetime.fromtimestamp(made / 1000, UTC) if made else None
        return Kept(f"{days} days" if days else "for ever", days, since)

    def version(self) -> str:
        """Of the template, as the stack says."""
        try:
            described = self.aws.call("cloudformation", "describe_stacks", StackName=self.name)["Stacks"][0]
        except NotPermitted:
            return f"{NOT_KNOWN}cloudformation:DescribeStacks is not permitted"
        except Refused as error:
            return f"{NOT_KNOWN}{error.code}"
        return _outputs(described).get("Version", f"{NOT_KNOWN}the stack does not say")

    def outputs(self) -> dict[str, str]:
        """What the stack says of itself."""
        return _outputs(self._described())

    def made_at(self) -> datetime:
        """When the machine was created: before that nothing can be missing."""
        try:
            made = self.aws.call("stepfunctions", "describe_state_machine", stateMachineArn=self.machine)["creationDate"]
        except Refused as error:
            if error.code == NO_MACHINE:
                raise self.not_found() from None
            raise
        return datetime.fromtimestamp(made.timestamp(), UTC)

    def schedule(self, now: datetime) -> Schedule:
        """What starts rotations by itself."""
        try:
            said = self.aws.call("scheduler", "get_schedule", GroupName=self.name, Name=SCHEDULE)
        except NotPermitted:
            return Schedule(why_not_known="scheduler:GetSchedule is not permitted")
        except Refused as error:
            return Schedule(why_not_known=f"there is no schedule {self.name}/{SCHEDULE} ({error.code})")
        on, expression = said["State"] == "ENABLED", str(said["ScheduleExpression"])
        made = datetime.fromtimestamp(said["CreationDate"].timestamp(), UTC) if "CreationDate" in said else now
        return Schedule(on, expression, str(said.get("Description") or ""), next_run(expression, made, now) if on else None)

    # ---- targets

    @property
    def targets_path(self) -> str:
        """Where the target documents are in Parameter Store."""
        return f"/{self.name}/targets"

    def targets(self) -> dict[str, str]:
        """Name and text of every target document. A stack without any is none."""
        found = self.documents()
        if not found:
            raise self.not_found()
        return found

    def documents(self) -> dict[str, str]:
        """The same, where there may be none."""
        pages = self.aws.pages("ssm", "get_parameters_by_path", Path=self.targets_path)
        found = {one["Name"].rsplit("/", 1)[-1]: str(one["Value"]) for page in pages for one in page["Parameters"]}
        return dict(sorted(found.items()))

    def own_target(self) -> str | None:
        """The one that comes and goes with the stack; None where CloudFormation does not say."""
        try:
            return self.parameters().get("DefaultTarget")
        except Trouble:
            return None

    def target(self, name: str) -> str:
        """The text of one document."""
        known = self.targets()
        if name not in known:
            raise Trouble(
                f"there is no target {name!r} in {self.name}: it has {', '.join(known)}; `rotation targets add` makes one"
            )
        return known[name]

    def add_target(self, name: str, text: str) -> None:
        """A new document; one that is there is not replaced."""
        try:
            self.aws.call("ssm", "put_parameter", Name=f"{self.targets_path}/{name}", Value=text, Type="String", Overwrite=False)
        except Refused as error:
            if error.code == "ParameterAlreadyExists":
                raise Trouble(
                    f"there is a target {name!r} already: give another --name, or change it (rotation targets edit {name})"
                ) from None
            raise

    def put_target(self, name: str, text: str) -> None:
        """In the place of the one that is there."""
        self.aws.call("ssm", "put_parameter", Name=f"{self.targets_path}/{name}", Value=text, Type="String", Overwrite=True)

    def delete_target(self, name: str) -> None:
        """Its document, and nothing else."""
        self.aws.call("ssm", "delete_parameter", Name=f"{self.targets_path}/{name}")

    def runs_of(self, target: str) -> list[str]:
        """The names of executions that run for it, whatever their mode."""
        default = self.own_target()
        running = [str(one["executionArn"]) for one in self._executions(MOST_RUNNING, {"statusFilter": RUNNING})]
        return [arn.rsplit(":", 1)[-1] for arn in running if self._target_of(arn, default) == target]

    def _target_of(self, execution: str, default: str | None) -> str | None:
        given = as_object(self.aws.call("stepfunctions", "describe_execution", executionArn=execution).get("input", ""))
        named = given.get("target")
        return str(named) if named else default

    # ---- secrets; put for `targets add --from-secret` alone

    def secret(self, secret: str, place: str) -> tuple[str, SecretText | None]:
        """Its whole ARN, and what is current in it; None where it holds nothing yet. `place`: where it is named."""
        try:
            described = self.aws.call("secretsmanager", "describe_secret", SecretId=secret)
            arn = str(described["ARN"])
            if not any("AWSCURRENT" in labels for labels in described.get("VersionIdsToStages", {}).values()):
                return arn, None
            text = self.aws.call("secretsmanager", "get_secret_value", SecretId=arn).get("SecretString")
        except Refused as error:
            if error.code == "ResourceNotFoundException":
                raise Trouble(
                    f"{place}: there is no secret {secret} in {self.aws.region}: correct it, or make that secret"
                ) from None
            raise
        if text is None:
            raise Trouble(f"{place}: {arn} holds no text: put its JSON as SecretString")
        return arn, SecretText(str(text))

    def tagged(self, secrets: Iterable[str]) -> dict[str, Tagged]:
        """Of those that have this stack's tag, what they say of themselves."""
        found: dict[str, Tagged] = {}
        for arn in secrets:
            try:
                described = self.aws.call("secretsmanager", "describe_secret", SecretId=arn)
            except Refused:
                continue  # who may not be asked about, or is not there, has no tag that anybody knows of
            tags = {one["Key"]: one["Value"] for one in described.get("Tags", [])}
            if tags.get(TAG) == self.name:
                found[arn] = Tagged(str(tags.get(PART, "")), str(described.get("KmsKeyId", "")))
        return found

    def record_text(self, secret: str) -> SecretText | None:
        """What is current in a record, to compare users; None where it cannot be had."""
        try:
            text = self.aws.call("secretsmanager", "get_secret_value", SecretId=secret).get("SecretString")
        except Refused:
            return None
        return None if text is None else SecretText(str(text))

    def to_revoke(self, document: str) -> tuple[tuple[str, str], ...]:
        """Of a target whose keys people make: the old ones that are to be revoked, each with its id and since when."""
        if not by_hand(document):
            return ()
        try:
            text = self.record_text(str(as_object(document).get("slot_secret")))
            return tuple((one.id, one.since) for one in to_revoke(Record.parse(text, "record"))) if text else ()
        except SecretInvalid:
            return ()

    def put_secret(self, arn: str, text: SecretText) -> None:
        """What is current from now on."""
        self.aws.call("secretsmanager", "put_secret_value", SecretId=arn, SecretString=text.reveal())

    def pending(self, document: str) -> str:
        """The version of a target's slot secret that carries AWSPENDING: an intent that is open. Empty: none is."""
        secret = as_object(document).get("slot_secret")
        if not isinstance(secret, str):
            return NO_SECRET
        try:
            stages = self.aws.call("secretsmanager", "describe_secret", SecretId=secret).get("VersionIdsToStages", {})
        except NotPermitted:
            return f"{NOT_KNOWN}secretsmanager:DescribeSecret is not permitted"
        except Refused as error:
            return f"{NOT_KNOWN}{error.code}"
        return next((version for version, labels in stages.items() if "AWSPENDING" in labels), "")

    def parameters(self) -> dict[str, str]:
        """Of the deployed stack, as CloudFormation knows them."""
        return {one["ParameterKey"]: str(one.get("ParameterValue", "")) for one in self._described().get("Parameters", [])}

    def _described(self) -> dict[str, Any]:
        try:
            described: dict[str, Any] = self.aws.call("cloudformation", "describe_stacks", StackName=self.name)["Stacks"][0]
        except Refused as error:
            if error.code == "ValidationError":
                raise self.not_found() from None
            raise
        return described


def _outputs(described: Mapping[str, Any]) -> dict[str, str]:
    return {one["OutputKey"]: str(one["OutputValue"]) for one in described.get("Outputs", [])}


def by_hand(document: str) -> bool:
    """Whether people make the target's keys."""
    kind = as_object(as_object(document).get("source")).get("kind")
    return isinstance(kind, str) and kind in registry.SOURCES and registry.source(kind).by_hand


def class_of(document: str) -> RotationClass:
    """How often the target is to be rotated."""
    return CLASSES.get(str(as_object(document).get("class")), CLASSES[DEFAULT_CLASS])


def _events(lines: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Event]]:
    """What is no event of an execution is left out: Step Functions writes a line of its own when it tries a log group."""
    for line in lines:
        try:
            raw = json.loads(line["message"])
            yield str(raw["execution_arn"]), needed(Event.of_log(raw))
        except (ValueError, KeyError, TypeError):
            continue
