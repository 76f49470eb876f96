"""The one place where adapters are chosen: the right one for each part of a target, and none before it is asked for."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from rotation.aws import executions, parameters
from rotation.checks.login import ThroughEndpoint
from rotation.checks.page import HealthPage
from rotation.consumers.deployment.adapter import Workload
from rotation.consumers.published import RotatedSecret
from rotation.consumers.secret.adapter import KubernetesSecret
from rotation.consumers.sqlconf.adapter import SqlconfFile
from rotation.core.errors import ConsumerDiffers, TargetInvalid
from rotation.core.seen import Ran
from rotation.kinds import registry
from rotation.kinds.target import Consumer, EndpointSettings, Source, Target
from rotation.ports import RotatingWorld, World
from rotation.protocol.remembering import Remembering
from rotation.protocol.secret_call import SecretCall
from rotation.runtime.rotating import AwsRotatingWorld
from rotation.runtime.settings import Settings
from rotation.runtime.wiring import AwsWorld
from rotation.sources.mysql.adapter import MySQL

from tests.worlds.proxied import APPLICATION, ProxiedWorld
from tests.worlds.world import PODS, SECRET, SQLCONF, MemoryWorld

ROOT = Path(__file__).parents[2]
SITES = Path("/mnt/sites")
SHOP = ProxiedWorld().target

LATE = ("pymysql", "kubernetes", "rotation.sources.mysql.adapter", "rotation.consumers.cluster.eks",
        "rotation.consumers.sqlconf.adapter", "rotation.checks.page", "rotation.aws.executions")  # fmt: skip
IMPORT_ALL = f"""
import importlib.util, json, pathlib, sys
for app in sorted(pathlib.Path("functions").glob("*/app.py")):
    spec = importlib.util.spec_from_file_location(app.parent.name, app)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert callable(module.lambda_handler), app
from rotation.aws.client import client
print(json.dumps([sorted(set({LATE!r}) & set(sys.modules)), client.cache_info().currsize]))
"""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What was read from Parameter Store."""
    calls: list[tuple[str, str]] = []

    def load(path: str, name: str) -> Target:
        calls.append((path, name))
        return MemoryWorld().target

    monkeypatch.setattr(parameters, "load_target", load)
    monkeypatch.setattr("rotation.runtime.wiring.load_target", load)
    return calls


@pytest.fixture
def world(asked: list[tuple[str, str]]) -> AwsWorld:
    return AwsWorld(Settings("/stack/targets", SITES), "openemr")


