"""The command on the local AWS, mostly when it is asked for what cannot be: one line that says what and how to mend it, code 2."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from rotation_cli import app
from rotation_cli import aws as command_aws

from local.aws import LocalAws

STACK = "credential-rotation"
HERE = "us-east-1:123456789012"
OTHER = f"arn:aws:states:{HERE}:execution:another-machine:its-run"
PARAMETERS = {
    "SlotSecretArn": f"arn:aws:secretsmanager:{HERE}:secret:openemr/slots-AbCdEf",
    "SourceKind": "mysql",
    "AdminSecretArn": f"arn:aws:secretsmanager:{HERE}:secret:openemr/admin-AbCdEf",
    "ClusterName": "openemr-eks",
    "Namespace": "openemr",
    "K8sSecretName": "openemr-db-credentials",
    "DeploymentName": "openemr",
    "SitesFileSystemArn": f"arn:aws:elasticfilesystem:{HERE}:file-system/fs-0a1b2c3d",
    "ApplicationSecretArn": "none",
    "ProxySecretArns": "none",
    "SecretsKmsKeyArn": f"arn:aws:kms:{HERE}:key/00000000-0000-0000-0000-000000000000",
    "DefaultTarget": "openemr",
    "Fleet": "by-hand",
}
DOCUMENT: dict[str, Any] = {
    "slot_secret": PARAMETERS["SlotSecretArn"],
    "admin_secret": PARAMETERS["AdminSecretArn"],
    "source": {"kind": "mysql"},
    "consumers": [
        {"kind": "sqlconf", "path": "default/sqlconf.php"},
        {"kind": "secret", "cluster": "openemr-eks", "namespace": "openemr", "name": "openemr-db-credentials"},
        {"kind": "deployment", "cluster": "openemr-eks", "namespace": "openemr", "name": "openemr"},
    ],
    "health": {"url": "https://openemr.example/", "marker": "OpenEMR Login"},
}
ROOT_OF_COMMAND = Path(__file__).resolve().parents[2]
MACHINE = {
    "StartAt": "ReadInput",
    "States": {
        "ReadInput": {
            "Type": "Pass",
            "Parameters": {"input.$": "$$.Execution.Input", "failures": {"ReadSlots": {"Error": "SecretInvalid", "Cause": "no B"}}},
            "Next": "RotationRefused",
        },
        "RotationRefused": {"Type": "Fail", "Error": "RotationRefused", "Cause": "made up"},
    },
}
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A stack as CloudFormation, Step Functions and Parameter Store have it, with a machine that fails at once."""
    with LocalAws(Path(sys.executable), tmp_path_factory.mktemp("logs")) as aws:
        template = {"Parameters": {name: {"Type": "String"} for name in PARAMETERS}, "Resources": {"Log": {
            "Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"/aws/vendedlogs/states/{STACK}"}}}}  # fmt: skip
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in PARAMETERS.items()]
        aws.client("cloudformation").create_stack(StackName=STACK, TemplateBody=json.dumps(template), Parameters=given)
        made = aws.client("stepfunctions").create_state_machine(
            name=STACK, definition=json.dumps(MACHINE), roleArn="arn:aws:iam::123456789012:role/states"
        )
        aws.deliver_log(made["stateMachineArn"], f"/aws/vendedlogs/states/{STACK}", include_data=True)
        parameter = {"Name": f"/{STACK}/targets/openemr", "Type": "String", "Value": json.dumps(DOCUMENT)}
        aws.client("ssm").put_parameter(**parameter)
        yield aws


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of this machine's AWS configuration, and no metadata service."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "ROTATION_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def reached(bare: None, monkeypatch: pytest.MonkeyPatch, aws: LocalAws) -> None:
    use(monkeypatch, aws.endpoint)


def use(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "operator")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")


@pytest.fixture
def rotation(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, str, str]:
        code = app.main(arguments)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def refused(answer: tuple[int, str, str], *words: str) -> None:
    """One line on stderr, with these words, code 2, and nothing else said but that AWS is slow, where it is."""
    code, out, err = answer
    assert (code, out) == (2, ""), err
    [said] = [line for line in err.splitlines() if not line.endswith("; still waiting (Ctrl-C ends this)")]
    assert said.startswith("rotation: ")
    for word in words:
        assert word in said


# ---- bad input

ANY_DATES = ("--from", "2026-01-01", "--to", "2026-02-01")
WRONG: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "unknown target": (("start", "--target", "nextcloud"), ("'nextcloud'", "it has openemr", "targets add")),
    "unknown target checked": (("targets", "check", "nextcloud"), ("'nextcloud'", "it has openemr")),
    "unknown mode": (("start", "--mode", "rotat"), ("'rotat'", "dry-run", "--help")),
    "revoke without a reason": (("start", "--mode", "revoke", "--yes"), ("--reason",)),
    "revoke where nobody answers": (("start", "--mode", "revoke", "--reason", "leaked"), ("--yes",)),
    "a name that no execution can have": (("start", "--name", "a/b"), ("'a/b'", "80 letters")),
    "empty window": (("report", "--from", "2026-02-01", "--to", "2026-02-01"), ("2026-02-01", "must be later")),
    "window backwards": (("report", "--from", "2026-02-01", "--to", "2026-01-01"), ("must be later",)),
    "malformed date": (("report", "--from", "01.02.2026", "--to", "2026-03-01"), ("--from '01.02.2026'", "2026-01-31")),
    "day before all runs": (("report", "--from", "0001-01-01", "--to", "2026-02-01"), ("--from '0001-01-01'", "2000")),
    "day at the end of the calendar": (("report", "--from", "2026-01-01", "--to", "9999-12-31"), ("--to '9999-12-31'", "9000")),
    "day that is not": (("report", "--from", "2026-01-01", "--to", "2026-02-30"), ("--to '2026-02-30'",)),
    "window in the future": (("report", "--from", "2999-01-01", "--to", "2999-02-01"), ("future",)),
    "no window": (("report",), ("--from", "--help")),
    "file that cannot be written": (("report", *ANY_DATES, "--html", "/nowhere/at/all.html"), ("/nowhere/at/all.html", "folder")),
    "execution of another machine": (("explain", OTHER), ("another-machine", f"stateMachine:{STACK}", "--stack")),
    "execution that is none": (("explain", "arn:aws:s3:::bucket"), ("is no execution of", "--stack")),
    "execution that never was": (("explain", "nobody"), ("no execution nobody", "rotation history")),
    "name of an execution that cannot be": (("explain", "no body"), ("'no body'", "rotation history")),
    "stack not found": (("--stack", "nowhere", "history"), ("'nowhere'", "us-east-1", "ROTATION_STACK")),
    "stack not found, starting": (("--stack", "nowhere", "start"), ("'nowhere'",)),
    "stack not found, by its targets": (("--stack", "nowhere", "status"), ("'nowhere'",)),
    "stack not found, reporting": (("--stack", "nowhere", "report", *ANY_DATES), ("'nowhere'",)),
    "unknown command": (("rotate",), ("'rotate'", "--help")),
    "nothing runs that could be followed": (("follow",), ("nothing runs", "rotation history")),
    "no file": (("targets", "add", "/nowhere/nextcloud.json"), ("/nowhere/nextcloud.json", "JSON")),
    "limit that is none": (("history", "--limit", "0"), ("--limit", "--help")),
    "unknown profile": (("--profile", "nobody", "status"), ("'nobody'", "list-profiles")),
}


@pytest.mark.usefixtures("reached")
@pytest.mark.parametrize("what", WRONG)
def test_what_is_asked_for_wrongly_is_one_line(what: str, rotation: Run) -> None:
    arguments, words = WRONG[what]
    refused(rotation(*arguments), *words)


@pytest.mark.usefixtures("bare")
def test_no_region(rotation: Run) -> None:
    refused(rotation("status"), "--region", "AWS_REGION")


@pytest.mark.usefixtures("bare")
def test_no_credentials(rotation: Run, monkeypatch: pytest.MonkeyPatch, aws: LocalAws) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
    refused(rotation("--region", "us-east-1", "status"), "no valid AWS credentials", "aws sso login")


@pytest.mark.usefixtures("bare")
def test_no_network(rotation: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        use(monkeypatch, f"http://127.0.0.1:{nobody.getsockname()[1]}")
        refused(rotation("status"), "could not be reached", "AWS_ENDPOINT_URL")


@pytest.mark.usefixtures("bare")
def test_an_endpoint_that_is_no_address(rotation: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, "not an address")
    refused(rotation("status"), "not an address", "AWS_ENDPOINT_URL")


# ---- permissions

ACTIONS = {
    "states:StartExecution": ("start",),
    "states:ListExecutions": ("history",),
    "states:GetExecutionHistory": ("explain", "some-run"),
    "states:DescribeStateMachine": ("report", *ANY_DATES),
    "logs:FilterLogEvents": ("report", *ANY_DATES),
    "ssm:GetParametersByPath": ("targets", "list"),
    "cloudformation:DescribeStacks": ("targets", "check", "openemr"),
    "sts:GetCallerIdentity": ("status",),
}


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("action", ACTIONS)
def test_a_missing_permission_is_named(action: str, rotation: Run, monkeypatch: pytest.MonkeyPatch, aws: LocalAws) -> None:
    with forbidding(aws.endpoint, action) as endpoint:
        use(monkeypatch, endpoint)
        refused(rotation(*ACTIONS[action]), "not permitted", action)


@pytest.mark.usefixtures("bare")
def test_a_missing_key_is_named(rotation: Run, monkeypatch: pytest.MonkeyPatch, aws: LocalAws) -> None:
    with forbidding(aws.endpoint, "states:StartExecution", "KmsAccessDeniedException") as endpoint:
        use(monkeypatch, endpoint)
        refused(rotation("start"), "kms:GenerateDataKey", "RotationKeyArn")


@pytest.mark.usefixtures("bare")
def test_status_says_so_where_it_may_not_look_at_the_secret(rotation: Run, monkeypatch: pytest.MonkeyPatch, aws: LocalAws) -> None:
    with forbidding(aws.endpoint, "secretsmanager:DescribeSecret") as endpoint:
        use(monkeypatch, endpoint)
        _, out, err = rotation("status")
    assert err == ""
    assert "secretsmanager:DescribeSecret is not permitted" in out


@pytest.mark.usefixtures("bare")
def test_status_says_so_where_it_may_not_look_at_the_schedule(
    rotation: Run, monkeypatch: pytest.MonkeyPatch, aws: LocalAws
) -> None:
    with forbidding(aws.endpoint, "scheduler:GetSchedule") as endpoint:
        use(monkeypatch, endpoint)
        _, out, err = rotation("status")
    assert err == ""
    assert "schedule: not known: scheduler:GetSchedule is not permitted" in out


class Gate(BaseHTTPRequestHandler):
    """An AWS that answers as the other does, but for one action, which it refuses as IAM would."""

    endpoint, action, code = "", "", ""

    def do_GET(self) -> None:
        if self._operation == "GetSchedule" and self.path.startswith("/schedules/"):
            return self._answer(403, json.dumps({"__type": self.code, "message": "no"}).encode())
        return self._forward(None)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if self.headers.get("X-Amz-Target", "").endswith(f".{self._operation}"):
            said = {"__type": self.code, "message": f"User is not authorized to perform: {self.action}"}
            return self._answer(400, json.dumps(said).encode())
        if f"Action={self._operation}&".encode() in body:
            return self._answer(
                403, b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
            )
        return self._forward(body)

    @property
    def _operation(self) -> str:
        return self.action.split(":")[1]

    def _forward(self, body: bytes | None) -> None:
        request = urllib.request.Request(f"{self.endpoint}{self.path}", body, dict(self.headers))  # noqa: S310 - ours
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request) as response:
                return self._answer(response.status, response.read())
        except urllib.error.HTTPError as refused:
            return self._answer(refused.code, refused.read())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def forbidding(endpoint: str, action: str, code: str = "AccessDeniedException") -> Iterator[str]:
    """Its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("This", (Gate,), {"endpoint": endpoint, "action": action, "code": code}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


# ---- targets


def changed(**changes: Any) -> dict[str, Any]:
    return json.loads(json.dumps(DOCUMENT)) | changes


def consumer(number: int, **changes: str) -> dict[str, Any]:
    document = changed()
    document["consumers"][number] |= changes
    return document


BEYOND: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "slot secret": (changed(slot_secret=f"arn:aws:secretsmanager:{HERE}:secret:other-AbCdEf"), ("slot_secret", "SlotSecretArn")),
    "admin secret": (changed(admin_secret=PARAMETERS["AdminSecretArn"] + "x"), ("admin_secret", "AdminSecretArn")),
    "cluster": (consumer(1, cluster="other"), ("cluster other", "openemr-eks")),
    "namespace": (consumer(2, namespace="other"), ("namespace other", "Namespace")),
    "Kubernetes Secret": (consumer(1, name="other"), ("secret other", "K8sSecretName")),
    "Deployment": (consumer(2, name="other"), ("deployment other", "DeploymentName")),
    "a secret of another application": (
        changed(
            consumers=[
                {"kind": "app-secret", "secret": f"arn:aws:secretsmanager:{HERE}:secret:shop", "application_cache_seconds": 0}
            ]
        ),
        ("app-secret", "ApplicationSecretArn"),
    ),
    "a path out of the access point": (consumer(0, path="../other/sqlconf.php"), ("path",)),
    "nothing that ValidateApp can read": (
        changed(consumers=DOCUMENT["consumers"][1:]),
        ("consumers[0]", "sqlconf", "traffic: true"),
    ),
    "a key that the schema has not": (changed(password="x"), ("password", "target.schema.json")),
}


@pytest.mark.usefixtures("reached")
@pytest.mark.parametrize("what", BEYOND)
def test_a_target_beyond_the_stacks_reach_is_not_added(what: str, rotation: Run, tmp_path: Path, aws: LocalAws) -> None:
    document, words = BEYOND[what]
    path = tmp_path / "second.json"
    path.write_text(json.dumps(document))
    refused(rotation("targets", "add", str(path)), *words)
    kept = aws.client("ssm").get_parameters_by_path(Path=f"/{STACK}/targets")["Parameters"]
    assert [one["Name"] for one in kept] == [f"/{STACK}/targets/openemr"]


def record(*users: str, host: str = "db.example") -> dict[str, Any]:
    """Of users that take turns."""
    place = {"host": host, "port": "3306", "dbname": "app", "password": f"planted-{users[0]}"}
    return {"active_slot": "A", **{slot: {**place, "username": user} for slot, user in zip("AB", users, strict=True)}}


class Secrets:
    """Tagged ones, by which the stack's roles reach further targets; all is taken away again, and so are the targets."""

    def __init__(self, aws: LocalAws, folder: Path) -> None:
        self._secrets, self._ssm, self._folder = aws.client("secretsmanager"), aws.client("ssm"), folder
        self._arns: list[str] = []

    def make(self, name: str, part: str, content: dict[str, Any], **more: str) -> str:
        tags = [{"Key": "credential-rotation", "Value": STACK}, {"Key": "credential-rotation-part", "Value": part}]
        made = self._secrets.create_secret(Name=name, SecretString=json.dumps(content), Tags=tags, **more)
        self._arns.append(made["ARN"])
        return str(made["ARN"])

    def document(self, name: str, *users: str, **changes: Any) -> dict[str, Any]:
        """An application that reads its login from a secret."""
        application = self.make(f"{name}/application", "application", {})
        consumers = [{"kind": "app-secret", "secret": application, "application_cache_seconds": 0}]
        slots = self.make(f"{name}/slots", "record", record(*users))
        return changed(slot_secret=slots, consumers=consumers, rotates_admin=False) | changes

    def file(self, name: str, document: dict[str, Any]) -> str:
        path = self._folder / f"{name}.json"
        path.write_text(json.dumps(document))
        return str(path)

    def stored(self) -> dict[str, str]:
        found = self._ssm.get_parameters_by_path(Path=f"/{STACK}/targets")["Parameters"]
        return {one["Name"].rpartition("/")[2]: one["Value"] for one in found}

    def clear(self) -> None:
        for name in set(self.stored()) - {"openemr"}:
            self._ssm.delete_parameter(Name=f"/{STACK}/targets/{name}")
        for arn in self._arns:
            self._secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)


