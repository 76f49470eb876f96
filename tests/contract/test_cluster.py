"""What the steps rely on in a Kubernetes API, on the stand-in and, with CLUSTER=real, on a real API server: the same tests."""

import base64
import datetime as dt
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cluster import Cluster, Settings
from local.cluster.application import Application
from local.cluster.kinds import REAL, chosen
from local.cluster.manifests import daemon_set, deployment, secret, stateful_set
from local.cluster.tokens import ENTRIES, PERSON
from local.leftovers import Leftovers
from local.load import Load
from tests.cluster.api import DEPLOYMENT, EKS, SECRET, SECRET_KEY, Api, Object, signed, token
from tests.until import PATIENCE_SECONDS, until

STRATEGIC = "application/strategic-merge-patch+json"
NOT_YET_DELETED = 1 if chosen() == REAL else 0
"""A real Deployment starts its next pod as soon as it has told a ReplicaSet to have one fewer. The pod goes a moment later."""

SEEN = secret("openemr", "openemr-db-credentials", host="h", user="openemr_a", password="first", database="openemr")
IDLE = deployment("openemr", "openemr", "openemr-db-credentials", replicas=0)


def idle_cluster(run: Leftovers, workload: Object = IDLE) -> Cluster:
    """No pods, so no database: enough for everything but rollouts."""
    directory = Path(tempfile.mkdtemp(dir=run.directory))
    cluster = Cluster(
        Settings(
            cluster=EKS,
            secret=SEEN,
            deployment=workload,
            sites=directory,
            database_ca=directory / "ca.pem",
            directory=directory,
            secret_keys={"*": SECRET_KEY},
            kind=chosen(),
        ),
        run.environment,
    )
    cluster.start()
    cluster.wait_until_rolled_out()
    return cluster


@pytest.fixture(scope="module")
def run() -> Iterator[Leftovers]:
    with Leftovers() as run:
        yield run


@pytest.fixture(scope="module")
def cluster(run: Leftovers) -> Iterator[Cluster]:
    cluster = idle_cluster(run)
    yield cluster
    cluster.stop()


@pytest.fixture
def api(cluster: Cluster) -> Api:
    return Api(cluster.api, cluster.ca)


@pytest.fixture
def person(cluster: Cluster) -> Api:
    """Somebody with kubectl, who may do anything."""
    return Api(cluster.api, cluster.ca, by=PERSON)


@pytest.fixture(scope="module")
def application(run: Leftovers) -> Iterator[Application]:
    application = Application(run, cluster=EKS, secret_keys={"*": SECRET_KEY}, pods=3)
    application.start()
    yield application
    application.stop()


@pytest.fixture
def rolling(application: Application) -> Iterator[Api]:
    """With pods, all of them ready; whatever a test broke is whole again after it."""
    api = Api(application.cluster.api, application.cluster.ca)
    yield api
    application.cluster.heal()
    api.patch(DEPLOYMENT, {"spec": {"paused": None, "replicas": 3, "progressDeadlineSeconds": 60}})
    application.cluster.wait_until_rolled_out(PATIENCE_SECONDS)


def annotate(value: str) -> Object:
    return {"spec": {"template": {"metadata": {"annotations": {"credential-rotation/rotation-id": value}}}}}


def is_observed(found: Object) -> bool:
    return bool(found["status"]["observedGeneration"] >= found["metadata"]["generation"])


def is_complete(found: Object) -> bool:
    """As kubectl rollout status has it; absent counts are zero."""
    status, replicas = found["status"], found["spec"]["replicas"]
    return (
        is_observed(found)
        and status.get("updatedReplicas", 0) >= replicas
        and status.get("replicas", 0) <= status.get("updatedReplicas", 0)
        and status.get("availableReplicas", 0) >= status.get("updatedReplicas", 0)
    )


def progress(found: Object) -> str:
    reasons = {condition["type"]: str(condition["reason"]) for condition in found["status"]["conditions"]}
    return reasons["Progressing"]


def is_stuck(found: Object) -> bool:
    """Its deadline is over and its one new pod is there. On a slow machine the second of a deadline is over before that pod is
    made, and a pod that is made counts as progress: only both in one answer stay so."""
    counts = [found["status"].get(count) for count in ("replicas", "updatedReplicas", "availableReplicas", "unavailableReplicas")]
    return progress(found) == "ProgressDeadlineExceeded" and counts == [4, 1, 3, 1]


# Who may call


