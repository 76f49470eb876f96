"""Target documents in a Parameter Store: found, missing, wrong, or for the moment not to be had."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rotation.aws import client as adapter
from rotation.aws.parameters import load_target, load_target_of
from rotation.core.errors import TargetInvalid, TargetNotFound, TargetStoreUnavailable

from local.aws import LocalAws
from local.faults import Throttle
from local.ports import free_port

DOCUMENT = {
    "slot_secret": "arn:slots",
    "admin_secret": "arn:admin",
    "source": {"kind": "mysql"},
    "consumers": [{"kind": "sqlconf", "path": "default/sqlconf.php"}],
    "health": {"url": "https://openemr.example/", "marker": "OpenEMR"},
}


SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/application-AbCdEf"
SHOP = {**DOCUMENT, "consumers": [{"kind": "app-secret", "secret": SECRET, "application_cache_seconds": 60}]}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws(runtime_python=Path("no-function-runs-here"), logs=tmp_path_factory.mktemp("logs")) as aws:
        for name, text in (
            ("openemr", json.dumps(DOCUMENT)),
            ("broken", "{"),
            *((f"openemr-{number}", json.dumps(DOCUMENT)) for number in range(10)),
            ("shop", json.dumps(SHOP)),
        ):
            aws.client("ssm").put_parameter(Name=f"/stack/targets/{name}", Type="String", Value=text)
        yield aws


@pytest.fixture(autouse=True)
def _environment(aws: LocalAws, adapters_use: Callable[[LocalAws], None]) -> None:
    adapters_use(aws)


def test_a_target_is_what_its_document_says() -> None:
    target = load_target("/stack/targets", "openemr")
    assert (target.name, target.slot_secret, target.health.marker) == ("openemr", "arn:slots", "OpenEMR")


@pytest.mark.parametrize("name", ["another", "not a name", "", "../openemr"])
def test_a_name_without_a_document_is_refused_with_the_place_to_look(name: str) -> None:
    with pytest.raises(TargetNotFound, match="there is no target document") as caught:
        load_target("/stack/targets", name)
    assert str(caught.value) == f"{name}: there is no target document /stack/targets/{name} in Parameter Store"


def test_a_document_that_is_wrong_is_refused_by_the_targets_name() -> None:
    with pytest.raises(TargetInvalid, match=r"^broken: the target document is not JSON"):
        load_target("/stack/targets", "broken")


def test_a_store_that_does_not_answer_is_to_be_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    adapter.client.cache_clear()
    with pytest.raises(
        TargetStoreUnavailable, match=r"^openemr: /stack/targets/openemr could not be read \(EndpointConnectionError\)$"
    ):
        load_target("/stack/targets", "openemr")


@pytest.mark.parametrize("action", ["GetParameter", "GetParametersByPath"])
def test_a_store_that_is_asked_too_often_is_asked_twice_and_then_later(aws: LocalAws, action: str) -> None:
    def ask() -> str:
        return (
            load_target("/stack/targets", "openemr") if action == "GetParameter" else load_target_of("/stack/targets", SECRET)
        ).name

    aws.throttle(Throttle(f"ssm:{action}", times=3))
    with pytest.raises(TargetStoreUnavailable, match=r"could not be read \(ThrottlingException\)"):
        ask()
    assert ask() == ("openemr" if action == "GetParameter" else "shop"), "the third of them is refused, and asked again"
    aws.throttle(Throttle(f"ssm:{action}", times=2, caller="somebody else"))
    assert ask()
    aws.clear_faults()


def test_a_target_is_found_by_its_secret_among_more_than_one_answer_holds() -> None:
    assert load_target_of("/stack/targets", SECRET).name == "shop"


def test_a_secret_of_no_target_is_refused() -> None:
    with pytest.raises(TargetNotFound, match="no target document names arn:another"):
        load_target_of("/stack/targets", "arn:another")


def test_documents_that_are_not_to_be_had_are_to_be_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    adapter.client.cache_clear()
    with pytest.raises(TargetStoreUnavailable, match=r"under /stack/targets could not be read \(EndpointConnectionError\)"):
        load_target_of("/stack/targets", SECRET)
