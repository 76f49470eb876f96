"""Mode dry-run, in every situation: it says what would be done, and nothing is written anywhere; counted at the servers."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.follow import Run
from local.stack import ADMIN_SECRET, SLOT_SECRET, LocalStack
from tests.e2e.first_run import as_terraform_leaves_it
from tests.e2e.hands import Kubernetes, SecretState, document, output_of, state_of, stop_before
from tests.e2e.rotations import Rotations
from tests.whole import only_in_the_whole, only_with_more

COMMAND = re.compile(r"^\d{4}-\d\d-\d\dT\S+\s+\d+ ([A-Z][a-z]+(?: [A-Z]+)?)\t?(.*)$")
HARMLESS = ("Connect", "Quit", "Init DB", "Ping")
READS = re.compile(r"\s*(SELECT|SHOW|SET (AUTOCOMMIT|NAMES|character_set|SESSION wait_timeout)|ROLLBACK$)", re.IGNORECASE)
PUBLISH = "ClaimRotation SyncUsers WriteSqlconf PatchSecret RestartApp ValidateApp FlipSlot".split()
RETIRE = "OverlapWindow CheckDrained RotateOldSlot DiscardOldPassword RotateAdmin ReleaseRotation".split()


@dataclass(frozen=True)
class World:
    """Everything that a rotation could write to, but for the database."""

    secrets: list[SecretState]
    objects: dict[str, str]
    """resourceVersions"""
    content: bytes
    status: tuple[int, ...]
    """Of sqlconf.php: inode, size, owner, mode, time of the last change of its content and of its status."""
    folder: tuple[list[str], int]
    target: dict[str, Any]


def world(stack: LocalStack) -> World:
    file: Path = stack.app.sites / "default" / "sqlconf.php"
    status = file.stat()
    return World(
        secrets=[state_of(stack, secret) for secret in (SLOT_SECRET, ADMIN_SECRET)],
        objects=Kubernetes(stack).versions(),
        content=file.read_bytes(),
        status=(
            *(status.st_ino, status.st_size, status.st_uid, status.st_gid, status.st_mode),
            *(status.st_mtime_ns, status.st_ctime_ns),
        ),
        folder=(sorted(path.name for path in file.parent.iterdir()), file.parent.stat().st_mtime_ns),
        target=document(stack),
    )


def commands(log: bytes) -> list[tuple[str, str]]:
    """The server's own list of what it was told: command and text, those of all clients."""
    lines = [COMMAND.match(line) for line in log.decode(errors="replace").splitlines()]
    return [(line.group(1), line.group(2)) for line in lines if line]


def writes(log: bytes) -> list[str]:
    """Whatever is not known to only read."""
    return [
        text if command == "Query" else command
        for command, text in commands(log)
        if command not in HARMLESS and not (command == "Query" and READS.match(text))
    ]


@contextmanager
def nothing_written(stack: LocalStack) -> Iterator[None]:
    log = stack.app.mysql.general_log
    before, told = world(stack), log.stat().st_size
    yield
    with log.open("rb") as opened:
        opened.seek(told)
        seen = opened.read()
    assert [text for command, text in commands(seen) if command == "Connect" and "openemr" in text], "the log tells what happens"
    assert writes(seen) == []
    assert b"GET_LOCK" not in seen, "a dry run does not keep a rotation waiting"
    assert world(stack) == before


def dry_run(rotations: Rotations) -> tuple[Run, dict[str, Any]]:
    """It, and the situation that it reports."""
    with nothing_written(rotations.stack):
        run = rotations.run(mode="dry-run")
    assert run.outcome == "PlanReported", run.cause
    assert [visit.state for visit in run.visits if visit.kind == "Task"] == ["ReadSlots"]
    return run, output_of(rotations.stack, run)["situation"]


def states(situation: dict[str, Any]) -> list[str]:
    return [step["state"] for step in situation["plan"]]


def change(situation: dict[str, Any], state: str) -> str:
    """What the plan says that this state would change."""
    (found,) = [step["change"] for step in situation["plan"] if step["state"] == state]
    return str(found)


