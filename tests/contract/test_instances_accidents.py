"""What happens to a machine in the middle of it: killed at each act, a full or read-only disk, two commands at once, a page."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from rotation.core.fleet import NO_VERSION

from local.aws import LocalAws
from tests.contract.machine import NEW, OLD, Answer, Machine, Secret, Served, config
from tests.watch import Watch

WITHIN_SECONDS = 30.0


@pytest.fixture
def machine(tmp_path: Path, aws: LocalAws) -> Iterator[Machine]:
    with Machine(tmp_path, aws) as machine:
        machine.path.write_text(config())
        yield machine


MOMENTS = {
    "the new file is made": (Watch.CREATED, ".wp-config.rotation-"),
    "it is written": (Watch.MODIFIED, ".wp-config.rotation-"),
    "it is closed": (Watch.CLOSED, ".wp-config.rotation-"),
    "it is read back": (Watch.OPENED, ".wp-config.rotation-"),
    "it gets its owner and mode": (Watch.ATTRIBUTES, ".wp-config.rotation-"),
    "it is renamed": (Watch.RENAMED, "wp-config.php"),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_half_way_the_file_is_whole_and_the_next_run_cleans_up(moment: str, machine: Machine, aws: LocalAws) -> None:
    secret, (mask, name) = Secret(aws), MOMENTS[moment]
    version = secret.put()
    with Watch(machine.site, mask) as watch:
        process = machine.begin(secret, version)
        watch.first(name)
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert machine.path.read_text() in (config(), config(*NEW))
    for left in machine.left():
        assert left.startswith(".wp-config.rotation-")
        assert (machine.site / left).stat().st_mode & 0o777 in (0o600, machine.path.stat().st_mode & 0o777)
    again = machine.run(secret, version)
    assert (again.status, again.holds) == (0, version)
    assert machine.path.read_text() == config(*NEW)
    assert machine.left() == []


def test_a_look_sweeps_too(machine: Machine, aws: LocalAws) -> None:
    secret = Secret(aws)
    (machine.site / ".wp-config.rotation-0123.php").write_text(config(*NEW))
    assert machine.run(secret, secret.first, "look").status == 0
    assert machine.left() == []


def test_two_at_once_leave_one_of_the_two_whole(machine: Machine, aws: LocalAws) -> None:
    secret = Secret(aws)
    versions = [secret.put(("user", f"password-{number}")) for number in range(4)]
    for process in [machine.begin(secret, version) for version in versions]:
        output, _ = process.communicate(timeout=WITHIN_SECONDS)
        assert Answer.of(process.returncode, output).file == "written"
    assert machine.path.read_text() in [config("user", f"password-{number}") for number in range(4)]
    assert machine.left() == []


# ---- disks --------------------------------------------------------------------------------------------------------------------

IN_A_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")
mounts = pytest.mark.skipif(
    subprocess.run([*IN_A_NAMESPACE, "true"], capture_output=True).returncode != 0, reason="this machine lets nobody mount"
)


def on_a_disk(
    machine: Machine, secret: Secret, version: str, prepare: str, action: str = "write", **more: str
) -> tuple[Answer, str]:
    """The answer, and what the file held at the end, on a small disk of its own at the site's place."""
    around, path = machine.site.parent, machine.environment["PATH"]
    script = f"""
        set -e
        cp "{machine.path}" "{around}/before"
        mount -t tmpfs -o size=32k tmpfs "{machine.site}"
        cp "{around}/before" "{machine.path}"
        {prepare}
        set +e
        (PATH="{path}"; exec dash -c "{machine.script(secret, version, action, **more)}")
        code=$?
        cp "{machine.path}" "{around}/after"
        ls -A "{machine.site}" | grep -v -e wp-config.php$ -e filled
        exit $code"""
    environment = {**os.environ, **machine.environment, "PATH": os.environ["PATH"]}
    done = subprocess.run([*IN_A_NAMESPACE, "sh", "-c", script], env=environment, capture_output=True, text=True)
    return Answer.of(done.returncode, done.stdout), (around / "after").read_text()


@mounts
def test_a_read_only_file_system(machine: Machine, aws: LocalAws) -> None:
    secret = Secret(aws)
    answer, content = on_a_disk(machine, secret, secret.put(), f'mount -o remount,ro "{machine.site}"')
    assert (answer.status, answer.file, answer.holds, answer.reason) == (1, "refused", "other", "WpConfigReadOnly")
    assert "mounted read-only" in answer.detail
    assert content == config()


@mounts
def test_owner_and_mode_on_a_read_only_file_system(machine: Machine, aws: LocalAws) -> None:
    secret = Secret(aws)
    prepare = f'mount -o remount,ro "{machine.site}"'
    answer, content = on_a_disk(machine, secret, NO_VERSION, prepare, "own", Owner="0:0", Mode="0600")
    assert (answer.status, answer.file, answer.reason) == (1, "refused", "WpConfigReadOnly")
    assert content == config()


