"""The Kubernetes adapters on the stand-in and, with CLUSTER=real, on a real API server: nothing overwritten that somebody else
changed, no rollout believed too early."""

import base64
import socket
import threading
import time
import traceback
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from rotation.consumers.cluster import eks
from rotation.consumers.cluster.eks import Cluster
from rotation.consumers.deployment.adapter import Workload
from rotation.consumers.deployment.sorts import SORTS
from rotation.consumers.keys import Keys
from rotation.consumers.secret.adapter import KubernetesSecret
from rotation.consumers.secret.kind import OPENEMR
from rotation.core.errors import (
    ClusterConflict,
    ClusterObjectMissing,
    ClusterRefused,
    ClusterUnavailable,
    ConsumerDiffers,
    RotationError,
)
from rotation.core.model import Credential, Password
from rotation.core.rollout import ROTATION_ANNOTATION, Progress, progress

from local.aws import LocalAws
from local.certificates import Authority
from local.cluster import Cluster as LocalCluster
from local.cluster import Settings
from local.cluster.application import Application
from local.cluster.kinds import chosen
from local.cluster.manifests import daemon_set, deployment, secret, stateful_set
from local.leftovers import Leftovers
from local.ports import free_port
from tests.conformance.consumers import (
    A,
    B,
    Consumer,
    Fails,
    KeepsWhatElseIsThere,
    NeverOverwrites,
    Restarts,
    SaysWhere,
    refused,
)
from tests.until import PATIENCE_SECONDS, until
from tests.worlds.world import MARK

NAMESPACE, SECRET, DEPLOYMENT = "openemr", "openemr-db-credentials", "openemr"
TARGET = "openemr"
SECRET_PATH = f"/api/v1/namespaces/{NAMESPACE}/secrets/{SECRET}"
DEPLOYMENT_PATH = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{DEPLOYMENT}"
IDLE = "idle"
SECRET_KEY = "local"  # as the adapters' own secret access key
FIRST, SECOND = "first-canary-1", "second-canary-2"
SEEN = Credential("openemr_a", Password(FIRST), "db.example", None, "openemr")
NEW = Credential("openemr_b", Password(SECOND), "db.example", 3306, "openemr")

Object = dict[str, Any]
Make = Callable[..., Cluster]


@pytest.fixture(scope="module")
def run() -> Iterator[Leftovers]:
    with Leftovers() as run:
        yield run


@pytest.fixture(scope="module")
def aws(run: Leftovers) -> Iterator[LocalAws]:
    with LocalAws(Path("no-function-runs-here"), run.directory / "logs", environment=run.environment) as aws:
        yield aws


@pytest.fixture(autouse=True)
def _environment(aws: LocalAws, adapters_use: Callable[[LocalAws], None]) -> Iterator[None]:
    adapters_use(aws)
    yield
    eks._connect.cache_clear()
    eks._signer.cache_clear()


def register(aws: LocalAws, endpoint: str, ca: str, name: str = "") -> str:
    """A name of its own in EKS, for that API server with that authority."""
    name = name or f"cluster-{uuid.uuid4()}"
    aws.register_cluster(name, endpoint, base64.b64encode(ca.encode()).decode())
    return name


@pytest.fixture(scope="module")
def idle(run: Leftovers) -> Iterator[LocalCluster]:
    """No pods in it."""
    folder = run.directory / "idle"
    settings = Settings(
        cluster=IDLE,
        secret=seen(),
        deployment=deployment(NAMESPACE, DEPLOYMENT, SECRET, replicas=0),
        sites=folder,
        database_ca=folder / "ca.pem",
        directory=folder,
        secret_keys={"*": SECRET_KEY},
        kind=chosen(),
    )
    idle = LocalCluster(settings, run.environment)
    idle.start()
    yield idle
    idle.stop()


def seen() -> Object:
    return secret(NAMESPACE, SECRET, host="db.example", user=SEEN.username, password=FIRST, database="openemr")


@pytest.fixture
def make(aws: LocalAws, idle: LocalCluster) -> Make:
    """The cluster with that Secret and a new Deployment in it."""

    def make(**changes: Any) -> Cluster:
        idle.recreate(seen() | changes)
        idle.recreate(deployment(NAMESPACE, DEPLOYMENT, SECRET, replicas=0))
        return Cluster(register(aws, idle.api, idle.ca, IDLE))

    return make


