"""The local MySQL, pods, balancer and clean-up behave as what they stand for, where a rotation depends on it."""

import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest

from local.certificates import Authority
from local.cluster import php
from local.cluster.application import LOGIN_PAGE, SCHEMA, Application
from local.leftovers import Leftovers, marked
from local.load import Load
from local.mysql import Login, MySQL
from tests.until import until

OPCACHE_SERVES_OLD_FILE = 2.0  # seconds, PHP's default


@pytest.fixture(scope="module")
def run() -> Iterator[Leftovers]:
    with Leftovers() as run:
        yield run


@pytest.fixture(scope="module")
def application(run: Leftovers) -> Iterator[Application]:
    application = Application(run, secret_keys={"*": "local-secret-key"}, pods=2)
    application.start()
    yield application
    application.stop()


@pytest.fixture(scope="module")
def mysql(application: Application) -> MySQL:
    return application.mysql


@pytest.fixture
def user(mysql: MySQL) -> Iterator[Login]:
    login = Login("somebody", "first-password")
    mysql.create_user(login, SCHEMA)
    yield login
    execute(mysql, mysql.root, "DROP USER somebody")


def execute(mysql: MySQL, who: Login, *statements: str) -> tuple[tuple[object, ...], ...]:
    with mysql.connect(who) as session, session.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return tuple(cursor.fetchall())


# MySQL


def test_the_database_proves_its_name_by_its_own_authority_only(mysql: MySQL) -> None:
    for trusted in (Authority("somebody else").pem, None):
        context = ssl.create_default_context(cadata=trusted)
        with pytest.raises(pymysql.err.OperationalError, match="CERTIFICATE_VERIFY_FAILED"):
            pymysql.connect(host=mysql.host, port=mysql.port, user="root", password=mysql.root.password, ssl=context)


def test_the_database_takes_nobody_without_tls(mysql: MySQL) -> None:
    with pytest.raises(pymysql.err.OperationalError, match="secure transport"):
        pymysql.connect(host=mysql.host, port=mysql.port, user="root", password=mysql.root.password, ssl_disabled=True)


def test_a_replaced_password_is_refused_at_once_though_nobody_used_the_new_one(mysql: MySQL, user: Login) -> None:
    assert mysql.accepts(user), "and the server now has it in its cache of logins"
    execute(mysql, mysql.root, "ALTER USER somebody IDENTIFIED BY 'second-password'")
    assert not mysql.accepts(user)


def test_the_admin_keeps_a_password_beside_a_new_one_until_it_discards_it(application: Application, user: Login) -> None:
    mysql = application.mysql
    execute(mysql, application.admin, "ALTER USER somebody IDENTIFIED BY 'second' RETAIN CURRENT PASSWORD")
    assert mysql.accepts(user)
    assert mysql.accepts(Login("somebody", "second"))
    execute(mysql, application.admin, "ALTER USER somebody DISCARD OLD PASSWORD")
    assert not mysql.accepts(user)


def test_the_admin_may_change_its_own_password_the_same_way_and_is_not_root(mysql: MySQL) -> None:
    admin = Login("second_admin", "admin-password")
    mysql.create_admin(admin)
    execute(mysql, admin, "ALTER USER USER() IDENTIFIED BY 'next' RETAIN CURRENT PASSWORD")
    assert mysql.accepts(admin)
    with pytest.raises(pymysql.err.OperationalError):
        execute(mysql, admin, "SHUTDOWN")


def test_the_admin_can_grant_what_a_slot_has(mysql: MySQL, application: Application) -> None:
    execute(
        mysql,
        application.admin,
        "CREATE USER third_slot@'%' IDENTIFIED BY 'pass' REQUIRE SSL",
        f"GRANT ALL ON `{SCHEMA}`.* TO third_slot@'%'",
    )
    assert mysql.accepts(Login("third_slot", "pass"))


def test_logins_too_short_to_be_sampled_are_counted(mysql: MySQL, application: Application, user: Login) -> None:
    def counted() -> int:
        count = "SELECT SUM(total_connections) FROM performance_schema.accounts WHERE user = 'somebody'"
        return int(str(execute(mysql, application.admin, count)[0][0]))

    mysql.accepts(user)
    before = counted()
    mysql.accepts(user)
    assert counted() == before + 1


def test_no_password_is_in_the_database_s_own_logs(mysql: MySQL, user: Login) -> None:
    execute(mysql, mysql.root, "ALTER USER somebody IDENTIFIED BY 'a-canary-in-the-log' RETAIN CURRENT PASSWORD")
    general = mysql.general_log.read_text(errors="replace")
    assert "ALTER USER 'somebody'" in general
    for password in ("a-canary-in-the-log", user.password, mysql.root.password):
        assert password not in general + mysql.error_log.read_text(errors="replace")


def test_a_stopped_database_starts_again_with_its_data_its_port_and_its_logins(run: Leftovers) -> None:
    with MySQL(run.directory / "restarted", run.environment) as mysql:
        mysql.create_schema(SCHEMA)
        mysql.create_user(Login("kept", "password"), SCHEMA)
        port = mysql.port
        mysql.stop()
        mysql.start()
        assert mysql.port == port
        assert mysql.accepts(Login("kept", "password"))


# Pods


def page(url: str) -> tuple[int, dict[str, str], str]:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own
        return answer.status, dict(answer.headers), answer.read().decode()


def pod_pages(application: Application) -> list[str]:
    """Past the balancer: a pod answers whether or not it is ready."""
    return [f"http://127.0.0.1:{pod['port']}{LOGIN_PAGE}" for pod in application.cluster.pods()]