@pytest.fixture
def secrets(aws: LocalAws, tmp_path: Path) -> Iterator[Secrets]:
    made = Secrets(aws, tmp_path)
    yield made
    made.clear()


@pytest.mark.usefixtures("reached")
def test_a_target_within_reach_is_added_once(rotation: Run, secrets: Secrets) -> None:
    document = secrets.document("second", "second_a", "second_b", rotates_admin=True)
    path = secrets.file("second", document)
    code, out, err = rotation("targets", "add", path)
    assert (code, out.split()[0]) == (0, "second")
    assert "openemr rotates the same admin" in err
    assert secrets.stored()["second"] == json.dumps(document)
    assert rotation("targets", "check", "second")[0] == 0
    refused(rotation("targets", "add", path), "'second' already", "targets edit second")


def keyed(document: dict[str, Any], **keys: str) -> dict[str, Any]:
    """Its application's secret has those keys."""
    return document | {"consumers": [document["consumers"][0] | {"keys": keys}]}


LOGIN = {"user": "{username}", "password": "{password}"}


@pytest.mark.usefixtures("reached")
def test_what_another_target_has_is_refused_by_its_field_with_the_way_out(rotation: Run, secrets: Secrets) -> None:
    first = keyed(secrets.document("first", "first_a", "first_b"), **LOGIN)
    assert rotation("targets", "add", secrets.file("first", first))[0] == 0
    second = secrets.document("second", "second_a", "second_b")
    one_user = second | {"slot_secret": secrets.make("one-user/slots", "record", record("second_a", "first_b", host="DB.example"))}
    other_server = second | {"slot_secret": secrets.make("elsewhere/slots", "record", record("first_a", "first_b", host="other"))}
    same_key = second | {"consumers": first["consumers"]}
    file = {"kind": "sqlconf", "path": "default/sqlconf.php"}
    wrong = {
        "user": (one_user, "slot_secret, B: user first_b of db.example:3306 is target first's too"),
        "record": (second | {"slot_secret": first["slot_secret"]}, "slot_secret: secret arn:"),
        "key": (same_key, "consumers[0].keys: key password of secret arn:"),
        "file": (second | {"consumers": [file]}, "consumers[0].path: file default/sqlconf.php is target openemr's too"),
    }
    for name, (document, said) in wrong.items():
        refused(rotation("targets", "add", secrets.file(name, document)), said, "rotation targets remove")
    assert sorted(secrets.stored()) == ["first", "openemr"]
    another_key = keyed(same_key, second_user="{username}", second_password="{password}")
    refused(rotation("targets", "add", secrets.file("moved", another_key)), "consumers[0].secret: the rotation of arn:")
    assert rotation("targets", "add", secrets.file("elsewhere", other_server))[0] == 0, "the same user of another server"