@pytest.fixture
def cluster(make: Make) -> Cluster:
    return make()


@pytest.fixture
def consumer(cluster: Cluster) -> KubernetesSecret:
    return KubernetesSecret(cluster, NAMESPACE, SECRET)


class Meddled(Cluster):
    """Somebody else's patch arrives between our look and ours."""

    def __init__(self, name: str, path: str, theirs: Object) -> None:
        super().__init__(name)
        self._theirs = (path, theirs)

    def patch(self, path: str, body: Object) -> None:
        Cluster(self._name).patch(*self._theirs)
        super().patch(path, body)


@contextmanager
def raises(kind: type[RotationError]) -> Iterator[pytest.ExceptionInfo[RotationError]]:
    """That error and no other, with no value and nothing of what the server said in it."""
    with pytest.raises(kind) as caught:
        yield caught
    assert type(caught.value) is kind
    shown = "".join(traceback.format_exception(caught.value))
    assert not [canary for canary in (FIRST, SECOND) if canary in shown or base64.b64encode(canary.encode()).decode() in shown]


# The Secret


def test_what_the_secret_holds_is_read_and_of_the_port_it_says_nothing(consumer: KubernetesSecret) -> None:
    assert consumer.read() == SEEN


def test_what_was_published_is_read_back(consumer: KubernetesSecret) -> None:
    assert consumer.publish(NEW, MARK)
    assert consumer.read().at_place_of(NEW) == NEW


def test_what_is_there_already_is_not_written_again(cluster: Cluster, consumer: KubernetesSecret) -> None:
    consumer.publish(NEW, MARK)
    before = cluster.get(SECRET_PATH)["metadata"]["resourceVersion"]
    assert not consumer.publish(NEW, MARK)
    assert cluster.get(SECRET_PATH)["metadata"]["resourceVersion"] == before


def test_keys_of_others_stay(cluster: Cluster, consumer: KubernetesSecret) -> None:
    cluster.patch(SECRET_PATH, {"data": {"redis-password": "b3RoZXI="}})
    consumer.publish(NEW, MARK)
    assert cluster.get(SECRET_PATH)["data"]["redis-password"] == "b3RoZXI="


def test_a_port_is_written_only_where_there_is_one(cluster: Cluster, consumer: KubernetesSecret) -> None:
    consumer.publish(NEW, MARK)
    assert "mysql-port" not in cluster.get(SECRET_PATH)["data"]
    cluster.patch(SECRET_PATH, {"data": {"mysql-port": base64.b64encode(b"1").decode()}})
    assert consumer.publish(NEW, MARK)
    assert consumer.read() == NEW


def test_a_secret_that_changed_meanwhile_is_not_overwritten(cluster: Cluster) -> None:
    theirs = {"data": {"mysql-user": base64.b64encode(b"theirs").decode()}}
    with raises(ClusterConflict):
        KubernetesSecret(Meddled(cluster._name, SECRET_PATH, theirs), NAMESPACE, SECRET).publish(NEW, MARK)
    found = KubernetesSecret(cluster, NAMESPACE, SECRET).read()
    assert (found.username, found.password.reveal()) == ("theirs", FIRST)


def test_a_secret_that_is_not_there_is_named(cluster: Cluster, consumer: KubernetesSecret, idle: LocalCluster) -> None:
    idle.delete(seen())
    for act in (consumer.read, lambda: consumer.publish(NEW, MARK)):
        with raises(ClusterObjectMissing) as caught:
            act()
        assert SECRET in str(caught.value)


def test_a_secret_that_is_not_ours_is_refused_whether_or_not_it_is_there(cluster: Cluster) -> None:
    """The Role names one Secret: of others nobody learns even that they are missing."""
    other = KubernetesSecret(cluster, NAMESPACE, "other")
    for act in (other.read, lambda: other.publish(NEW, MARK)):
        with raises(ClusterRefused) as caught:
            act()
        assert "other" in str(caught.value)


def test_a_value_that_the_server_refuses_and_quotes_is_not_shown(cluster: Cluster) -> None:
    with raises(ClusterRefused):
        cluster.patch(SECRET_PATH, {"data": {"mysql-password": FIRST}})


def test_an_immutable_secret_is_refused_before_anything_rests_on_it(make: Make) -> None:
    frozen = KubernetesSecret(make(immutable=True), NAMESPACE, SECRET)
    with raises(ClusterRefused):
        frozen.read()
    with raises(ClusterRefused):
        frozen.publish(NEW, MARK)


