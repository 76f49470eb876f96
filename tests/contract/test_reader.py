"""The reader for applications on real servers: what each driver raises, and its README's examples, through a rotation."""

import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import credential_reader
import pg8000.dbapi
import pg8000.native
import psycopg
import pymysql
import pytest
from credential_reader import NoneLogsIn, Reader, is_refused_login

from local import release
from local.leftovers import Leftovers
from local.mysql import HOST, Login, MySQL
from local.ports import free_port
from local.proxy.server import Pooled, Proxy
from reader.tests.database import first_file_that_exists

PACKAGE = Path(credential_reader.__file__).parent
PROJECT = PACKAGE.parent
README = (PROJECT / "README.md").read_text()
DATABASE, OWNER = "shop", "shop_owner"
FIRST, SECOND = Login("shop", "first-canary: / @ % { } \" \\ '"), Login("shop", "second-canary é 漢")
MAY_NOT, NOBODY = Login("may_not", FIRST.password), Login("nobody", FIRST.password)
WITHIN = 30.0
OFTEN = 20


@dataclass(frozen=True)
class Place:
    """A server, and what its clients are told of it."""

    server: Pooled | MySQL
    port: int
    ca: Path

    def environment(self) -> dict[str, str]:
        return {"DB_HOST": HOST, "DB_PORT": str(self.port), "DB_CA": str(self.ca)}


@pytest.fixture(scope="module")
def run() -> Iterator[Leftovers]:
    with Leftovers() as run:
        yield run


def certified(run: Leftovers, name: str, pem: str) -> Path:
    path = run.directory / f"{name}.ca.pem"
    path.write_text(pem)
    return path


@pytest.fixture(scope="module")
def postgresql(run: Leftovers) -> Iterator[Place]:
    with Pooled(run.directory / "postgresql", run.environment) as server:
        server.create_database(DATABASE, OWNER)
        server.create_user(FIRST, OWNER)
        server.create_user(MAY_NOT, OWNER)
        server.execute(f"ALTER ROLE {MAY_NOT.username} NOLOGIN")
        yield Place(server, server.port, certified(run, "postgresql", server.ca_pem))


@pytest.fixture(scope="module")
def mysql(run: Leftovers) -> Iterator[Place]:
    with MySQL(run.directory / "mysql", run.environment) as server:
        server.create_schema(DATABASE)
        server.create_user(FIRST, DATABASE)
        server.create_user(MAY_NOT, DATABASE)
        with server.connect() as session, session.cursor() as cursor:
            cursor.execute(f"ALTER USER {MAY_NOT.username} ACCOUNT LOCK")
        yield Place(server, server.port, certified(run, "mysql", server.ca_pem))


@pytest.fixture(scope="module")
def pooler(run: Leftovers, postgresql: Place) -> Iterator[Place]:
    """It knows one password of the two."""
    assert isinstance(postgresql.server, Pooled)
    users = {FIRST.username: FIRST.password}
    with Proxy(run.directory / "proxy", postgresql.server, [DATABASE], lambda: users, every=3600.0) as proxy:
        yield Place(postgresql.server, proxy.port, certified(run, "proxy", proxy.ca_pem))


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Place:
    """The first password is the server's."""
    place: Place = request.getfixturevalue(request.param)
    place.server.set_password(FIRST)
    return place


# ---- what the drivers raise ----------------------------------------------------------------------------------------------------


def by_psycopg(place: Place, login: Login, port: int, database: str) -> Any:
    return psycopg.connect(
        host=HOST,
        port=port,
        dbname=database,
        user=login.username,
        password=login.password,
        sslmode="verify-full",
        sslrootcert=str(place.ca),
    )


def by_pg8000(place: Place, login: Login, port: int, database: str) -> Any:
    context = ssl.create_default_context(cafile=place.ca)
    return pg8000.dbapi.connect(
        login.username, host=HOST, port=port, database=database, password=login.password, ssl_context=context, timeout=WITHIN
    )


