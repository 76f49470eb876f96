"""`rotation targets check --try`: each part of a description is asked whether it is true, and nothing is issued."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from rotation.core.model import Credential, Password, SecretText
from rotation.kinds.target import parse_target
from rotation_cli import trying
from rotation_cli.stack import Stack
from rotation_cli.trouble import Trouble

from tests.contract.providers import ADMIN, SHIPPED, Here, can_rotate, serving
from tests.pages import section
from tests.unit.test_described_api import ARN

ROTATED = {name: said for name, said in SHIPPED.items() if can_rotate(said)}


class ReadOnly:
    """Of a stack what is asked: parameters, and secrets that may be read."""

    def __init__(self, hosts: str, secrets: Mapping[str, Any]) -> None:
        self._hosts, self._secrets = hosts, secrets

    def parameters(self) -> Mapping[str, str]:
        return {"ApiHosts": self._hosts}

    def record_text(self, secret: str) -> SecretText | None:
        found = self._secrets.get(secret)
        return None if found is None else SecretText(json.dumps(found))


def said_of(here: Here, key: Credential | None = None, description: Mapping[str, Any] | None = None) -> dict[str, tuple[str, str]]:
    """By what was looked at: how it is, and what was found."""
    source = {**here.settings, "kind": "http-api-key", "description": description or here.settings["description"]}
    document = {
        "slot_secret": ARN + "record",
        "admin_secret": ARN + "admin",
        "source": source,
        "consumers": [{"kind": "app-secret", "secret": ARN + "app", "application_cache_seconds": 60}],
    }
    slot = {} if key is None else {"username": key.username, "password": key.password.reveal()}
    secrets = {
        ARN + "record": {"active_slot": "A", "turns": "keys", "A": slot, "B": {}},
        ARN + "admin": {"username": ADMIN.username, "password": ADMIN.password.reveal()},
    }
    stack = cast("Stack", ReadOnly(here.server.host, secrets))
    found = list(trying.findings(stack, parse_target("shop", json.dumps(document))))
    shown = json.dumps([one.as_dict() for one in found])
    assert "canary" not in shown
    return {one.what: (str(one.severity), one.found) for one in found}


@pytest.fixture(params=ROTATED)
def each(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Here]:
    with serving(ROTATED[request.param], tmp_path / "provider") as here:
        yield here


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    with serving(SHIPPED["gitlab"], tmp_path / "provider") as found:
        yield found


def in_use(here: Here) -> Credential:
    key = here.provider.make("by hand")
    key.used = key.created
    return Credential(key.id, Password(key.secret), "", None, "")


def test_a_description_that_is_true_finds_all_of_it_and_changes_nothing(each: Here) -> None:
    said = said_of(each, in_use(each))
    assert {how for how, _ in said.values()} <= {"ok", "skipped"}
    assert said["try.accepted"][0] == said["try.refused"][0] == said["list"][0] == "ok"
    assert "would ask" in said["issue"][1]
    assert {one["what"] for one in each.provider.log} == {"list", "try"}
    assert len(each.provider.keys) == 1


def test_without_a_key_the_refusal_is_tried(here: Here) -> None:
    said = said_of(here)
    assert said["list"] == ("ok", "no keys")
    assert said["try.accepted"][0] == "skipped"
    assert said["try.refused"] == ("ok", "a key that nobody issued is refused")


def with_list(here: Here, **changes: str) -> dict[str, Any]:
    said = dict(here.settings["description"])
    return {**said, "list": {**said["list"], **changes}}


def test_a_place_that_no_key_has_is_named(here: Here) -> None:
    said = said_of(here, in_use(here), with_list(here, name="/label"))
    assert said["list.name"] == ("warning", "/label: 0 of 1 keys have it")


def test_a_list_elsewhere_is_named(here: Here) -> None:
    said = said_of(here, in_use(here), with_list(here, keys="/items"))
    assert said["list"][0] == "failed"
    assert "no list of keys at /items" in said["list"][1]


def test_a_key_that_is_not_listed_is_named(here: Here) -> None:
    said = said_of(here, Credential("another", in_use(here).password, "", None, ""))
    assert said["list.id"] == ("failed", "the key in use, another, is not listed")


def test_a_call_that_takes_any_key_proves_nothing(here: Here) -> None:
    described = dict(here.settings["description"])
    described["try"] = {**described["try"], "accepted": {"401": {}}, "refused": {"403": {}}}
    said = said_of(here, in_use(here), described)
    assert said["try.refused"] == ("failed", "a key that nobody issued is taken")
    assert said["try.accepted"][0] == "failed"


def test_who_may_not_read_the_admins_secret_is_told_so(here: Here) -> None:
    source = {**here.settings, "kind": "http-api-key"}
    document = {
        "slot_secret": ARN + "record",
        "admin_secret": ARN + "admin",
        "source": source,
        "consumers": [{"kind": "app-secret", "secret": ARN + "app", "application_cache_seconds": 60}],
    }
    target = parse_target("shop", json.dumps(document))
    with pytest.raises(Trouble, match="GetSecretValue"):
        list(trying.findings(cast("Stack", ReadOnly(here.server.host, {})), target))
    admin = {ARN + "admin": {"username": "x", "password": "y"}}
    with pytest.raises(Trouble, match="ApiHosts"):
        list(trying.findings(cast("Stack", ReadOnly("none", admin)), target))


def test_another_source_is_tried_by_mode_verify() -> None:
    document = {
        "slot_secret": ARN + "record",
        "admin_secret": ARN + "admin",
        "source": {"kind": "mysql"},
        "consumers": [{"kind": "app-secret", "secret": ARN + "app", "application_cache_seconds": 60}],
        "health": {"url": "https://shop.example/", "marker": "shop"},
    }
    with pytest.raises(Trouble, match="--mode verify"):
        list(trying.findings(cast("Stack", ReadOnly("none", {})), parse_target("shop", json.dumps(document))))


def test_the_page_s_own_provider_is_found_as_the_page_says(tmp_path: Path) -> None:
    blocks = re.findall(r"```(\w*)\n(.*?)```", section("Describe your own provider", "docs/http-api-key.md"), re.DOTALL)
    (described,) = [json.loads(text) for language, text in blocks if language == "json"]
    (printed,) = [text for language, text in blocks if not language]
    shown = {what: how for how, what in re.findall(r"^  (\w+) +([\w.]+): ", printed, re.MULTILINE)}
    with serving(described, tmp_path / "provider") as here:
        assert {what: how for what, (how, _) in said_of(here, in_use(here)).items()} == shown