@pytest.mark.parametrize("key", ["mysql-host", "mysql-user", "mysql-password", "mysql-database"])
def test_a_key_that_is_missing_is_named(key: str, cluster: Cluster, consumer: KubernetesSecret) -> None:
    cluster.patch(SECRET_PATH, {"data": {key: None}})
    with raises(ConsumerDiffers) as caught:
        consumer.read()
    assert key in str(caught.value)


def test_a_value_that_is_no_text_is_not_shown(cluster: Cluster, consumer: KubernetesSecret) -> None:
    cluster.patch(SECRET_PATH, {"data": {"mysql-password": base64.b64encode(FIRST.encode() + b"\xff").decode()}})
    with raises(ConsumerDiffers):
        consumer.read()


# The way there


def test_a_token_for_another_cluster_is_not_accepted(aws: LocalAws, cluster: Cluster) -> None:
    """So it is the cluster's name in the signature, and nothing weaker, that opens this one."""
    described = aws.client("eks").describe_cluster(name=cluster._name)["cluster"]
    ca = base64.b64decode(described["certificateAuthority"]["data"]).decode()
    other = Cluster(register(aws, described["endpoint"], ca))
    with raises(ClusterUnavailable):
        other.get(SECRET_PATH)
    assert cluster.get(SECRET_PATH)["kind"] == "Secret"


def test_a_token_of_a_stranger_is_not_accepted(monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a stranger's")
    with raises(ClusterUnavailable):
        cluster.get(SECRET_PATH)


def test_a_token_lives_a_minute_and_shows_no_secret_key() -> None:
    url = base64.urlsafe_b64decode(eks.token("here").removeprefix("k8s-aws-v1.") + "==").decode()
    assert "X-Amz-Expires=60&" in url
    assert f"/{SECRET_KEY}/" not in url


def test_a_server_of_another_authority_is_told_nothing(aws: LocalAws) -> None:
    with api_server(200) as (endpoint, _, asked):
        with raises(ClusterUnavailable):
            Cluster(register(aws, endpoint, Authority("somebody else").pem)).get(SECRET_PATH)
        assert asked == []


def test_a_certificate_of_another_host_is_not_trusted(aws: LocalAws) -> None:
    """127.1 is 127.0.0.1 to the network and another name to the certificate."""
    with api_server(200) as (endpoint, ca, asked):
        with raises(ClusterUnavailable):
            Cluster(register(aws, endpoint.replace("127.0.0.1", "127.1"), ca)).get(SECRET_PATH)
        assert asked == []


def test_a_server_that_is_not_there_is_unavailable(aws: LocalAws) -> None:
    name = register(aws, f"https://127.0.0.1:{free_port()}", Authority("nobody").pem)
    with raises(ClusterUnavailable):
        Cluster(name).get(SECRET_PATH)


def test_a_cluster_that_has_moved_is_found_again_by_a_warm_function(aws: LocalAws, cluster: Cluster, idle: LocalCluster) -> None:
    """Endpoint and authority are kept only for as long as somebody answers there."""
    register(aws, f"https://127.0.0.1:{free_port()}", Authority("nobody").pem, IDLE)
    with raises(ClusterUnavailable):
        cluster.get(SECRET_PATH)
    register(aws, idle.api, idle.ca, IDLE)
    assert cluster.get(SECRET_PATH)["kind"] == "Secret"


def test_a_server_that_says_nothing_is_unavailable(monkeypatch: pytest.MonkeyPatch, aws: LocalAws) -> None:
    monkeypatch.setattr(eks, "REQUEST_SECONDS", (0.2, 0.2))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        name = register(aws, f"https://127.0.0.1:{silent.getsockname()[1]}", Authority("nobody").pem)
        with raises(ClusterUnavailable):
            Cluster(name).get(SECRET_PATH)


def test_a_cluster_that_eks_does_not_know_is_named() -> None:
    with raises(ClusterObjectMissing) as caught:
        Cluster("no-such-cluster").get(SECRET_PATH)
    assert "no-such-cluster" in str(caught.value)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ClusterRefused),
        (401, ClusterUnavailable),
        (403, ClusterRefused),
        (404, ClusterObjectMissing),
        (409, ClusterConflict),
        (422, ClusterRefused),
        (429, ClusterUnavailable),
        (500, ClusterUnavailable),
        (503, ClusterUnavailable),
        (504, ClusterUnavailable),
    ],
)
def test_every_refusal_has_its_name_and_quotes_nothing(status: int, kind: type[RotationError], aws: LocalAws) -> None:
    with api_server(status) as (endpoint, ca, asked):
        cluster = Cluster(register(aws, endpoint, ca))
        with raises(kind):
            cluster.patch(SECRET_PATH, {"data": {"mysql-password": base64.b64encode(SECOND.encode()).decode()}})
        assert len(asked) == 1, "waiting and trying again is the state machine's"


