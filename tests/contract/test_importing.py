"""`rotation targets add --from-secret` on the local AWS: what it shows, what it stores, what it refuses."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rotation.core.model import SecretText
from rotation.core.record import Record
from rotation_cli import app

from local.aws import LocalAws
from tests.worlds.families import RDS_PROXY

STACK = "shop"
Answer = tuple[int, str, str]
Secrets = dict[str, str]


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws(Path(sys.executable), tmp_path_factory.mktemp("logs")) as aws:
        yield aws


@pytest.fixture
def secrets(aws: LocalAws) -> Iterator[Secrets]:
    """As a person has made them: the application's, one for each user at the proxy, an empty one for the record."""
    client = aws.client("secretsmanager")
    held = {
        "proxy-a": {"username": "shop", "password": "canary-of-shop"},
        "proxy-b": {"username": "shop-clone", "password": "canary-of-the-clone"},
        "admin": {"username": "admin", "password": "canary-of-admin"},
    }
    made = {name: client.create_secret(Name=name, SecretString=json.dumps(one))["ARN"] for name, one in held.items()}
    made["record"] = client.create_secret(Name="record")["ARN"]
    made["application"] = client.create_secret(Name="application", SecretString=json.dumps(content(made)))["ARN"]
    yield made
    for arn in made.values():
        client.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)


def content(made: Secrets, **changes: Any) -> dict[str, Any]:
    return {
        "rotation_type": "AWS RDS",
        "rotation_usernames": ["shop", "shop-clone"],
        "proxy_secret_ids": [made["proxy-a"], made["proxy-b"]],
        "database_host": "db.example",
        "database_port": 3306,
        "database_name": "shop",
        "username": "shop",
        "password": "canary-of-shop",
        **changes,
    }


@pytest.fixture
def stack(aws: LocalAws, secrets: Secrets) -> Iterator[None]:
    """Deployed for that application; its targets are whatever a test puts."""
    parameters = {
        **RDS_PROXY,
        "SourceKind": "mysql",
        "DatabaseCa": "rds",
        "ReaderHosts": "none",
        "Pooled": "false",
        "EndpointCa": "amazon",
        "HealthUrl": "none",
        "HealthMarker": "OpenEMR Login",
        "HealthCa": "system",
        "RotationClass": "monthly",
        "SlotSecretArn": secrets["record"],
        "AdminSecretArn": secrets["admin"],
        "ApplicationSecretArn": secrets["application"],
        "ProxySecretArns": f"{secrets['proxy-a']},{secrets['proxy-b']}",
    }
    template = {"Parameters": {name: {"Type": "String"} for name in parameters}, "Resources": {
        "Topic": {"Type": "AWS::SNS::Topic"}}}  # fmt: skip
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    aws.client("cloudformation").create_stack(StackName=STACK, TemplateBody=json.dumps(template), Parameters=given)
    put_target(aws, "another", {"slot_secret": "arn:a", "admin_secret": "arn:b", "source": {"kind": "mysql"}, "consumers": []})
    yield
    aws.client("cloudformation").delete_stack(StackName=STACK)
    for name in targets(aws):
        aws.client("ssm").delete_parameter(Name=f"/{STACK}/targets/{name}")


def put_target(aws: LocalAws, name: str, document: dict[str, Any]) -> None:
    aws.client("ssm").put_parameter(Name=f"/{STACK}/targets/{name}", Type="String", Value=json.dumps(document))


def targets(aws: LocalAws) -> dict[str, str]:
    found = aws.client("ssm").get_parameters_by_path(Path=f"/{STACK}/targets")["Parameters"]
    return {one["Name"].rsplit("/", 1)[-1]: one["Value"] for one in found}


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch, aws: LocalAws, stack: None, secrets: Secrets, capsys: pytest.CaptureFixture[str]) -> Any:
    for name in [name for name in os.environ if name.startswith(("AWS_", "ROTATION_"))]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ENDPOINT_URL": aws.endpoint, "AWS_REGION": "us-east-1", "ROTATION_STACK": STACK,
        "AWS_ACCESS_KEY_ID": "operator", "AWS_SECRET_ACCESS_KEY": "local",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> Answer:
        code = app.main(["targets", "add", "--from-secret", secrets["application"], *arguments])
        said = capsys.readouterr()
        assert "canary" not in said.out + said.err
        return code, said.out, said.err

    return run


Add = Callable[..., Answer]


def record(aws: LocalAws, secrets: Secrets) -> Record | None:
    labelled = aws.client("secretsmanager").describe_secret(SecretId=secrets["record"]).get("VersionIdsToStages")
    if not labelled:
        return None
    text = aws.client("secretsmanager").get_secret_value(SecretId=secrets["record"])["SecretString"]
    return Record.parse(SecretText(text), "record")


def put(aws: LocalAws, arn: str, value: object) -> None:
    aws.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=json.dumps(value))