@pytest.mark.usefixtures("bare")
def test_who_may_not_read_records_is_told_that_users_were_not_compared(
    rotation: Run, secrets: Secrets, monkeypatch: pytest.MonkeyPatch, aws: LocalAws
) -> None:
    path = secrets.file("second", secrets.document("second", "second_a", "second_b"))
    with forbidding(aws.endpoint, "secretsmanager:GetSecretValue") as endpoint:
        use(monkeypatch, endpoint)
        code, _, err = rotation("targets", "add", path)
    assert code == 0
    assert "the record of second could not be read" in err
    assert "the fleet asks it before it rotates" in err


@pytest.mark.usefixtures("reached")
def test_a_secret_that_the_roles_cannot_decrypt_is_said_before_its_target_is_stored(rotation: Run, secrets: Secrets) -> None:
    key = f"arn:aws:kms:{HERE}:key/11111111-1111-1111-1111-111111111111"
    document = secrets.document("second", "second_a", "second_b")
    document["slot_secret"] = secrets.make("hidden/slots", "record", record("hidden_a", "hidden_b"), KmsKeyId=key)
    refused(rotation("targets", "add", secrets.file("second", document)), key, "SecretsKmsKeyArn", "give it that key")


@pytest.mark.usefixtures("reached")
def test_a_target_is_edited_once_it_was_shown_and_checked(rotation: Run, secrets: Secrets, monkeypatch: pytest.MonkeyPatch) -> None:
    document = secrets.document("second", "second_a", "second_b")
    rotation("targets", "add", secrets.file("second", document))
    same = rotation("targets", "edit", "second", secrets.file("same", document), "--yes")
    assert same == (0, "second is as it was: nothing was stored\n", "")
    quarterly = document | {"class": "quarterly"}
    code, _, err = rotation("targets", "edit", "second", secrets.file("new", quarterly))
    assert (code, "nobody can answer here: give --yes" in err) == (2, True), err
    assert secrets.stored()["second"] == json.dumps(document)
    code, out, _ = rotation("targets", "edit", "second", secrets.file("new", quarterly), "--yes")
    assert (code, '+  "class": "quarterly"' in out) == (0, True), out
    assert secrets.stored()["second"] == json.dumps(quarterly)
    file = quarterly | {"consumers": [{"kind": "sqlconf", "path": "default/sqlconf.php"}]}
    refused(rotation("targets", "edit", "second", secrets.file("bad", file), "--yes"), "consumers[0].path", "openemr's too")
    refused(rotation("targets", "edit", "openemr", secrets.file("own", quarterly), "--yes"), "made by the stack")
    monkeypatch.setenv("EDITOR", "sed -i s/quarterly/half-yearly/")
    code, out, _ = rotation("targets", "edit", "second", "--yes")
    assert (code, json.loads(secrets.stored()["second"])["class"]) == (0, "half-yearly")