@contextmanager
def api_server(status: int) -> Iterator[tuple[str, str, list[str]]]:
    """Answers everything with that status, quoting the request: its endpoint, its authority, and what it was asked."""
    asked: list[str] = []

    class Quoting(BaseHTTPRequestHandler):
        def answer(self) -> None:
            asked.append(self.path)
            body = b'{"message": "' + self.rfile.read(int(self.headers.get("Content-Length") or 0)).replace(b'"', b"'") + b'"}'
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PATCH = answer  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            pass

    authority = Authority("quoting")
    with ThreadingHTTPServer(("127.0.0.1", 0), Quoting) as server, Leftovers() as run:
        context = authority.issue(run.directory, "quoting").context()
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.server_port}", authority.pem, asked
        finally:
            server.shutdown()
            thread.join()


# The Deployment


@pytest.fixture(scope="module")
def application(run: Leftovers, aws: LocalAws) -> Iterator[Application]:
    name = f"cluster-{uuid.uuid4()}"
    application = Application(run, cluster=name, secret_keys={"*": SECRET_KEY}, pods=2)
    application.start()
    register(aws, application.cluster.api, application.cluster.ca, name)
    application.name = name  # type: ignore[attr-defined]
    yield application
    application.stop()


@pytest.fixture
def api(application: Application) -> Iterator[Cluster]:
    """Whatever a test broke is whole again after it."""
    api = Cluster(application.name)  # type: ignore[attr-defined]
    yield api
    application.cluster.heal()
    api.patch(DEPLOYMENT_PATH, {"spec": {"paused": None, "replicas": 2, "progressDeadlineSeconds": 60}})
    application.cluster.wait_until_rolled_out(PATIENCE_SECONDS)


@pytest.fixture
def workload(api: Cluster) -> Workload:
    return Workload(api, NAMESPACE, DEPLOYMENT, TARGET)


def mark() -> tuple[str, str]:
    return f"run-{uuid.uuid4()}.forward", "2030-01-01T00:00:00Z"


def ends(workload: Workload) -> Progress:
    def ended() -> Progress | None:
        state = progress(workload.rollout())
        return None if state is Progress.WAITING else state

    return until(ended)


def test_a_restart_replaces_every_pod_and_is_not_believed_before_it(application: Application, workload: Workload) -> None:
    """The first look may come before the controller has seen the change: the status then still says complete, of the last one."""
    before = {pod["name"] for pod in application.cluster.pods()}
    rotation, started = mark()
    workload.restart(rotation, started)
    first = workload.rollout()
    assert (progress(first), first.mark) == (Progress.WAITING, rotation)
    assert ends(workload) is Progress.COMPLETE
    assert not before & {pod["name"] for pod in application.cluster.pods()}


def test_a_restart_repeated_is_no_second_rollout(workload: Workload) -> None:
    rotation, started = mark()
    workload.restart(rotation, started)
    generation = workload.rollout().generation
    ends(workload)
    workload.restart(rotation, started)
    assert workload.rollout().generation == generation


def test_each_of_two_targets_finds_its_own_mark_whoever_restarted_it_last(api: Cluster, workload: Workload) -> None:
    """Both rotate at once: the second rollout is the first one's too, since its pods were started later still."""
    other, (first, at), (second, then) = Workload(api, NAMESPACE, DEPLOYMENT, "another"), mark(), mark()
    workload.restart(first, at)
    ends(workload)
    other.restart(second, then)
    generation = other.rollout().generation
    assert (workload.rollout().mark, other.rollout().mark) == (first, second)
    assert ends(workload) is ends(other) is Progress.COMPLETE
    workload.restart(first, at)
    assert workload.rollout().generation == generation


