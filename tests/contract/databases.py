"""Sources with their operators: real servers of MySQL, and what stands in for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import time

import pymysql
import pytest
from rotation.core.model import Credential, Password
from rotation.ports import Source
from rotation.sources.mysql.adapter import MySQL as MySQLSource

from local.mysql import Login, MySQL
from tests.conformance.sources import ADMIN, ADMIN_PASSWORD, FIRST, SCHEMA, SECOND, THIRD
from tests.worlds.database import Account
from tests.worlds.invocation import Invocation, Ports
from tests.worlds.living import FAIL_OVER_SECONDS, LivingWorld
from tests.worlds.redis import NodesPorts, RedisWorld, begun, known
from tests.worlds.world import MemoryWorld


class RealDatabase:
    """MySQL, by its root."""

    def __init__(self, server: MySQL) -> None:
        self._server = server
        self.source: Source = MySQLSource(server.ca_pem)
        self._execute(
            f"CREATE USER user IDENTIFIED BY '{FIRST}' REQUIRE SSL",
            f"GRANT ALL ON `{SCHEMA}`.* TO user",
        )

    def credential(self, username: str, password: str) -> Credential:
        return Credential(username, Password(password), self._server.host, self._server.port, SCHEMA)

    def make(self, username: str, password: str, tls: str = "SSL") -> None:
        self._execute(
            f"CREATE USER {username} IDENTIFIED BY '{password}' REQUIRE {tls}", f"GRANT SELECT ON `{SCHEMA}`.* TO {username}"
        )

    def make_plain(self, username: str, password: str) -> None:
        self.make(username, password, "NONE")
        self._execute("SET GLOBAL require_secure_transport = OFF")

    def lock(self, username: str) -> None:
        self._execute(f"ALTER USER {username} ACCOUNT LOCK")

    def grants(self, username: str) -> set[str]:
        """Without the name, so that two users' can be compared."""
        return {str(row[0]).rpartition(" TO ")[0] for row in self._execute(f"SHOW GRANTS FOR {username}")}

    def needs_tls(self, username: str) -> bool:
        ((kind,),) = self._execute(f"SELECT ssl_type FROM mysql.user WHERE user = '{username}'")  # noqa: S608 - our own name
        return bool(kind)

    @contextmanager
    def works_as(self, username: str, password: str) -> Iterator["RealWork"]:
        with self._server.connect(Login(username, password)) as connection:
            yield RealWork(connection)

    def want_long_passwords(self) -> None:
        try:
            self._execute("INSTALL COMPONENT 'file://component_validate_password'")
        except pymysql.MySQLError:
            pytest.skip("this MySQL server comes without component_validate_password")

    def fail_over(self) -> None:
        self._execute("SET GLOBAL super_read_only = ON")
        self._cut_admin()

    def _cut_admin(self) -> None:
        for (number,) in self._execute(f"SELECT id FROM information_schema.processlist WHERE user = '{ADMIN}'"):  # noqa: S608 - our own name
            self._execute(f"KILL {number}")

    def recover(self) -> None:
        self._execute("SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF")

    def leave(self) -> None:
        """As it was found."""
        self.recover()
        self._execute("SET GLOBAL require_secure_transport = ON")
        (installed,) = self._execute("SELECT COUNT(*) FROM mysql.component WHERE component_urn LIKE '%validate_password'")
        if installed[0]:
            self._execute("UNINSTALL COMPONENT 'file://component_validate_password'")
        self._drop_users()

    def _drop_users(self) -> None:
        rows = self._execute(
            "SELECT user, host FROM mysql.user WHERE user NOT LIKE 'mysql.%' AND user NOT IN ('root', 'admin', 'mariadb.sys')"
        )
        for name, host in rows:
            self._execute(f"DROP USER '{name}'@'{host}'")

    def _execute(self, *statements: str) -> tuple[tuple[object, ...], ...]:
        with self._server.connect() as session, session.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return tuple(cursor.fetchall())


class RealMariaDB(RealDatabase):
    """By other words where it has others."""

    def fail_over(self) -> None:
        self._execute("SET GLOBAL read_only = ON")
        self._cut_admin()

    def recover(self) -> None:
        self._execute("SET GLOBAL read_only = OFF")

    def leave(self) -> None:
        self.recover()
        self._execute("SET GLOBAL require_secure_transport = ON")
        self._drop_users()


class RealWork:
    """Somebody's session."""

    def __init__(self, connection: pymysql.Connection) -> None:
        self._connection = connection

    def goes_on(self) -> bool:
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return cursor.fetchall() == ((1,),)


class SmallDatabase:
    """In memory, by whoever can reach behind the port."""

    def __init__(self, world: MemoryWorld, source: Source) -> None:
        self._database = world.source
        self.source = source
        self._database.clock = time
        self._database.accounts = {"user": Account(FIRST), ADMIN: Account(ADMIN_PASSWORD)}

    def credential(self, username: str, password: str) -> Credential:
        return Credential(username, Password(password), "db.example", 3306, SCHEMA)

    def make(self, username: str, password: str) -> None:
        self._database.accounts[username] = Account(password, privileges={"SELECT"})

    def make_plain(self, username: str, password: str) -> None:
        self._database.accounts[username] = Account(password, privileges={"SELECT"}, tls=False)

    def lock(self, username: str) -> None:
        self._database.accounts[username].locked = True

    def grants(self, username: str) -> set[str]:
        return self._database.accounts[username].privileges

    def needs_tls(self, username: str) -> bool:
        return self._database.accounts[username].tls

    @contextmanager
    def works_as(self, username: str, password: str) -> Iterator["SmallWork"]:
        account = self._database.accounts[username]
        account.sessions += 1
        yield SmallWork(account)
        account.sessions = max(0, account.sessions - 1)  # somebody may have ended it

    def want_long_passwords(self) -> None:
        self._database.policy = lambda password: len(password) >= 8


class SmallWork:
    """Somebody's session."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def goes_on(self) -> bool:
        return self._account.sessions > 0


class NodesInMemory(SmallDatabase):
    """Of Redis, under the shipped adapter."""

    def __init__(self, world: RedisWorld) -> None:
        super().__init__(world, NodesPorts(Invocation(world, "read_slots", {"execution": {"id": "arn"}}, "test")).source)
        for account in self._database.accounts.values():
            begun(account)
        for password in (FIRST, SECOND, THIRD):
            known(password)


class LivingDatabase(SmallDatabase):
    """The living one, through the recorded ports."""

    def __init__(self, world: LivingWorld) -> None:
        event = {"execution": {"id": "arn"}}
        super().__init__(world, Ports(Invocation(world, "read_slots", event, "test")).source)
        self._world = world

    def fail_over(self) -> None:
        self._world.source.fail_over()

    def recover(self) -> None:
        self._world.clock += FAIL_OVER_SECONDS
