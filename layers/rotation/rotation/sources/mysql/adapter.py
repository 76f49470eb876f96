"""Source on MySQL: Aurora MySQL 3, MySQL 8 and later with dual passwords, MariaDB and MySQL 5.7 without.

TLS is required and verified, chain and host name. A driver's error text never gets out: it can quote the statement.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.constants import CR, ER

from rotation.core.errors import (
    AccountAmbiguous,
    AccountLocked,
    PasswordRejected,
    RotationError,
    SourceBusy,
    SourceReadOnly,
    SourceRefused,
    SourceUnreachable,
    SourceUntrusted,
)
from rotation.core.seen import Activity, Server
from rotation.sources.other import answers_as_postgresql, way_out
from rotation.sources.servers import Denied, Servers
from rotation.sources.tls import verified

if TYPE_CHECKING:
    from rotation.core.model import Credential, Password
    from rotation.kinds.kind import Settings
    from rotation.ports import Surroundings
    from rotation.sources.mysql.dual_passwords import Stored

DEFAULT_PORT = 3306
CONNECT_SECONDS = 5
STATEMENT_SECONDS = 10
LOCK_SECONDS = 5
_SHORT_LIVED = "SET SESSION wait_timeout = 60"
"""A function that dies without a word must not hold our lock, nor count as a session, for the eight hours of the default."""
LOCK = "credential-rotation"
SEE_ACCOUNTS, SEE_LOGINS = "SELECT ON mysql.user", "SELECT ON performance_schema.accounts"

_SESSIONS = "SELECT id FROM information_schema.processlist WHERE user = %s AND id <> CONNECTION_ID()"
_IDLE = """ AND command = 'Sleep' AND time >= %s
    AND id NOT IN (SELECT trx_mysql_thread_id FROM information_schema.innodb_trx)"""
_NO_TRANSACTION = """ AND id NOT IN (
    SELECT processlist_id FROM performance_schema.threads JOIN performance_schema.events_transactions_current USING (thread_id)
    WHERE state = 'ACTIVE' AND processlist_id IS NOT NULL)"""
"""One that has been begun and has touched nothing yet; InnoDB knows only the others."""
_DENIED = ER.ACCESS_DENIED_ERROR
_LOCKED = (3118, 3955, 4151)  # ER_ACCOUNT_HAS_BEEN_LOCKED, …_BLOCKED_BY_PASSWORD_LOCK; MariaDB's ER_ACCOUNT_HAS_BEEN_LOCKED
_POLICY = (1819, 3638)  # ER_NOT_VALID_PASSWORD, ER_CREDENTIALS_CONTRADICT_TO_HISTORY
_READ_ONLY = (1290, 1836, 3501)  # ER_OPTION_PREVENTS_STATEMENT, ER_READ_ONLY_MODE, ER_ACL_OPERATION_FAILED
_LOST = (
    CR.CR_CONN_HOST_ERROR,
    CR.CR_SERVER_GONE_ERROR,
    CR.CR_SERVER_LOST,
    CR.CR_SERVER_HANDSHAKE_ERR,
    1040,  # ER_CON_COUNT_ERROR
    1053,  # ER_SERVER_SHUTDOWN
)


def make(settings: Settings, here: Surroundings) -> MySQL:
    """As the target names it."""
    return MySQL(settings["ca"], settings["readers"], here.lock, here.quiet_seconds if settings["pooled"] else None)


class MySQL(Servers["MySQLAdmin"]):
    """The database behind a target."""

    def __init__(self, ca: str, readers: Sequence[str] = (), secret: str = "", idle_seconds: int | None = None) -> None:
        """`secret`: which one's admin takes the lock. Any user of the server may take a lock whose name it can guess.
        `idle_seconds`: sessions are a pool's, and one that has been idle for so long is not use (None: every session is)."""
        super().__init__(readers)
        self._idle_seconds = idle_seconds
        self._ca = ca
        self._lock = f"{LOCK}-{sha256(secret.encode()).hexdigest()[:16]}" if secret else LOCK

    def logs_in(self, credential: Credential) -> bool:
        try:
            self._connect(credential).close()
        except Denied:
            return False
        return True

    def _open(self, credential: Credential) -> MySQLAdmin:
        return MySQLAdmin(self._connect(credential), credential.host, self._lock, self._idle_seconds)

    def _connect(self, credential: Credential) -> Any:
        with _named(credential.host), _no_postgresql(credential.host, credential.port or DEFAULT_PORT):
            return pymysql.connect(
                host=credential.host,
                port=credential.port or DEFAULT_PORT,
                user=credential.username,
                password=credential.password.reveal().encode(),  # as bytes: PyMySQL would make latin-1 of text
                ssl=verified(self._ca),
                connect_timeout=CONNECT_SECONDS,
                read_timeout=STATEMENT_SECONDS,
                write_timeout=STATEMENT_SECONDS,
                autocommit=True,
                init_command=_SHORT_LIVED,
            )


