"""Every source and every stand-in of one passes the suite of tests/conformance/sources.py.

What only a real server can show is in test_mysql_source, test_postgresql_source and test_redis_source.
"""

from collections.abc import Iterator

import pytest
from rotation.sources.mysql import adapter as mysql
from rotation.sources.postgresql import session

from local.leftovers import Leftovers
from local.mariadb import MariaDB
from local.mysql import Login, MySQL
from local.postgresql import PostgreSQL
from local.redis_server import RedisServer
from tests.conformance.sources import (
    ADMIN,
    ADMIN_PASSWORD,
    SCHEMA,
    AsksForTlsByUser,
    CountsAcceptedLogins,
    CountsLogins,
    CountsNoLogins,
    HidesALock,
    JudgesPasswords,
    KeepsManyPasswords,
    KeepsOnePassword,
    KeepsTwoPasswords,
    LosesConnections,
    MayLetInWithoutTls,
    NamesALock,
    Source,
    TellsALockToWhoKnowsThePassword,
)
from tests.contract.databases import LivingDatabase, NodesInMemory, RealDatabase, RealMariaDB, SmallDatabase
from tests.contract.postgresql_database import RealPostgreSQL
from tests.contract.redis_nodes import THE_ADMIN, RealRedis
from tests.whole import only_with_more
from tests.worlds.living import LivingWorld
from tests.worlds.redis import RedisWorld
from tests.worlds.world import MemoryWorld


@pytest.fixture(scope="module")
def mysql_server() -> Iterator[MySQL]:
    with Leftovers() as run, MySQL(run.directory / "mysql", run.environment) as server:
        server.create_admin(Login(ADMIN, ADMIN_PASSWORD))
        server.create_schema(SCHEMA)
        yield server


@pytest.fixture(scope="module")
def mariadb_server() -> Iterator[MariaDB]:
    with Leftovers() as run, MariaDB(run.directory / "mariadb", run.environment) as server:
        server.create_admin(Login(ADMIN, ADMIN_PASSWORD))
        server.create_schema(SCHEMA)
        yield server


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with Leftovers() as run, RedisServer(run.directory / "redis", run.environment) as server:
        server.create_admin(THE_ADMIN)
        yield server


class TestMySQL(
    Source, KeepsTwoPasswords, CountsLogins, JudgesPasswords, AsksForTlsByUser, TellsALockToWhoKnowsThePassword, LosesConnections
):
    @pytest.fixture
    def here(self, mysql_server: MySQL, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealDatabase]:
        monkeypatch.setattr(mysql, "LOCK_SECONDS", 0)
        here = RealDatabase(mysql_server)
        yield here
        here.leave()


@only_with_more
class TestMariaDB(
    Source, KeepsOnePassword, CountsAcceptedLogins, AsksForTlsByUser, TellsALockToWhoKnowsThePassword, LosesConnections
):
    @pytest.fixture
    def here(self, mariadb_server: MariaDB, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealMariaDB]:
        monkeypatch.setattr(mysql, "LOCK_SECONDS", 0)
        here = RealMariaDB(mariadb_server)
        yield here
        here.leave()


class PostgreSQLs(Source, KeepsOnePassword, CountsNoLogins, MayLetInWithoutTls, TellsALockToWhoKnowsThePassword, LosesConnections):
    """Of any version."""

    @pytest.fixture
    def here(self, postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealPostgreSQL]:
        monkeypatch.setattr(session, "LOCK_SECONDS", 0)
        here = RealPostgreSQL(postgresql)
        yield here
        here.leave()


class TestPostgreSQL(PostgreSQLs):
    """The distribution's."""


@only_with_more
class TestPostgreSQL16(PostgreSQLs):
    """The first where CREATEROLE alone alters nobody."""

    @pytest.fixture
    def postgresql(self, postgresql_16: PostgreSQL) -> PostgreSQL:
        return postgresql_16


class TestPostgreSQL17(PostgreSQLs):
    @pytest.fixture
    def postgresql(self, postgresql_17: PostgreSQL) -> PostgreSQL:
        return postgresql_17


class TestRedis(Source, KeepsManyPasswords, CountsNoLogins, HidesALock, LosesConnections):
    @pytest.fixture
    def here(self, redis: RedisServer) -> Iterator[RealRedis]:
        here = RealRedis(redis)
        yield here
        here.leave()


class TestSmallWorld(Source, KeepsTwoPasswords, CountsLogins, JudgesPasswords, AsksForTlsByUser, NamesALock):
    @pytest.fixture
    def here(self) -> SmallDatabase:
        world = MemoryWorld()
        return SmallDatabase(world, world.source)


class TestSmallWorldOfOnePassword(Source, KeepsOnePassword, CountsNoLogins, JudgesPasswords, AsksForTlsByUser, NamesALock):
    @pytest.fixture
    def here(self) -> SmallDatabase:
        world = MemoryWorld(dual_passwords=False, counts_logins=False)
        return SmallDatabase(world, world.source)


class TestNodesInMemory(KeepsManyPasswords):
    """What `make faults` explores of Redis: passwords alone."""

    @pytest.fixture
    def here(self) -> NodesInMemory:
        return NodesInMemory(RedisWorld())


class TestLivingWorld(Source, KeepsTwoPasswords, CountsLogins, JudgesPasswords, AsksForTlsByUser, NamesALock, LosesConnections):
    @pytest.fixture
    def here(self) -> LivingDatabase:
        return LivingDatabase(LivingWorld())
