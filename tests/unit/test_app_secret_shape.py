"""An application's secret in the shapes of others, and what is made of it: the record, and the target of a stack."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from rotation.consumers.app_secret.imported import Imported, document, imported
from rotation.consumers.app_secret.shape import Application, read
from rotation.core.errors import SecretInvalid
from rotation.core.model import Credential, Password, SecretText, Slot
from rotation.core.record import Record
from rotation.kinds import registry
from rotation.kinds.target import parse_target

from tests.worlds.families import APPLICATION_SECRET, PROXY_SECRETS, RDS_PROXY

SCRIPTS: dict[str, Any] = {
    "rotation_type": "AWS RDS",
    "rotation_usernames": ["shop", "shop-clone"],
    "proxy_secret_ids": PROXY_SECRETS,
    "database_host": "db.example",
    "database_port": "3306",
    "database_name": "shop",
    "username": "shop-clone",
    "password": "canary-of-the-clone",
    "a key of somebody else": {"nested": [1, None]},
}
AWSS: dict[str, Any] = {
    "engine": "mysql",
    "host": "db.example",
    "port": 3306,
    "dbname": "shop",
    "username": "shop",
    "password": "canary-of-shop",
}
HELD = {
    PROXY_SECRETS[0]: Credential("shop", Password("canary-of-shop"), "", None, ""),
    PROXY_SECRETS[1]: Credential("shop-clone", Password("canary-of-the-clone"), "", None, ""),
}
PARAMETERS = RDS_PROXY | {
    "SourceKind": "mysql",
    "DatabaseCa": "rds",
    "ReaderHosts": "none",
    "Pooled": "false",
    "EndpointCa": "amazon",
    "HealthUrl": "none",
    "RotationClass": "monthly",
}
MADE = Password("canary-that-was-made")


def said(content: object) -> Application:
    return read(SecretText(content if isinstance(content, str) else json.dumps(content)), "arn:app", 3306)


def made(
    content: dict[str, Any],
    proxies: dict[str, Credential] | None = None,
    *,
    dual: bool = True,
    make: Callable[[], Password] = lambda: MADE,
) -> Imported:
    return imported("arn:app", said(content), HELD if proxies is None else proxies, dual, make)


def without(content: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key not in keys}


# ---- what the secret says


def test_the_shape_of_a_rotation_script_is_read_and_other_keys_are_nobodys_business() -> None:
    found = said(SCRIPTS)
    assert found == Application(
        Credential("shop-clone", Password("canary-of-the-clone"), "db.example", 3306, "shop"),
        ("shop", "shop-clone"), tuple(PROXY_SECRETS), "",
    )  # fmt: skip


def test_the_shape_of_aws_is_read() -> None:
    assert said(AWSS) == Application(
        Credential("shop", Password("canary-of-shop"), "db.example", 3306, "shop"), ("shop",), (), "mysql"
    )
    assert said(without(AWSS, "port")).login.port == 3306


WRONG: dict[str, tuple[object, str]] = {
    "no JSON": ("{", "is not a JSON object: put username, password and where the database is"),
    "a list": ([], "is not a JSON object"),
    "a rotation_type unknown": (
        SCRIPTS | {"rotation_type": "canary-of-a-typo"}, "rotation_type is unknown: 'AWS RDS' is what it may say",
    ),
    "names that repeat": (
        SCRIPTS | {"rotation_usernames": ["shop-clone", "shop-clone"]}, r"rotation_usernames\[1\] is there before: name each once",
    ),
    "an empty name": (
        SCRIPTS | {"rotation_usernames": ["shop-clone", " "]}, "rotation_usernames is no list of names, or one of them is empty",
    ),
    "names that are a text": (SCRIPTS | {"rotation_usernames": "shop-clone"}, "rotation_usernames is no list of names"),
    "its user takes no turns": (
        SCRIPTS | {"username": "else"}, "rotation_usernames does not name the user of username: name it there too",
    ),
    "nine users": (
        SCRIPTS | {"rotation_usernames": ["shop-clone", *"abcdefgh"]}, "rotation_usernames names 9 users: 8 take turns at most",
    ),
    "a proxy secret twice": (SCRIPTS | {"proxy_secret_ids": ["a", "a"]}, r"proxy_secret_ids\[1\] is there before"),
    "a port that is text": (SCRIPTS | {"database_port": "mysql"}, "database_port is no port: write a number from 1 to 65535"),
    "a port of AWS's that is text": (AWSS | {"port": "mysql"}, "port is no port"),
    "no host": (without(SCRIPTS, "database_host"), "database_host is missing, empty or no text: put it there"),
    "no database": (without(AWSS, "dbname"), "dbname is missing"),
    "no password": (without(AWSS, "password"), "password is missing"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "why"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_by_its_key_and_no_value_is_shown(content: object, why: str) -> None:
    with pytest.raises(SecretInvalid, match=f"^secret arn:app:? .*{why}") as caught:
        said(content)
    assert "canary" not in str(caught.value)


# ---- the record


def test_the_user_in_use_keeps_its_password_and_the_others_have_that_of_their_proxy_secret() -> None:
    record = made(SCRIPTS).record
    assert (record.active, record.ring, record.two_values) == (Slot.B, (Slot.A, Slot.B), False)
    assert record.credential("A") == Credential("shop", Password("canary-of-shop"), "db.example", 3306, "shop")
    assert record.credential("B") == Credential("shop-clone", Password("canary-of-the-clone"), "db.example", 3306, "shop")


def test_without_a_proxy_the_user_that_rests_gets_a_new_password() -> None:
    entries = made(without(SCRIPTS, "proxy_secret_ids"), {}).entries
    assert entries[0].credential.password == MADE
    assert entries[0].origin == "a new one, given to the user when nobody uses it"


def test_one_user_alone_is_two_values() -> None:
    record = made(AWSS, {}).record
    assert (record.active, record.two_values) == (Slot.A, True)
    assert record.credential("A").username == record.credential("B").username == "shop"
    assert record.credential("B").password == MADE


def test_a_record_that_was_made_of_it_is_known_again_after_its_passwords_have_changed() -> None:
    own = made(SCRIPTS)
    assert own.is_made_by(own.record.with_password(Slot.A, MADE).with_active(Slot.A))
    assert not own.is_made_by(made(SCRIPTS | {"database_host": "other.example"}).record)
    assert not own.is_made_by(made(AWSS, {}).record)


UNFIT: dict[str, tuple[dict[str, Any], dict[str, Credential], bool, str]] = {
    "one user behind a proxy": (
        without(SCRIPTS, "rotation_usernames"), HELD, True,
        "one user alone cannot be rotated behind a proxy, .*: name a second user in rotation_usernames, or with --user",
    ),
    "one user where there is one password": (
        AWSS, {}, False, "one user alone cannot be rotated where the server keeps one password a user: name a second user",
    ),
    "a proxy secret of nobody": (
        SCRIPTS, HELD | {"arn:c": Credential("somebody", MADE, "", None, "")}, True,
        r"proxy_secret_ids\[2\] names a user who takes no turns: take it out, or name its user in rotation_usernames",
    ),
    "two of one user": (
        SCRIPTS, HELD | {PROXY_SECRETS[1]: HELD[PROXY_SECRETS[0]]}, True,
        r"proxy_secret_ids\[1\] names the user of another one: give each user exactly one",
    ),
    "a user without one": (
        SCRIPTS, {PROXY_SECRETS[1]: HELD[PROXY_SECRETS[1]]}, True, "proxy_secret_ids has no secret of shop: make one",
    ),
    "two passwords of the user in use": (
        SCRIPTS | {"password": "canary-of-another"}, HELD, True, "password is not what the proxy's secret of that user holds",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "proxies", "dual", "why"), UNFIT.values(), ids=UNFIT)
def test_what_does_not_fit_together_is_refused_with_the_way_out(
    content: dict[str, Any], proxies: dict[str, Credential], dual: bool, why: str
) -> None:
    with pytest.raises(SecretInvalid, match=f"^secret arn:app: {why}") as caught:
        made(content, proxies, dual=dual)
    assert "canary" not in str(caught.value)


# ---- the target


def test_the_target_is_that_of_the_stack_and_holds_no_password() -> None:
    text = json.dumps(document(APPLICATION_SECRET, HELD, PARAMETERS))
    target = parse_target("shop", text)
    assert (target.slot_secret, target.admin_secret) == (RDS_PROXY["SlotSecretArn"], RDS_PROXY["AdminSecretArn"])
    assert [one.kind for one in target.consumers] == ["proxy-secret", "app-secret"]
    assert target.rotated_secret == APPLICATION_SECRET
    assert target.endpoint is not None
    assert target.cache_seconds == 300
    assert "canary" not in text


def test_the_engines_of_aws_are_each_of_one_source() -> None:
    engines = [engine for kind in registry.SOURCES for engine in registry.source(kind).engines]
    assert len(engines) == len(set(engines))
    assert {"mysql", "mariadb", "postgres"} <= set(engines)


def test_a_record_is_read_back_as_it_was_made() -> None:
    own = made(SCRIPTS).record
    assert Record.parse(own.text(), "x").same_content(own)