def test_the_way_back_is_a_rollout_of_its_own(workload: Workload) -> None:
    rotation, started = mark()
    workload.restart(rotation, started)
    generation = workload.rollout().generation
    ends(workload)
    workload.restart(rotation.replace("forward", "restore"), started)
    assert workload.rollout().generation == generation + 1


def restart(workload: Workload) -> None:
    """While the controller writes what became of the last rollout: a conflict is tried again, as the machine does."""
    deadline, (rotation, started) = time.monotonic() + PATIENCE_SECONDS, mark()
    while True:
        try:
            return workload.restart(rotation, started)
        except ClusterConflict:
            assert time.monotonic() < deadline


def fail(application: Application, api: Cluster, workload: Workload) -> None:
    application.cluster.break_next_rollout()
    api.patch(DEPLOYMENT_PATH, {"spec": {"progressDeadlineSeconds": 1}})
    restart(workload)
    assert ends(workload) is Progress.FAILED
    api.patch(DEPLOYMENT_PATH, {"spec": {"progressDeadlineSeconds": 60}})


def test_a_failed_rollout_is_said_to_have_failed_and_the_next_one_is_not(
    application: Application, api: Cluster, workload: Workload
) -> None:
    """The old failure lingers in the conditions until the controller has seen the new generation."""
    fail(application, api, workload)
    restart(workload)
    assert ends(workload) is Progress.COMPLETE


def test_a_failure_that_lingers_while_somebody_scales_is_not_this_rollout_s(
    application: Application, api: Cluster, workload: Workload
) -> None:
    """Scaling goes before rolling: until that is done the status has seen the change, and still says that it failed."""
    fail(application, api, workload)
    time.sleep(1)  # so that it is of another second than the next restart: the API's times are whole
    began, scaling = time.time(), {"spec": {"replicas": 4, **annotated(mark()[0])["spec"]}}
    api.patch(DEPLOYMENT_PATH, scaling)
    seen = set()
    while Progress.COMPLETE not in seen:
        assert time.time() < began + PATIENCE_SECONDS
        seen.add(progress(workload.rollout(), began))
    assert seen == {Progress.WAITING, Progress.COMPLETE}


def annotated(rotation: str) -> Object:
    return {"spec": {"template": {"metadata": {"annotations": {ROTATION_ANNOTATION: rotation}}}}}


def test_a_paused_deployment_says_so(api: Cluster, workload: Workload) -> None:
    api.patch(DEPLOYMENT_PATH, {"spec": {"paused": True}})
    assert progress(workload.rollout()) is Progress.PAUSED


def test_a_deployment_that_changed_meanwhile_is_not_overwritten(application: Application, api: Cluster) -> None:
    theirs = {"spec": {"template": {"metadata": {"annotations": {"theirs": str(uuid.uuid4())}}}}}
    meddled = Workload(Meddled(api._name, DEPLOYMENT_PATH, theirs), NAMESPACE, DEPLOYMENT, TARGET)
    rotation, started = mark()
    with raises(ClusterConflict):
        meddled.restart(rotation, started)
    assert meddled.rollout().mark != rotation


def test_a_deployment_without_annotations_and_without_pods_is_read(cluster: Cluster) -> None:
    found = Workload(cluster, NAMESPACE, DEPLOYMENT, TARGET).rollout()
    assert (found.mark, found.replicas_wanted, found.replicas, found.available) == (None, 0, 0, 0)


def test_a_deployment_that_is_not_there_is_named(cluster: Cluster, idle: LocalCluster) -> None:
    idle.delete(deployment(NAMESPACE, DEPLOYMENT, SECRET))
    gone = Workload(cluster, NAMESPACE, DEPLOYMENT, TARGET)
    for act in (gone.rollout, lambda: gone.restart(*mark())):
        with raises(ClusterObjectMissing):
            act()


@pytest.mark.parametrize(("verb", "allowed"), [("get", True), ("patch", True), ("delete", False)])
def test_the_cluster_says_what_we_may_do(cluster: Cluster, verb: str, allowed: bool) -> None:
    secret, deployment = KubernetesSecret(cluster, NAMESPACE, SECRET), Workload(cluster, NAMESPACE, DEPLOYMENT, TARGET)
    assert (secret.allows(verb), deployment.allows(verb)) == (allowed, allowed)


