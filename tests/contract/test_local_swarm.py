"""The local Docker Swarm is a real one where a rotation depends on it, and nothing of it stays, however it ends."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.leftovers import CGROUPS, Leftovers, marked
from local.load import USER_HEADER, Load
from local.login import Login
from local.postgresql import PostgreSQL
from local.shop.databases import POSTGRESQL, Place
from local.swarm import programs
from local.swarm.application import PASSWORD_FILE, USER_FILE
from local.swarm.handle import CannotRun, Serving, Swarm, wait_until
from local.swarm.node import MANAGER, WORKER
from local.swarm.programs import why_not
from tests.whole import only_with_more

REPOSITORY = Path(__file__).parents[2]
runs_here = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

DATABASE, OWNER, SHOWN = "shop", "shop_owner", "Your Clinic Name Here"
FIRST, SECOND = Login("shop_a", "first-password"), Login("shop_b", "second-password")
RATE = 20.0
SERVICE, REPLICAS = "web", 3


@dataclass(frozen=True)
class Site:
    swarm: Swarm
    place: Place
    web: Serving

    def users(self, requests: int = 12) -> Counter[str]:
        """Who serves the pages, by the pages."""
        return Counter(self._user() for _ in range(requests))

    def _user(self) -> str:
        with urllib.request.urlopen(self.web.url, timeout=5) as answer:  # noqa: S310 - it is ours
            assert SHOWN in answer.read().decode()
            return str(answer.headers[USER_HEADER])


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """A service that has the first login as its files."""
    with Leftovers() as run, PostgreSQL(run.directory / "postgresql", run.environment) as server:
        server.create_database(DATABASE, OWNER)
        for login in (FIRST, SECOND):
            server.create_user(login, OWNER)
        place = Place(POSTGRESQL, server.host, server.port, DATABASE, server.ca_pem)
        with Swarm(run) as swarm:
            swarm.reach(server.port)
            for number, login in enumerate((FIRST, SECOND), 1):
                swarm.create_secret(f"user_v{number}", login.username)
                swarm.create_secret(f"password_v{number}", login.password)
            files = {USER_FILE: "user_v1", PASSWORD_FILE: "password_v1"}
            yield Site(swarm, place, swarm.serve(SERVICE, place, files, replicas=REPLICAS))


def test_who_is_not_root_hears_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "run it as root" in str(why_not.__wrapped__())
    monkeypatch.setattr("local.swarm.handle.why_not", why_not.__wrapped__)
    with Leftovers() as run, pytest.raises(CannotRun, match="run it as root"):
        Swarm(run)


def test_a_machine_that_refuses_what_it_takes_says_which(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(programs, "NAMESPACES", ("--of-no-kind",))
    assert "namespaces and mounts of its own, and this machine refuses them" in str(why_not.__wrapped__())
    monkeypatch.setattr(programs, "_namespaces", lambda: None)
    monkeypatch.setattr(programs, "CGROUPS", tmp_path)
    assert "needs cgroups" in str(why_not.__wrapped__())


def ask(swarm: Swarm, path: str, context: ssl.SSLContext) -> Any:
    with urllib.request.urlopen(f"https://{swarm.endpoint}{path}", context=context, timeout=10) as answer:
        return answer.read().decode()


@only_with_more
@runs_here
def test_a_manager_is_asked_over_mutual_tls(site: Site, tmp_path: Path) -> None:
    swarm = site.swarm
    known = ssl.create_default_context(cadata=swarm.ca)
    known.minimum_version = ssl.TLSVersion.TLSv1_3
    with pytest.raises(OSError, match=r"(?i)certificate|reset|closed"):
        ask(swarm, "/nodes", known)
    (tmp_path / "both.pem").write_text(swarm.client_certificate + swarm.client_key)
    known.load_cert_chain(tmp_path / "both.pem")
    assert all(name in ask(swarm, "/nodes", known) for name in swarm.nodes)


@only_with_more
@runs_here
def test_a_service_reads_its_login_from_its_files_and_a_value_is_not_told(site: Site) -> None:
    assert site.users() == {FIRST.username: 12}
    tasks = site.swarm.tasks(SERVICE)
    assert len({task["NodeID"] for task in tasks}) == REPLICAS, "one task a node"
    assert FIRST.password not in str(tasks)
    assert {one["File"]["Mode"] for task in tasks for one in task["Spec"]["ContainerSpec"]["Secrets"]} == {0o400}


@only_with_more
@runs_here
def test_an_update_adds_a_file_and_then_leads_to_it_and_no_request_fails(site: Site) -> None:
    swarm = site.swarm
    with Load(site.web.url, rate=RATE, marker=SHOWN) as load:
        swarm.mount(SERVICE, "user_v2", "password_v2")
        swarm.wait_until_complete(SERVICE)
        assert {len(task["Spec"]["ContainerSpec"]["Secrets"]) for task in at_work(swarm)} == {4}
        swarm.mount(SERVICE, **{USER_FILE: "/run/secrets/user_v2", PASSWORD_FILE: "/run/secrets/password_v2"})
        swarm.wait_until_complete(SERVICE)
    assert load.results().failures == []
    assert site.users() == {SECOND.username: 12}


def at_work(swarm: Swarm) -> list[Any]:
    return [task for task in swarm.tasks(SERVICE) if task["Status"]["State"] == "running"]


def worker_at_work(swarm: Swarm) -> tuple[str, set[str]]:
    """One with tasks, and those: after an update that starts new ones first, two may be on one node and none on another."""
    workers = [name for name, node in swarm.nodes.items() if node.role == WORKER]
    well = swarm.behind_balancer(SERVICE)
    found = {name: {task["ID"] for task in swarm.tasks(SERVICE, name)} & well for name in workers}
    return next((name, tasks) for name, tasks in found.items() if tasks)


@only_with_more
@runs_here
def test_of_a_killed_engine_the_tasks_go_on_and_the_node_comes_back(site: Site) -> None:
    """Down is what the managers say of it; its task knows nothing of that, and nobody can stop it."""
    swarm = site.swarm
    killed, its_tasks = worker_at_work(swarm)
    swarm.kill(killed)
    try:
        swarm.wait_for(killed, "down")
        assert its_tasks <= swarm.behind_balancer(SERVICE), "still behind the balancer"
        site.users()
    finally:
        swarm.start(killed)
    swarm.wait_for(killed, "ready")
    swarm.wait_until_complete(SERVICE)
    site.users()


@only_with_more
@runs_here
def test_without_its_manager_services_go_on_and_nobody_is_answered(site: Site) -> None:
    swarm = site.swarm
    manager = next(name for name, node in swarm.nodes.items() if node.role == MANAGER)
    endpoint = swarm.endpoint
    swarm.kill(manager)
    with pytest.raises(OSError, match="refused"):
        ask(swarm, "/_ping", ssl.create_default_context(cadata=swarm.ca))
    site.users()
    swarm.start(manager)
    assert swarm.endpoint == endpoint
    for name in swarm.nodes:
        swarm.wait_for(name, "ready")
    swarm.wait_until_complete(SERVICE)


# What stays

HELD = """
import sys, time
from local.leftovers import MARK, Leftovers
from local.shop.databases import Place
from local.swarm.handle import Swarm

