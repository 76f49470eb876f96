"""Being told: the built template's rule, alarms and filters, each fed with what it is for and with what it is not, and the function
behind the rule as a process of its own. moto delivers the events and keeps the metrics, LocalStack's code evaluates the alarms.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from localstack.services.cloudwatch import alarm_scheduler
from moto import mock_aws
from rotation.core.classes import CLASSES, DEFAULT_CLASS
from rotation.core.errors import NotAnnounced
from rotation.runtime import entry
from rotation.runtime.desk import AwsDesk, DeskSettings
from rotation.told.notice import Notice
from rotation.vault.kv import METRIC

from local.aws import REPOSITORY, LocalAws
from local.deploy import Stack, deploy
from local.lambdas import runtime_python
from local.running import BUILD, NAME, OVERRIDES
from tests.until import until

HERE = "us-east-1:123456789012"
TARGET = "openemr"
DATABASE_LOG = "/aws/rds/cluster/openemr/audit"
ROLE = "arn:aws:iam::123456789012:role/machine"
VAULT_LOGIN = f"arn:aws:secretsmanager:{HERE}:secret:vault-login-a1b2c3"
IN_A_VAULT = {
    "kind": "vault-kv",
    "address": "https://vault.example",
    "ca": "-----BEGIN CERTIFICATE-----",
    "mount": "secret",
    "path": "openemr",
    "login": {"method": "approle", "role": "rotation", "secret": VAULT_LOGIN},
    "application_cache_seconds": 0,
}
FAIL = {"Type": "Fail", "Error": "told by its name", "Cause": "still used"}
LONG = {"StartAt": "WaitForDrain", "States": {"WaitForDrain": {"Type": "Wait", "Seconds": 60, "End": True}}}
ENDINGS: dict[str, dict[str, Any]] = {
    "unfinished": {"StartAt": "OldSlotNotRotated", "States": {"OldSlotNotRotated": FAIL}},
    "refused": {"StartAt": "RotationRefused", "States": {"RotationRefused": FAIL}},
    "good": {"StartAt": "RotationSucceeded", "States": {"RotationSucceeded": {"Type": "Succeed"}}},
    "slow": LONG | {"TimeoutSeconds": 1},
    "waiting": LONG,
}
"""Machines that end as the shipped one can: what the function asks of an execution is the same for all."""


@dataclass
class Told:
    """The deployed template, and two queues in which a test reads what the rule delivered and what people were sent."""

    aws: LocalAws
    stack: Stack
    slot_secret: str
    machines: dict[str, str]
    targets: list[str]
    """ARNs that the deployed rule delivers to."""
    delivered: str
    sent: str

    def read(self, queue: str) -> list[str]:
        """And empty it."""
        sqs, bodies = self.aws.client("sqs"), []
        while found := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                bodies.append(message["Body"])
        return bodies

    def deliver(self, status: str, execution: str, **other: Any) -> list[dict[str, Any]]:
        """What the rule's targets are given of such an event."""
        machine = execution.rsplit(":", 1)[0].replace(":execution:", ":stateMachine:")
        event = {
            "Source": "aws.states",
            "DetailType": "Step Functions Execution Status Change",
            "Detail": json.dumps({"stateMachineArn": machine, "executionArn": execution, "status": status}),
        }
        self.aws.client("events").put_events(Entries=[event | other])
        return [json.loads(body) for body in self.read(self.delivered)]

    def ended(self, machine: str, name: str, given: dict[str, Any] | None = None, stop: bool = False) -> str:
        """The ARN of an execution of that machine that has ended."""
        states = self.aws.client("stepfunctions")
        started = states.start_execution(stateMachineArn=self.machines[machine], name=name, input=json.dumps(given or {}))
        arn: str = started["executionArn"]
        if stop:
            states.stop_execution(executionArn=arn)
        until(lambda: states.describe_execution(executionArn=arn)["status"] != "RUNNING")
        return arn

    def tell(self, execution: str) -> dict[str, Any]:
        """Call the function as the rule does, with an event in which nothing is but names."""
        event = json.loads((REPOSITORY / "events/tell_outcome.json").read_text())
        event["detail"] |= {"executionArn": execution, "name": execution.rsplit(":", 1)[-1]}
        name = self.stack["TellOutcomeFunction"]
        answer = self.aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
        found: dict[str, Any] = json.load(answer["Payload"])
        assert "FunctionError" not in answer, found
        return found

    def messages(self) -> list[dict[str, str]]:
        return [json.loads(body) for body in self.read(self.sent)]

    def executions(self, machine: str) -> list[str]:
        found = self.aws.client("stepfunctions").list_executions(stateMachineArn=self.machines[machine])["executions"]
        return sorted(one["name"] for one in found)

    def hold_intent(self) -> str:
        made = self.aws.client("secretsmanager").put_secret_value(
            SecretId=self.slot_secret, SecretString="{}", VersionStages=["AWSPENDING"]
        )
        version: str = made["VersionId"]
        return version

    def let_go(self, version: str) -> None:
        self.aws.client("secretsmanager").update_secret_version_stage(
            SecretId=self.slot_secret, VersionStage="AWSPENDING", RemoveFromVersionId=version
        )


