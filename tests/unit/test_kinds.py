"""Every kind of consumer has what the others know it by, and a suite that it passes; none is known by its name but in its folder
and in the registry."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from rotation.core import errors
from rotation.kinds import registry
from samtranslator.yaml_helper import yaml_parse

from local import fragment
from tests.conformance.consumers import About, Kind, target_of
from tests.statemachine.machine import shipped, states
from tests.worlds.families import APPLICATION_SECRET, PROXY_SECRETS

ROOT = Path(__file__).parents[2]
CORE = ROOT / "layers/rotation/rotation"
IN_CLUSTER: dict[str, Any] = {"cluster": "main", "namespace": "shop", "name": "login"}
WORDS = {"GetSecretValue", "DescribeSecret", "PutSecretValue", "UpdateSecretVersionStage", "ClientWrite", "SecureString"}
"""Of AWS, in the pages."""
CLUSTER = {"ClusterName": "main", "Namespace": "shop"}


class TestSqlconf(Kind):
    about = About(
        kind="sqlconf",
        settings={"path": "default/sqlconf.php"},
        parameters={"SitesFileSystemArn": "arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/fs-00000000"},
        wrong={"path": "../sqlconf.php", "owner": "www-data", "mode": "644"},
    )


class TestSecret(Kind):
    about = About(
        kind="secret",
        settings=IN_CLUSTER,
        parameters={**CLUSTER, "K8sSecretName": "login"},
        wrong={"name": "Login", "keys": {"URL": "{password}@{username}"}},
    )


class TestSecretWithItsOwnKeys(Kind):
    about = About(
        kind="secret",
        parameters=TestSecret.about.parameters,
        settings={**IN_CLUSTER, "keys": {"URL": "pg://{username}:{password|url}@{host}/{dbname}"}},
    )


class TestDeployment(Kind):
    about = About(
        kind="deployment",
        settings=IN_CLUSTER,
        parameters={**CLUSTER, "DeploymentName": "login"},
        wrong={"namespace": "Shop"},
    )


class TestApplicationSecret(Kind):
    about = About(
        kind="app-secret",
        settings={"secret": APPLICATION_SECRET, "application_cache_seconds": 60},
        parameters={"ApplicationSecretArn": APPLICATION_SECRET},
        wrong={"secret": "shop/login", "application_cache_seconds": -1, "keys": {"USER": "{username}"}},
    )


class TestProxySecrets(Kind):
    about = About(
        kind="proxy-secret",
        settings={"secrets": PROXY_SECRETS},
        parameters={"ProxySecretArns": ",".join(PROXY_SECRETS)},
        wrong={"secrets": PROXY_SECRETS[:1]},
    )


def test_every_kind_of_consumer_has_its_suite() -> None:
    said = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert set(re.findall(r'^        kind="([a-z0-9-]+)",$', said, re.MULTILINE)) == set(registry.CONSUMERS)


def test_every_folder_of_a_kind_is_registered() -> None:
    for known, folder in ((registry.CONSUMERS, "consumers"), (registry.SOURCES, "sources")):
        kinds = {f"rotation.{folder}.{path.parent.name}" for path in (CORE / folder).glob("*/kind.py")}
        assert kinds == set(known.values())


def test_nothing_is_switched_on_the_name_of_a_kind() -> None:
    names = "|".join([*registry.CONSUMERS, *registry.SOURCES])
    for path in CORE.rglob("*.py"):
        assert not re.findall(rf'kind\s*(?:==|!=|in)\s*\(?"(?:{names})"', path.read_text()), path


def test_the_template_has_what_each_kind_s_fragment_says() -> None:
    template = yaml_parse(fragment.TEMPLATE.read_text())
    for path in CORE.glob(f"*/*/{fragment.NAME}"):
        assert fragment.lacking(template, yaml_parse(path.read_text())) == [], path


EXAMPLE = (ROOT / "examples/kinds/parameter/fragment.yaml").read_text()


def test_a_fragment_is_put_in_once_and_taken_out_whole() -> None:
    before = fragment.remove(fragment.TEMPLATE.read_text(), EXAMPLE)
    after = fragment.add(fragment.add(before, EXAMPLE), EXAMPLE)
    assert fragment.lacking(yaml_parse(after), yaml_parse(EXAMPLE)) == []
    assert (
        yaml_parse(after)["Parameters"].keys() - yaml_parse(before)["Parameters"].keys() == yaml_parse(EXAMPLE)["Parameters"].keys()
    )
    assert fragment.remove(after, EXAMPLE) == before


def test_what_the_template_lacks_of_a_fragment_is_named() -> None:
    template = yaml_parse(fragment.remove(fragment.TEMPLATE.read_text(), EXAMPLE))
    assert "Parameters.LoginParameterName" in fragment.lacking(template, yaml_parse(EXAMPLE))


# Each kind's page


def page(kind: str) -> Path:
    return CORE.joinpath(*registry.CONSUMERS[kind].split(".")[1:], "README.md")


@pytest.mark.parametrize("kind", registry.CONSUMERS)
def test_its_page_says_what_people_ask(kind: str) -> None:
    text = page(kind).read_text()
    assert text.startswith(f"# `{kind}`: ")
    asked = ["## What it cannot", "## Order of events", "## Permissions", "## What to do when"]
    assert [line for line in text.splitlines() if line in asked] == asked
    assert "*What it does.*" in text


@pytest.mark.parametrize("kind", registry.CONSUMERS)
def test_the_consumers_on_its_page_are_such_as_a_target_takes(kind: str) -> None:
    shown = [json.loads(text) for text in re.findall(r"^```json\n(.*?)^```$", page(kind).read_text(), re.MULTILINE | re.DOTALL)]
    assert {target_of(one).consumers[0].kind for one in shown} == {kind}


@pytest.mark.parametrize("kind", registry.CONSUMERS)
def test_its_page_names_what_there_is(kind: str) -> None:
    text = page(kind).read_text()
    known = set(states(shipped())) | {name for name, one in vars(errors).items() if isinstance(one, type)}
    known |= set(yaml_parse(fragment.TEMPLATE.read_text())["Parameters"]) | WORDS
    assert set(re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", text)) <= known
    assert all((page(kind).parent / path).exists() for path in re.findall(r"\]\(([\w./-]+)", text) if not path.startswith("http"))
