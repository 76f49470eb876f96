"""The runbook's emergency resets and its restore, word by word: the commands that stand there are run, on the real stack."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from local.aws import REPOSITORY
from local.mysql import Login
from local.stack import ADMIN_SECRET, SLOT_SECRET
from tests.e2e.hands import made_up, set_password
from tests.e2e.lending import Lender
from tests.e2e.rotations import Rotations
from tests.e2e.shared import SharedStack
from tests.e2e.terminal import Terminal
from tests.until import until
from tests.whole import only_with_more

RUNBOOK = (REPOSITORY / "docs/operating.md").read_text()
CLUSTER = "openemr-aurora"

AWS = f'''#!{sys.executable}
"""The `aws` command as far as the runbook uses it. What RDS does to the cluster is left to be done to the local one."""
import json, pathlib, sys, time
import boto3

service, operation, *options = sys.argv[1:]
if service == "rds":
    if operation == "modify-db-cluster":
        pathlib.Path({{there!r}}).write_text(options[options.index("--master-user-password") + 1])
    while pathlib.Path({{there!r}}).exists() and operation == "wait":
        time.sleep(0.05)
    sys.exit()
given = dict(zip(options[::2], options[1::2], strict=True))
query, _ = given.pop("--query", ""), given.pop("--output", "")
camel = lambda name: "".join(word.capitalize() for word in name.strip("-").split("-"))
content = lambda text: pathlib.Path(text.removeprefix("file://")).read_text() if text.startswith("file://") else text
method = getattr(boto3.client(service), operation.replace("-", "_"))
answer = method(**{{{{camel(name): content(value) for name, value in given.items()}}}})
print(answer[query] if query else json.dumps(answer, default=str))
'''


def commands(title: str) -> list[str]:
    """The blocks of shell under a heading of the page."""
    found = re.search(rf"^### {re.escape(title)}\n(.*?)(?=^#+ |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL)
    assert found, title
    return re.findall(r"```bash\n(.*?)```", found[1], re.DOTALL)


@pytest.fixture
def follow(shared: Lender[SharedStack], tmp_path: Path) -> Callable[..., str]:
    """Runs a block as a person would, with what it expects to be set; returns what was printed."""
    rotations = shared.world.rotations
    stack = rotations.stack
    reset = tmp_path / "new-master-password"
    terminal = Terminal(stack, tmp_path)
    terminal.command("aws", AWS.format(there=str(reset)))
    named = {"DB_CLUSTER": CLUSTER, "ADMIN_SECRET": ADMIN_SECRET, "SLOT_SECRET": SLOT_SECRET}

    def run(block: str, **more: str) -> str:
        process = terminal.type(block, **named, **more)
        while process.poll() is None:  # RDS at work
            if reset.exists() and (password := reset.read_text()):
                set_password(stack, Login(rotations.admin.username, password))
                reset.unlink()
            time.sleep(0.05)
        assert process.stdout
        printed = process.stdout.read()
        process.stdout.close()
        assert process.returncode == 0, printed
        assert not list(tmp_path.glob("*.json")), "a file with a password was left"
        return printed

    return run


def lose(rotations: Rotations, *logins: Login) -> None:
    for login in logins:
        set_password(rotations.stack, Login(login.username, made_up()))


def served_again(rotations: Rotations) -> None:
    until(lambda: not rotations.requests_since(time.time() - 0.5).failures)
    rotations.stack.app.cluster.wait_until_rolled_out()


def test_the_admin_is_lost(rotations: Rotations, follow: Callable[..., str]) -> None:
    """The application is served all the time."""
    lose(rotations, rotations.admin)
    refused = rotations.run()
    assert refused.outcome == "RotationRefused"
    assert "AdminLoginUnknown" in refused.cause
    before = rotations.active
    (block,) = commands("Emergency reset: the admin is lost")
    assert "RotationSucceeded" in follow(block)
    assert not rotations.accepts(before)
    rotations.assert_at_rest()
    rotations.assert_rotates()


@only_with_more
def test_both_slots_are_corrupted_and_the_admin_too(in_an_outage: Rotations, follow: Callable[..., str]) -> None:
    rotations = in_an_outage
    lose(rotations, *rotations.logins(), rotations.admin)
    until(lambda: bool(rotations.requests_since(time.time() - 0.5).failures))
    (admin,) = commands("Emergency reset: the admin is lost")
    follow(admin.partition("rotation start")[0])
    sync, rotate = commands("Emergency reset: both slots are corrupted")[0].splitlines()
    assert "UsersSynced" in follow(sync)
    served_again(rotations)
    start = time.time()
    assert "RotationSucceeded" in follow(rotate)
    rotations.assert_at_rest()
    rotations.assert_rotates()
    assert rotations.requests_since(start).failures == []


@only_with_more
def test_a_slot_secret_that_cannot_be_read(rotations: Rotations, follow: Callable[..., str]) -> None:
    secrets = rotations.stack.aws.client("secretsmanager")
    good = secrets.get_secret_value(SecretId=SLOT_SECRET)["VersionId"]
    bad = secrets.put_secret_value(SecretId=SLOT_SECRET, SecretString='{"active_slot": "A"}')["VersionId"]
    refused = rotations.run()
    assert refused.outcome == "RotationRefused"
    assert "SecretInvalid" in refused.cause
    follow(commands("Emergency reset: both slots are corrupted")[1], GOOD_VERSION=good, BAD_VERSION=bad)
    rotations.assert_rotates()


@only_with_more
def test_a_restore_from_a_backup(in_an_outage: Rotations, follow: Callable[..., str]) -> None:
    """The database and sqlconf.php are as they were two rotations ago; the secrets and the cluster are of today."""
    rotations = in_an_outage
    then = [*rotations.logins(), rotations.admin]
    installed = rotations.stack.app.sqlconf_login()
    rotations.assert_rotates()
    for login in then:
        set_password(rotations.stack, login)
    rotations.install(installed)
    (admin,) = commands("Emergency reset: the admin is lost")
    follow(admin.partition("rotation start")[0])
    sync, rotate = commands("Emergency reset: both slots are corrupted")[0].splitlines()
    (again,) = commands("Restore from a backup")
    follow(sync)
    served_again(rotations)
    start = time.time()
    for block in (rotate, again):
        assert "RotationSucceeded" in follow(block)
    rotations.assert_at_rest()
    assert rotations.requests_since(start).failures == []
    assert not [login for login in then if rotations.accepts(login)]


@only_with_more
def test_before_a_rotation(rotations: Rotations, follow: Callable[..., str]) -> None:
    (block,) = commands("Before a rotation")
    printed = follow(block)
    assert "Verified" in printed
    for what in ("sqlconf.php", "database privileges", "Kubernetes permission", "health page"):
        assert what in printed