def parameters(slot_secret: str) -> dict[str, str]:
    return {
        **OVERRIDES,
        "SlotSecretArn": slot_secret,
        "AdminSecretArn": f"arn:aws:secretsmanager:{HERE}:secret:admin-a1b2c3",
        "SecretsKmsKeyArn": f"arn:aws:kms:{HERE}:key/00000000-0000-0000-0000-000000000000",
        "SubnetIds": "subnet-00000000",
        "SecurityGroupIds": "sg-00000000",
        "SitesFileSystemArn": f"arn:aws:elasticfilesystem:{HERE}:file-system/fs-00000000",
        "SitesAccessPointArn": f"arn:aws:elasticfilesystem:{HERE}:access-point/fsap-00000000",
        "ClusterName": "cluster",
        "HealthUrl": "http://127.0.0.1/",
        "DatabaseLogGroupName": DATABASE_LOG,
        "OtherConsumers": json.dumps(IN_A_VAULT),
        "VaultLoginSecretArn": VAULT_LOGIN,
        "Environment": "prod",
    }


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("told")
    with LocalAws(runtime_python(), folder / "logs") as aws:
        slots = aws.client("secretsmanager").create_secret(Name="openemr/slots", SecretString="{}")["ARN"]
        aws.client("logs").create_log_group(logGroupName=DATABASE_LOG)
        stack = deploy(aws, BUILD, NAME, parameters(slots), {"/mnt/sites": folder})
        states, sqs = aws.client("stepfunctions"), aws.client("sqs")
        machines = {
            name: states.create_state_machine(name=name, definition=json.dumps(one), roleArn=ROLE)["stateMachineArn"]
            for name, one in ENDINGS.items()
        }
        delivered, sent = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("delivered", "sent"))
        arn = f"arn:aws:sqs:{HERE}:"
        events, rule = aws.client("events"), stack["EndRule"]
        targets = {one["Id"]: one["Arn"] for one in events.list_targets_by_rule(Rule=rule)["Targets"]}
        events.remove_targets(Rule=rule, Ids=list(targets))  # moto's rules call no function
        events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": f"{arn}delivered"}])
        aws.client("sns").subscribe(TopicArn=stack["NoticeTopic"], Protocol="sqs", Endpoint=f"{arn}sent")
        yield Told(aws, stack, slots, machines, list(targets.values()), delivered, sent)