@mounts
def test_a_full_disk(machine: Machine, aws: LocalAws) -> None:
    secret = Secret(aws)
    answer, content = on_a_disk(machine, secret, secret.put(), f'cat /dev/zero >"{machine.site}/filled" 2>/dev/null || true')
    assert (answer.status, answer.file, answer.holds, answer.reason) == (1, "refused", "other", "DiskFull")
    assert "make room" in answer.detail
    assert content == config()


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_it_may_not_write_into(machine: Machine, aws: LocalAws) -> None:
    machine.site.chmod(0o500)
    secret = Secret(aws)
    answer = machine.run(secret, secret.put())
    machine.site.chmod(0o700)
    assert (answer.status, answer.file, answer.reason) == (1, "refused", "WpConfigReadOnly")


# ---- the page -----------------------------------------------------------------------------------------------------------------


class Page(Served):
    """A web server that says what it is told to say, and when it was asked for which host."""

    def __init__(self, status: int, text: str) -> None:
        self.asked: list[tuple[float, str]] = []
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page.asked.append((time.time(), self.headers["host"]))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())

        super().__init__(Handler)


@pytest.fixture
def settled(machine: Machine) -> Machine:
    """Its file is as old as opcache wants it."""
    os.utime(machine.path, (time.time() - 60, time.time() - 60))
    return machine


WELL, BROKEN = "<title>The Clinic</title>", "<h1>Error establishing a database connection</h1>"


@pytest.mark.parametrize(
    ("status", "text", "marker", "page", "said"),
    [
        (200, WELL, "The Clinic", "well", ""),
        (200, WELL, "", "well", ""),
        (301, WELL, "The Clinic", "well", ""),
        (200, BROKEN, "The Clinic", "bad", "answers 200 without the marker"),
        (500, BROKEN, "The Clinic", "bad", "answers 500 without the marker"),
        (500, WELL, "The Clinic", "bad", "answers 500"),
        (500, BROKEN, "", "bad", "answers 500"),
        (302, "", "", "bad", "answers 302"),
    ],
)
def test_a_page(settled: Machine, aws: LocalAws, status: int, text: str, marker: str, page: str, said: str) -> None:
    secret = Secret(aws)
    with Page(status, text) as served:
        answer = settled.run(secret, secret.first, "look", Page=served.url, Marker=marker)
    assert (answer.holds, answer.page) == (secret.first, page)
    assert (answer.status, answer.reason) == ((0, "") if page == "well" else (1, "PageBad"))
    assert said in answer.detail


def test_a_page_that_does_not_answer(settled: Machine, aws: LocalAws) -> None:
    secret = Secret(aws)
    with Page(200, WELL) as gone:
        url = gone.url
    answer = settled.run(secret, secret.first, "look", Page=url)
    assert (answer.page, answer.reason, "does not answer" in answer.detail) == ("bad", "PageBad", True)


def test_a_page_by_the_sites_own_name_is_asked_of_this_machine(settled: Machine, aws: LocalAws) -> None:
    secret = Secret(aws)
    with Page(200, WELL) as served:
        answer = settled.run(secret, secret.first, "look", Page=f"http://blog.example.org:{served.port}/?p=1&x=2")
    assert (answer.page, served.asked[0][1]) == ("well", f"blog.example.org:{served.port}")


def test_a_page_is_asked_when_opcache_has_seen_the_new_file(machine: Machine, aws: LocalAws) -> None:
    secret = Secret(aws)
    with Page(200, WELL) as served:
        answer = machine.run(secret, secret.put(), Page=served.url)
    assert (answer.file, answer.page) == ("written", "well")
    assert [moment - machine.path.stat().st_mtime > 2 for moment, _ in served.asked] == [True]


# ---- the boot -----------------------------------------------------------------------------------------------------------------


def test_the_boot_program_writes_what_is_current(machine: Machine, aws: LocalAws) -> None:
    secret = Secret(aws, NEW)
    secret.put(("not", "yet"))
    variables = {"SecretArn": secret.arn, "Path": str(machine.path)}
    first, second = machine.boot(variables), machine.boot(variables)
    assert (first.status, first.file, first.holds, first.page) == (0, "written", secret.first, "not asked")
    assert (second.status, second.file) == (0, "unchanged")
    assert machine.path.read_text() == config(*NEW)


def test_the_boot_program_fails_with_a_reason(machine: Machine, aws: LocalAws) -> None:
    machine.metadata.role = None
    answer = machine.boot({"SecretArn": Secret(aws).arn, "Path": str(machine.path)})
    assert (answer.status, answer.reason) == (1, "SecretUnreadable")
    assert machine.path.read_text() == config(*OLD)
