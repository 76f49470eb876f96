"""CLUSTER=kubeconfig: a rotation in a cluster of somebody else's, where nothing of it is left. It is a control plane of ours."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.certificates import Authority
from local.cluster.kinds import KUBECONFIG
from local.cluster.real.client import Client
from local.cluster.real.control_plane import ControlPlane
from local.cluster.real.programs import require
from local.follow import wait_for
from local.leftovers import Leftovers
from local.load import Load
from local.stack import LocalStack
from tests.cluster.api import Api
from tests.cluster.world import PACE
from tests.until import until

ROOT = Path(__file__).resolve().parents[2]
STACK = """
import time
from local.cluster.application import Application
from local.leftovers import Leftovers
with Leftovers() as run:
    Application(run, secret_keys={"*": "local"}, pods=1, kind="kubeconfig").start()
    print("up", flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def theirs() -> Iterator[Client]:
    """Its administrator; the current context is it."""
    with Leftovers() as run, pytest.MonkeyPatch.context() as patched:
        plane = ControlPlane(require(), run.directory / "theirs", Authority("theirs"), run.environment)
        try:
            client = plane.start(plane.url)
            patched.setenv("KUBECONFIG", str(plane.kubeconfig))
            yield client
        finally:
            plane.close()


def ours(theirs: Client) -> list[str]:
    """Namespaces and nodes that they did not have before."""
    found = [one["metadata"]["name"] for kind in ("namespaces", "nodes") for one in theirs.get(f"/api/v1/{kind}")["items"]]
    return [name for name in found if name.startswith("openemr")]


def test_a_rotation_in_a_namespace_that_is_gone_afterwards(theirs: Client) -> None:
    with LocalStack(pods=2, pace=PACE, cluster=KUBECONFIG) as stack, Load(stack.app.login_page) as load:
        cluster, namespace = stack.app.cluster, stack.app.namespace
        assert ours(theirs) == [namespace, namespace], "a namespace and a node"
        run = wait_for(stack, stack.start_execution("theirs"))
        assert run.outcome == "RotationSucceeded", run.cause
        function = Api(cluster.api, cluster.ca, by=stack.function("PatchSecret"))
        secrets = f"/api/v1/namespaces/{namespace}/secrets"
        asked = [("GET", f"{secrets}/openemr-db-credentials"), ("GET", f"{secrets}/other"), ("GET", secrets)]
        assert [function.send(*one)[0] for one in asked] == [200, 403, 403]
        assert load.stop().failures == []
    assert ours(theirs) == []


def test_a_run_that_is_killed_leaves_nothing_there_either(theirs: Client) -> None:
    with subprocess.Popen([sys.executable, "-c", STACK], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "up\n"
        assert len(ours(theirs)) == 2
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    until(lambda: ours(theirs) == [] and not janitors())


def janitors() -> list[Path]:
    """Processes outside of every run's mark, which the last one must have ended by itself."""
    found = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [entry for entry in found if b"local.cluster.real.janitor" in arguments(entry)]


def arguments(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:  # it ended meanwhile
        return b""
