"""Real WordPress on real MySQL, three instances behind a balancer, and the shipped document sent to them by Run Command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.aws import LocalAws
from local.instances.fleet import Instance
from local.leftovers import Leftovers
from local.load import Load
from local.mysql import Login, MySQL
from local.wordpress.blog import APP, DOCUMENT_NAME, SCHEMA, Blog
from local.wordpress.site import TITLE
from tests.until import until

FIRST, SECOND = Login("blog_a", "first-canary-password"), Login("blog_b", "second-'\"\\$canary-password")
RATE = 10.0


@pytest.fixture(scope="module")
def blog() -> Iterator[Blog]:
    with Leftovers() as run, MySQL(run.directory / "mysql", run.environment) as server:
        server.create_schema(SCHEMA)
        for login in (FIRST, SECOND):
            server.create_user(login, SCHEMA)
        with (
            LocalAws(Path("no-function-runs-here"), run.directory / "logs", environment=run.environment) as aws,
            Blog(aws, server, run.directory / "instances", run.environment, FIRST) as blog,
        ):
            for _ in range(3):
                blog.fleet.launch()
            blog.fleet.wait_until_serving()
            yield blog


@pytest.fixture
def current(blog: Blog) -> Iterator[str]:
    """The version with the first login; all hold it again afterwards."""
    version = blog.aws.client("secretsmanager").get_secret_value(SecretId=blog.arn)["VersionId"]
    yield version
    done = ended(blog, send(blog, "write", version, Page=""))
    assert {one["status"] for one in done.values()} == {"Success"}


def send(blog: Blog, action: str, version: str, **more: Any) -> str:
    options = {key: more.pop(key) for key in ("MaxConcurrency", "MaxErrors", "InstanceIds") if key in more}
    to = {} if "InstanceIds" in options else {"Targets": [{"Key": "tag:app", "Values": [APP]}]}
    parameters = {"Action": action, "SecretArn": blog.arn, "VersionId": version, "Marker": TITLE, **more}
    given = {name: [value] for name, value in parameters.items()}
    command = blog.aws.client("ssm").send_command(DocumentName=DOCUMENT_NAME, Parameters=given, TimeoutSeconds=60, **to, **options)
    sent: str = command["Command"]["CommandId"]
    return sent


def ended(blog: Blog, command: str) -> dict[str, dict[str, Any]]:
    """By instance: the status, and what the document answered."""

    def look() -> dict[str, dict[str, Any]] | None:
        found = blog.aws.client("ssm").list_command_invocations(CommandId=command, Details=True)["CommandInvocations"]
        if not found or any(one["Status"] in ("Pending", "InProgress", "Cancelling") for one in found):
            return None
        return {one["InstanceId"]: {"status": one["Status"], "details": one["StatusDetails"], **_said(one)} for one in found}

    done: dict[str, dict[str, Any]] = until(look)
    return done


def _said(invocation: dict[str, Any]) -> dict[str, Any]:
    output = "".join(plugin["Output"] for plugin in invocation["CommandPlugins"])
    return json.loads(output.splitlines()[0]) if output else {}


def test_a_page_says_which_user_served_it(blog: Blog) -> None:
    for instance in blog.fleet.instances.values():
        assert TITLE in instance.page()
        assert f"knows us as {FIRST.username}." in instance.page()


def test_written_on_all_with_the_page_well_and_no_request_failed(blog: Blog, current: str) -> None:
    version = blog.put(SECOND, "STAGING")
    with Load(blog.fleet.front.url, RATE, marker=TITLE) as load:
        done = ended(blog, send(blog, "write", version, MaxConcurrency="1"))
        until(lambda: load.results().requests and load.results().requests[-1].user == SECOND.username)
        requests = load.stop()
    assert set(done) == set(blog.fleet.instances)
    for told in done.values():
        assert (told["status"], told["file"], told["holds"], told["page"]) == ("Success", "written", version, "well")
    for instance in blog.fleet.instances.values():
        assert f"knows us as {SECOND.username}." in instance.page()
    assert requests.failures == []
    assert set(requests.by_user()) == {FIRST.username, SECOND.username}
    looked = ended(blog, send(blog, "look", current, Candidates=version))
    assert {(told["status"], told["file"], told["holds"]) for told in looked.values()} == {("Failed", "unchanged", version)}


def test_a_canary_that_fails_its_page_stops_the_others(blog: Blog, current: str) -> None:
    """A login that the database does not know."""
    broken = blog.put(Login("nobody", "wrong-canary-password"), "BROKEN")
    canary = next(iter(blog.fleet.instances))
    [told] = ended(blog, send(blog, "write", broken, InstanceIds=[canary])).values()
    assert (told["status"], told["holds"], told["page"], told["reason"]) == ("Failed", broken, "bad", "PageBad")
    all_of_them = ended(blog, send(blog, "write", broken, MaxConcurrency="1", MaxErrors="0"))
    assert sorted(one["details"] for one in all_of_them.values()) == ["Failed", "Terminated", "Terminated"]


def half_way(instance: Instance) -> None:
    """Until a command's process is at work on that instance."""
    until(lambda: any(instance.root.glob("var/lib/amazon/ssm/*/document/orchestration/*/*/*/_script.sh")))