def test_of_what_is_not_ours_it_says_that_we_may_not(cluster: Cluster) -> None:
    assert not KubernetesSecret(cluster, "kube-system", SECRET).allows("get")
    assert not Workload(cluster, NAMESPACE, "another", TARGET).allows("patch")


def test_a_deployment_that_is_not_ours_is_refused(cluster: Cluster) -> None:
    other = Workload(cluster, NAMESPACE, "other", TARGET)
    for act in (other.rollout, lambda: other.restart(*mark())):
        with raises(ClusterRefused):
            act()


# What the saga relies on in any consumer


class Rival(Cluster):
    """Once, somebody else's patch arrives between our look and ours."""

    theirs: Object | None = None

    def patch(self, path: str, body: Object) -> None:
        if self.theirs is not None:
            theirs, self.theirs = self.theirs, None
            super().patch(path, theirs)
        super().patch(path, body)


class InSecret:
    """The Secret, with the keys that a target names for it, and one of somebody else."""

    first, second, theirs = A, B, replace(A, username="theirs")
    called = f"Secret {NAMESPACE}/{SECRET}"

    def __init__(self, cluster: Cluster, idle: LocalCluster, texts: dict[str, str] | None) -> None:
        self._idle = idle
        self._cluster = Rival(cluster._name)
        self._keys = Keys(texts or OPENEMR)
        self.consumer = KubernetesSecret(self._cluster, NAMESPACE, SECRET, texts)
        self._put({**dict.fromkeys(OPENEMR), **self._data(A), "truststore.jks": "/u3+7Q=="})

    def others(self) -> object:
        found = self._cluster.get(SECRET_PATH)
        rest = {key: value for key, value in found["data"].items() if key not in self._keys.names}
        return rest, found["type"], found["metadata"].get("labels")

    def writes(self) -> object:
        return self._cluster.get(SECRET_PATH)["metadata"]["resourceVersion"]

    def spoil(self) -> None:
        self._put(dict.fromkeys(self._keys.names, base64.b64encode(b"canary\xff").decode()))

    def remove(self) -> None:
        self._idle.delete(seen())

    @contextmanager
    def meddled(self) -> Iterator[None]:
        self._cluster.theirs = {"data": self._data(self.theirs)}
        yield

    def _data(self, login: Credential) -> dict[str, str]:
        return {key: base64.b64encode(text.reveal().encode()).decode() for key, text in self._keys.render(login).items()}

    def _put(self, data: Object) -> None:
        Cluster(self._cluster._name).patch(SECRET_PATH, {"data": data})


class TestSecret(Consumer, SaysWhere, KeepsWhatElseIsThere, Fails, NeverOverwrites):
    @pytest.fixture
    def here(self, cluster: Cluster, idle: LocalCluster) -> InSecret:
        return InSecret(cluster, idle, None)


class TestSecretWithItsOwnKeys(Consumer, SaysWhere, KeepsWhatElseIsThere, Fails, NeverOverwrites):
    @pytest.fixture
    def here(self, cluster: Cluster, idle: LocalCluster) -> InSecret:
        return InSecret(cluster, idle, {"DB_URL": "postgresql://{username}:{password|url}@{host}:{port}/{dbname}"})

    def test_a_text_of_another_shape_is_refused_without_showing_it(self, here: InSecret) -> None:
        here._put({"DB_URL": base64.b64encode(b"mysql://a:canary@b:1/c").decode()})
        with refused(ConsumerDiffers, here.called, "DB_URL is not written as its template says"):
            here.consumer.read()


class Pods:
    """The Deployment, and what somebody else wrote to it."""

    def __init__(self, cluster: Cluster, idle: LocalCluster) -> None:
        self._cluster, self._idle = cluster, idle
        self.workload = Workload(cluster, NAMESPACE, DEPLOYMENT, TARGET)
        theirs = {"metadata": {"annotations": {"theirs": "1"}}}
        cluster.patch(DEPLOYMENT_PATH, {**theirs, "spec": {"template": theirs}})

    def restarts(self) -> int:
        return int(self._cluster.get(DEPLOYMENT_PATH)["metadata"]["generation"])

    def others(self) -> object:
        found = self._cluster.get(DEPLOYMENT_PATH)
        template = found["spec"]["template"]
        return found["metadata"]["annotations"].get("theirs"), template["metadata"]["annotations"]["theirs"], template["spec"]

    def remove(self) -> None:
        self._idle.delete(deployment(NAMESPACE, DEPLOYMENT, SECRET, replicas=0))