@pytest.mark.usefixtures("reached")
def test_what_an_edit_gives_up_is_said(rotation: Run, secrets: Secrets) -> None:
    document = secrets.document("second", "second_a", "second_b")
    rotation("targets", "add", secrets.file("second", document))
    path = {"consumers": [{"kind": "sqlconf", "path": "second/sqlconf.php"}]}
    code, _, err = rotation("targets", "edit", "second", secrets.file("new", document | path), "--yes")
    assert (code, "SitesAccessPointArn" in err) == (0, False)
    code, out, _ = rotation("targets", "edit", "second", secrets.file("back", document), "--yes")
    assert (code, "consumers[0].path: file second/sqlconf.php is not this target's any more" in out) == (0, True), out


@pytest.mark.usefixtures("reached")
def test_a_target_is_taken_out_with_its_hold_and_what_stays_is_said(rotation: Run, secrets: Secrets, aws: LocalAws) -> None:
    document = secrets.document("second", "second_a", "second_b")
    rotation("targets", "add", secrets.file("second", document))
    rotation("targets", "hold", "second", "--until", "2999-01-01")
    assert rotation("targets", "remove", "second")[0] == 2, "it asks, and nobody can answer"
    assert "second" in secrets.stored()
    code, out, err = rotation("targets", "remove", "second", "--yes")
    assert (code, err, sorted(secrets.stored())) == (0, "", ["openemr"])
    for said in (document["slot_secret"], "its users in the database", "openemr goes on rotating it", "untag-resource"):
        assert said in out
    assert "planted" not in out
    assert aws.client("ssm").get_parameters_by_path(Path=f"/{STACK}/holds")["Parameters"] == []
    refused(rotation("targets", "remove", "second", "--yes"), "no target 'second'")
    refused(rotation("targets", "remove", "openemr", "--yes"), "made by the stack", "docs/deleting.md")