def by_pg8000_native(place: Place, login: Login, port: int, database: str) -> Any:
    context = ssl.create_default_context(cafile=place.ca)
    return pg8000.native.Connection(
        login.username, host=HOST, port=port, database=database, password=login.password, ssl_context=context, timeout=WITHIN
    )


def by_pymysql(place: Place, login: Login, port: int, database: str) -> Any:
    context = ssl.create_default_context(cafile=place.ca)
    password = login.password.encode()
    return pymysql.connect(host=HOST, port=port, database=database, user=login.username, password=password, ssl=context)


Connect = Callable[[Place, Login, int, str], Any]
ON_POSTGRESQL = [by_psycopg, by_pg8000, by_pg8000_native]
EACH = [*(("postgresql", one) for one in ON_POSTGRESQL), ("mysql", by_pymysql)]
each_driver = pytest.mark.parametrize(("place", "connect"), EACH, indirect=["place"])


@each_driver
@pytest.mark.parametrize("login", [SECOND, NOBODY, MAY_NOT], ids=["wrong password", "no such user", "may not log in"])
def test_a_refused_login_is_known(place: Place, connect: Connect, login: Login) -> None:
    with pytest.raises(Exception, match=r"\w") as raised:
        connect(place, login, place.port, DATABASE)
    assert is_refused_login(raised.value)


@pytest.mark.parametrize("place", ["pooler"], indirect=True)
@pytest.mark.parametrize("connect", ON_POSTGRESQL)
@pytest.mark.parametrize("login", [SECOND, NOBODY], ids=["wrong password", "no such user"])
def test_a_login_that_a_pooler_refuses_is_known(place: Place, connect: Connect, login: Login) -> None:
    with pytest.raises(Exception, match=r"\w") as raised:
        connect(place, login, place.port, DATABASE)
    assert is_refused_login(raised.value)


@each_driver
def test_no_such_database_is_no_refused_login(place: Place, connect: Connect) -> None:
    with pytest.raises(Exception, match=r"\w") as raised:
        connect(place, FIRST, place.port, "nowhere")
    assert not is_refused_login(raised.value)


@pytest.mark.parametrize("place", ["pooler"], indirect=True)
@pytest.mark.parametrize("connect", ON_POSTGRESQL)
def test_no_such_database_of_a_pooler_is_no_refused_login(place: Place, connect: Connect) -> None:
    with pytest.raises(Exception, match=r"\w") as raised:
        connect(place, FIRST, place.port, "nowhere")
    assert not is_refused_login(raised.value)


@each_driver
def test_nobody_listening_is_no_refused_login(place: Place, connect: Connect) -> None:
    with pytest.raises(Exception, match=r"\w") as raised:
        connect(place, FIRST, free_port(), DATABASE)
    assert not is_refused_login(raised.value)


# ---- the examples of its page, through a rotation ------------------------------------------------------------------------------


def example(title: str) -> dict[str, Any]:
    """What is defined after the page's code under that heading has run."""
    (code,) = re.findall(rf"^## {title}\n.*?```python\n(.*?)```", README, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(code, f"README.md, {title}", "exec"), names)  # noqa: S102 - our own page
    return names