def test_a_dry_run_shows_who_where_and_from_where_and_stores_nothing(add: Add, aws: LocalAws, secrets: Secrets) -> None:
    code, out, _ = add("--dry-run")
    assert code == 0
    assert "target application: new" in out
    assert "A: shop at db.example:3306/shop, in use; password as the application's secret has it" in out
    assert f"B: shop-clone at db.example:3306/shop; password as {secrets['proxy-b']} has it" in out
    assert "nothing was stored" in out
    assert (record(aws, secrets), list(targets(aws))) == (None, ["another"])


def test_record_and_target_are_stored_and_a_second_time_nothing_is(add: Add, aws: LocalAws, secrets: Secrets) -> None:
    assert add("--yes")[0] == 0
    stored = record(aws, secrets)
    assert stored is not None
    assert [stored.credential(slot).username for slot in stored.ring] == ["shop", "shop-clone"]
    assert stored.credential("B").password.reveal() == "canary-of-the-clone"
    assert json.loads(targets(aws)["application"])["slot_secret"] == secrets["record"]
    code, out, _ = add()
    assert (code, out.splitlines()[-1]) == (0, "all of it is there already: there is nothing to store")


def test_a_target_that_is_there_gets_the_record_alone(add: Add, aws: LocalAws, secrets: Secrets) -> None:
    """The template has made it: it stays as it is."""
    add("--yes", "--name", "shop")
    before = targets(aws)
    put(aws, secrets["record"], {})
    code, out, _ = add("--yes")
    assert (code, out.splitlines()[0]) == (0, "target shop: there already, left as it is")
    assert targets(aws) == before
    assert record(aws, secrets)


def test_a_second_user_may_be_named_where_the_secret_names_none(add: Add, aws: LocalAws, secrets: Secrets) -> None:
    put(aws, secrets["application"], {**content(secrets), "rotation_usernames": None})
    code, out, err = add("--user", "shop-clone", "--dry-run")
    assert (code, "B: shop-clone at" in out) == (0, True), err


WRONG: dict[str, tuple[dict[str, Any], tuple[str, ...], str]] = {
    "a rotation_type unknown": ({"rotation_type": "else"}, (), "rotation_type is unknown: 'AWS RDS' is what it may say"),
    "one user behind a proxy": ({"rotation_usernames": None}, (), "or with --user; it is made like shop"),
    "an id that does not exist": (
        {"proxy_secret_ids": ["arn:aws:secretsmanager:us-east-1:123456789012:secret:nobody-AbCdEf"]}, (),
        "there is no secret arn:aws:secretsmanager:us-east-1:123456789012:secret:nobody-AbCdEf in us-east-1: correct it, or make",
    ),
    "the application's own as a proxy's": (
        {"proxy_secret_ids": ["application"]}, (), "is the application's own secret: name the one that the proxy reads",
    ),
    "a proxy secret of nobody": (
        {"proxy_secret_ids": ["proxy-a", "proxy-b", "admin"]}, (), "proxy_secret_ids[2] names a user who takes no turns",
    ),
    "another engine": ({"engine": "postgres"}, (), "engine is another than the stack's mysql (parameter SourceKind): deploy it"),
    "an engine that nobody knows": ({"engine": "oracle"}, (), "mysql, postgresql, redis can be rotated, or correct engine"),
    "a port that is text": ({"database_port": "mysql"}, (), "database_port is no port: write a number from 1 to 65535"),
    "users told twice": ({}, ("--user", "other"), "rotation_usernames of"),
    "a user told twice": ({"rotation_usernames": None}, ("--user", "x", "--user", "x"), "--user: one is empty, or there twice"),
    "a name that no target has": ({}, ("--name", "Shop"), "'Shop' cannot be a target's name"),
    "nobody to ask": ({}, (), "targets add --from-secret asks before it begins, and nobody can answer here: give --yes"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_one_line_and_nothing_is_stored(what: str, add: Add, aws: LocalAws, secrets: Secrets) -> None:
    changes, options, said = WRONG[what]
    put(aws, secrets["application"], content(secrets, **changes))
    code, _, err = add(*options)
    assert (code, err.count("\n")) == (2, 1)
    assert said in err
    assert (record(aws, secrets), list(targets(aws))) == (None, ["another"])


def test_a_record_of_somebody_else_is_left_alone(add: Add, aws: LocalAws, secrets: Secrets) -> None:
    put(aws, secrets["record"], {"something": "else"})
    code, _, err = add("--yes")
    assert (code, "holds something that is no record: name an empty secret (parameter SlotSecretArn)" in err) == (2, True)
    assert list(targets(aws)) == ["another"]


def test_a_file_or_a_secret_but_not_both_and_not_neither(add: Add, capsys: pytest.CaptureFixture[str]) -> None:
    assert add("some.json")[0] == 2
    assert app.main(["targets", "add"]) == 2
    assert "give either a file with the target document, or --from-secret" in capsys.readouterr().err