class MySQLAdmin:
    """One connection as the admin; our lock goes when it closes."""

    def __init__(self, connection: Any, host: str, lock: str, idle_seconds: int | None = None) -> None:
        self._connection = connection
        self._host = host
        self._lock = lock
        self._idle_seconds = idle_seconds

    def close(self) -> None:
        self._connection.close()

    def lock(self) -> None:
        """Taken on the writer only: a fail-over in between leaves us on a server that is read-only."""
        if self._value("SELECT @@global.read_only OR @@global.innodb_read_only"):
            raise SourceReadOnly(f"{self._host} is read-only: a reader, or a writer in the middle of a fail-over")
        if self._value("SELECT GET_LOCK(%s, %s)", self._lock, LOCK_SECONDS) != 1:
            raise SourceBusy(f"another session holds our lock on {self._host}")

    @property
    def dual_passwords(self) -> bool:
        version = str(self._value("SELECT VERSION()"))
        numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:3])
        return "MariaDB" not in version and numbers >= (8, 0, 14)

    def activity(self, username: str) -> Activity:
        return Activity(len(self.sessions(username)) - self._idle(username), self._logins(username))

    def inspect(self, users: Sequence[str], schema: str) -> Server:
        lines = self._own_grants()
        lacking = tuple(self._lacking(lines, schema))
        accounts = {} if SEE_ACCOUNTS in lacking or self._takes_only_tls() else {user: self._accounts(user) for user in users}
        return Server(
            version=str(self._value("SELECT VERSION()")),
            tls=_text(self._run("SHOW SESSION STATUS LIKE 'Ssl_version'")[0][1]),
            lacking=lacking,
            without_tls=tuple(user for user, found in accounts.items() if any(not tls for _, tls in found)),
            dual_passwords=self.dual_passwords,
            counts_logins=bool(self._value("SELECT @@performance_schema")),
            ends_sessions=bool(_everywhere(lines) & {"CONNECTION_ADMIN", "CONNECTION ADMIN", "SUPER", "ALL PRIVILEGES"})
            or self._is_rds(),
            now=float(self._value("SELECT UNIX_TIMESTAMP(NOW(6))")),
        )

    def _takes_only_tls(self) -> bool:
        """Of anybody, whatever the account says. Old servers do not have the variable."""
        return [_text(row[1]) for row in self._run("SHOW GLOBAL VARIABLES LIKE 'require_secure_transport'")] == ["ON"]

    def _lacking(self, lines: list[str], schema: str) -> Iterator[str]:
        """Of what altering others' passwords, seeing their sessions and giving them grants takes. Roles that are active count:
        all that the master user of Aurora may do comes by one."""
        has = _everywhere(lines)
        yield from (one for one in ("CREATE USER", "PROCESS") if not has & {one, "ALL PRIVILEGES"})
        if not _may_grant(lines, schema):
            yield "GRANT OPTION"
        for privilege, table in ((SEE_ACCOUNTS, "mysql.user"), (SEE_LOGINS, "performance_schema.accounts")):
            if not self._may_read(table):
                yield privilege

    def _own_grants(self) -> list[str]:
        using = ""
        if self.dual_passwords:  # where there are none, there may be no roles either
            roles = _text(self._value("SELECT CURRENT_ROLE()"))
            using = "" if roles == "NONE" else f" USING {roles}"
        return [_text(row[0]) for row in self._run(f"SHOW GRANTS FOR CURRENT_USER(){_percent(using)}")]

    def _may_read(self, table: str) -> bool:
        try:
            self._run(f"SELECT 1 FROM {table} LIMIT 0")  # noqa: S608 - our own two names
        except SourceRefused:
            return False
        return True

    def sessions(self, username: str) -> list[int]:
        return [int(row[0]) for row in self._run(_SESSIONS, username)]

    def _idle(self, username: str) -> int:
        """How many of them a pool keeps open and nobody uses. One in a transaction is used, however long it is silent."""
        if self._idle_seconds is None:
            return 0
        unheard = _IDLE + (_NO_TRANSACTION if self._value("SELECT @@performance_schema") else "")
        return len(self._run(_SESSIONS + unheard, username, self._idle_seconds))

    def end(self, username: str, numbers: Sequence[int]) -> None:  # noqa: ARG002 - a number is enough here
        """RDS may give its master user no KILL of others' sessions, but has a procedure for it."""
        statement = "CALL mysql.rds_kill(%s)" if self._is_rds() else "KILL %s"
        for number in numbers:
            with suppress(_Gone):
                self._run(statement, number)

    def exists(self, username: str) -> bool:
        return bool(self._accounts(username))

    def create_user(self, credential: Credential, like: Credential) -> None:
        host, tls = self._account(like.username) if self.exists(like.username) else ("%", True)
        require = "REQUIRE SSL" if tls else "REQUIRE NONE"
        self._run(f"CREATE USER %s@%s IDENTIFIED BY %s {require}", credential.username, host, credential.password.reveal())
        self.copy_grants(credential, like)

    def copy_grants(self, user: Credential, like: Credential) -> bool:
        wanted = self._schema_grants(like) or {("ALL PRIVILEGES", f"{_pattern(user.dbname)}.*")}
        missing = wanted - self._schema_grants(user)
        host, _ = self._account(user.username)
        for privileges, level in sorted(missing):
            self._run(f"GRANT {_percent(privileges)} ON {_percent(level)} TO %s@%s", user.username, host)
        return bool(missing)

    def set_password(self, username: str, password: Password, *, retain: bool) -> None:
        host, _ = self._account(username)
        keep = " RETAIN CURRENT PASSWORD" if retain else ""
        self._run(f"ALTER USER %s@%s IDENTIFIED BY %s{keep}", username, host, password.reveal())

    def discard_old_password(self, username: str, keep: Password) -> None:  # noqa: ARG002 - the server knows which is the newest
        host, _ = self._account(username)
        self._run("ALTER USER %s@%s DISCARD OLD PASSWORD", username, host)

    def needs_retain(self, username: str, in_use: Password, new: Password) -> bool:
        from rotation.sources.mysql.dual_passwords import has_to_be_retained

        return has_to_be_retained(self._stored(username), in_use, new)

    def needs_discard(self, username: str, in_use: Password, old: Password) -> bool:
        from rotation.sources.mysql.dual_passwords import has_to_be_discarded

        return has_to_be_discarded(self._stored(username), in_use, old)

    def _stored(self, username: str) -> Stored:
        from rotation.sources.mysql.dual_passwords import Stored

        host, _ = self._account(username)
        columns = "plugin, authentication_string, User_attributes"
        rows = self._run(f"SELECT {columns} FROM mysql.user WHERE user = %s AND host = %s", username, host)  # noqa: S608 - our own columns
        plugin, primary, attributes = (None if one is None else _text(one) for one in rows[0])
        return Stored.of(f"{username}@{host}", plugin or "", primary, attributes)

    def _is_rds(self) -> bool:
        procedures = "SELECT COUNT(*) FROM information_schema.routines WHERE routine_schema = 'mysql' AND routine_name = 'rds_kill'"
        return bool(self._value(procedures))

    def _logins(self, username: str) -> int | None:
        if not self._value("SELECT @@performance_schema"):
            return None
        count = self._value("SELECT SUM(total_connections) FROM performance_schema.accounts WHERE user = %s", username)
        return int(count or 0)

    def _accounts(self, username: str) -> list[tuple[str, bool]]:
        rows = self._run("SELECT host, ssl_type FROM mysql.user WHERE user = %s", username)
        return [(_text(host), bool(_text(tls))) for host, tls in rows]

    def _account(self, username: str) -> tuple[str, bool]:
        """The host part and whether TLS is required. Two accounts of one name are two passwords: a human must choose."""
        accounts = self._accounts(username)
        if len(accounts) != 1:
            hosts = ", ".join(f"{username}@{host}" for host, _ in accounts) or "none"
            raise AccountAmbiguous(f"{self._host} should have exactly one account {username}, but has: {hosts}")
        return accounts[0]

    def _schema_grants(self, user: Credential) -> set[tuple[str, str]]:
        """Privileges and level of every grant that concerns the user's schema; the schema may be written escaped."""
        if not self.exists(user.username):
            return set()
        host, _ = self._account(user.username)
        lines = [_text(row[0]) for row in self._run("SHOW GRANTS FOR %s@%s", user.username, host)]
        schemas = (f"`{user.dbname}`.", f"{_pattern(user.dbname)}.")
        grants = (re.match(r"GRANT (.+?) ON (`.+) TO ", line) for line in lines)
        return {(g.group(1), g.group(2)) for g in grants if g and g.group(2).startswith(schemas)}

    def _value(self, statement: str, *arguments: object) -> Any:
        return self._run(statement, *arguments)[0][0]

    def _run(self, statement: str, *arguments: object) -> Sequence[Any]:
        with _named(self._host), self._connection.cursor() as cursor:
            cursor.execute(statement, arguments)
            return list(cursor.fetchall())