class TestDeployment(Restarts):
    @pytest.fixture
    def here(self, cluster: Cluster, idle: LocalCluster) -> Pods:
        return Pods(cluster, idle)


# The other sorts of workloads


STATEFUL, DAEMON = "StatefulSet", "DaemonSet"
READ = "orders-database"
NAMES = {STATEFUL: "ledger", DAEMON: "collector"}
"""As the Role of the example grants them."""
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "workloads" / "rbac.yaml"
BY_HAND = {"type": "OnDelete", "rollingUpdate": None}
UNFIT: dict[str, dict[str, Object]] = {
    STATEFUL: {"partition 2": {"rollingUpdate": {"partition": 2}}, "update strategy OnDelete": BY_HAND},
    DAEMON: {"update strategy OnDelete": BY_HAND},
}


def of_sort(sort: str, pods: bool) -> Object:
    if sort == STATEFUL:
        return stateful_set(NAMESPACE, NAMES[sort], READ, replicas=3 if pods else 0)
    return daemon_set(NAMESPACE, NAMES[sort], READ, everywhere=pods)


def path_of(sort: str) -> str:
    return f"/apis/apps/v1/namespaces/{NAMESPACE}/{SORTS[sort].resource}/{NAMES[sort]}"


class Living:
    """A cluster with one workload of that sort. Each pod says which user it was given at its start."""

    def __init__(self, run: Leftovers, aws: LocalAws, sort: str, *, pods: bool = True) -> None:
        self.sort, folder = sort, run.directory / f"{NAMES[sort]}-{pods}"
        name = f"cluster-{uuid.uuid4()}"
        settings = Settings(
            cluster=name,
            secret=secret(NAMESPACE, READ, host="db.example", user=SEEN.username, password=FIRST, database="openemr"),
            deployment=of_sort(sort, pods),
            rbac=EXAMPLE,
            sites=folder,
            database_ca=folder / "ca.pem",
            directory=folder,
            secret_keys={"*": SECRET_KEY},
            kind=chosen(),
        )
        self.cluster = LocalCluster(settings, run.environment)
        self.cluster.start()
        self.api = Cluster(register(aws, self.cluster.api, self.cluster.ca, name))

    def workload(self, sort: str = "") -> Workload:
        return Workload(self.api, NAMESPACE, NAMES[self.sort], TARGET, sort or self.sort)

    def publish(self, login: Credential) -> None:
        KubernetesSecret(self.api, NAMESPACE, READ).publish(login, MARK)

    def strategy(self, strategy: Object) -> None:
        self.api.patch(path_of(self.sort), {"spec": {"updateStrategy": strategy}})

    def users(self) -> list[str]:
        pages = [urllib.request.urlopen(f"http://127.0.0.1:{pod['port']}/", timeout=5) for pod in self.cluster.pods()]
        said = []
        for page in pages:
            with page:
                said.append(page.read().decode())
        return said

    def revisions(self) -> dict[str, str]:
        return {pod["name"]: pod["revision"] for pod in self.cluster.pods()}


@pytest.fixture(scope="module", params=[STATEFUL, DAEMON])
def started(request: pytest.FixtureRequest, run: Leftovers, aws: LocalAws) -> Iterator[Living]:
    living = Living(run, aws, request.param)
    yield living
    living.cluster.stop()


@pytest.fixture
def living(started: Living) -> Living:
    """Whatever a test before it broke is whole again."""
    started.cluster.heal()
    rolling = {"partition": 0} if started.sort == STATEFUL else {"maxUnavailable": 1}
    started.strategy({"type": "RollingUpdate", "rollingUpdate": rolling})
    started.cluster.wait_until_rolled_out(PATIENCE_SECONDS)
    until(lambda: progress(started.workload().rollout()) is Progress.COMPLETE)
    return started


