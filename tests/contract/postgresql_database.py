"""PostgreSQL with its operator: the superuser, whom nobody has on RDS, and the admin, who makes users as a master user does."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rotation.core.model import Credential, Password
from rotation.ports import Source
from rotation.sources.postgresql.adapter import PostgreSQL as PostgreSQLSource

from local.mysql import Login
from local.postgres import RULES
from local.postgresql import PostgreSQL
from tests.conformance.sources import ADMIN, ADMIN_PASSWORD, FIRST, SCHEMA

OWNER = "openemr_owner"
THE_ADMIN = Login(ADMIN, ADMIN_PASSWORD)

_ACTING = """
    SELECT coalesce((SELECT substr(c, 6) FROM pg_db_role_setting s, unnest(s.setconfig) c
    WHERE s.setrole = r.oid AND c LIKE 'role=%'), r.rolname) FROM pg_roles r WHERE r.rolname = :name
"""
_RIGHTS = """
    SELECT c.oid::regclass::text || ' ' || p FROM pg_class c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) p
    WHERE c.relnamespace = 'app'::regnamespace AND c.relkind = 'r' AND has_table_privilege(:name, c.oid, p)
    UNION SELECT 'owns ' || c.oid::regclass::text FROM pg_class c
    WHERE c.relnamespace = 'app'::regnamespace AND pg_has_role(:name, c.relowner, 'USAGE')
"""


class RealWork:
    """Somebody's session."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def goes_on(self) -> bool:
        return bool(self._session.run("SELECT count(*) FROM app.facility") == [[1]])


class RealPostgreSQL:
    """One server; what a test made is gone after it."""

    def __init__(self, server: PostgreSQL) -> None:
        self.server = server
        self.source: Source = PostgreSQLSource(server.ca_pem)
        self.as_the_admin(
            f"CREATE ROLE \"user\" LOGIN PASSWORD '{FIRST}' IN ROLE {OWNER}",
            f'ALTER ROLE "user" SET role = {OWNER}',
        )
        self._changed = False

    @staticmethod
    def prepare(server: PostgreSQL) -> None:
        server.create_admin(THE_ADMIN)
        server.create_database(SCHEMA, OWNER, admin=ADMIN)

    def credential(self, username: str, password: str) -> Credential:
        return Credential(username, Password(password), self.server.host, self.server.port, SCHEMA)

    @staticmethod
    def login(username: str, password: str) -> Login:
        return Login(username, password)

    def make(self, username: str, password: str) -> None:
        self.as_the_admin(f"CREATE ROLE {username} LOGIN PASSWORD '{password}'")
        self.execute(f"GRANT USAGE ON SCHEMA app TO {username}", f"GRANT SELECT ON ALL TABLES IN SCHEMA app TO {username}")

    def make_plain(self, username: str, password: str) -> None:
        self.make(username, password)
        self.rules(f"host all {username} 127.0.0.1/32 scram-sha-256", *RULES)

    def lock(self, username: str) -> None:
        self.execute(f'ALTER ROLE "{username}" NOLOGIN')

    def grants(self, username: str) -> set[str]:
        """What it may do, and what it owns, as whomever it acts as."""
        with self.server.connect(database=SCHEMA) as session:
            ((acting,),) = session.run(_ACTING, name=username)
            return {right for (right,) in session.run(_RIGHTS, name=acting)}

    @contextmanager
    def works_as(self, username: str, password: str) -> Iterator[RealWork]:
        with self.server.connect(Login(username, password), SCHEMA) as session:
            yield RealWork(session)

    def fail_over(self) -> None:
        self.set_up(default_transaction_read_only="on")
        self.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '{ADMIN}'")  # noqa: S608 - our own name

    def recover(self) -> None:
        self.execute("SET default_transaction_read_only = off", "ALTER SYSTEM RESET ALL")
        self.server.reload()

    def set_up(self, **settings: str) -> None:
        """Of the server; as they were, after the test."""
        self._changed = True
        self.execute(*(f"ALTER SYSTEM SET {name} = '{value}'" for name, value in settings.items()))
        self.server.reload()

    def rules(self, *rules: str) -> None:
        self._changed = True
        self.server.write_rules(rules)
        self.server.reload()

    def stored(self, username: str) -> str:
        """In place of its password."""
        ((stored,),) = self.execute(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{username}'")  # noqa: S608 - our own names
        return str(stored)

    def execute(self, *statements: str) -> list[list[Any]]:
        return self.server.execute(*statements, database=SCHEMA)

    def as_the_admin(self, *statements: str) -> list[list[Any]]:
        return self.server.execute(*statements, database=SCHEMA, who=THE_ADMIN)

    def leave(self) -> None:
        """As it was found."""
        if self._changed:
            self.server.write_rules(RULES)
            self.recover()
        for name in self._made():
            self.execute(f'DROP OWNED BY "{name}"', f'DROP ROLE "{name}"')

    def _made(self) -> Sequence[str]:
        keep = f"'postgres', '{ADMIN}', '{OWNER}'"
        rows = self.execute(f"SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND rolname NOT IN ({keep})")  # noqa: S608 - our own names
        return [name for (name,) in rows]
