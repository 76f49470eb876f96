"""What no two targets may have: a record, a user of a server, a file, a key. The fleet rotates neither of two that meet."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rotation.core.model import SecretText
from rotation.core.record import Record
from rotation.kinds import registry
from rotation.kinds.apart import clashes, own
from rotation.kinds.kind import Holds
from rotation.kinds.target import parse_target

HERE = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:"
VAULT = {
    "kind": "vault-kv",
    "address": "https://vault.example:8200",
    "ca": "-----BEGIN CERTIFICATE-----",
    "mount": "kv",
    "path": "app/login",
    "login": {"method": "aws", "role": "app"},
    "application_cache_seconds": 0,
}
SQLCONF = {"kind": "sqlconf", "path": "default/sqlconf.php"}
CLUSTER = {"cluster": "c", "namespace": "n", "name": "s"}
PROXY = {"kind": "proxy-secret", "secrets": [f"{HERE}p1", f"{HERE}p2"]}
WORDPRESS = {"kind": "wp-config", "app": "blog", "document": "rewrite", "slowest_boot_seconds": 0}
IN_SWARM = {"managers": ["m1:2376", "m2:2376"], "ca": "-----BEGIN CERTIFICATE-----", "client_secret": f"{HERE}client"}
SHELF = {"kind": "swarm-secret", "keys": {"shop_login": "{username}:{password}"}, **IN_SWARM}
SERVICE = {"kind": "swarm-service", "service": "shop", "files": {"LOGIN_FILE": "shop_login"}, **IN_SWARM}

FUNCTION = {
    "kind": "lambda",
    "function": "arn:aws:lambda:eu-west-1:123456789012:function:put:live",
    "secret": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:handed",
    "application_cache_seconds": 0,
}


def application(secret: str, **more: Any) -> dict[str, Any]:
    return {"kind": "app-secret", "secret": f"{HERE}{secret}", "application_cache_seconds": 0, **more}


def owned(name: str, *consumers: dict[str, Any], users: tuple[str, str] | None = None, host: str = "db") -> list[tuple[str, str]]:
    document = {
        "slot_secret": f"{HERE}{name}/slots",
        "admin_secret": f"{HERE}admin",
        "source": {"kind": "mysql"},
        "consumers": list(consumers),
        "health": {"url": "https://app.example/", "marker": "works"},
    }
    return own(parse_target(name, json.dumps(document)), users and record(users, host))


def record(users: tuple[str, str], host: str) -> Record:
    place = {"password": "p", "host": host, "port": 3306, "dbname": "app"}
    slots = {slot: {"username": user, **place} for slot, user in zip("AB", users, strict=True)}
    return Record.parse(SecretText(json.dumps({"active_slot": "A", **slots})), "secret")


KEYS = {"user": "{username}", "word": "{password}"}
OTHER_KEYS = {"user2": "{username}", "word2": "{password}"}


@pytest.mark.parametrize(
    ("one", "other", "field"),
    [
        ([SQLCONF], [SQLCONF], "consumers[0].path"),
        ([SQLCONF, {"kind": "secret", **CLUSTER}], [application("b"), {"kind": "secret", **CLUSTER}], "consumers[1].name"),
        ([SQLCONF, {"kind": "secret", "keys": KEYS, **CLUSTER}], [application("b"), {"kind": "secret", "keys": KEYS, **CLUSTER}],
         "consumers[1].keys"),
        ([VAULT], [VAULT], "consumers[0].path"),
        ([VAULT | {"keys": KEYS}], [VAULT | {"keys": KEYS}], "consumers[0].keys"),
        ([PROXY, application("a")], [PROXY, application("b")], "consumers[0].secrets"),
        ([SHELF, application("a")], [SHELF | {"managers": ["m2:2376", "m3:2376"]}, application("b")], "consumers[0].keys"),
        ([SHELF, SERVICE, application("a")], [SHELF, SERVICE, application("b")], "consumers[1].files.LOGIN_FILE"),
        ([WORDPRESS, application("a")], [WORDPRESS, application("b")], "consumers[0].path"),
        ([FUNCTION], [FUNCTION | {"function": str(FUNCTION["function"]).replace("live", "7"), "secret": f"{FUNCTION['secret']}-2"}],
         "consumers[0].function"),
        ([FUNCTION], [FUNCTION | {"function": str(FUNCTION["function"]).replace("put", "put-2")}], "consumers[0].secret"),
        ([application("a")], [application("a")], "consumers[0].secret"),
        ([application("a", keys=KEYS)], [application("a", keys=OTHER_KEYS)], "consumers[0].secret"),
    ],
)  # fmt: skip
def test_the_same_place_is_named_by_its_field(one: list[dict[str, Any]], other: list[dict[str, Any]], field: str) -> None:
    found = clashes({"one": owned("one", *one), "other": owned("other", *other), "third": owned("third", application("third"))})
    assert sorted(found) == ["one", "other"]
    assert f"{field}: " in found["other"]
    assert "is target one's too: name another one" in found["other"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([SQLCONF], [SQLCONF | {"path": "second/sqlconf.php"}]),
        ([VAULT | {"keys": KEYS}], [VAULT | {"keys": OTHER_KEYS}]),
        ([VAULT], [VAULT | {"namespace": "team"}]),
        (
            [SQLCONF, {"kind": "secret", "keys": KEYS, **CLUSTER}],
            [application("b"), {"kind": "secret", "keys": OTHER_KEYS, **CLUSTER}],
        ),
        ([SQLCONF, application("a", keys=KEYS)], [application("b"), application("a", keys=OTHER_KEYS)]),
        ([SQLCONF, {"kind": "deployment", **CLUSTER}], [application("b"), {"kind": "deployment", **CLUSTER}]),
        ([WORDPRESS, application("a")], [WORDPRESS | {"app": "shop"}, application("b")]),
        ([SHELF, application("a")], [SHELF | {"managers": ["m3:2376"]}, application("b")]),
    ],
)  # fmt: skip
def test_another_key_another_file_and_one_restart_for_two_are_welcome(
    one: list[dict[str, Any]], other: list[dict[str, Any]]
) -> None:
    assert clashes({"one": owned("one", *one), "other": owned("other", *other)}) == {}


def test_the_same_user_is_one_of_the_same_server_only() -> None:
    one = owned("one", application("a"), users=("app_a", "app_b"))
    elsewhere = owned("other", application("b"), users=("app_a", "app_b"), host="db2")
    assert clashes({"one": one, "other": elsewhere}) == {}
    found = clashes({"one": one, "other": owned("other", application("b"), users=("x", "app_b"), host="DB")})
    assert "slot_secret, B: user app_b of db:3306 is target one's too" in found["other"]


@pytest.mark.parametrize("kind", registry.CONSUMERS)
def test_every_kind_that_holds_something_says_what_it_writes(kind: str) -> None:
    examples = [
        SQLCONF,
        VAULT,
        PROXY,
        WORDPRESS,
        application("a"),
        {"kind": "secret", **CLUSTER},
        {"kind": "deployment", **CLUSTER},
        SHELF,
        SERVICE,
        FUNCTION,
    ]
    example = next(one for one in examples if one["kind"] == kind)
    known = registry.consumer(kind)
    before = [SHELF] if example is SERVICE else []
    moved = [] if known.validated else [application("moves", traffic=True)]
    written = [what for field, what in owned("one", *before, example, *moved) if field.startswith(f"consumers[{len(before)}].")]
    assert bool(written) is (known.holds is not Holds.NOTHING)