@pytest.fixture
def mounted(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both versions, as in the middle of a rotation; the server knows the first one."""
    for version, login in enumerate((FIRST, SECOND), 1):
        document = {"username": login.username, "password": login.password}
        (tmp_path / f"shop_login_v{version}").write_text(json.dumps(document))
    named = {"_FILE": "shop_login_v1", "_FILE_NEW": "shop_login_v2"}
    for ending, file in named.items():
        monkeypatch.setenv(f"SHOP_LOGIN{ending}", str(tmp_path / file))
    for name, value in place.environment().items():
        monkeypatch.setenv(name, value)


def works(connection: Any) -> bool:
    with connection as session:
        cursor = session.cursor()
        cursor.execute("SELECT 1")
        return tuple(cursor.fetchone()) == (1,)


@pytest.mark.usefixtures("mounted")
@pytest.mark.parametrize(
    ("place", "title"), [("postgresql", "psycopg"), ("postgresql", "pg8000"), ("mysql", "PyMySQL")], indirect=["place"]
)
def test_an_example_follows_a_rotation(place: Place, title: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = example(title)
    reader, log_in = names["reader"], names["log_in"]
    assert works(names["connection"])
    assert reader.place == os.environ["SHOP_LOGIN_FILE"]

    place.server.set_password(SECOND)
    assert works(reader.connect(log_in))
    assert reader.place == os.environ["SHOP_LOGIN_FILE_NEW"]
    assert json.loads(first_file_that_exists(os.environ, "SHOP_LOGIN"))["password"] == FIRST.password
    assert not place.server.accepts(FIRST), "who takes the first file that exists is refused by now"

    monkeypatch.setenv("DB_PORT", str(free_port()))
    with pytest.raises(Exception, match=r"[Cc]onnect") as raised:
        reader.connect(log_in)
    assert type(raised.value).__module__.partition(".")[0] == title.lower()
    monkeypatch.setenv("DB_PORT", str(place.port))
    assert works(reader.connect(log_in))

    place.server.set_password(Login(FIRST.username, "known to nobody"))
    with pytest.raises(NoneLogsIn) as refused:
        reader.connect(log_in)
    assert "canary" not in str(refused.value)
    assert refused.value.__context__ is None


@pytest.mark.usefixtures("mounted")
@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
def test_a_pool_follows_a_rotation(place: Place) -> None:
    names = example("psycopg_pool")
    reader = names["reader"]
    with names["pool"] as pool:
        pool.wait(WITHIN)
        assert reader.place == os.environ["SHOP_LOGIN_FILE"]
        place.server.set_password(SECOND)
        with ExitStack() as all_of_it:
            for _ in range(pool.min_size):
                all_of_it.enter_context(pool.connection(WITHIN)).close()
        with pool.connection(WITHIN) as connection:
            assert connection.execute("SELECT current_user").fetchone() == (OWNER,)
        assert reader.place == os.environ["SHOP_LOGIN_FILE_NEW"]


@pytest.mark.usefixtures("mounted")
@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
def test_no_connection_fails_when_the_password_changes_under_many_threads(place: Place) -> None:
    names = example("pg8000")
    names["connection"].close()
    reader: Reader = names["reader"]
    made: Counter[str | None] = Counter()
    often = {os.environ[f"SHOP_LOGIN{ending}"]: threading.Event() for ending in ("_FILE", "_FILE_NEW")}
    counting, done = threading.Lock(), threading.Event()

    def go_on(_: int) -> None:
        while not done.is_set():
            reader.connect(names["log_in"]).close()
            with counting:
                made[reader.place] += 1
                if made[reader.place] == OFTEN:
                    often[str(reader.place)].set()

    with ThreadPoolExecutor(4) as pool:
        running = pool.map(go_on, range(4))
        try:
            first, second = often.values()
            assert first.wait(WITHIN)
            place.server.set_password(SECOND)
            assert second.wait(WITHIN)
        finally:
            done.set()
        list(running)


# ---- its wheel -----------------------------------------------------------------------------------------------------------------


def test_the_wheel_has_the_package_its_types_and_its_licence_and_runs_alone(tmp_path: Path) -> None:
    source = shutil.copytree(PROJECT, tmp_path / "reader", ignore=release.LEFT_BY_A_BUILD)
    wheel = release.wheel(source, tmp_path)
    names = zipfile.ZipFile(wheel).namelist()
    package = {name for name in names if name.startswith("credential_reader/")}
    assert package == {f"credential_reader/{path.name}" for path in PACKAGE.iterdir() if path.is_file()}
    assert [name for name in names if name.endswith("/licenses/LICENSE")]
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"credential_reader"}

    code = "import credential_reader as one; print(one.__file__, one.Reader('shop_login'))"
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(wheel)!r}); {code}"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=WITHIN).stdout
    assert said == f"{wheel}/credential_reader/__init__.py Reader('shop_login', place=None)\n"