@pytest.mark.parametrize(
    "bearer",
    [
        "",
        "k8s-aws-v1.",
        "k8s-aws-v1.!!!",
        "k8s-aws-v1." + base64.urlsafe_b64encode(b"https://sts.amazonaws.com/?Action=GetCallerIdentity").decode(),
        pytest.param(token().removeprefix("k8s-aws-v1."), id="no prefix"),
        pytest.param(token(cluster="another"), id="another cluster's"),
        pytest.param(token(secret_key="another"), id="signed with another key"),
        pytest.param(token(action="AssumeRole"), id="another action"),
    ],
)
def test_who_shows_no_token_of_this_cluster_is_not_let_in(api: Api, bearer: str) -> None:
    status, answer = api.send("GET", SECRET, bearer=bearer)
    assert (status, answer["reason"]) == (401, "Unauthorized")


@pytest.mark.parametrize(("minutes", "status"), [(16, 401), (14, 200)])
def test_an_expired_token_is_not_let_in(minutes: int, status: int, api: Api) -> None:
    """STS honours a presigned call for a quarter of an hour, whatever shorter time it names."""
    bearer = signed(dt.datetime.now(dt.UTC) - dt.timedelta(minutes=minutes))
    assert api.send("GET", SECRET, bearer=bearer)[0] == status


def test_who_has_no_access_entry_is_not_let_in(api: Api, cluster: Cluster) -> None:
    cluster.admit({"AKIDANOTHER": ["credential-rotation"]})
    strange = Api(api.url, api.ca, by="AKIDSTRANGER")
    assert strange.send("GET", SECRET)[0] == 401
    cluster.admit(ENTRIES)
    assert api.send("GET", SECRET)[0] == 200


OTHER_SECRET, OTHER_DEPLOYMENT = SECRET + "-other", DEPLOYMENT + "-other"
COLLECTIONS = [path.rpartition("/")[0] for path in (SECRET, DEPLOYMENT)]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", path) for path in (SECRET, DEPLOYMENT)),
        *(("PATCH", path) for path in (SECRET, DEPLOYMENT)),
    ],
)
def test_every_call_of_the_steps_is_allowed(method: str, path: str, api: Api) -> None:
    assert api.send(method, path, {} if method == "PATCH" else None)[0] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *((method, path) for method in ("DELETE", "PUT", "POST") for path in (SECRET, DEPLOYMENT)),
        *((method, path) for method in ("GET", "DELETE", "POST") for path in COLLECTIONS),
        *((method, path) for method in ("GET", "PATCH") for path in (OTHER_SECRET, OTHER_DEPLOYMENT)),
        *((method, path.replace("/openemr/", "/other/")) for method in ("GET", "PATCH") for path in (SECRET, DEPLOYMENT)),
        ("GET", DEPLOYMENT + "/status"),
        ("PATCH", DEPLOYMENT + "/status"),
        ("PATCH", DEPLOYMENT + "/scale"),
        ("GET", "/api/v1/namespaces/openemr/pods"),
        ("POST", "/api/v1/namespaces/openemr/serviceaccounts/default/token"),
        ("GET", "/api/v1/nodes/one"),
        ("GET", "/api/v1/namespaces"),
    ],
)
def test_its_neighbours_are_refused(method: str, path: str, api: Api) -> None:
    """Other secrets, other namespaces, listing, deleting, writing as a whole: what a stolen role would want."""
    status, answer = api.send(method, path, None if method == "GET" else {})
    assert (status, answer["kind"], answer["reason"]) == (403, "Status", "Forbidden")


def test_an_unknown_object_is_not_found_by_who_may_look(person: Api) -> None:
    for path in (OTHER_SECRET, OTHER_DEPLOYMENT, SECRET.replace("namespaces/openemr", "namespaces/other"), "/api/v1/nodes/one"):
        status, answer = person.send("GET", path)
        assert (status, answer["kind"], answer["reason"]) == (404, "Status", "NotFound")


def test_what_is_deleted_is_not_found_though_its_name_is_allowed(api: Api, cluster: Cluster) -> None:
    """So a missing Secret and a missing right are told apart."""
    cluster.delete(SEEN)
    status, answer = api.send("GET", SECRET)
    assert (status, answer["reason"]) == (404, "NotFound")
    assert api.send("PATCH", SECRET, {})[0] == 404
    cluster.recreate(SEEN)
    assert api.send("GET", SECRET)[0] == 200


# Patches