def test_to_import_a_handler_is_to_import_no_driver_and_to_make_no_client() -> None:
    """A cold start pays for what the function uses, and these are most of what there is to pay."""
    environment = {"PYTHONPATH": str(ROOT / "layers" / "rotation"), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.run([sys.executable, "-c", IMPORT_ALL], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    late, clients = json.loads(process.stdout)
    assert (late, clients) == ([], 0)


def test_it_is_a_world(world: AwsWorld) -> None:
    behind_the_ports: World = world
    assert {part for part in dir(World) if not part.startswith("_")} <= set(dir(behind_the_ports))


def test_what_moves_the_traffic_is_made_without_the_other_consumers(world: AwsWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """ValidateApp's function has no Kubernetes layer."""
    monkeypatch.setitem(sys.modules, "rotation.consumers.secret.adapter", None)
    assert isinstance(world.traffic(), SqlconfFile)


def test_the_target_is_read_once_and_when_it_is_first_needed(world: AwsWorld, asked: list[tuple[str, str]]) -> None:
    assert asked == []
    assert world.target is world.target
    assert asked == [("/stack/targets", "openemr")]


def test_each_part_is_made_once(world: AwsWorld) -> None:
    for part in ("slots", "admin", "source", "health"):
        assert getattr(world, part) is getattr(world, part)


def test_the_parts_are_the_targets(world: AwsWorld) -> None:
    assert isinstance(world.slots, Remembering)
    assert isinstance(world.admin, Remembering)
    assert (world.slots.name, world.admin.name) == ("slots", "admin")
    assert isinstance(world.source, MySQL)
    assert isinstance(world.health, HealthPage)
    assert abs(world.now() - time.time()) < 60


def test_the_database_has_the_targets_authority_and_readers(world: AwsWorld) -> None:
    world.__dict__["target"] = replace(
        world.target, source=Source("mysql", {"ca": "PEM", "readers": ["reader.example"], "pooled": False})
    )
    assert isinstance(world.source, MySQL)
    assert (world.source._ca, world.source._readers) == ("PEM", ["reader.example"])


def test_every_consumer_has_its_adapter_in_the_targets_order(world: AwsWorld) -> None:
    file, secret = world.credentials()
    assert isinstance(file, SqlconfFile)
    assert isinstance(secret, KubernetesSecret)
    assert (file.name, secret.name) == ("sqlconf.php at /mnt/sites/default/sqlconf.php", "Secret openemr/db")
    assert [world.credential(place, "openemr_a").name for place in (SQLCONF, SECRET)] == [file.name, secret.name]
    [pods] = world.workloads()
    assert isinstance(pods, Workload)
    assert pods.name == world.workload(PODS).name == "Deployment openemr/openemr"
    assert [type(each) for each in world.files()] == [SqlconfFile]


def test_the_consumer_that_moves_the_traffic_is_the_one_that_the_target_says_wherever_it_stands(world: AwsWorld) -> None:
    order = [world.target.consumers[place] for place in (PODS, SECRET, SQLCONF)]
    world.__dict__["target"] = replace(world.target, consumers=tuple(order))
    assert isinstance(world.traffic(), SqlconfFile)
    assert [type(each) for each in world.credentials()] == [SqlconfFile, KubernetesSecret]


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ({"PutSecret"}, r"openemr: consumers\[0\]: this stack has no function WriteSqlconf, which a sqlconf needs"),
        ({"WriteSqlconf", "PatchSecret"}, r"openemr: consumers\[2\]: this stack has no function RestartApp, which a deployment"),
    ],
)
def test_a_target_that_needs_a_function_that_is_not_deployed_is_refused(
    asked: list[tuple[str, str]], states: set[str], said: str
) -> None:
    """By ReadSlots, which is told, before anything is done."""
    world = AwsWorld(Settings("/stack/targets", SITES, states=frozenset(states)), "openemr")
    with pytest.raises(TargetInvalid, match=said):
        _ = world.target


def test_a_target_for_which_every_function_is_deployed_is_taken(asked: list[tuple[str, str]]) -> None:
    states = frozenset({"WriteSqlconf", "PatchSecret", "RestartApp", "PutSecret"})
    assert AwsWorld(Settings("/stack/targets", SITES, states=states), "openemr").target.name == "openemr"


def test_what_is_wrong_with_who_keeps_every_password_is_said_by_its_place(world: AwsWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong:
        def check(self, usernames: Sequence[str]) -> None:
            raise ConsumerDiffers(f"none names {usernames[0]}")

    proxies = Consumer("proxy-secret", {"secrets": ["arn:a", "arn:b"]})
    world.__dict__["target"] = replace(world.target, consumers=(*world.target.consumers, proxies))
    monkeypatch.setattr(world, "_made", lambda _: Wrong())
    with pytest.raises(ConsumerDiffers, match=r"^consumers\[3\]: none names app_a$"):
        world.check_keepers(["app_a"])


@pytest.mark.parametrize(("ca", "authorities"), [("amazon", 4), ("rds", None), ("-----BEGIN CERTIFICATE-----", None)])
def test_the_endpoint_has_the_authority_that_the_target_names(world: AwsWorld, ca: str, authorities: int | None) -> None:
    """The database's own is another one: RDS Proxy's certificate is not signed by it."""
    world.__dict__["target"] = replace(world.target, endpoint=EndpointSettings("proxy.example", 3306, ca, 600))
    assert isinstance(world.endpoint, ThroughEndpoint)
    source = world.endpoint._source
    assert isinstance(source, MySQL)
    assert source._ca.count("BEGIN CERTIFICATE") == authorities if authorities else source._ca == ca
    assert isinstance(world.source, MySQL)
    assert world.source._ca == "rds"


def test_a_function_without_the_mount_says_so(asked: list[tuple[str, str]]) -> None:
    world = AwsWorld(Settings("/stack/targets", None), "openemr")
    for ask in (world.credentials, world.files, world.traffic):
        with pytest.raises(TargetInvalid, match="openemr: this function does not mount EFS"):
            ask()


def test_a_function_without_the_layer_says_so(world: AwsWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> None:
        raise ModuleNotFoundError("No module named 'kubernetes'", name="kubernetes")

    monkeypatch.setattr(registry, "adapter", missing)
    with pytest.raises(TargetInvalid, match="openemr: this function has no kubernetes, which a deployment needs"):
        world.workloads()


def test_whether_an_execution_is_alive_is_for_step_functions_to_say(monkeypatch: pytest.MonkeyPatch, world: AwsWorld) -> None:
    monkeypatch.setattr(executions, "execution_is_alive", lambda arn, age: (arn, age) == ("arn:other", 12.0))
    assert world.execution_is_alive("arn:other", 12.0)
    assert not world.execution_is_alive("arn:other", 13.0)


# The world of the function that Secrets Manager calls


CALL = SecretCall({"Step": "testSecret", "SecretId": APPLICATION, "ClientRequestToken": "v1", "RotationToken": "shown"})


def test_a_secret_has_the_world_of_the_target_whose_traffic_it_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "rotation.runtime.rotating.load_target_of", lambda path, arn: {("/stack/targets", APPLICATION): SHOP}[path, arn]
    )
    world = AwsRotatingWorld(Settings("/stack/targets", None, machine="arn:machine"), CALL)
    behind_the_ports: RotatingWorld = world
    assert {part for part in dir(RotatingWorld) if not part.startswith("_")} <= set(dir(behind_the_ports))
    assert world.target is SHOP
    assert isinstance(world.rotated, RotatedSecret)
    assert (world.rotated._store.name, world.rotated._store._more) == (APPLICATION, {"RotationToken": "shown"})


def test_it_asks_for_executions_of_its_machine_and_starts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    world = AwsRotatingWorld(Settings("/stack/targets", None, machine="arn:machine"), CALL)
    monkeypatch.setattr(executions, "execution", lambda machine, name: Ran(f"{machine}:{name}", running=True, end="", cause=""))
    monkeypatch.setattr(executions, "start", lambda machine, what: f"{machine} {what.name} {what.given}")
    found = world.execution("one")
    assert found is not None
    assert found.arn == "arn:machine:one"
    assert world.start("one", {"target": "shop"}) == "arn:machine one {'target': 'shop'}"


def test_a_target_whose_traffic_a_file_moves_has_nothing_that_secrets_manager_rotates(world: AwsWorld) -> None:
    assert world.rotated is None


# Settings


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TARGETS_PATH", "/stack/targets")
    monkeypatch.setenv("SITES_ROOT", "/mnt/sites")
    assert Settings.from_environment() == Settings("/stack/targets", SITES)


def test_the_states_that_are_deployed_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TARGETS_PATH", "/stack/targets")
    monkeypatch.setenv("CONSUMER_STATES", "WriteSqlconf,RestartApp")
    assert Settings.from_environment().states == {"WriteSqlconf", "RestartApp"}
    monkeypatch.delenv("CONSUMER_STATES")
    assert Settings.from_environment().states is None


@pytest.mark.parametrize("root", [None, ""])
def test_a_function_without_efs_has_no_sites(monkeypatch: pytest.MonkeyPatch, root: str | None) -> None:
    monkeypatch.setenv("TARGETS_PATH", "/stack/targets")
    monkeypatch.delenv("SITES_ROOT", raising=False)
    if root is not None:
        monkeypatch.setenv("SITES_ROOT", root)
    assert Settings.from_environment().sites_root is None


def test_a_missing_path_is_a_fault_of_the_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TARGETS_PATH", raising=False)
    with pytest.raises(LookupError, match=r"TARGETS_PATH is not set: was the function deployed by template\.yaml"):
        Settings.from_environment()