@pytest.fixture(autouse=True)
def _emptied(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "told" in request.fixturenames:
        stack: Told = request.getfixturevalue("told")
        stack.messages()


# ---- the rule -----------------------------------------------------------------------------------------------------------------

OURS = f"arn:aws:states:{HERE}:execution:{NAME}:one"


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"])
def test_the_rule_delivers_every_end_of_this_machine(told: Told, status: str) -> None:
    [event] = told.deliver(status, OURS)
    assert (event["detail"]["executionArn"], event["detail"]["status"]) == (OURS, status)


@pytest.mark.parametrize(
    ("status", "execution", "other"),
    [
        ("RUNNING", OURS, {}),
        ("PENDING_REDRIVE", OURS, {}),
        ("FAILED", f"arn:aws:states:{HERE}:execution:{NAME}-staging:one", {}),
        ("FAILED", OURS, {"Source": "made.up"}),
        ("FAILED", OURS, {"DetailType": "AWS API Call via CloudTrail"}),
    ],
    ids=["it began", "it goes on", "another machine", "somebody else says so", "another kind of event"],
)
def test_the_rule_delivers_nothing_else(told: Told, status: str, execution: str, other: dict[str, str]) -> None:
    assert told.deliver(status, execution, **other) == []


def test_the_rule_calls_the_function(told: Told) -> None:
    assert [arn.split(":function:")[-1] for arn in told.targets] == [told.stack["TellOutcomeFunction"]]


# ---- the function -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def _intent(told: Told) -> Iterator[None]:
    version = told.hold_intent()
    yield
    told.let_go(version)


@pytest.mark.usefixtures("_intent")
def test_people_are_told_and_one_resume_starts_however_often_the_event_comes(told: Told) -> None:
    arn = told.ended("unfinished", "twice", {"started_by": "schedule"})
    first, second = told.tell(arn), told.tell(arn)
    assert first["told"]
    assert second["told"]
    assert told.executions("unfinished") == ["resume-twice", "twice"]
    messages = told.messages()
    assert [one["Subject"] for one in messages] == ["unfinished openemr: rotate ended OldSlotNotRotated"] * 2
    for line in ("The application works on", "still used", "resume-twice", "rotation explain twice", f"/details/{arn}"):
        assert line.lower() in messages[0]["Message"].lower()


@pytest.mark.usefixtures("_intent")
def test_the_resume_says_who_started_it_and_is_followed_by_none(told: Told) -> None:
    told.tell(told.ended("unfinished", "once", {"target": TARGET}))
    states = told.aws.client("stepfunctions")
    resume = states.describe_execution(
        executionArn=told.machines["unfinished"].replace("stateMachine", "execution") + ":resume-once"
    )
    given = {"mode": "resume", "target": TARGET, "reason": "once FAILED", "started_by": "tell_outcome"}
    assert json.loads(resume["input"]) == given
    told.messages()
    told.tell(resume["executionArn"])
    assert not [name for name in told.executions("unfinished") if name.startswith("resume-resume")]
    assert "this was a resume already" in told.messages()[0]["Message"]


@pytest.mark.usefixtures("_intent")
def test_one_that_touched_nothing_is_only_told(told: Told) -> None:
    told.tell(told.ended("refused", "refused"))
    assert told.executions("refused") == ["refused"]
    assert "a resume would change nothing" in told.messages()[0]["Message"]


def test_without_an_open_intent_no_resume_starts(told: Told) -> None:
    told.tell(told.ended("unfinished", "closed"))
    assert "resume-closed" not in told.executions("unfinished")
    assert "no intent is open" in told.messages()[0]["Message"]


def test_a_target_that_is_not_there_has_no_intent(told: Told) -> None:
    told.tell(told.ended("unfinished", "nowhere", {"target": "no-such-target"}))
    assert "resume-nowhere" not in told.executions("unfinished")
    assert "target no-such-target" in told.messages()[0]["Message"]


def test_one_that_timed_out_is_resumed(told: Told) -> None:
    told.tell(told.ended("slow", "late"))
    assert "resume-late" in told.executions("slow")
    assert told.messages()[0]["Subject"] == "slow openemr: rotate ended TIMED_OUT"


@pytest.mark.usefixtures("_intent")
def test_one_that_a_person_stopped_is_only_told(told: Told) -> None:
    told.tell(told.ended("waiting", "stopped", stop=True))
    assert told.executions("waiting") == ["stopped"]
    assert "a person stopped it" in told.messages()[0]["Message"]


def test_a_success_is_measured_and_nobody_is_told(told: Told) -> None:
    answer = told.tell(told.ended("good", "good", {"target": "another"}))
    assert (answer["told"], answer["terminal"]) == (False, "RotationSucceeded")
    assert told.messages() == []
    log = (told.aws.logs / f"{told.stack['TellOutcomeFunction']}.log").read_text()
    [line] = [line for line in log.splitlines() if '"credential_rotation_another_success"' in line]
    measured = json.loads(line[line.index("{") :])
    assert (measured["secret_rotation_success_rate"], measured["environment"], measured["target"]) == ([100.0], "prod", "another")


def test_whatever_the_input_was_people_are_told(told: Told) -> None:
    told.tell(told.ended("refused", "odd", {"mode": ["rotate"], "target": "ö\nbcc: all", "started_by": 7}))
    [message] = told.messages()
    assert "\n" not in message["Subject"]


def desk_of(told: Told, topic: str | None = None) -> AwsDesk:
    return AwsDesk(DeskSettings(f"/{NAME}/targets", topic or told.stack["NoticeTopic"], TARGET))


def test_an_intent_is_open_as_long_as_the_label_is_on_a_version(told: Told, adapters_use: Callable[[LocalAws], None]) -> None:
    adapters_use(told.aws)
    assert not desk_of(told).holds_intent(TARGET)
    version = told.hold_intent()
    assert desk_of(told).holds_intent(TARGET)
    told.let_go(version)
    assert not desk_of(told).holds_intent(TARGET)


def test_a_topic_that_takes_no_message_is_an_error(told: Told, adapters_use: Callable[[LocalAws], None]) -> None:
    adapters_use(told.aws)
    with pytest.raises(NotAnnounced):
        desk_of(told, f"arn:aws:sns:{HERE}:not-there").tell(Notice("subject", "text"))


# ---- the filters --------------------------------------------------------------------------------------------------------------

AUDIT = "1728498527380921,openemr-1,{user},10.0.1.7,147189,0,{operation},{database},,{code}"
ERROR = "2026-01-05T03:26:59.310443Z 220 [Note] [MY-010926] [Server] {text} (sql_authentication.cc:1502)"
REFUSED = {
    "DatabaseAuditFilter": [
        AUDIT.format(user="openemr_a", operation="FAILED_CONNECT", database="", code=1045),
        AUDIT.format(user="openemr_a", operation="FAILED_CONNECT", database="openemr", code=1045),
    ],
    "DatabaseErrorFilter": [ERROR.format(text="Access denied for user 'openemr_a'@'10.0.1.7' (using password: YES)")],
}
"""As Aurora MySQL writes them into its audit log and its error log."""
LET_IN = [
    AUDIT.format(user="openemr_a", operation="CONNECT", database="openemr", code=0),
    AUDIT.format(user="openemr_a", operation="DISCONNECT", database="", code=0),
    AUDIT.format(user="", operation="FAILED_CONNECT", database="", code=1158),
    AUDIT.format(user="openemr_a", operation="QUERY", database="openemr", code=0).replace(",,0", ",'SELECT 1',0"),
    ERROR.format(text="Aborted connection 220 to db: 'openemr' user: 'openemr_a' host: '10.0.1.7'"),
]


@pytest.mark.parametrize("name", REFUSED)
def test_a_filter_counts_the_logins_that_the_database_refused_and_no_others(told: Told, name: str) -> None:
    logs = told.aws.client("logs")
    [found] = logs.describe_metric_filters(logGroupName=DATABASE_LOG, filterNamePrefix=name)["metricFilters"]
    logs.create_log_stream(logGroupName=DATABASE_LOG, logStreamName=name)
    others = [line for other, lines in REFUSED.items() if other != name for line in lines]
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": line} for line in [*LET_IN, *others, *REFUSED[name]]]
    logs.put_log_events(logGroupName=DATABASE_LOG, logStreamName=name, logEvents=events)
    counted = logs.filter_log_events(logGroupName=DATABASE_LOG, logStreamNames=[name], filterPattern=found["filterPattern"])
    assert [one["message"] for one in counted["events"]] == REFUSED[name]
    [metric] = found["metricTransformations"]
    assert (metric["metricNamespace"], metric["metricName"]) == METRICS["ServiceAuthenticationFailure-database"]
    assert (metric["metricValue"], metric.get("dimensions")) == ("1", None)


# ---- the alarms ---------------------------------------------------------------------------------------------------------------

MINUTES, HOURS, DAYS = 60.0, 3600.0, 86_400.0
Series = list[tuple[float, float]]
"""How long ago in seconds, and the value."""
OVERDUE = CLASSES[DEFAULT_CLASS].overdue_days


OURS_BY = {"target": TARGET, "environment": "prod"}
METRICS = {
    **{f"Executions{how}": ("AWS/States", f"Executions{how}") for how in ("Failed", "TimedOut", "Aborted")},
    "SecretRotationJobFailed": ("CredentialRotation", "secret_rotation_success_rate"),
    "ServiceAuthenticationFailure": ("CredentialRotation", "authentication_failures_count"),
    "ServiceAuthenticationFailure-database": (f"CredentialRotation/{NAME}", "authentication_failures_count"),
    "RotationOverdue": ("CredentialRotation", "credential_rotation_days_since_success"),
    "VaultTokenExpiringSoon": ("CredentialRotation", METRIC),
    "RotationSlow": ("CredentialRotation", "secret_rotation_working_seconds"),
    "HealthCheckSlow": ("CredentialRotation", "secret_rotation_health_check_seconds"),
    "NotDelivered": ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
    "TellOutcomeFailed": ("AWS/Lambda", "Errors"),
}
"""What each alarm is for, as whoever emits it calls it."""


def dimensions(told: Told, namespace: str) -> dict[str, str]:
    """As whoever emits it gives them."""
    return {
        "AWS/States": {"StateMachineArn": told.stack["RotationStateMachine"]},
        "AWS/SQS": {"QueueName": told.stack["NotDeliveredQueue"].rsplit("/", 1)[-1]},
        "AWS/Lambda": {"FunctionName": told.stack["TellOutcomeFunction"]},
        "CredentialRotation": OURS_BY,
    }.get(namespace, {})


@dataclass(frozen=True)
class Feed:
    alarm: str
    fires: bool
    points: Series
    dimensions: tuple[tuple[str, str], ...] = ()
    """Other ones than the emitter's, by name."""

    def __str__(self) -> str:
        return f"{self.alarm} {'fires' if self.fires else 'does not fire'} {self.points} {dict(self.dimensions) or ''}"


ONCE: Series = [(2 * MINUTES, 1)]
FEEDS = [
    *(Feed(f"Executions{how}", fires=True, points=ONCE) for how in ("Failed", "TimedOut", "Aborted")),
    *(Feed(f"Executions{how}", fires=False, points=[(2 * MINUTES, 0)]) for how in ("Failed", "TimedOut", "Aborted")),
    *(Feed(f"Executions{how}", fires=False, points=[]) for how in ("Failed", "TimedOut", "Aborted")),
    Feed("ExecutionsFailed", fires=False, points=ONCE, dimensions=(("StateMachineArn", "arn:of:another"),)),
    Feed("SecretRotationJobFailed", fires=True, points=[(2 * MINUTES, 0)]),
    Feed("SecretRotationJobFailed", fires=True, points=[(2 * MINUTES, 0), (1 * MINUTES, 100)]),
    Feed("SecretRotationJobFailed", fires=False, points=[(2 * MINUTES, 100)]),
    Feed("SecretRotationJobFailed", fires=False, points=[]),
    Feed("SecretRotationJobFailed", fires=False, points=[(2 * MINUTES, 0)], dimensions=(("target", "another"),)),
    Feed("ServiceAuthenticationFailure", fires=True, points=ONCE),
    Feed("ServiceAuthenticationFailure", fires=False, points=[]),
    Feed("ServiceAuthenticationFailure", fires=False, points=ONCE, dimensions=(("environment", "staging"),)),
    Feed("ServiceAuthenticationFailure-database", fires=True, points=[(2 * MINUTES, 1)] * 20),
    Feed("ServiceAuthenticationFailure-database", fires=False, points=[(2 * MINUTES, 1)] * 19),
    Feed("ServiceAuthenticationFailure-database", fires=False, points=[]),
    Feed("RotationOverdue", fires=True, points=[(29 * HOURS, OVERDUE), (5 * HOURS, OVERDUE + 1)]),
    Feed("RotationOverdue", fires=True, points=[]),
    Feed("RotationOverdue", fires=True, points=[(24 * 4 * HOURS, 3)]),
    Feed("RotationOverdue", fires=False, points=[(29 * HOURS, OVERDUE - 1), (5 * HOURS, OVERDUE)]),
    Feed("RotationOverdue", fires=False, points=[(48.2 * HOURS, 2), (24.4 * HOURS, 3)]),
    Feed("RotationOverdue", fires=False, points=[(5 * HOURS, OVERDUE + 4), (1 * HOURS, 0)]),
    Feed("VaultTokenExpiringSoon", fires=True, points=[(5 * HOURS, 30 * DAYS), (5 * HOURS, 7 * DAYS - 1)]),
    Feed("VaultTokenExpiringSoon", fires=False, points=[(29 * HOURS, 8 * DAYS), (5 * HOURS, 7 * DAYS)]),
    Feed("VaultTokenExpiringSoon", fires=False, points=[]),
    Feed("VaultTokenExpiringSoon", fires=False, points=[(5 * HOURS, 1)], dimensions=(("target", "another"),)),
    Feed("RotationSlow", fires=True, points=[(2 * MINUTES, 301)]),
    Feed("RotationSlow", fires=False, points=[(2 * MINUTES, 300)]),
    Feed("RotationSlow", fires=False, points=[]),
    Feed("HealthCheckSlow", fires=True, points=[(2 * MINUTES, 31)]),
    Feed("HealthCheckSlow", fires=False, points=[(2 * MINUTES, 30)]),
    Feed("HealthCheckSlow", fires=False, points=[]),
    Feed("NotDelivered", fires=True, points=ONCE),
    Feed("NotDelivered", fires=False, points=[(2 * MINUTES, 0)]),
    Feed("TellOutcomeFailed", fires=True, points=ONCE),
    Feed("TellOutcomeFailed", fires=False, points=[(2 * MINUTES, 0)]),
    Feed("TellOutcomeFailed", fires=False, points=ONCE, dimensions=(("FunctionName", "another"),)),
]


def alarms_of(told: Told) -> dict[str, dict[str, Any]]:
    """As they were deployed, by their names without the stack's."""
    found = told.aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    return {one["AlarmName"].removeprefix(f"{NAME}-"): one for one in found}


def test_every_alarm_is_fed_with_what_must_raise_it_and_with_what_must_not(told: Told) -> None:
    for fires in (True, False):
        assert {feed.alarm for feed in FEEDS if feed.fires == fires} == set(alarms_of(told))


@pytest.fixture(scope="module")
def cloudwatch() -> Any:
    """Made once: that takes longer than a test. It reaches moto in this process, and nothing outside of it."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "local"}
    return boto3.client("cloudwatch", region_name="us-east-1", endpoint_url="https://monitoring.us-east-1.amazonaws.com", **keys)


@pytest.fixture
def raised(told: Told, cloudwatch: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Feed], bool]]:
    """Whether the deployed alarm is, after its metric was fed: in a CloudWatch of its own, evaluated by LocalStack."""
    with mock_aws():
        monkeypatch.setattr(alarm_scheduler, "get_cloudwatch_client_for_region_of_alarm", lambda _arn: cloudwatch)
        taken = cloudwatch.meta.service_model.operation_model("PutMetricAlarm").input_shape.members

        def evaluate(feed: Feed) -> bool:
            alarm = alarms_of(told)[feed.alarm]
            cloudwatch.put_metric_alarm(**{key: value for key, value in alarm.items() if key in taken})
            namespace, metric = METRICS[feed.alarm]
            named = dimensions(told, namespace) | dict(feed.dimensions)
            pairs = [{"Name": name, "Value": value} for name, value in named.items()]
            now = datetime.now(UTC)
            for ago, value in feed.points:
                point = {"MetricName": metric, "Dimensions": pairs, "Value": value, "Timestamp": now - timedelta(seconds=ago)}
                cloudwatch.put_metric_data(Namespace=namespace, MetricData=[point])
            [deployed] = cloudwatch.describe_alarms()["MetricAlarms"]
            alarm_scheduler.calculate_alarm_state(deployed["AlarmArn"])
            [evaluated] = cloudwatch.describe_alarms()["MetricAlarms"]
            return bool(evaluated["StateValue"] == "ALARM")

        yield evaluate


@pytest.mark.parametrize("feed", FEEDS, ids=str)
def test_an_alarm_is_raised_by_what_it_is_for(raised: Callable[[Feed], bool], feed: Feed) -> None:
    assert raised(feed) == feed.fires


def test_an_alarm_reaches_the_topic(told: Told) -> None:
    assert {tuple(one["AlarmActions"]) for one in alarms_of(told).values()} == {(told.stack["NoticeTopic"],)}


def test_an_alarm_names_all_dimensions_of_its_metric(told: Told) -> None:
    """CloudWatch finds a metric only by all of them; moto is content with some."""
    for name, alarm in alarms_of(told).items():
        assert {pair["Name"]: pair["Value"] for pair in alarm["Dimensions"]} == dimensions(told, METRICS[name][0])


def test_our_own_metrics_go_out_under_these_names_and_dimensions(
    told: Told, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = {metric for namespace, metric in METRICS.values() if namespace == "CredentialRotation"}
    settings = told.aws.client("lambda").get_function_configuration(FunctionName=told.stack["ReadSlotsFunction"])
    variables = settings["Environment"]["Variables"]
    monkeypatch.setenv("ENVIRONMENT", variables["ENVIRONMENT"])
    monkeypatch.setattr(entry.metrics, "namespace", variables["POWERTOOLS_METRICS_NAMESPACE"])
    entry._record("a_step", TARGET, 1.0, failed=False, measured=dict.fromkeys(ours, 1))
    _, line = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [sent] = line["_aws"]["CloudWatchMetrics"]
    [names] = sent["Dimensions"]
    assert (sent["Namespace"], {name: line[name] for name in names}) == ("CredentialRotation", OURS_BY)
    assert {one["Name"] for one in sent["Metrics"]} == ours
