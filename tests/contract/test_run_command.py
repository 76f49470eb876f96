"""Run Command's stand-in does what AWS's documentation says: what is refused, who gets what when, and what is kept."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import LocalAws
from local.instances.commands import Command, Commands, Pace, share
from local.instances.documents import Document, InvalidDocument, InvalidParameters, rendered

CONTENT = """
schemaVersion: "2.2"
parameters:
  Word: {type: String, allowedPattern: "^[a-z]*$"}
  Other: {type: String, default: none, allowedValues: [none, some]}
mainSteps:
  - action: aws:runShellScript
    name: say
    inputs: {timeoutSeconds: "60", runCommand: ["echo {{ Word }}", "echo {{Other}}"]}
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws(Path("no-function-runs-here"), tmp_path_factory.mktemp("logs")) as aws:
        aws.client("ssm").create_document(Name="say", Content=CONTENT, DocumentType="Command", DocumentFormat="YAML")
        aws.pace_commands(hidden_seconds=0.0)
        yield aws


def launched(aws: LocalAws, tag: str, count: int = 1) -> list[str]:
    """In EC2, with an agent that was heard of."""
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "app", "Value": tag}]}]
    made = aws.client("ec2").run_instances(ImageId="ami-12c6146b", MinCount=count, MaxCount=count, TagSpecifications=tags)
    names = [one["InstanceId"] for one in made["Instances"]]
    for name in names:
        poll(aws, name)
    return names


def poll(aws: LocalAws, instance: str, *running: str) -> dict[str, Any]:
    told: dict[str, Any] = aws._order("agents/poll", {"instance": instance, "running": list(running), "wait": 0})
    return told


def report(aws: LocalAws, instance: str, command: str, code: int = 0, output: str = "", ended: str = "exited") -> None:
    told = {"instance": instance, "command": command, "ended": ended, "code": code, "output": output, "error_output": ""}
    aws._order("agents/report", told)


def send(aws: LocalAws, tag: str = "", word: str = "hello", **more: Any) -> str:
    to = {"Targets": [{"Key": "tag:app", "Values": [tag]}]} if tag else {}
    sent = aws.client("ssm").send_command(DocumentName="say", Parameters={"Word": [word]}, **to, **more)
    command: str = sent["Command"]["CommandId"]
    return command


def states(aws: LocalAws, command: str) -> list[str]:
    listed = aws.client("ssm").list_command_invocations(CommandId=command)["CommandInvocations"]
    return sorted(one["StatusDetails"] for one in listed)


def refused(call: Any, **given: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(**given)
    code: str = raised.value.response["Error"]["Code"]
    return code


# ---- what is refused


def test_what_a_command_may_not_be(aws: LocalAws) -> None:
    [instance] = launched(aws, "refused")
    send_command = aws.client("ssm").send_command
    good: dict[str, Any] = {"DocumentName": "say", "Parameters": {"Word": ["a"]}, "InstanceIds": [instance]}
    assert refused(send_command, **good | {"DocumentName": "unknown"}) == "InvalidDocument"
    assert refused(send_command, **good | {"Parameters": {}}) == "InvalidParameters"
    assert refused(send_command, **good | {"Parameters": {"Word": ["A"]}}) == "InvalidParameters"
    assert refused(send_command, **good | {"Parameters": {"Word": ["a", "b"]}}) == "InvalidParameters"
    assert refused(send_command, **good | {"Parameters": {"Word": ["a"], "Other": ["x"]}}) == "InvalidParameters"
    assert refused(send_command, **good | {"Parameters": {"Word": ["a"], "Undeclared": ["x"]}}) == "InvalidParameters"
    assert refused(send_command, **good | {"InstanceIds": ["i-00000000000000000"]}) == "InvalidInstanceId"
    assert refused(send_command, **good | {"Targets": [{"Key": "tag:app", "Values": ["x"]}]}) == "InvalidParameters"


def test_a_document_may_not_name_what_it_does_not_declare() -> None:
    with pytest.raises(InvalidDocument, match="Word"):
        Document(CONTENT.replace("  Word:", "  Wort:"))
    with pytest.raises(InvalidDocument, match="64 KB"):
        Document(CONTENT + "#" * 65_536)
    with pytest.raises(InvalidParameters, match="Word is missing"):
        Document(CONTENT).values({})


def test_a_script_has_the_values_where_their_names_were() -> None:
    document = Document(CONTENT)
    assert rendered(document.scripts()[0], document.values({"Word": ["hello"]})) == "echo hello\necho none"


# ---- who gets it, and how it ends


def test_a_command_and_its_answer(aws: LocalAws) -> None:
    [instance] = launched(aws, "answer")
    command = send(aws, "answer", Comment="a comment")
    assert states(aws, command) == ["Pending"]
    work = poll(aws, instance)["work"]
    assert (work["command"], work["parameters"], work["scripts"]) == (
        command,
        {"Word": "hello", "Other": "none"},
        ["echo {{ Word }}\necho {{Other}}"],
    )
    assert states(aws, command) == ["InProgress"]
    assert poll(aws, instance, command)["work"] is None
    report(aws, instance, command, output="x" * 30_000)
    got = aws.client("ssm").get_command_invocation(CommandId=command, InstanceId=instance)
    assert (got["Status"], got["ResponseCode"], len(got["StandardOutputContent"])) == ("Success", 0, 24_000)
    listed = aws.client("ssm").list_command_invocations(CommandId=command, Details=True)["CommandInvocations"]
    assert len(listed[0]["CommandPlugins"][0]["Output"]) == 2_500
    [summary] = aws.client("ssm").list_commands(CommandId=command)["Commands"]
    assert (summary["Status"], summary["TargetCount"], summary["CompletedCount"]) == ("Success", 1, 1)
    assert summary["Parameters"] == {"Word": ["hello"]}


def test_only_those_with_the_tag_and_an_agent(aws: LocalAws) -> None:
    names = launched(aws, "tagged", 2)
    launched(aws, "elsewhere")
    aws.client("ec2").run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)
    command = send(aws, "tagged")
    listed = aws.client("ssm").list_command_invocations(CommandId=command)["CommandInvocations"]
    assert sorted(one["InstanceId"] for one in listed) == sorted(names)