@contextmanager
def waiting(aws: LocalAws, name: str, given: dict[str, str]) -> Iterator[None]:
    """An execution that runs until it is stopped."""
    states = aws.client("stepfunctions")
    machine = f"arn:aws:states:{HERE}:stateMachine:{STACK}"
    wait = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}}
    before = states.describe_state_machine(stateMachineArn=machine)["definition"]
    states.update_state_machine(stateMachineArn=machine, definition=json.dumps(wait))
    try:
        arn = states.start_execution(stateMachineArn=machine, name=name, input=json.dumps(given))["executionArn"]
        yield
        states.stop_execution(executionArn=arn)
    finally:
        states.update_state_machine(stateMachineArn=machine, definition=before)


@pytest.mark.usefixtures("reached")
def test_while_a_rotation_of_it_runs_a_target_stays_as_it_is(rotation: Run, secrets: Secrets, aws: LocalAws) -> None:
    document = secrets.document("second", "second_a", "second_b")
    rotation("targets", "add", secrets.file("second", document))
    changed_file = secrets.file("new", document | {"class": "quarterly"})
    with waiting(aws, "at-second", {"target": "second"}):
        refused(rotation("targets", "remove", "second", "--yes"), "at-second runs for second", "rotation follow at-second")
        refused(rotation("targets", "edit", "second", changed_file, "--yes"), "at-second runs for second")
    assert secrets.stored()["second"] == json.dumps(document)
    with waiting(aws, "at-the-default", {}):
        assert rotation("targets", "edit", "second", changed_file, "--yes")[0] == 0, "it runs for another"


