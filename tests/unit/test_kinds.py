"""Every kind of consumer has what the others know it by, and a suite that it passes; none is known by its name but in its folder
and in the registry."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from rotation.core import errors
from rotation.core.errors import TargetInvalid
from rotation.kinds import registry

from local import fragment
from local.yaml_text import read_yaml
from tests.conformance.consumers import FOLLOWED, About, Kind, target_of
from tests.statemachine.machine import shipped, states
from tests.worlds.families import APPLICATION_SECRET, PROXY_SECRETS, SWARM_CLIENT, SWARM_SECRET, SWARM_SERVICE

ROOT = Path(__file__).parents[2]
CORE = ROOT / "layers/rotation/rotation"
IN_CLUSTER: dict[str, Any] = {"cluster": "main", "namespace": "shop", "name": "login"}
WORDS = {"GetSecretValue", "DescribeSecret", "PutSecretValue", "UpdateSecretVersionStage", "ClientWrite", "SecureString"}
WORDS |= {"StatefulSet", "DaemonSet", "OnDelete", "RollingUpdate"}
"""Of AWS and of Kubernetes, in the pages."""
FILES = "arn:aws:elasticfilesystem:eu-west-1:123456789012:file-system/fs-00000000"
CLUSTER = {"ClusterName": "main", "Namespace": "shop", "SitesFileSystemArn": FILES}


class TestSqlconf(Kind):
    about = About(
        kind="sqlconf",
        settings={"path": "default/sqlconf.php"},
        parameters={"SitesFileSystemArn": FILES},
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
        wrong={"namespace": "Shop", "workload": "CronJob"},
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


class TestWpConfig(Kind):
    about = About(
        kind="wp-config",
        settings={"app": "blog", "document": "stack-wp-config", "slowest_boot_seconds": 600},
        parameters={"InstancesApp": "blog"},
        wrong={
            "app": "", "document": "a document", "slowest_boot_seconds": -1, "path": "wp-config.php", "page": "http://x/'",
            "marker": "`id`", "owner": "www-data", "mode": "rw",
        },
    )  # fmt: skip


class TestSwarmSecret(Kind):
    about = About(
        kind="swarm-secret",
        settings={key: value for key, value in SWARM_SECRET.items() if key != "kind"},
        parameters={"SwarmClientSecretArn": SWARM_CLIENT},
        wrong={
            "managers": [], "ca": "rds", "client_secret": "swarm", "tls": "1.1",
            "keys": {"a" * 58: "{username}:{password}"},
        },
    )  # fmt: skip


class TestSwarmService(Kind):
    about = About(
        kind="swarm-service",
        settings={key: value for key, value in SWARM_SERVICE.items() if key != "kind"},
        parameters={"SwarmClientSecretArn": SWARM_CLIENT},
        wrong={
            "managers": ["manager"], "service": "a b", "restarts": 4, "files": {"A_FILE": "another"},
        },
        before=(SWARM_SECRET,),
    )  # fmt: skip


def test_a_variable_that_is_another_one_s_next_is_refused() -> None:
    files = {"A_FILE": "postgres_user", "A_FILE_NEW": "postgres_password"}
    with pytest.raises(TargetInvalid, match="A_FILE_NEW is what A_FILE has"):
        target_of({**SWARM_SERVICE, "files": files}, SWARM_SECRET)


def test_a_name_that_leaves_no_room_for_a_number_is_refused() -> None:
    with pytest.raises(TargetInvalid, match="Take 57 at most"):
        target_of({**SWARM_SECRET, "keys": {"a" * 58: "{username}:{password}"}})


def test_an_identity_may_be_several_consumers_and_no_secret_that_is_rotated() -> None:
    assert len(target_of(SWARM_SERVICE, SWARM_SECRET).consumers) == 3
    with pytest.raises(TargetInvalid, match="already"):
        target_of({**SWARM_SECRET, "client_secret": FOLLOWED["secret"]})


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
    template = read_yaml(fragment.TEMPLATE.read_text())
    for path in CORE.glob(f"*/*/{fragment.NAME}"):
        assert fragment.lacking(template, read_yaml(path.read_text())) == [], path


EXAMPLE = (ROOT / "examples/kinds/parameter/fragment.yaml").read_text()


def without_the_example() -> str:
    return fragment.remove(fragment.TEMPLATE.read_text(), "parameter")


def test_a_fragment_is_put_in_once_and_taken_out_whole() -> None:
    before = without_the_example()
    after = fragment.add(fragment.add(before, "parameter", EXAMPLE), "parameter", EXAMPLE)
    assert after.count("LoginParameterName:\n") == 1
    assert fragment.lacking(read_yaml(after), read_yaml(EXAMPLE)) == []
    assert re.search(r"Parameters: \[OtherConsumers(, \w+)*, LoginParameterName, LoginParameterKeyArn\]", after)
    assert fragment.remove(after, "parameter") == before


def test_a_fragment_that_was_changed_takes_the_place_of_what_it_was() -> None:
    first = fragment.add(without_the_example(), "parameter", EXAMPLE)
    changed = EXAMPLE.replace("LoginParameterKeyArn", "LoginKeyArn").replace("Writes that parameter.", "Writes it.")
    assert fragment.add(first, "parameter", changed) == fragment.add(without_the_example(), "parameter", changed)


def test_one_fragment_leaves_another_s_lines() -> None:
    other = "Parameters:\n  Other:\n    Type: String\n"
    both = fragment.add(fragment.add(without_the_example(), "other", other), "parameter", EXAMPLE)
    assert fragment.remove(both, "parameter") == fragment.add(without_the_example(), "other", other)


def test_what_the_template_lacks_of_a_fragment_is_named() -> None:
    template = read_yaml(without_the_example())
    assert "Parameters.LoginParameterName" in fragment.lacking(template, read_yaml(EXAMPLE))


def test_a_name_that_the_template_has_already_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "template.yaml").write_text(without_the_example())
    monkeypatch.setattr(fragment, "TEMPLATE", tmp_path / "template.yaml")
    (tmp_path / fragment.NAME).write_text(EXAMPLE.replace("LoginParameterName", "HealthUrl"))
    assert "another Parameters.HealthUrl already" in fragment.main("add", str(tmp_path))
    assert (tmp_path / "template.yaml").read_text() == without_the_example()


# Each kind's page


def page(kind: str) -> Path:
    return CORE.joinpath(*registry.CONSUMERS[kind].split(".")[1:], "README.md")


def page_consumer(kind: str) -> dict[str, Any]:
    """The first that its page shows."""
    (first, *_) = re.findall(r"^```json\n(.*?)^```$", page(kind).read_text(), re.MULTILINE | re.DOTALL)
    shown: dict[str, Any] = json.loads(first)
    return shown


BEFORE = {"swarm-service": (page_consumer("swarm-secret"),)}
"""What a consumer on a page needs before it."""


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
    assert {target_of(one, *BEFORE.get(kind, ())).consumers[len(BEFORE.get(kind, ()))].kind for one in shown} == {kind}


@pytest.mark.parametrize("kind", registry.CONSUMERS)
def test_its_page_names_what_there_is(kind: str) -> None:
    text = page(kind).read_text()
    known = set(states(shipped())) | {name for name, one in vars(errors).items() if isinstance(one, type)}
    known |= set(read_yaml(fragment.TEMPLATE.read_text())["Parameters"]) | WORDS
    assert set(re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", text)) <= known
    assert all((page(kind).parent / path).exists() for path in re.findall(r"\]\(([\w./-]+)", text) if not path.startswith("http"))