def test_a_patch_with_the_current_resource_version_is_taken_and_changes_the_version(api: Api) -> None:
    before = api.get(SECRET)["metadata"]["resourceVersion"]
    after = api.patch(SECRET, {"metadata": {"resourceVersion": before}, "stringData": {"mysql-user": "taken"}})
    assert after["metadata"]["resourceVersion"] != before
    assert api.get(SECRET)["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]


@pytest.mark.parametrize("path", [SECRET, DEPLOYMENT])
def test_a_patch_with_a_stale_resource_version_is_a_conflict_and_changes_nothing(api: Api, path: str) -> None:
    stale = api.get(path)["metadata"]["resourceVersion"]
    current = api.patch(path, {"metadata": {"labels": {"changed": f"after-{stale}"}}})
    status, answer = api.send("PATCH", path, {"metadata": {"resourceVersion": stale, "labels": {"changed": "again"}}})
    assert (status, answer["kind"], answer["reason"], answer["code"]) == (409, "Status", "Conflict", 409)
    assert api.get(path) == current


def test_a_merge_patch_replaces_what_it_names_removes_what_is_null_and_keeps_the_rest(api: Api) -> None:
    api.patch(SECRET, {"metadata": {"annotations": {"kept": "1", "changed": "1", "removed": "1"}}})
    patched = api.patch(SECRET, {"metadata": {"annotations": {"changed": "2", "removed": None}}})
    assert patched["metadata"]["annotations"] == {"kept": "1", "changed": "2"}


def test_a_strategic_merge_patch_of_plain_objects_is_taken(api: Api) -> None:
    patched = api.patch(DEPLOYMENT, {"metadata": {"annotations": {"strategic": "yes"}}}, STRATEGIC)
    assert patched["metadata"]["annotations"]["strategic"] == "yes"


def test_another_kind_of_patch_is_refused(api: Api) -> None:
    assert api.send("PATCH", SECRET, {}, "application/json")[0] == 415


def test_string_data_is_encoded_into_data_and_not_read_back(api: Api) -> None:
    patched = api.patch(SECRET, {"stringData": {"mysql-password": "s3cret"}})
    assert base64.b64decode(patched["data"]["mysql-password"]) == b"s3cret"
    assert "mysql-host" in patched["data"]
    assert "stringData" not in api.get(SECRET)


def test_a_value_that_is_not_base64_is_refused(api: Api) -> None:
    """Whether the refusal quotes it is not to be relied on: a real API server does."""
    assert api.send("PATCH", SECRET, {"data": {"mysql-password": "not encoded!"}})[0] == 422


def test_an_annotation_that_is_no_string_is_refused(api: Api) -> None:
    body = {"spec": {"template": {"metadata": {"annotations": {"number": 1}}}}}
    assert api.send("PATCH", DEPLOYMENT, body)[0] == 422


@pytest.mark.parametrize("body", [{"metadata": None}, {"metadata": "text"}, {"spec": []}, []])
def test_a_patch_of_the_wrong_shape_does_no_harm(api: Api, body: Any) -> None:
    status, _ = api.send("PATCH", DEPLOYMENT, body)
    assert status in (200, 400, 422)
    assert api.get(DEPLOYMENT)["metadata"]["name"] == "openemr"


def test_an_immutable_secret_cannot_be_changed_any_more(api: Api, cluster: Cluster) -> None:
    api.patch(SECRET, {"immutable": True})
    for change in ({"stringData": {"mysql-password": "next"}}, {"immutable": False}, {"immutable": None}):
        status, answer = api.send("PATCH", SECRET, change)
        assert (status, answer["reason"]) == (422, "Invalid")
    assert api.send("PATCH", SECRET, {"metadata": {"labels": {"still": "possible"}}})[0] == 200
    cluster.recreate(SEEN)


# Generations


def test_the_generation_grows_with_the_spec_and_the_annotations_and_with_nothing_else(api: Api) -> None:
    """So `observedGeneration` is behind after an annotation of somebody else too, and the rollout is not believed meanwhile."""
    first = api.get(DEPLOYMENT)["metadata"]["generation"]
    assert api.patch(DEPLOYMENT, {"metadata": {"labels": {"other": "1"}}})["metadata"]["generation"] == first
    assert api.patch(DEPLOYMENT, {"status": {"replicas": 9}})["metadata"]["generation"] == first
    assert api.patch(DEPLOYMENT, annotate("generation"))["metadata"]["generation"] == first + 1
    assert api.patch(DEPLOYMENT, {"metadata": {"annotations": {"other": "1"}}})["metadata"]["generation"] == first + 2


def test_the_same_patch_twice_is_one_change(api: Api) -> None:
    patched = api.patch(DEPLOYMENT, annotate("twice"))
    until(lambda: is_complete(api.get(DEPLOYMENT)))
    settled = api.get(DEPLOYMENT)
    assert api.patch(DEPLOYMENT, annotate("twice")) == settled
    assert settled["metadata"]["generation"] == patched["metadata"]["generation"]


def test_the_server_s_own_fields_cannot_be_patched(api: Api) -> None:
    before = api.get(DEPLOYMENT)["metadata"]
    after = api.patch(DEPLOYMENT, {"metadata": {"generation": 99, "creationTimestamp": "1970-01-01T00:00:00Z"}})["metadata"]
    assert (after["generation"], after["creationTimestamp"]) == (before["generation"], before["creationTimestamp"])


# Rollouts, of real pods


def test_the_answer_to_a_patch_still_shows_the_complete_rollout_before_it(rolling: Api) -> None:
    patched = rolling.patch(DEPLOYMENT, annotate("stale"))
    assert patched["status"]["observedGeneration"] < patched["metadata"]["generation"]
    assert patched["status"]["availableReplicas"] == patched["status"]["updatedReplicas"] == 3
    until(lambda: is_complete(rolling.get(DEPLOYMENT)))


def test_a_rolling_restart_replaces_every_pod_and_fails_no_request(rolling: Api, application: Application) -> None:
    """Of pods, not by the status: a real one adds up what its ReplicaSets said at different times."""
    before = {pod["name"] for pod in application.cluster.pods()}
    ready = []
    with Load(application.login_page, rate=40) as load:
        rolling.patch(DEPLOYMENT, annotate("rolling"))

        def rolled() -> bool:
            pods = application.cluster.pods()
            ready.append(sum(pod["ready"] for pod in pods))
            assert len(pods) <= 3 + 1 + NOT_YET_DELETED, "maxSurge is 1"
            return is_complete(rolling.get(DEPLOYMENT))

        until(rolled)
    after = {pod["name"] for pod in application.cluster.pods()}
    assert len(after) == 3
    assert not before & after
    assert min(ready) >= 3, "maxUnavailable is 0"
    assert load.results().failures == []
    assert load.results().served > 20


def test_a_pod_takes_its_environment_from_the_secret_as_it_is_at_its_start(rolling: Api, application: Application) -> None:
    def environment() -> set[str]:
        answers = [urllib.request.urlopen(application.login_page, timeout=5) for _ in range(3)]  # noqa: S310 - our own
        for answer in answers:
            answer.close()
        return {answer.headers["X-Environment-User"] for answer in answers}

    rolling.patch(SECRET, {"stringData": {"mysql-user": "openemr_b"}})
    assert environment() == {"openemr_a"}
    rolling.patch(DEPLOYMENT, annotate("environment"))
    until(lambda: is_complete(rolling.get(DEPLOYMENT)))
    until(lambda: environment() == {"openemr_b"}, 2)
    rolling.patch(SECRET, {"stringData": {"mysql-user": "openemr_a"}})


def test_a_paused_deployment_takes_the_patch_and_does_not_roll(rolling: Api) -> None:
    rolling.patch(DEPLOYMENT, {"spec": {"paused": True}})
    rolling.patch(DEPLOYMENT, annotate("paused"))
    until(lambda: is_observed(rolling.get(DEPLOYMENT)))
    found = rolling.get(DEPLOYMENT)
    assert "updatedReplicas" not in found["status"], "a count of zero is left out"
    assert progress(found) == "DeploymentPaused"
    rolling.patch(DEPLOYMENT, {"spec": {"paused": None}})
    until(lambda: is_complete(rolling.get(DEPLOYMENT)))


def test_a_rollout_that_gets_nowhere_exceeds_its_deadline_and_leaves_the_old_pods_serving(
    rolling: Api, application: Application
) -> None:
    application.cluster.break_next_rollout()
    rolling.patch(DEPLOYMENT, annotate("broken") | {"spec": {**annotate("broken")["spec"], "progressDeadlineSeconds": 1}})
    with Load(application.login_page, rate=40) as load:
        until(lambda: is_stuck(rolling.get(DEPLOYMENT)))
    assert load.results().failures == []


def test_an_exceeded_deadline_lingers_until_the_next_rollout_is_observed_and_that_one_rolls(
    rolling: Api, application: Application
) -> None:
    application.cluster.break_next_rollout()
    rolling.patch(DEPLOYMENT, {"spec": {**annotate("lingering")["spec"], "progressDeadlineSeconds": 1}})
    until(lambda: is_stuck(rolling.get(DEPLOYMENT)))
    patched = rolling.patch(DEPLOYMENT, annotate("restored"))
    assert progress(patched) == "ProgressDeadlineExceeded"
    until(lambda: is_observed(rolling.get(DEPLOYMENT)))
    assert progress(rolling.get(DEPLOYMENT)) != "ProgressDeadlineExceeded"
    until(lambda: is_complete(rolling.get(DEPLOYMENT)))
    assert progress(rolling.get(DEPLOYMENT)) == "NewReplicaSetAvailable"


def test_rollouts_can_be_broken_by_an_annotation_and_healed(rolling: Api, application: Application) -> None:
    application.cluster.break_rollouts_annotated("credential-rotation/rotation-id", "cursed")
    rolling.patch(DEPLOYMENT, annotate("cursed"))
    until(lambda: rolling.get(DEPLOYMENT)["status"].get("unavailableReplicas") == 1)
    application.cluster.heal()
    until(lambda: is_complete(rolling.get(DEPLOYMENT)))


@pytest.mark.parametrize("replicas", [5, 2])
def test_replicas_can_be_scaled(replicas: int, rolling: Api, application: Application) -> None:
    rolling.patch(DEPLOYMENT, {"spec": {"replicas": replicas}})
    until(lambda: is_complete(rolling.get(DEPLOYMENT)))
    until(lambda: len(application.cluster.pods()) == replicas)


# Other sorts of workloads


SORTS = {
    "StatefulSet": ("statefulsets", stateful_set("openemr", "openemr", "openemr-db-credentials", replicas=0)),
    "DaemonSet": ("daemonsets", daemon_set("openemr", "openemr", "openemr-db-credentials", everywhere=False)),
}
ZERO = {
    "StatefulSet": ({"replicas"}, {"readyReplicas", "updatedReplicas", "currentReplicas"}),
    "DaemonSet": (
        {"currentNumberScheduled", "desiredNumberScheduled", "numberMisscheduled", "numberReady"},
        {"updatedNumberScheduled", "numberAvailable", "numberUnavailable"},
    ),
}
"""The counts that are said where they are zero, and those that are left out. `availableReplicas` is newer than some servers."""


@pytest.fixture(scope="module", params=SORTS)
def other(request: pytest.FixtureRequest, run: Leftovers) -> Iterator[tuple[str, str, Api]]:
    """Its kind, its path, and somebody with kubectl."""
    resource, manifest = SORTS[request.param]
    cluster = idle_cluster(run, manifest)
    path = f"/apis/apps/v1/namespaces/openemr/{resource}/openemr"
    yield request.param, path, Api(cluster.api, cluster.ca, by=PERSON)
    cluster.stop()


def test_the_generation_of_another_sort_grows_with_its_spec_and_not_with_its_annotations(other: tuple[str, str, Api]) -> None:
    _, path, person = other
    first = person.get(path)["metadata"]["generation"]
    assert person.patch(path, {"metadata": {"annotations": {"other": "1"}}})["metadata"]["generation"] == first
    assert person.patch(path, annotate("generation"))["metadata"]["generation"] == first + 1
    assert person.patch(path, annotate("generation"))["metadata"]["generation"] == first + 1


def test_another_sort_says_when_its_controller_has_seen_a_change_and_which_counts_are_zero(other: tuple[str, str, Api]) -> None:
    kind, path, person = other
    person.patch(path, annotate("seen"))
    until(lambda: is_observed(person.get(path)))
    status = person.get(path)["status"]
    said, left_out = ZERO[kind]
    assert {name: status[name] for name in said} == dict.fromkeys(said, 0)
    assert not left_out & status.keys()
    assert status.get("currentRevision") == status.get("updateRevision")


def test_each_sort_has_rights_of_its_own(other: tuple[str, str, Api]) -> None:
    """OpenEMR's Role names a Deployment of this very name."""
    _, path, person = other
    function = Api(person.url, person.ca)
    for method in ("GET", "PATCH"):
        status, answer = function.send(method, path, None if method == "GET" else {})
        assert (status, answer["reason"]) == (403, "Forbidden")