class _Gone(RotationError):
    """The session ended before we could end it."""


@contextmanager
def _no_postgresql(host: str, port: int) -> Iterator[None]:
    """That one waits for its client to begin, as a MySQL does not: what stays silent is asked."""
    try:
        yield
    except pymysql.err.OperationalError as error:
        if error.args[0] == CR.CR_SERVER_LOST and answers_as_postgresql(host, port):
            raise SourceRefused(way_out(host, "PostgreSQL", "MySQL")) from None
        raise


@contextmanager
def _named(host: str) -> Iterator[None]:
    """Our own errors in place of the driver's, told apart by code; the text stays behind."""
    try:
        yield
    except pymysql.MySQLError as error:
        if isinstance(getattr(error, "original_exception", None), ssl.SSLError):
            raise SourceUntrusted(f"{host}: its certificate is not trusted by source.ca, or is for another host name") from None
        raise _error(error.args[0] if error.args else 0, host) from None
    except OSError as error:
        raise SourceUnreachable(f"{host} could not be reached ({type(error).__name__})") from None


def _error(number: object, host: str) -> RotationError:
    if number == _DENIED:
        return Denied(f"{host} denied access")
    if number == ER.NO_SUCH_THREAD:
        return _Gone(f"{host} has no such session")
    for numbers, kind, what in (
        (_LOCKED, AccountLocked, "says that the account is locked"),
        (_POLICY, PasswordRejected, "rejected the password by its policy"),
        (_READ_ONLY, SourceReadOnly, "is read-only: a reader, or a fail-over is under way"),
        ((CR.CR_SSL_CONNECTION_ERROR,), SourceUntrusted, "offers no TLS"),
        (_LOST, SourceUnreachable, "could not be reached, or the connection was lost"),
    ):
        if number in numbers:
            return kind(f"{host} {what} (MySQL error {number})")
    return SourceRefused(f"{host} refused a statement (MySQL error {number})")


def _everywhere(lines: list[str]) -> set[str]:
    """The global privileges in what SHOW GRANTS says."""
    granted = [line.partition(" ON *.* TO ")[0] for line in lines if " ON *.* TO " in line]
    return {one for privileges in granted for one in re.split(r",\s*", privileges.removeprefix("GRANT "))}


def _may_grant(lines: Sequence[str], schema: str) -> bool:
    """Whether one of its grants may be passed on, everywhere or on that schema. Limits may follow, where the server is old."""
    levels = ("*.*", f"`{schema}`.*", f"{_pattern(schema)}.*")
    return any(" WITH GRANT OPTION" in line and any(f" ON {level} TO " in line for level in levels) for line in lines)


def _pattern(schema: str) -> str:
    """In a GRANT, _ and % in a schema's name stand for any characters unless escaped."""
    return "`" + re.sub(r"([_%\\])", r"\\\1", schema).replace("`", "``") + "`"


def _percent(text: str) -> str:
    """PyMySQL formats statements with %."""
    return text.replace("%", "%%")


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
