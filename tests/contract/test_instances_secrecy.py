"""No password where anybody could look: arguments, environments, output, folders, histories; and the request's signature."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.aws import LocalAws
from local.iam.recording import Recording
from local.instances import document
from local.instances.documents import MOST_BYTES, Document, InvalidParameters
from local.yaml_text import read_yaml
from tests.contract.machine import DOCUMENT, NEW, OLD, ROLE, Machine, Secret, Served, config


class Sampling:
    """Everything that /proc says of anybody's arguments and environment, over and over, until the end of the block."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> set[bytes]:
        self._thread.start()
        return self.seen

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                for what in ("cmdline", "environ"):
                    try:
                        self.seen.add((process / what).read_bytes())
                    except OSError:
                        continue  # it has ended, or is somebody else's


def holding(seen: set[bytes], *texts: str) -> list[bytes]:
    return [one for one in seen if any(text.encode() in one for text in texts)]


@pytest.mark.parametrize("shell", ["dash", "bash"])
@pytest.mark.parametrize("program", ["aws", "curl"])
def test_no_password_and_no_key_is_anywhere(program: str, shell: str, tmp_path: Path, aws: LocalAws) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"no {program} on this machine")
    secret = Secret(aws)
    version = secret.put()
    with Machine(tmp_path / "machine", aws, shell=shell) as machine:
        if program == "aws":
            machine.programs.add_cli()
        machine.path.write_text(config())
        with Sampling() as seen:
            answers = [machine.run(secret, version), machine.run(secret, secret.first, "look", Candidates=version)]
        keys = (machine.metadata.secret_key, machine.metadata.session_token)
    assert [(one.file, one.holds) for one in answers] == [("written", version), ("unchanged", version)]
    assert holding(seen, "get-secret-value" if program == "aws" else "curl\0-q\0--config")  # the sampling sees such a process
    assert not holding(seen, NEW[1], OLD[1], *keys)
    for answer in answers:
        assert not any(text in answer.output for text in (NEW[1], OLD[1], *keys))
    assert [path for path in (tmp_path / "machine").rglob("*") if path.is_file() and holds(path, NEW[1], OLD[1], *keys)] == [
        machine.path
    ]
    assert list(machine.scratch.iterdir()) == []


def holds(path: Path, *texts: str) -> bool:
    return bool(holding({path.read_bytes()}, *texts))


def test_the_sampling_sees_what_is_in_an_argument(tmp_path: Path, aws: LocalAws) -> None:
    """Were the password one, the test before this one would fail."""
    with Machine(tmp_path, aws) as machine, Sampling() as seen:
        machine.path.write_text(config())
        secret = Secret(aws)
        machine.run(secret, secret.first, Marker="as-if-it-were-a-password")
    assert holding(seen, "as-if-it-were-a-password")