@pytest.fixture
def reinstalled(application: Application) -> Iterator[Application]:
    yield application
    application.install(application.slots["A"])
    until(lambda: all("OpenEMR Login" in page(url)[2] for url in pod_pages(application)))
    application.cluster.wait_until_rolled_out()


def test_the_login_page_shows_the_marker_the_user_and_the_pod(application: Application) -> None:
    status, headers, body = page(application.login_page)
    assert status == 200
    assert "OpenEMR Login" in body
    assert headers["X-Database-User"] == "openemr_a"
    assert headers["X-Pod"] in {pod["name"] for pod in application.cluster.pods()}


def test_a_failed_login_is_a_200_without_the_marker_and_without_the_password(reinstalled: Application) -> None:
    url, *_ = pod_pages(reinstalled)
    reinstalled.install(Login("openemr_b", "not-its-password"))
    until(lambda: page(url)[1]["X-Database-User"] == "openemr_b")
    status, _, body = page(url)
    assert status == 200
    assert "Access denied" in body
    assert "OpenEMR Login" not in body
    assert "not-its-password" not in body
    until(lambda: not any(pod["ready"] for pod in reinstalled.cluster.pods()))


def test_pods_verify_the_database_and_do_not_talk_to_an_impostor(reinstalled: Application, run: Leftovers) -> None:
    sqlconf, url = reinstalled.sites / "default" / "sqlconf.php", pod_pages(reinstalled)[0]
    with MySQL(run.directory / "impostor", run.environment) as impostor:
        impostor.create_schema(SCHEMA)
        impostor.create_user(reinstalled.slots["A"], SCHEMA)
        sqlconf.write_text(sqlconf.read_text().replace(f"'{reinstalled.mysql.port}'", f"'{impostor.port}'"))
        until(lambda: "OpenEMR Login" not in page(url)[2])
        assert "openemr_a@" not in impostor.general_log.read_text(), "the certificate is looked at before the login"


def test_pods_serve_the_old_file_a_while_and_then_the_new_one_as_opcache_makes_them(reinstalled: Application) -> None:
    time.sleep(OPCACHE_SERVES_OLD_FILE + 0.5)  # not for a race: opcache does not keep a file that is younger than that
    with Load(reinstalled.login_page, rate=40) as load:
        until(lambda: load.results().served > 20)
        written = time.time()
        reinstalled.install(reinstalled.slots["B"])
        until(lambda: time.time() > written + OPCACHE_SERVES_OLD_FILE + 1.5)
    old = [request.at - written for request in load.results().requests if request.user == "openemr_a"]
    assert load.results().failures == []
    assert max(old) > 0, "a rotation that re-keys the old slot at once would fail these"
    assert max(old) < OPCACHE_SERVES_OLD_FILE + 1
    assert load.results().requests[-1].user == "openemr_b"


def test_an_outage_is_seen_by_the_load_and_the_pods_come_back(application: Application) -> None:
    with Load(application.login_page, rate=40) as load:
        until(lambda: load.results().served > 10)
        application.cluster.kill_pods()
        until(lambda: bool(load.results().failures))
        application.cluster.wait_until_rolled_out()
    assert load.results().failures
    assert page(application.login_page)[0] == 200


def test_no_password_is_in_any_process_s_arguments(application: Application, run: Leftovers) -> None:
    passwords = [application.admin.password, application.mysql.root.password, *(s.password for s in application.slots.values())]
    processes = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    arguments = []
    for pid in processes:
        try:
            arguments.append(Path(f"/proc/{pid}/cmdline").read_text())
        except OSError:  # it ended meanwhile
            continue
    assert any("local.cluster" in line for line in arguments)
    assert not [line for line in arguments if any(password in line for password in passwords)]


def test_a_missing_php_is_said_with_the_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    php.php.cache_clear()
    with pytest.raises(php.PHPMissing, match="apt-get install php-cli php-mysql php-opcache"):
        php.php()
    php.php.cache_clear()


# The end


STACK = """
import signal, subprocess, sys, time
from local.cluster.application import Application
from local.leftovers import MARK, Leftovers
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell runs in the background, and so here
with Leftovers() as run:
    application = Application(run, secret_keys={"*": "key"}, pods=2)
    application.start()
    subprocess.Popen(["sleep", "600"], env=run.environment, start_new_session=True)
    print(run.environment[MARK], run.directory, flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_whatever_ends_the_parent_no_process_and_no_file_is_left(ending: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STACK], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=Path(__file__).parents[2]
    ) as parent:
        try:
            assert parent.stdout is not None
            identity, directory = parent.stdout.readline().split()
            # mysqld, cluster, two pods with four workers each, sleep; a pod's port answers before its last worker is there
            until(lambda: len(marked(identity)) >= 1 + 1 + 2 * 5 + 1)
            assert Path(directory).is_dir()
            parent.send_signal(ending)
            parent.wait()
        finally:
            parent.kill()
    until(lambda: not Path(directory).exists())
    assert marked(identity) == []


def test_the_ordinary_end_waits_until_all_is_gone() -> None:
    with Leftovers() as run:
        sleeper = subprocess.Popen(["sleep", "600"], env=run.environment, start_new_session=True)
        assert run.directory.is_dir()
        assert Path(run.environment["TMPDIR"]).is_dir()
    assert sleeper.wait(0) == -signal.SIGKILL
    assert not run.directory.exists()


def test_processes_of_others_are_left_alone() -> None:
    with subprocess.Popen(["sleep", "600"], env=os.environ) as other:
        with Leftovers():
            pass
        assert other.poll() is None
        other.kill()
