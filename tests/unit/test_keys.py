"""The keys that a target names for a Secret or an application's secret: refused where they could not be read back, when the target
is parsed. A target that names none writes what it always wrote."""

import json
from typing import Any

import pytest
from rotation.consumers.keys import LOGIN, Keys
from rotation.consumers.secret.adapter import OPENEMR_PORT
from rotation.consumers.secret.kind import OPENEMR
from rotation.core.errors import SecretInvalid, TargetInvalid
from rotation.core.model import CURRENT, Credential, Mode, Password, SecretText
from rotation.kinds.target import Target, parse_target
from rotation.protocol.probes import probe

from tests.worlds.run import Run
from tests.worlds.world import MemoryWorld

SQLCONF = {"kind": "sqlconf", "path": "default/sqlconf.php"}
SECRET = {"kind": "secret", "cluster": "main", "namespace": "shop", "name": "login"}
APP_SECRET = {"kind": "app-secret", "secret": "arn:app", "application_cache_seconds": 60}
URL = {"DB_URL": "postgresql://{username}:{password|url}@{host}:{port}/{dbname}"}
A = Credential("shop_a", Password("canary/@: 1"), "db.example", 5432, "shop")


def parse(*consumers: dict[str, Any]) -> Target:
    document = {
        "slot_secret": "arn:slots",
        "admin_secret": "arn:admin",
        "source": {"kind": "postgresql"},
        "consumers": [*consumers],
        "health": {"url": "https://shop.example/", "marker": "Welcome"},
    }
    return parse_target("shop", json.dumps(document))


def change(target: Target, place: int) -> str:
    consumer = target.consumers[place]
    return consumer.known.change(consumer.settings, "shop_a", "shop_b")


@pytest.mark.parametrize("consumer", [SECRET, APP_SECRET], ids=lambda one: one["kind"])
@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"URL": "pg://{username}:{password}@h"}, "template URL: password may itself hold the '@' that follows it. Write"),
        ({"URL": "{username|url}{password|url}"}, "template URL: nothing stands between {username} and {password}. Put"),
        ({"USER": "{user}", "PASSWORD": "{password}"}, "template USER: the field at character 1 is unknown. There are {username}"),
        ({"PASSWORD": "{password|md5}"}, "template PASSWORD: the field at character 1, password, cannot be written in that way"),
        ({"PASSWORD": "{password"}, "template PASSWORD: the brace at character 1 belongs to no field. A brace itself is written"),
        ({"USER": "{username}"}, "no template of USER writes {password}. One has to"),
        ({"PASSWORD": "{password}"}, "no template of PASSWORD writes {username}. One has to"),
        ({"USER": "shop_a", "PASSWORD": "canary"}, "no template of USER, PASSWORD writes {password}. One has to"),
    ],
)
def test_a_template_that_cannot_be_read_back_is_refused_with_its_field_and_the_way_out(
    consumer: dict[str, Any], keys: dict[str, str], said: str
) -> None:
    with pytest.raises(TargetInvalid) as caught:
        parse(SQLCONF, consumer | {"keys": keys})
    assert f"shop: the target document is wrong: consumers[1].keys: {said}" in str(caught.value)
    assert "canary" not in str(caught.value), "somebody may have put a password there by mistake"


@pytest.mark.parametrize("consumer", [SECRET, APP_SECRET], ids=lambda one: one["kind"])
@pytest.mark.parametrize("keys", [{}, [], "{username}", {"USER": 1}, {"a key": "{username} {password|url}"}, {"": "{username}"}])
def test_keys_of_another_shape_are_refused_by_the_schema(consumer: dict[str, Any], keys: Any) -> None:
    with pytest.raises(TargetInvalid, match=r"consumers\[1\].keys"):
        parse(SQLCONF, consumer | {"keys": keys})


def test_a_dry_run_says_which_keys_change() -> None:
    target = parse(SQLCONF, SECRET | {"keys": URL}, APP_SECRET | {"keys": URL | {"DB_USER": "{username}"}})
    assert change(target, 1) == "Secret shop/login: DB_URL to shop_b, every other key as it is"
    assert change(target, 2) == "AWSCURRENT of arn:app: DB_URL, DB_USER from shop_a to shop_b, every other key as it is"


def test_a_dry_run_of_a_target_without_keys_says_what_it_said() -> None:
    target = parse(SQLCONF, SECRET, APP_SECRET)
    assert change(target, 1) == "Secret shop/login: mysql-host, -user, -password, -database to shop_b"
    assert change(target, 2) == "AWSCURRENT of arn:app: username and password from shop_a to shop_b, every other key as it is"


@pytest.mark.parametrize("texts", [LOGIN, OPENEMR, OPENEMR | OPENEMR_PORT, URL])
def test_what_was_rendered_is_read_back(texts: dict[str, str]) -> None:
    keys = Keys(texts)
    assert keys.read(keys.render(A)).at_place_of(A) == A


def test_what_no_template_writes_is_left_to_the_record() -> None:
    keys = Keys(LOGIN)
    assert keys.read(keys.render(A)) == Credential("shop_a", A.password, "", None, "")
    literal = Keys({"URL": "pg://{username}:{password|url}@proxy.example:5432/shop"})
    assert literal.read(literal.render(A)) == Credential("shop_a", A.password, "", None, "")


def test_openemr_s_keys_are_rendered_as_they_are() -> None:
    rendered = {key: text.reveal() for key, text in Keys(OPENEMR | OPENEMR_PORT).render(A).items()}
    assert rendered == {
        "mysql-user": "shop_a",
        "mysql-password": "canary/@: 1",
        "mysql-host": "db.example",
        "mysql-database": "shop",
        "mysql-port": "5432",
    }


@pytest.mark.parametrize("consumer", [SECRET, APP_SECRET], ids=lambda one: one["kind"])
def test_a_login_that_has_no_place_in_a_template_is_refused_before_anything_is_done(consumer: dict[str, Any]) -> None:
    world = MemoryWorld()
    world.target = parse(SQLCONF, consumer | {"keys": URL})
    raw = json.loads(world.current.text().reveal())
    raw["B"]["username"] = "app@corp"
    world.slots.put("edit", SecretText(json.dumps(raw)), [CURRENT])
    with pytest.raises(
        TargetInvalid, match=r"shop: consumers\[1\].keys: template DB_URL cannot hold this username as it is.*slot B"
    ):
        Run(world, "run", Mode.ROTATE).read_slots()
    assert world.journal.writes == []
    found = probe(world, "read_slots")
    assert [one.found.split(":")[0] for one in found if one.what == "slot login"] == ["TargetInvalid"]
    world.target = parse(SQLCONF, consumer | {"keys": {"DB_URL": URL["DB_URL"].replace("{username}", "{username|url}")}})
    found = probe(world, "read_slots")
    assert "TargetInvalid" not in [one.found.split(":")[0] for one in found if one.what == "slot login"]


def test_a_text_that_its_template_does_not_render_is_named_without_its_value() -> None:
    with pytest.raises(SecretInvalid, match="DB_URL is not written as its template says") as caught:
        Keys(URL).read({"DB_URL": SecretText("mysql://a:canary@b:1/c")})
    assert "canary" not in str(caught.value)