def test_one_that_is_killed_half_way_is_whole_and_the_others_serve(blog: Blog, current: str) -> None:
    version = blog.put(SECOND, "KILLED")
    victim = blog.fleet.launch()
    blog.fleet.wait_until_serving()
    command = send(blog, "write", version)
    half_way(victim)
    blog.fleet.lose(victim)
    done = ended(blog, command)
    assert done[victim.id]["details"] == "Undeliverable"
    assert {told["holds"] for name, told in done.items() if name != victim.id} == {version}
    text = victim.config.read_text()
    assert FIRST.password in text or "second-" in text
    assert text.rstrip().endswith("require_once ABSPATH . 'wp-settings.php';")


def test_an_agent_that_is_killed_begins_again_when_it_is_back(blog: Blog, current: str) -> None:
    version = blog.put(SECOND, "AGENT")
    victim = next(iter(blog.fleet.instances.values()))
    before = set(victim.root.glob("var/lib/amazon/ssm/*/document/orchestration/*"))
    command = send(blog, "write", version)
    until(lambda: set(victim.root.glob("var/lib/amazon/ssm/*/document/orchestration/*")) - before)
    victim.kill_agent()
    victim.start_agent()
    done = ended(blog, command)
    assert {(told["status"], told["holds"]) for told in done.values()} == {("Success", version)}


def test_one_that_was_stopped_comes_back_with_what_is_current(blog: Blog, current: str) -> None:
    """Out of a warm pool; its first request is served with it."""
    instance = blog.fleet.launch()
    blog.fleet.wait_until_serving()
    blog.fleet.stop(instance)
    second = blog.put(SECOND, "AWSCURRENT")
    try:
        blog.fleet.start(instance)
        blog.fleet.wait_until_serving()
        assert f"knows us as {SECOND.username}." in instance.page()
    finally:
        operator = blog.aws.client("secretsmanager")
        operator.update_secret_version_stage(
            SecretId=blog.arn, VersionStage="AWSCURRENT", MoveToVersionId=current, RemoveFromVersionId=second
        )
        blog.fleet.end(instance)


def test_no_password_in_what_run_command_and_the_agents_keep(blog: Blog, current: str) -> None:
    version = blog.put(SECOND, "CANARY")
    ended(blog, send(blog, "write", version, Page=""))
    passwords = (FIRST.password, SECOND.password)
    assert len(blog.aws.commands()) > 0
    assert not any(password in json.dumps(blog.aws.commands()) for password in passwords)
    for instance in blog.fleet.instances.values():
        kept = [path for path in instance.root.rglob("*") if path.is_file() and path.stat().st_nlink == 1]
        assert any(path.name == "_script.sh" for path in kept)
        holding = [path for path in kept if any(password.encode() in path.read_bytes() for password in passwords)]
        assert holding in ([], [instance.config])
