"""A StatefulSet and a DaemonSet whose pods have their login from Kubernetes Secrets, rotated by the deployed functions under load,
with the Role of the example: no request fails, and what would not replace its pods by itself is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from local.cluster.manifests import Object
from local.cluster.tokens import PERSON
from local.load import Load
from local.shop.stack import SHOWN
from local.stack import SECRET_KEY
from local.workloads.stack import CLUSTER, NAMESPACE, Workloads
from tests.cluster.api import MERGE, Api, token
from tests.e2e.last_looks import check
from tests.e2e.shared import MEASURING_RATE
from tests.e2e.test_workloads import PACE, PodTurns, Together
from tests.whole import only_with_more

pytestmark = only_with_more

SORTS = {"orders": ("StatefulSet", "ledger"), "reports": ("DaemonSet", "collector")}
LEDGER = f"/apis/apps/v1/namespaces/{NAMESPACE}/statefulsets/ledger"


class OtherSorts(Workloads):
    """Each service's Secret is as it was; its pods belong to another sort of workload, by the name that the example's Role has."""

    def consumers(self) -> list[dict[str, Any]]:
        return [_of_sort(one) if one["kind"] == "deployment" else one for one in super().consumers()]

    def _deployment(self, service: str) -> Object:
        sort, name = SORTS[service]
        made = super()._deployment(service)
        kept = {key: made["spec"][key] for key in ("selector", "template")}
        own = {"replicas": self._pods, "serviceName": name} if sort == "StatefulSet" else {}
        spec = {**kept, **own, "updateStrategy": {"type": "RollingUpdate"}}
        return {**made, "kind": sort, "metadata": {**made["metadata"], "name": name}, "spec": spec}


def _of_sort(consumer: dict[str, Any]) -> dict[str, Any]:
    sort, name = SORTS[consumer["name"]]
    return {**consumer, "workload": sort, "name": name}


class SortTurns(PodTurns):
    stack: OtherSorts

    def revisions(self) -> dict[str, str]:
        """Of each pod: those of a StatefulSet keep their names."""
        return {pod["name"]: pod["revision"] for pod in self.stack.cluster.pods()}

    def as_a_person(self, path: str, body: Object) -> None:
        """Until the controller has seen it."""
        cluster = self.stack.cluster
        status, answer = Api(cluster.api, cluster.ca).send("PATCH", path, body, MERGE, token(CLUSTER, SECRET_KEY, caller=PERSON))
        assert status == 200, answer
        cluster.wait_until_rolled_out()


@pytest.fixture(scope="module")
def under_load() -> Iterator[SortTurns]:
    with OtherSorts(PACE) as stack:
        with ExitStack() as loads:
            pages = stack.pages
            each = [loads.enter_context(Load(page, MEASURING_RATE / len(pages), marker=SHOWN)) for page in pages]
            yield SortTurns(stack, Together(each))
        check(stack)


@pytest.fixture
def turns(under_load: SortTurns, request: pytest.FixtureRequest) -> Iterator[SortTurns]:
    with under_load.undisturbed(request, "sorts") as turns:
        yield turns


def test_both_are_rotated_there_and_back_and_every_pod_is_replaced(turns: SortTurns) -> None:
    for _ in range(2):
        before = turns.revisions()
        turns.assert_rotates()
        after = turns.revisions()
        assert len(after) == len(before)
        assert not set(before.values()) & set(after.values())
        assert {name for name in before if name.startswith("ledger")} == {name for name in after if name.startswith("ledger")}


def test_verify_names_each_by_its_sort_and_a_dry_run_says_what_would_happen(turns: SortTurns) -> None:
    before = turns.revisions()
    run = turns.run(mode="verify")
    assert run.outcome == "Verified", run.cause
    dry = turns.run(mode="dry-run")
    output = turns.stack.aws.client("stepfunctions").describe_execution(executionArn=dry.arn)["output"]
    said = [step["change"] for step in json.loads(output)["situation"]["plan"] if step["state"] == "RestartApp"]
    assert [one.partition(":")[0] for one in said] == [f"StatefulSet {NAMESPACE}/ledger", f"DaemonSet {NAMESPACE}/collector"]
    assert turns.revisions() == before


def test_one_whose_pods_people_delete_is_refused_before_anything_is_touched(turns: SortTurns) -> None:
    before, slots = turns.revisions(), turns.slots
    turns.as_a_person(LEDGER, {"spec": {"updateStrategy": {"type": "OnDelete"}}})
    run = turns.run()
    turns.as_a_person(LEDGER, {"spec": {"updateStrategy": {"type": "RollingUpdate"}}})
    assert run.outcome == "RotationRefused", run.cause
    assert "WorkloadUnfit" in run.cause
    assert f"StatefulSet {NAMESPACE}/ledger has the update strategy OnDelete" in run.cause
    assert (turns.revisions(), turns.slots) == (before, slots)