# ---- what it does


@pytest.mark.usefixtures("reached")
def test_a_run_is_started_followed_and_explained(rotation: Run, aws: LocalAws) -> None:
    code, out, err = rotation("start", "--name", "tried", "--target", "openemr", "--reason", "\x1b[31mwhy", "--follow")
    assert (code, err) == (1, ""), "RotationRefused: somebody should look"
    assert "RotationRefused" in out
    arn = out.splitlines()[0]
    given = json.loads(aws.client("stepfunctions").describe_execution(executionArn=arn)["input"])
    assert given == {
        "mode": "rotate",
        "target": "openemr",
        "reason": "\x1b[31mwhy",
        "started_by": aws.client("sts").get_caller_identity()["Arn"],
    }
    code, out, _ = rotation("explain", "tried")
    assert code == 1
    assert "failed at ReadSlots: SecretInvalid: no B" in out
    assert "nothing was touched" in out
    assert "mend it, then start again" in out
    assert "\x1b" not in out, "a reason gives the terminal no orders"
    assert "RotationRefused" in rotation("history")[1]
    refused(rotation("start", "--name", "tried"), "tried already", "--name")


@pytest.mark.usefixtures("reached")
def test_without_follow_it_returns_at_once(rotation: Run) -> None:
    code, out, _ = rotation("start", "--name", "alone")
    assert (code, out.strip()) == (0, f"arn:aws:states:{HERE}:execution:{STACK}:alone")