def test_all_that_a_role_calls_is_to_read_the_secret(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """And AWS's record of calls shows no password."""
    record = tmp_path / "calls.jsonl"
    with LocalAws(Path("no-function-runs-here"), tmp_path_factory.mktemp("logs"), record=record) as aws:
        secret = Secret(aws)
        with Machine(tmp_path / "machine", aws) as machine:
            machine.path.write_text(config())
            machine.run(secret, secret.put())
    calls = [call for call in Recording.of(record, {}, {}).calls if call.caller == ROLE]
    assert [(call.action, call.resource) for call in calls] == [("secretsmanager:GetSecretValue", secret.arn)]
    assert not holds(record, NEW[1], OLD[1])


# ---- the signature, judged by AWS's own library -------------------------------------------------------------------------------


class Endpoint(Served):
    """Keeps the one request that comes."""

    def __init__(self) -> None:
        kept = self
        self.headers: dict[str, str] = {}
        self.body = b""

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                kept.headers = {name.lower(): value for name, value in self.headers.items()}
                kept.body = self.rfile.read(int(self.headers["content-length"]))
                self.send_error(400)

        super().__init__(Handler)


def test_the_request_is_signed_as_aws_wants_it(tmp_path: Path, aws: LocalAws) -> None:
    secret = Secret(aws)
    with Machine(tmp_path, aws) as machine, Endpoint() as endpoint:
        machine.path.write_text(config())
        machine.endpoint = endpoint.url
        told = machine.run(secret, secret.first)
        credentials = Credentials(ROLE, machine.metadata.secret_key, machine.metadata.session_token)
    assert (told.reason, "(HTTP 400)" in told.detail) == ("SecretUnreadable", True)
    found = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=\S+, SignedHeaders=(\S+), Signature=(\w+)", endpoint.headers["authorization"]
    )
    assert found
    signed = found[1].split(";")
    assert signed == ["content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"]
    request = AWSRequest("POST", f"{endpoint.url}/", {name: endpoint.headers[name] for name in signed}, endpoint.body)
    request.context["timestamp"] = endpoint.headers["x-amz-date"]
    judge = SigV4Auth(credentials, "secretsmanager", "us-east-1")
    assert found[2] == judge.signature(judge.string_to_sign(request, judge.canonical_request(request)), request)


# ---- what is shipped ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", document.made())
def test_what_is_shipped_is_made_of_its_sources(name: str) -> None:
    """Else: python -m local.instances.document"""
    assert (document.FOLDER / name).read_text() == document.made()[name]


def test_the_document_is_what_ssm_takes() -> None:
    text = DOCUMENT.read_text()
    read = read_yaml(text)
    assert len(text.encode()) <= MOST_BYTES
    assert text.isascii()
    assert (read["schemaVersion"], [step["action"] for step in read["mainSteps"]]) == ("2.2", ["aws:runShellScript"])
    assert {about["type"] for about in read["parameters"].values()} == {"String"}
    assert all(
        about["allowedPattern"].startswith("^") and about["allowedPattern"].endswith("$") for about in read["parameters"].values()
    )


GIVEN = {"Action": "look", "SecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a/b-AbCdEf", "VersionId": "0" * 32}
ATTACKS = ["'", "';id;'", "$(id)'", "a\nb'", "'\n", "\\"]


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("parameter", document.PARAMETERS)
def test_no_parameter_gets_out_of_its_quotes(parameter: str, attack: str) -> None:
    given = {name: [value] for name, value in GIVEN.items()}
    for value in (attack, given.get(parameter, ["/x"])[0] + attack):
        with pytest.raises(InvalidParameters):
            Document(DOCUMENT.read_text()).values(given | {parameter: [value]})


def test_user_data_makes_the_same_program_out_of_the_document(tmp_path: Path) -> None:
    """It drops the lines that parameters are put into, and adds the first."""
    [script] = read_yaml(DOCUMENT.read_text())["mainSteps"][0]["inputs"]["runCommand"]
    [expression] = re.findall(r'sed "(.*)"', (document.FOLDER / "user-data.sh").read_text())
    sed = expression.replace("\\$", "$")
    body = subprocess.run(["sed", sed], input=script, capture_output=True, text=True, check=True).stdout
    program = (document.FOLDER / "wp-config").read_text()
    assert program.startswith("#!/bin/sh\n")
    assert program.removeprefix(f"#!/bin/sh\n{document.MADE}\n") == body


def test_user_data_fits() -> None:
    assert len((document.FOLDER / "user-data.sh").read_bytes()) <= 16 * 1024


def test_the_boot_unit_comes_before_every_web_server() -> None:
    unit = (document.FOLDER / "wp-config.service").read_text()
    before = " ".join(re.findall(r"^Before=(.*)$", unit, re.MULTILINE)).split()
    assert {"httpd.service", "apache2.service", "nginx.service", "php-fpm.service", "php8.2-fpm.service"} <= set(before)
    assert "/usr/local/sbin/wp-config" in unit