def test_what_writes_is_told_from_what_reads() -> None:
    log = b"""2026-01-01T00:00:00.000001Z\t    8 Connect\tu@localhost on  using SSL/TLS
2026-01-01T00:00:00.000002Z\t    8 Query\tSELECT 1
2026-01-01T00:00:00.000002Z\t    8 Query\tSET AUTOCOMMIT = 1
2026-01-01T00:00:00.000003Z\t    8 Query\tALTER USER 'u'@'%' IDENTIFIED WITH 'x' AS '<secret>'
2026-01-01T00:00:00.000004Z\t    8 Query\tSET PASSWORD FOR 'u'@'%'=<secret>
2026-01-01T00:00:00.000005Z\t    8 Prepare\tDELETE FROM t
2026-01-01T00:00:00.000006Z\t    8 Quit\t
"""
    assert [text.split()[0] for text in writes(log)] == ["ALTER", "SET", "Prepare"]


def test_a_rotation_would_be_noticed(rotations: Rotations) -> None:
    """Each of the counts above sees a write of its kind."""
    stack = rotations.stack
    before, told = world(stack), stack.app.mysql.general_log.stat().st_size
    rotations.assert_rotates()
    after = world(stack)
    with stack.app.mysql.general_log.open("rb") as opened:
        opened.seek(told)
        assert [text for text in writes(opened.read()) if text.startswith("ALTER USER")]
    assert all(one != other for one, other in zip(before.secrets, after.secrets, strict=True))
    assert all(before.objects[path] != after.objects[path] for path in before.objects)
    assert (before.content, before.status, before.folder) != (after.content, after.status, after.folder)


def test_when_idle(rotations: Rotations) -> None:
    active, standby = rotations.logins()
    _, situation = dry_run(rotations)
    assert situation["reason"] == "rotate to the standby"
    assert (situation["action"], situation["slot"]) == ("publish", "B" if rotations.slots["active_slot"] == "A" else "A")
    assert states(situation) == [*PUBLISH, *RETIRE]
    assert f"from {active.username} to {standby.username}" in change(situation, "WriteSqlconf")
    assert active.username in change(situation, "RotateOldSlot")
    assert SLOT_SECRET in change(situation, "FlipSlot")


def test_what_it_says_is_what_the_rotation_then_does(rotations: Rotations) -> None:
    _, situation = dry_run(rotations)
    run = rotations.assert_rotates()
    done = dict.fromkeys(visit.state for visit in run.visits)
    assert [state for state in done if state in states(situation)] == states(situation)
    assert rotations.slots["active_slot"] == situation["slot"]


@only_in_the_whole
def test_before_a_first_rotation(rotations: Rotations) -> None:
    """Terraform's placeholders in the slots, no such users, the application on the admin's login."""
    as_terraform_leaves_it(rotations)
    _, situation = dry_run(rotations)
    assert "first rotation: the application uses openemr, which is neither slot" in situation["reason"]
    assert states(situation) == [*PUBLISH, *RETIRE]
    assert "from openemr to openemr_a" in change(situation, "WriteSqlconf")
    run = rotations.run()
    assert run.outcome == "RotationSucceeded", run.cause


@only_with_more
def test_after_an_interrupted_flip(rotations: Rotations) -> None:
    _, standby = rotations.logins()
    stop_before(rotations, "PatchSecret")
    _, situation = dry_run(rotations)
    assert "an interrupted flip" in situation["reason"]
    assert states(situation) == [*PUBLISH, *RETIRE]
    assert standby.username in change(situation, "WriteSqlconf")
    assert rotations.run().outcome == "RotationSucceeded"


@only_in_the_whole
def test_after_an_interrupted_retirement(rotations: Rotations) -> None:
    before, _ = rotations.logins()
    stop_before(rotations, "DiscardOldPassword")
    _, situation = dry_run(rotations)
    assert "an interrupted retirement" in situation["reason"]
    assert states(situation) == ["ClaimRotation", *RETIRE]
    assert before.username in change(situation, "RotateOldSlot")
    assert rotations.run().outcome == "RotationSucceeded"


@only_with_more
def test_while_another_run_is_at_work_it_says_so(rotations: Rotations) -> None:
    """And leaves that one alone."""
    arn = rotations.start()
    outcomes: list[str] = []

    def ask(visit: Any) -> None:
        if visit and visit.state == "ClaimRotation":
            outcomes.append(rotations.run(mode="dry-run").outcome)

    assert rotations.follow(arn, ask).outcome == "RotationSucceeded"
    assert outcomes == ["RotationAlreadyRunning"]
