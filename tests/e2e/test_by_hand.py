"""A mailer whose keys people make, under load: keys are handed in on a terminal, no request fails, the old one works until a person
revokes it and then is proven to be refused; a key that does not work is rolled back and kept; the canary is nowhere."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from local.faults import Fault
from local.follow import wait_for
from local.load import Load, Results
from local.shop.mail import OTHERS, SENT, MailShop, mailing
from local.shop.stack import Pace
from tests.e2e.last_looks import check
from tests.e2e.rotations import MEASURED
from tests.e2e.shared import RATE
from tests.e2e.terminal import Terminal
from tests.whole import only_in_the_whole

PACE = Pace(quiet_seconds=1, cache_seconds=1, lifetime_seconds=1.5)
REFUSED = {"errorType": "LoginRefused", "errorMessage": "made up"}


@dataclass
class Mail:
    """The target, as people see it."""

    shop: MailShop
    terminal: Terminal

    def types(self, command: str, key: str = "") -> tuple[int, str]:
        """Exit code and all that was printed. The key comes through the shell's stdin, in no argument."""
        given = self.shop.directory / "clipboard"
        given.write_text(key)
        shell = self.terminal.type(command + (f" < {given}" if key else ""))
        said, _ = shell.communicate(timeout=60)
        given.unlink()
        return shell.returncode, said

    @property
    def record(self) -> dict[str, Any]:
        return self.shop.secret(self.shop.record_secret)

    @property
    def reminders(self) -> list[str]:
        return [one["password"] for one in self.record.get("to_withdraw", []) if one["since"]]

    def ended(self, said: str) -> str:
        """How the run ended whose ARN is the last thing that was printed."""
        arn = said.split()[-1]
        run = wait_for(self.shop, arn)
        return f"{run.outcome} {run.cause}".strip()


@pytest.fixture(scope="module")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mail]:
    with MailShop(PACE) as shop, mailing(shop) as page:
        terminal = Terminal(shop, tmp_path_factory.mktemp("person"))
        made = Mail(shop, terminal)
        (terminal.folder / "mail.json").write_text(json.dumps(shop.document(page)))
        for command, key in (("rotation targets add mail.json", ""), ("rotation hand-in mail --stdin --in-use", shop.key)):
            code, said = made.types(command, key)
            assert code == 0, said
        with Load(page, RATE, marker=SENT) as load:
            made.load = load  # type: ignore[attr-defined]
            yield made
        check(shop, kept=False)  # it reaches its targets by tag, as a fleet does, and no fleet is started


@pytest.fixture
def served(mail: Mail, request: pytest.FixtureRequest) -> Iterator[Mail]:
    """No request fails meanwhile."""
    start = time.time()
    mail.shop.aws.clear_faults()
    yield mail
    assert mail.record.get("rotation", {}).get("owner") is None or not _pending(mail)
    time.sleep(1.2)  # the mailer reads its key anew
    requests = _between(mail, start)  # type: ignore[attr-defined]
    assert requests.served > 0
    assert requests.failures == []
    request.config.stash.setdefault(MEASURED, []).append(f"by hand, {request.node.name}: {requests.served} served, 0 failed")


def _between(mail: Mail, start: float) -> Results:
    load: Load = mail.load  # type: ignore[attr-defined]
    now = time.time()
    load.wait_for_those_before(now)
    return load.results().between(start, now)


def _pending(mail: Mail) -> bool:
    described = mail.shop.aws.client("secretsmanager").describe_secret(SecretId=mail.shop.record_secret)
    return any("AWSPENDING" in labels for labels in described["VersionIdsToStages"].values())


def test_without_a_key_a_run_says_what_to_do_and_touches_nothing(served: Mail) -> None:
    before, key = served.record, served.shop.key
    code, said = served.types("rotation start --target mail --follow")
    assert code == 1
    assert "rotation hand-in" in " ".join(said.split())
    assert (served.record, served.shop.key) == (before, key)


def test_a_key_that_is_handed_in_is_used_and_the_old_one_is_revoked_by_people(served: Mail) -> None:
    shop, old, new = served.shop, served.shop.key, served.shop.new_key()
    code, said = served.types("rotation hand-in mail --stdin --id sk-2", new)
    assert code == 0, said
    assert served.ended(said) == "RotationSucceeded"
    assert shop.secret(shop.key_secret) == {**OTHERS, "MAIL_API_KEY": new}
    assert served.reminders == [old]
    assert old in shop.provider.valid, "nobody but people revokes it"
    assert [served.record[slot]["password"] for slot in "AB"] == ["", new]
    code, said = served.types("rotation withdrawn mail")
    assert (code, "STILL ACCEPTED" in said) == (1, True)
    shop.provider.revoke(old)
    code, said = served.types("rotation withdrawn mail")
    assert (code, served.reminders) == (0, []), said


@only_in_the_whole
def test_one_that_fails_is_rolled_back_and_stays_the_next(served: Mail) -> None:
    shop, old, new = served.shop, served.shop.key, served.shop.new_key()
    shop.aws.fail(Fault(shop.function("ValidateApp"), match={"direction": "forward"}, times=100, error=REFUSED))
    _, said = served.types("rotation hand-in mail --stdin", new)
    assert served.ended(said).startswith("RolledBack")
    assert (shop.key, served.reminders) == (old, [])
    shop.aws.clear_faults()
    code, said = served.types("rotation start --target mail --follow")
    assert code == 0, said
    assert (shop.key, served.reminders) == (new, [old])


@only_in_the_whole
def test_verify_and_status_say_what_is_left_to_people(served: Mail) -> None:
    _, said = served.types("rotation start --target mail --mode verify --follow --name verify-mail")
    lines = [line.split(None, 1) for line in said.splitlines()]
    failed = [rest for kind, rest in (line for line in lines if len(line) == 2) if kind == "failed"]
    assert [one for one in failed if not one.startswith("IAM: denies")] == [], "a simulation knows nothing of tags"
    assert "old key: sk-2 is to be revoked" in said
    assert "the one of mail that is in use is not refused" in said
    _, said = served.types("rotation status")
    assert "mail: revoke its old key" in " ".join(said.split())
