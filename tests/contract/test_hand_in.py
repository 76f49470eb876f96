"""A key is handed in and withdrawn by the command, on the local AWS and a provider that tries keys. The key is nowhere but in the
record."""

import json
import os
import pty
import select
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rotation.core.errors import SecretInvalid, SourceUnreachable, SourceUntrusted
from rotation.core.model import Password
from rotation.sources.by_hand.trial import accepted
from rotation_cli import app

from local.aws import LocalAws
from local.certificates import Authority
from local.key_server import KeyServer, serving
from tests.contract.test_command import ROOT_OF_COMMAND, bare, use  # noqa: F401 - a fixture

STACK = "credential-rotation"
HERE = "us-east-1:123456789012"
OLD, NEW, OTHER = (f"canary-key-{name}-7d21" for name in ("old", "new", "other"))
MACHINE = {"StartAt": "Done", "States": {"Done": {"Type": "Pass", "End": True}}}
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyServer]:
    with serving(tmp_path_factory.mktemp("tls")) as server:
        yield server


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory, provider: KeyServer) -> Iterator[LocalAws]:
    with LocalAws(Path(sys.executable), tmp_path_factory.mktemp("logs")) as aws:
        template = {"Parameters": {name: {"Type": "String"} for name in ("DefaultTarget", "ApiHosts")}, "Resources": {"Log": {
            "Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"/aws/vendedlogs/states/{STACK}"}}}}  # fmt: skip
        known = {"DefaultTarget": "openemr", "ApiHosts": provider.host}
        given = [{"ParameterKey": name, "ParameterValue": value} for name, value in known.items()]
        aws.client("cloudformation").create_stack(StackName=STACK, TemplateBody=json.dumps(template), Parameters=given)
        role = "arn:aws:iam::123456789012:role/states"
        aws.client("stepfunctions").create_state_machine(name=STACK, definition=json.dumps(MACHINE), roleArn=role)
        yield aws


class Mail:
    """A target whose keys people make, of its own for each test."""

    def __init__(self, aws: LocalAws, provider: KeyServer, *, tried: bool = True) -> None:
        self.name = f"mail-{uuid.uuid4().hex[:8]}"
        self.secrets = aws.client("secretsmanager")
        self.arn = self.secrets.create_secret(Name=f"{self.name}/record")["ARN"]
        application = self.secrets.create_secret(Name=f"{self.name}/key", SecretString='{"key": "x"}')["ARN"]
        self.document: dict[str, Any] = {
            "slot_secret": self.arn,
            "source": {"kind": "by-hand", **({"try": provider.trying} if tried else {})},
            "consumers": [
                {"kind": "app-secret", "secret": application, "application_cache_seconds": 1, "keys": {"key": "{password}"}}
            ],
            "health": {"url": "https://mail.example/", "marker": "sent"},
        }
        text = json.dumps(self.document)
        aws.client("ssm").put_parameter(Name=f"/{STACK}/targets/{self.name}", Type="String", Value=text, Overwrite=True)

    def holds(self, key: str = OLD, next_key: str = "", **more: Any) -> None:
        entries = {"A": {"username": "mail", "password": key}, "B": {"username": "mail", "password": next_key}}
        text = json.dumps({"active_slot": "A", "turns": "values", **entries, **more})
        self.secrets.put_secret_value(SecretId=self.arn, SecretString=text)

    @property
    def record(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.secrets.get_secret_value(SecretId=self.arn)["SecretString"])
        return found

    @property
    def pending(self) -> bool:
        stages = self.secrets.describe_secret(SecretId=self.arn)["VersionIdsToStages"]
        return any("AWSPENDING" in labels for labels in stages.values())


@pytest.fixture
def rotation(bare: None, monkeypatch: pytest.MonkeyPatch, aws: LocalAws, capsys: pytest.CaptureFixture[str]) -> Run:  # noqa: F811
    use(monkeypatch, aws.endpoint)

    def run(*arguments: str, given: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", StringIO(given))
        code = app.main(arguments)
        said = capsys.readouterr()
        assert not [key for key in (OLD, NEW, OTHER) if key in said.out + said.err], "a key was shown"
        return code, said.out, said.err

    return run


@pytest.fixture
def mail(aws: LocalAws, provider: KeyServer) -> Mail:
    made = Mail(aws, provider)
    provider.valid.clear()
    provider.instead = None
    provider.make(OLD)
    provider.make(NEW)
    made.holds()
    return made


def test_a_key_becomes_the_next_one_and_the_run_to_it_starts(mail: Mail, rotation: Run, aws: LocalAws) -> None:
    code, out, _ = rotation("hand-in", mail.name, "--id", "sk-2", "--stdin", given=f"{NEW}\n")
    assert code == 0
    assert "it was tried, and works" in out
    assert mail.record["B"] == {"username": "mail", "password": NEW, "id": "sk-2"}
    assert (mail.record["A"]["password"], mail.record["active_slot"], mail.pending) == (OLD, "A", False)
    states = aws.client("stepfunctions")
    described = states.describe_execution(executionArn=out.split()[-1])
    assert json.loads(described["input"])["target"] == mail.name
    assert NEW not in json.dumps(described, default=str)
    assert NEW not in json.dumps(states.get_execution_history(executionArn=out.split()[-1]), default=str)


def test_it_is_stored_and_nothing_starts(mail: Mail, rotation: Run) -> None:
    code, out, _ = rotation("hand-in", mail.name, "--stdin", "--no-start", given=NEW)
    assert (code, mail.record["B"]["password"]) == (0, NEW)
    assert f"rotation start --target {mail.name}" in out


@pytest.mark.parametrize(
    ("before", "given", "options", "said"),
    [
        ({}, OLD, (), "this is the key in use"),
        ({"next_key": NEW}, NEW, (), "handed in already"),
        ({"next_key": OTHER}, NEW, (), "with --replace"),
        ({"to_withdraw": [{"password": NEW, "since": "2026-01-01"}]}, NEW, (), "was in use before, and has to be revoked"),
        ({}, "", (), "no key was given"),
        ({}, f" {NEW}", (), "begins or ends with a blank"),
        ({}, f"{NEW}\n\n", (), "begins or ends with a blank"),
        ({}, OTHER, (), "refused where it is tried"),
        ({}, "k" * 9000, (), "longer than"),
        ({}, "köy", (), "no header may"),
        ({}, NEW, ("--id", "two words"), "--id can be"),
        ({}, NEW, ("--id", NEW), "--id is the key itself"),
        ({}, NEW, ("--in-use",), "holds a record already"),
    ],
)  # fmt: skip
def test_what_is_no_new_key_is_refused_and_nothing_changes(
    before: dict[str, Any], given: str, options: tuple[str, ...], said: str, mail: Mail, rotation: Run
) -> None:
    mail.holds(**before)
    was = mail.record
    code, _, err = rotation("hand-in", mail.name, "--stdin", *options, given=given)
    assert (code, mail.record, mail.pending) == (2, was, False)
    assert said in err


def test_one_that_was_withdrawn_is_known_again(mail: Mail, rotation: Run, provider: KeyServer) -> None:
    mail.holds(to_withdraw=[{"password": OTHER, "since": "2026-01-01"}])
    assert rotation("withdrawn", mail.name)[0] == 0
    provider.make(OTHER)
    code, _, err = rotation("hand-in", mail.name, "--stdin", given=OTHER)
    assert (code, mail.record["B"]["password"]) == (2, "")
    assert "was revoked" in err


def test_a_key_that_is_replaced_is_noted_and_nobody_is_told_yet(mail: Mail, rotation: Run, provider: KeyServer) -> None:
    """Something may hold it: a run that was rolled back went to it."""
    mail.holds(next_key=NEW)
    provider.make(OTHER)
    assert rotation("hand-in", mail.name, "--stdin", "--replace", "--no-start", given=OTHER)[0] == 0
    assert mail.record["B"]["password"] == OTHER
    assert mail.record["to_withdraw"] == [{"password": NEW, "since": ""}]
    code, out, _ = rotation("withdrawn", mail.name)
    assert (code, "no old key is to be revoked" in out) == (0, True)


def test_beside_an_intent_nothing_is_handed_in(mail: Mail, rotation: Run) -> None:
    text = json.dumps({**mail.record, "active_slot": "A"})
    mail.secrets.put_secret_value(SecretId=mail.arn, SecretString=text, VersionStages=["AWSPENDING"])
    was = mail.record
    for command in (("hand-in", mail.name, "--stdin"), ("hand-in", mail.name, "--stdin", "--replace")):
        code, _, err = rotation(*command, given=NEW)
        assert (code, mail.record) == (2, was)
        assert "rotation is under way" in err


def test_nobody_who_could_answer(mail: Mail, rotation: Run) -> None:
    code, _, err = rotation("hand-in", mail.name)
    assert (code, "--stdin" in err) == (2, True)


def test_a_target_that_makes_its_own(mail: Mail, aws: LocalAws, rotation: Run) -> None:
    document = {**mail.document, "source": {"kind": "mysql"}, "admin_secret": "arn:admin"}
    document["consumers"] = [{**mail.document["consumers"][0], "keys": {"u": "{username}", "p": "{password}"}}]
    aws.client("ssm").put_parameter(Name=f"/{STACK}/targets/{mail.name}", Type="String", Value=json.dumps(document), Overwrite=True)
    for command in ("hand-in", "withdrawn"):
        code, _, err = rotation(command, mail.name, given=NEW)
        assert (code, "makes its credentials itself" in err) == (2, True)


@pytest.mark.parametrize("text", ["no json", "[]", '{"active_slot": "A"}'])
def test_a_record_that_is_none(text: str, mail: Mail, rotation: Run) -> None:
    mail.secrets.put_secret_value(SecretId=mail.arn, SecretString=text)
    code, _, err = rotation("hand-in", mail.name, "--stdin", given=NEW)
    assert (code, "holds no record of keys" in err) == (2, True)


def test_the_first_record_is_made_with_the_key_in_use(aws: LocalAws, provider: KeyServer, rotation: Run) -> None:
    made = Mail(aws, provider)
    provider.make(OLD)
    code, _, err = rotation("hand-in", made.name, "--stdin", given=OLD)
    assert (code, "--in-use" in err) == (2, True)
    assert rotation("hand-in", made.name, "--stdin", "--in-use", given=OLD)[0] == 0
    assert made.record["A"] == {"username": made.name, "password": OLD}
    assert made.record["B"]["password"] == ""


def test_a_provider_that_does_not_say_is_left_to_the_run(mail: Mail, provider: KeyServer, rotation: Run) -> None:
    provider.instead = 500
    code, out, _ = rotation("hand-in", mail.name, "--stdin", "--no-start", given=NEW)
    assert (code, mail.record["B"]["password"]) == (0, NEW)
    assert "could not be tried from here" in out


def test_on_a_terminal_the_key_is_asked_for_and_not_shown(mail: Mail, aws: LocalAws, tmp_path: Path) -> None:
    """And it is in no process's arguments."""
    here, there = pty.openpty()
    environment = {
        "PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT_OF_COMMAND}/cli:{ROOT_OF_COMMAND}/layers/rotation", "TERM": "dumb",
        "AWS_ENDPOINT_URL": aws.endpoint, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "operator",
        "AWS_SECRET_ACCESS_KEY": "local", "NO_PROXY": "127.0.0.1,localhost", "HOME": str(tmp_path),
    }  # fmt: skip
    command = [sys.executable, "-m", "rotation_cli", "hand-in", mail.name, "--no-start"]
    with subprocess.Popen(command, stdin=there, stdout=there, stderr=there, env=environment, start_new_session=True) as process:
        os.close(there)
        shown = _until(here, b"not shown")
        assert NEW not in Path(f"/proc/{process.pid}/cmdline").read_text()
        os.write(here, f"{NEW}\n".encode())
        shown += _until(here, b"--follow")
        assert process.wait(30) == 0
    os.close(here)
    assert NEW.encode() not in shown
    assert mail.record["B"]["password"] == NEW


def _until(terminal: int, words: bytes) -> bytes:
    shown = b""
    while words not in shown and select.select([terminal], [], [], 30)[0]:
        try:
            shown += os.read(terminal, 4096)
        except OSError:  # it was closed
            break
    return shown


def test_a_host_that_the_stack_does_not_name_is_shown_no_key(mail: Mail, aws: LocalAws, provider: KeyServer, rotation: Run) -> None:
    asked = sum(provider.answers.values())
    document = {**mail.document, "source": {"kind": "by-hand", "try": {**provider.trying, "url": "https://127.0.0.1:1/me"}}}
    aws.client("ssm").put_parameter(Name=f"/{STACK}/targets/{mail.name}", Type="String", Value=json.dumps(document), Overwrite=True)
    mail.holds(to_withdraw=OUTSTANDING)
    was = mail.record
    for command in (("hand-in", mail.name, "--stdin"), ("withdrawn", mail.name)):
        code, _, err = rotation(*command, given=NEW)
        assert (code, mail.record) == (2, was)
        assert "the functions may ask" in err
    assert sum(provider.answers.values()) == asked


# ---- withdrawn ---------------------------------------------------------------------------------------------------------------

OUTSTANDING = [{"password": OLD, "since": "2026-01-02", "id": "sk-1"}, {"password": OTHER, "since": "2026-02-03"}]


def test_a_key_that_is_still_accepted_stays_a_reminder(mail: Mail, rotation: Run) -> None:
    mail.holds(key=NEW, to_withdraw=OUTSTANDING)
    code, out, _ = rotation("withdrawn", mail.name)
    assert code == 1
    assert "sk-1, unused since 2026-01-02: STILL ACCEPTED" in out
    assert "the key without an id, unused since 2026-02-03: refused" in out
    assert mail.record["to_withdraw"] == OUTSTANDING[:1]
    [gone] = mail.record["withdrawn"]
    assert (gone["how"], gone["by"].startswith("arn:")) == ("it was tried, and refused", True)
    assert OTHER not in json.dumps(mail.record)


def test_once_it_is_revoked_its_reminder_goes(mail: Mail, rotation: Run, provider: KeyServer) -> None:
    mail.holds(key=NEW, to_withdraw=OUTSTANDING[:1])
    provider.revoke(OLD)
    code, out, _ = rotation("withdrawn", mail.name, "--id", "sk-1")
    assert (code, "to_withdraw" in mail.record) == (0, False)
    assert "no old key is to be revoked" in out
    assert rotation("withdrawn", mail.name)[0] == 0


def test_no_such_key(mail: Mail, rotation: Run) -> None:
    code, _, err = rotation("withdrawn", mail.name, "--id", "sk-9")
    assert (code, "'sk-9'" in err) == (2, True)


def test_what_cannot_be_tried_is_a_persons_word(aws: LocalAws, provider: KeyServer, rotation: Run) -> None:
    made = Mail(aws, provider, tried=False)
    made.holds(key=NEW, to_withdraw=OUTSTANDING[:1])
    code, out, _ = rotation("withdrawn", made.name)
    assert (code, "--said" in out) == (1, True)
    assert rotation("withdrawn", made.name, "--said")[0] == 0
    [gone] = made.record["withdrawn"]
    assert (gone["id"], gone["how"]) == ("sk-1", "a person said so")


def test_status_and_report_remind(mail: Mail, rotation: Run) -> None:
    mail.holds(key=NEW, to_withdraw=OUTSTANDING)
    _, out, _ = rotation("status")
    assert f"{mail.name}: revoke its old key sk-1 where it was made, unused since 2026-01-02; then:" in out
    assert f"rotation withdrawn {mail.name} --id sk-1" in out
    said = json.loads(rotation("status", "--json")[1])
    [ours] = [one for one in said["targets"] if one["name"] == mail.name]
    assert ours["to_revoke"] == [{"id": "sk-1", "since": "2026-01-02"}, {"id": None, "since": "2026-02-03"}]
    _, out, _ = rotation("report", "--from", "2026-01-01", "--to", "2026-02-01")
    assert f"{mail.name}: sk-1 since 2026-01-02" in " ".join(out.split())


# ---- how a key is tried ------------------------------------------------------------------------------------------------------

HOW = {"header": "Authorization", "value": "Bearer {key}", "works": [200], "refused": [401], "ca": "system"}


def test_only_a_status_that_is_named_says_something(provider: KeyServer) -> None:
    how = {**HOW, **provider.trying}
    provider.make(NEW)
    assert accepted(how, Password(NEW))
    provider.revoke(NEW)
    assert not accepted(how, Password(NEW))
    for status in (302, 403, 429, 500):
        provider.instead = status
        with pytest.raises(SourceUnreachable, match=str(status)):
            accepted(how, Password(NEW))
    provider.instead = None


def test_whom_nobody_vouches_for_is_shown_no_key(provider: KeyServer) -> None:
    asked = sum(provider.answers.values())
    for ca in ("system", Authority("another").pem):
        with pytest.raises(SourceUntrusted) as raised:
            accepted({**HOW, **provider.trying, "ca": ca}, Password(NEW))
        assert NEW not in str(raised.value)
    assert sum(provider.answers.values()) == asked


def test_a_key_cannot_smuggle_a_header(provider: KeyServer) -> None:
    with pytest.raises(SecretInvalid) as raised:
        accepted({**HOW, **provider.trying}, Password(f"{NEW}\r\nHost: x"))
    assert NEW not in str(raised.value)