with Leftovers() as run:
    print(run.environment[MARK], run.directory, flush=True)
    with Swarm(run, roles=("manager", "worker")) as swarm:
        swarm.create_service("idle", replicas=2, command=["busybox", "sleep", "600"])
        swarm.wait_until_complete("idle")
        print("up", flush=True)
        sys.stdin.read()
"""


def left(identity: str, directory: Path) -> list[str]:
    """Of a Swarm's run: processes, files, mounts, cgroups."""
    mounts = [line for file in Path("/proc").glob("[0-9]*/mounts") for line in read(file).splitlines() if directory.name in line]
    cgroups = [folder for folder, _, _ in os.walk(CGROUPS) if directory.name in folder]
    files = [directory] if directory.exists() else []
    return [str(one) for found in (marked(identity), files, mounts, cgroups) for one in found]


def read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""  # it has ended meanwhile


def interfaces() -> set[str]:
    """Of this machine's own network."""
    return {path.name for path in Path("/sys/class/net").iterdir()}


@only_with_more
@runs_here
@pytest.mark.parametrize("end", ["in order", "killed"])
def test_nothing_stays(end: str) -> None:
    before = interfaces()
    with subprocess.Popen(
        [sys.executable, "-c", HELD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY, env=dict(os.environ)
    ) as parent:
        assert parent.stdout
        assert parent.stdin
        identity, directory = parent.stdout.readline().split()
        assert parent.stdout.readline() == "up\n"
        assert interfaces() == before, "no bridge of a Swarm is this machine's"
        there = left(identity, Path(directory))
        assert any("overlay" in one for one in there), "a container's files are mounted"
        assert any("cgroup" in one for one in there)
        if end == "killed":
            parent.send_signal(signal.SIGKILL)
        else:
            parent.stdin.close()
        assert parent.wait() == (-signal.SIGKILL if end == "killed" else 0)
    if end == "killed":
        wait_until(lambda: left(identity, Path(directory)) == [], "something of the Swarm is left")
    assert left(identity, Path(directory)) == []
    assert interfaces() == before