@pytest.mark.parametrize(("before", "after"), [(SEEN, NEW), (NEW, SEEN)], ids=["forward", "and back"])
def test_each_pod_of_another_sort_is_replaced_one_at_a_time_and_takes_the_login_of_then(
    living: Living, before: Credential, after: Credential
) -> None:
    living.publish(before)
    restart(living.workload())
    assert ends(living.workload()) is Progress.COMPLETE
    old = living.revisions()
    assert living.users() == [before.username] * len(old)

    living.publish(after)
    assert living.users() == [before.username] * len(old), "what runs has what it was given"
    restart(living.workload())
    assert progress(living.workload().rollout()) is Progress.WAITING, "what the status says is about the rollout before"
    looks = []

    def ended() -> bool:
        looks.append(living.cluster.pods())
        return progress(living.workload().rollout()) is Progress.COMPLETE

    until(ended)
    assert min(sum(pod["ready"] for pod in look) for look in looks) >= len(old) - 1
    assert living.users() == [after.username] * len(old)
    new = living.revisions()
    assert not set(old.values()) & set(new.values())
    if living.sort == STATEFUL:
        assert old.keys() == new.keys(), "pods keep their names"
        for look in looks:
            replaced = [pod["revision"] not in old.values() for pod in sorted(look, key=lambda pod: str(pod["name"]))]
            assert replaced == sorted(replaced), "from the highest ordinal down"
    else:
        assert not old.keys() & new.keys()


def test_another_sort_is_restarted_once_for_a_mark(living: Living) -> None:
    workload, (rotation, started) = living.workload(), mark()
    workload.restart(rotation, started)
    generation = workload.rollout().generation
    assert ends(workload) is Progress.COMPLETE
    workload.restart(rotation, started)
    found = workload.rollout()
    assert (found.generation, found.mark) == (generation, rotation)


def test_a_pod_that_does_not_become_ready_is_waited_for_until_the_machine_gives_up(living: Living) -> None:
    """None of these has a deadline of its own. The way back rolls by itself; that of a StatefulSet waits for the
    broken pod."""
    living.cluster.break_next_rollout()
    old = set(living.revisions().values())
    restart(living.workload())
    until(lambda: set(living.revisions().values()) - old)
    [broken] = set(living.revisions().values()) - old
    assert progress(living.workload().rollout()) is Progress.WAITING
    restart(living.workload())
    if living.sort == STATEFUL:
        until(lambda: (seen := living.workload().rollout()).observed_generation >= seen.generation)
        assert broken in living.revisions().values()
        assert progress(living.workload().rollout()) is Progress.WAITING
        living.cluster.heal()
    assert ends(living.workload()) is Progress.COMPLETE


def test_what_nobody_would_replace_says_so_before_it_is_restarted(living: Living) -> None:
    assert living.workload().rollout().unfit is None
    for why, strategy in UNFIT[living.sort].items():
        living.strategy(strategy)
        unfit = living.workload().rollout().unfit
        assert unfit is not None
        assert why in unfit.why


def test_of_each_sort_the_cluster_says_what_we_may_do(living: Living) -> None:
    allowed = {verb: living.workload().allows(verb) for verb in ("get", "patch", "delete")}
    assert allowed == {"get": True, "patch": True, "delete": False}
    others = {sort: living.workload(sort).allows("get") for sort in SORTS if sort != living.sort}
    assert not any(others.values()), "by that name there is none of another sort"
    for sort in others:
        with raises(ClusterRefused):
            living.workload(sort).rollout()


class PodsOfSort:
    """Of a workload without any."""

    def __init__(self, living: Living) -> None:
        self._living, self.workload = living, living.workload()
        living.cluster.recreate(of_sort(living.sort, pods=False))
        theirs = {"metadata": {"annotations": {"theirs": "1"}}}
        living.api.patch(path_of(living.sort), {**theirs, "spec": {"template": theirs}})

    def _found(self) -> Object:
        return self._living.api.get(path_of(self._living.sort))

    def restarts(self) -> int:
        return int(self._found()["metadata"]["generation"])

    def others(self) -> object:
        found = self._found()
        template = found["spec"]["template"]
        return found["metadata"]["annotations"].get("theirs"), template["metadata"]["annotations"]["theirs"], template["spec"]

    def remove(self) -> None:
        self._living.cluster.delete(of_sort(self._living.sort, pods=False))


@pytest.fixture(scope="module", params=[STATEFUL, DAEMON])
def without_pods(request: pytest.FixtureRequest, run: Leftovers, aws: LocalAws) -> Iterator[Living]:
    living = Living(run, aws, request.param, pods=False)
    yield living
    living.cluster.stop()


class TestOtherSorts(Restarts):
    @pytest.fixture
    def here(self, without_pods: Living) -> PodsOfSort:
        return PodsOfSort(without_pods)