@pytest.mark.usefixtures("reached")
def test_status_asks_to_look_at_a_target_that_was_never_rotated(rotation: Run) -> None:
    code, out, _ = rotation("status")
    assert code == 1
    assert "never rotated" in out


@pytest.mark.usefixtures("reached")
def test_without_a_name_the_latest_is_explained(rotation: Run) -> None:
    rotation("start", "--name", "the-latest", "--follow")
    assert "the-latest" in rotation("explain")[1]


@pytest.mark.usefixtures("reached")
def test_another_program_gets_documents(rotation: Run) -> None:
    rotation("start", "--name", "for-a-program", "--follow")
    documents = {
        name: json.loads(rotation(*command, "--json")[1])
        for name, command in {
            "status": ("status",), "history": ("history",), "explain": ("explain", "for-a-program"),
            "follow": ("follow", "for-a-program"), "targets": ("targets", "list"),
        }.items()
    }  # fmt: skip
    assert documents["targets"] == {"openemr": DOCUMENT}
    assert "for-a-program" in [run["name"] for run in documents["history"]]
    assert documents["explain"] == documents["follow"] | {"seconds": documents["explain"]["seconds"]}
    assert documents["explain"]["failures"] == [{"step": "ReadSlots", "error": "SecretInvalid", "message": "no B"}]
    assert documents["explain"]["ways_out"]["SecretInvalid"].startswith("Mend the secret")
    [target] = documents["status"]["targets"]
    assert (target["name"], target["overdue"], target["never_rotated"]) == ("openemr", True, True)
    assert target["asks"][-1]["command"] == "rotation start --target openemr --follow"