def test_nobody_with_the_tag_is_no_error(aws: LocalAws) -> None:
    command = send(aws, "nobody")
    [summary] = aws.client("ssm").list_commands(CommandId=command)["Commands"]
    assert (summary["Status"], summary["StatusDetails"], summary["TargetCount"]) == ("Success", "NoInstancesInTag", 0)


def test_no_more_at_once_than_is_said(aws: LocalAws) -> None:
    names = launched(aws, "at once", 3)
    command = send(aws, "at once", MaxConcurrency="1")
    at_work = [name for name in names if poll(aws, name)["work"]]
    assert at_work == names[:1]
    report(aws, names[0], command)
    assert poll(aws, names[2])["work"]["command"] == command


def test_after_too_many_errors_nobody_else_gets_it(aws: LocalAws) -> None:
    names = launched(aws, "errors", 3)
    command = send(aws, "errors", MaxConcurrency="1", MaxErrors="0")
    poll(aws, names[0])
    report(aws, names[0], command, code=1)
    assert states(aws, command) == ["Failed", "Terminated", "Terminated"]
    assert poll(aws, names[1])["work"] is None
    [summary] = aws.client("ssm").list_commands(CommandId=command)["Commands"]
    assert (summary["Status"], summary["StatusDetails"], summary["ErrorCount"]) == ("Failed", "RateExceeded", 1)


def test_one_that_waits_is_cancelled_at_once_and_one_that_runs_when_its_agent_says_so(aws: LocalAws) -> None:
    names = launched(aws, "cancelled", 2)
    command = send(aws, "cancelled", MaxConcurrency="1")
    poll(aws, names[0])
    aws.client("ssm").cancel_command(CommandId=command)
    assert states(aws, command) == ["Cancelled", "Cancelling"]
    assert poll(aws, names[0], command)["cancel"] == [command]
    report(aws, names[0], command, code=-9, ended="cancelled")
    assert states(aws, command) == ["Cancelled", "Cancelled"]


def test_an_agent_that_came_back_begins_again(aws: LocalAws) -> None:
    [instance] = launched(aws, "again")
    command = send(aws, "again")
    assert poll(aws, instance)["work"]["command"] == command
    assert poll(aws, instance)["work"]["command"] == command


def test_one_that_was_terminated_is_undeliverable(aws: LocalAws) -> None:
    [instance] = launched(aws, "terminated")
    command = send(aws, "terminated")
    aws.forget_instance(instance)
    assert states(aws, command) == ["Undeliverable"]
    found = aws.client("ssm").describe_instance_information(Filters=[{"Key": "InstanceIds", "Values": [instance]}])
    assert found["InstanceInformationList"] == []


def test_all_pages(aws: LocalAws) -> None:
    names = launched(aws, "pages", 7)
    command = send(aws, "pages")
    pages = list(
        aws.client("ssm").get_paginator("list_command_invocations").paginate(CommandId=command, PaginationConfig={"PageSize": 3})
    )
    assert [len(page["CommandInvocations"]) for page in pages] == [3, 3, 1]
    assert sorted(one["InstanceId"] for page in pages for one in page["CommandInvocations"]) == sorted(names)
    told = aws.client("ssm").get_paginator("describe_instance_information")
    filters = [{"Key": "tag:app", "Values": ["pages"]}]
    informed = [page["InstanceInformationList"] for page in told.paginate(Filters=filters, PaginationConfig={"PageSize": 5})]
    assert [len(page) for page in informed] == [5, 2]


