"""examples/targets/: each is a document that a target takes, and a dry run of it says what would change."""

import json
import re
from pathlib import Path

import pytest
from rotation.core.model import Credential
from rotation.kinds.kind import Holds
from rotation.kinds.target import parse_target

from tests.pages import section

FOLDER = Path(__file__).parents[2] / "examples/targets"
TARGETS = sorted(FOLDER.glob("*.json"))


def test_there_are_some() -> None:
    assert TARGETS


@pytest.mark.parametrize("path", TARGETS, ids=lambda path: path.stem)
def test_it_parses_and_each_consumer_says_what_it_would_change(path: Path) -> None:
    target = parse_target(path.stem, path.read_text())
    told = [one for one in target.consumers if one.known.holds is not Holds.NOTHING]
    said = [one.known.change(one.settings, "shop_a", "shop_b") for one in told]
    assert all("shop_b" in one for one in said)


def test_a_key_that_people_make_is_tried_and_written_alone() -> None:
    target = parse_target("mail", (FOLDER / "mail.json").read_text())
    assert (target.source.known.by_hand, target.admin_secret, target.rotates_admin) == (True, "", False)
    assert target.consumers[0].settings["keys"] == {"MAIL_API_KEY": "{password}"}


def test_the_swarm_s_services_come_before_what_moves_the_traffic() -> None:
    target = parse_target("shop", (FOLDER / "swarm.json").read_text())
    assert [one.known.state for one in target.consumers] == ["CreateSwarmSecret", "PrepareService", "PrepareService", "PutSecret"]
    assert target.moved_by.kind == "app-secret"
    assert "in 3 rolling updates" in target.consumers[1].known.change(target.consumers[1].settings, "a", "b")
    assert "in 1 rolling update" in target.consumers[2].known.change(target.consumers[2].settings, "a", "b")


@pytest.mark.parametrize("name", ["crm", "openai"])
def test_keys_of_a_provider_are_within_reach_of_a_stack_that_names_its_host(name: str) -> None:
    (path,) = [path for path in TARGETS if path.stem == name]
    source = parse_target(name, path.read_text()).source
    assert list(source.known.beyond(source.settings, {"ApiHosts": "api.crm.example,api.openai.com"})) == []
    assert len(list(source.known.beyond(source.settings, {"ApiHosts": "none"}))) == 1


def test_the_page_describes_the_provider_of_the_example() -> None:
    described = json.loads(next(path for path in TARGETS if path.stem == "crm").read_text())["source"]["description"]
    (shown,) = re.findall(r"```json\n(.*?)```", section("Describe your own provider", "docs/http-api-key.md"), re.DOTALL)
    assert json.loads(shown) == described


def test_the_key_that_signs_is_written_as_pem_and_as_jwk() -> None:
    target = parse_target("shop", next(path for path in TARGETS if path.stem == "signing-keys").read_text())
    assert (target.admin_secret, target.outlives_seconds, target.cache_seconds) == ("", 3600, 300)
    assert target.consumers[0].settings["keys"]["key"] == "{password|pem}"


@pytest.mark.parametrize(("name", "algorithm"), [("signing-keys-in-vault", "EdDSA"), ("signing-keys-hs256", "HS256")])
def test_a_set_of_keys_in_a_vault_is_within_reach_of_a_stack_that_names_it_and_a_new_key_fits(name: str, algorithm: str) -> None:
    target = parse_target("shop", next(path for path in TARGETS if path.stem == name).read_text())
    settings, known, secret = (
        target.source.settings,
        target.source.known,
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/",
    )
    granted = {"JwksLoginSecretArn": f"{secret}jwks-login-AbCdEf", "JwksReaderSecretArn": f"{secret}jwks-reader-AbCdEf"}
    assert list(known.beyond(settings, {"JwksHosts": "vault.example", **granted})) == []
    login = Credential("shop-jwt", target.source.make(), "", None, "")
    known.fits(settings, login)
    target.consumers[0].known.fits(target.consumers[0].settings, login)
    assert json.loads(login.password.reveal())["alg"] == algorithm