AS_A_PROCESS = """
import signal
from rotation_cli.app import run
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell runs in the background, and so here
run()
"""


@contextmanager
def command(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """As a process of its own, which does not outlive the test."""
    env, pipe = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", AS_A_PROCESS, *arguments], env=env, text=True, stdout=pipe, stderr=pipe
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.usefixtures("reached")
@pytest.mark.parametrize("arguments", [("history",), ("status",), ("targets", "list", "--json"), ("status", "--help")])
def test_who_reads_no_further_is_no_failure(arguments: tuple[str, ...]) -> None:
    with command(*arguments) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert (process.wait(30), process.stderr.read()) == (0, "")


@pytest.mark.usefixtures("reached")
def test_ctrl_c_ends_the_following_and_not_the_execution(aws: LocalAws) -> None:
    states = aws.client("stepfunctions")
    waits = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}}
    made = states.create_state_machine(name="waits", definition=json.dumps(waits), roleArn="arn:aws:iam::123456789012:role/states")
    arn = states.start_execution(stateMachineArn=made["stateMachineArn"], name="goes-on")["executionArn"]
    with command("--stack", "waits", "follow") as process:
        assert process.stdout
        assert process.stdout.readline().startswith("following goes-on")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == -signal.SIGINT
        assert process.stderr
        assert "the execution goes on: `rotation follow goes-on`" in process.stderr.read()
    assert states.describe_execution(executionArn=arn)["status"] == "RUNNING"
    states.stop_execution(executionArn=arn)


@pytest.mark.usefixtures("bare")
def test_an_endpoint_that_is_silent_is_told_of_before_it_is_given_up(rotation: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_aws, "SILENT_SECONDS", 0.1)
    monkeypatch.setattr(command_aws, "CONFIG", Config(read_timeout=1, retries={"total_max_attempts": 1}))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        use(monkeypatch, f"http://127.0.0.1:{silent.getsockname()[1]}")
        code, _, err = rotation("status")
    assert code == 2
    assert err.splitlines()[0] == "rotation: no answer yet from AWS to ssm:GetParametersByPath; still waiting (Ctrl-C ends this)"
    assert "could not be reached" in err.splitlines()[1]


def test_it_is_told_within_ten_seconds() -> None:
    assert command_aws.SILENT_SECONDS < 10