def test_by_document_and_by_when_it_was_sent(aws: LocalAws) -> None:
    launched(aws, "filtered")
    command, listed = send(aws, "filtered"), aws.client("ssm").list_command_invocations
    within: list[dict[str, str]] = [
        {"key": "DocumentName", "value": "say"},
        {"key": "InvokedAfter", "value": "2021-07-07T00:00:00Z"},
    ]
    assert [one["CommandId"] for one in listed(CommandId=command, Filters=within)["CommandInvocations"]] == [command]
    for key, value in (("DocumentName", "another"), ("InvokedAfter", "2100-07-07T00:00:00Z"), ("Status", "Success")):
        assert listed(CommandId=command, Filters=[{"key": key, "value": value}])["CommandInvocations"] == []
    assert refused(listed, Filters=[{"key": "InvokedAfter", "value": "yesterday"}]) == "ValidationException"


def test_what_a_failed_script_said_last_is_in_the_list(aws: LocalAws) -> None:
    [instance] = launched(aws, "said")
    command = send(aws, "said")
    poll(aws, instance)
    told = {"instance": instance, "command": command, "ended": "exited", "code": 1, "output": "out", "error_output": "failed"}
    aws._order("agents/report", told)
    [one] = aws.client("ssm").list_command_invocations(CommandId=command, Details=True)["CommandInvocations"]
    assert one["CommandPlugins"][0]["Output"] == "out\n----------ERROR-------\nfailed"


def test_parameters_and_output_are_there_for_everybody_who_looks(aws: LocalAws) -> None:
    [instance] = launched(aws, "canary")
    command = send(aws, "canary", "password")
    poll(aws, instance)
    report(aws, instance, command, output="a secret")
    [kept] = [one for one in aws.commands() if one["id"] == command]
    assert kept["parameters"] == {"Word": ["password"]}
    assert kept["invocations"][0]["output"] == "a secret"


def test_nobody_finds_a_command_that_was_just_sent(aws: LocalAws) -> None:
    [instance] = launched(aws, "hidden")
    aws.pace_commands(hidden_seconds=60.0)
    command = send(aws, "hidden")
    get = aws.client("ssm").get_command_invocation
    assert refused(get, CommandId=command, InstanceId=instance) == "InvocationDoesNotExist"
    assert states(aws, command) == []
    aws.pace_commands(hidden_seconds=0.0)
    assert get(CommandId=command, InstanceId=instance)["Status"] == "Pending"
    assert refused(get, CommandId=str(uuid.uuid4()), InstanceId=instance) == "InvocationDoesNotExist"


# ---- time, handed in


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def commands(clock: Clock) -> Commands:
    commands = Commands(clock)
    commands.pace = Pace(hidden_seconds=0.0)
    return commands


def sent(commands: Commands, *instances: str) -> Command:
    given = {"Word": ["a"]}
    return commands.send(Command("say", Document(CONTENT), given, "", [], 50, 0, 30.0, commands.now()), instances)


def details(commands: Commands) -> list[str]:
    return [one.details for command in commands.found() for one in command.invocations.values()]


def test_what_no_agent_fetches_times_out_and_counts_as_no_error(commands: Commands, clock: Clock) -> None:
    commands.poll("i-1", [], 0)
    command = sent(commands, "i-1")
    clock.now += 10
    assert details(commands) == ["Delayed"]
    assert commands.managed() == {"i-1": False}
    clock.now += 21
    assert (details(commands), command.errors()) == (["DeliveryTimedOut"], 0)
    assert commands.poll("i-1", [], 0)["work"] is None


def test_what_an_agent_does_not_end_times_out_by_the_documents_time(commands: Commands, clock: Clock) -> None:
    command = sent(commands, "i-1")
    assert commands.poll("i-1", [], 0)["work"]["seconds"] == 60.0
    clock.now += 61
    assert (details(commands), command.errors()) == (["ExecutionTimedOut"], 1)
    commands.report("i-1", command.id, "exited", 0, "too late", "")
    assert details(commands) == ["ExecutionTimedOut"]


@pytest.mark.parametrize(("text", "total", "least", "count"), [("3", 10, 1, 3), ("10%", 25, 1, 2), ("1%", 5, 1, 1), ("0", 5, 0, 0)])
def test_a_share_of_all(text: str, total: int, least: int, count: int) -> None:
    assert share(text, total, least) == count
