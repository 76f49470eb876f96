"""A MySQL in memory that is the port Source: accounts with up to two passwords, sessions, login counts and one lock.

How the two passwords behave was measured on the real server, where the same tests pass (tests/contract/test_mysql_source.py).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rotation.core.errors import (
    AccountAmbiguous,
    AccountLocked,
    AdminLoginUnknown,
    PasswordRejected,
    PrimaryUnknown,
    SecondaryUnknown,
    SourceBusy,
    SourceRefused,
    SourceUnreachable,
)
from rotation.core.model import Credential, Password
from rotation.core.seen import Activity, Server, SessionId

from tests.worlds.journal import Journal


@dataclass
class Account:
    """One database user, as the server has it."""

    password: str
    old: str | None = None
    """The retained one."""
    privileges: set[str] = field(default_factory=lambda: {"ALL PRIVILEGES"})
    tls: bool = True
    locked: bool = False
    sessions: int = 0
    """Somebody else's: ours are short, and never counted."""
    nodes: tuple[Any, ...] = ()
    """What each of several servers has of it, where they differ."""
    logins: int = 0
    """Tried ones: the server counts a refused login too."""

    def accepts(self, password: str) -> bool:
        return password in (self.password, self.old)


class Policy:
    """Takes only the password of that number that it is offered; 0: none."""

    def __init__(self, accepts: int) -> None:
        self._accepts = accepts
        self.offered: list[str] = []

    def __call__(self, password: str) -> bool:
        self.offered.append(password)
        return len(self.offered) == self._accepts


class Database:
    """The writer."""

    def __init__(self, journal: Journal, *, dual_passwords: bool = True, counts_logins: bool = True) -> None:
        self.accounts: dict[str, Account] = {}
        self.dual_passwords = dual_passwords
        self.counts_logins = counts_logins
        self.policy: Callable[[str], bool] = lambda _: True
        self.reachable = True
        self.tried: list[Credential] = []
        self.lock: str | None = None
        """Who holds it."""
        self.lacking: tuple[str, ...] = ()
        """What its admin may not do."""
        self.ends_sessions = True
        self.clock: Callable[[], float] = time.time
        self._journal = journal

    def logs_in(self, credential: Credential) -> bool:
        self._journal.look(f"login {credential.username}")
        if not self.reachable:
            raise SourceUnreachable(f"{credential.host} could not be reached")
        self.tried.append(credential)
        account = self.accounts.get(credential.username)
        if account is None:
            return False
        account.logins += 1
        if account.locked:
            raise AccountLocked(f"{credential.host} says that the account is locked")
        return account.accepts(credential.password.reveal())

    def refuses(self, credential: Credential) -> bool:
        return not self.logs_in(credential)

    def settles_in(self) -> float:
        return 0.0

    @contextmanager
    def as_admin(self, admin: Credential) -> Iterator["Session"]:
        session = self.enter(admin, "somebody")
        try:
            self._journal.look("lock")
            yield session
        finally:
            self.leave("somebody")

    def enter(self, admin: Credential, who: str) -> "Session":
        """A connection that holds our lock, until it is left."""
        self._connect(admin)
        if self.lock is not None:
            raise SourceBusy(f"{admin.host}: another session holds our lock")
        self.lock = who
        return Session(self, self._journal)

    def leave(self, who: str) -> None:
        """A lock that a fail-over has taken away may be another's by now."""
        if self.lock == who:
            self.lock = None

    def activity(self, admin: Credential, username: str) -> Activity:
        self._connect(admin)
        return self.activity_of(username)

    def inspect(self, admin: Credential, users: Sequence[str]) -> Server:
        self._connect(admin)
        return Server(
            version="8.4.0",
            tls="TLSv1.3",
            lacking=self.lacking,
            without_tls=tuple(user for user in users if user in self.accounts and not self.accounts[user].tls),
            dual_passwords=self.dual_passwords,
            ends_sessions=self.ends_sessions,
            counts_logins=self.counts_logins,
            now=self.clock(),
        )

    def sessions(self, admin: Credential, username: str) -> list[SessionId]:
        self._connect(admin)
        self._journal.look(f"sessions of {username}")
        return self.connected(username)

    def connected(self, username: str) -> list[SessionId]:
        """Somebody else's."""
        return [(username, number) for number in range(self.accounts.get(username, Account("")).sessions)]

    def end_sessions(self, admin: Credential, username: str, sessions: Sequence[SessionId]) -> None:
        self._connect(admin)
        with self._journal.write("end sessions"):
            ended = set(sessions) & set(self.connected(username))
            if ended:
                self.accounts[username].sessions -= len(ended)

    def activity_of(self, username: str) -> Activity:
        self._journal.look(f"activity {username}")
        account = self.accounts.get(username, Account(""))
        return Activity(account.sessions, account.logins if self.counts_logins else None)

    def _connect(self, admin: Credential) -> None:
        if not self.logs_in(admin):
            raise AdminLoginUnknown(f"{admin.username} was refused by {admin.host}: its password there is another by now")


class Session:
    """The admin's connection."""

    def __init__(self, database: Database, journal: Journal) -> None:
        self._database = database
        self._journal = journal

    @property
    def dual_passwords(self) -> bool:
        return self._database.dual_passwords

    def activity(self, username: str) -> Activity:
        return self._database.activity_of(username)

    def exists(self, username: str) -> bool:
        return username in self._database.accounts

    def create_user(self, credential: Credential, like: Credential) -> None:
        self.create_account(credential, like)
        self.copy_grants(credential, like)

    def create_account(self, credential: Credential, like: Credential) -> None:
        """The first of its statements: no privilege yet."""
        model = self._database.accounts.get(like.username)
        with self._journal.write(f"create {credential.username}"):
            if self.exists(credential.username):
                raise SourceRefused(f"there is a user {credential.username}")
            self._check(credential.password)
            account = Account(credential.password.reveal(), privileges=set(), tls=model.tls if model else True)
            self._database.accounts[credential.username] = account

    def copy_grants(self, user: Credential, like: Credential) -> bool:
        account, model = self._account(user.username), self._database.accounts.get(like.username)
        missing = ((model.privileges if model else set()) or {"ALL PRIVILEGES"}) - account.privileges
        if missing:
            with self._journal.write(f"grant {user.username}"):
                account.privileges |= missing
        return bool(missing)

    def set_password(self, username: str, password: Password, *, retain: bool) -> None:
        """With RETAIN what was retained before is lost; without, it stays and only the newest is replaced."""
        account = self._account(username)
        with self._journal.write(f"alter {username}"):
            self._need_dual_passwords(retain)
            self._check(password)
            account.old = account.password if retain else account.old
            account.password = password.reveal()

    def discard_old_password(self, username: str, keep: Password) -> None:
        account = self._account(username)
        with self._journal.write(f"discard {username}"):
            self._need_dual_passwords(True)
            account.old = None

    def needs_retain(self, username: str, in_use: Password, new: Password) -> bool:
        account = self._account(username)
        self._journal.look(f"passwords of {username}")
        known = (in_use.reveal(), new.reveal())
        if in_use.reveal() in (account.password, account.old) and new.reveal() == account.password:
            return False
        self._check_in_use(account, known)
        return True

    def needs_discard(self, username: str, in_use: Password, old: Password) -> bool:
        account = self._account(username)
        self._journal.look(f"passwords of {username}")
        self._check_in_use(account, (in_use.reveal(), old.reveal()))
        return account.old is not None

    def _check_in_use(self, account: Account, known: tuple[str, str]) -> None:
        """The first is in use."""
        if account.password != known[0]:
            raise PrimaryUnknown("the password in use is not the primary")
        if account.old is not None and account.old not in known:
            raise SecondaryUnknown("there is a second password that the record does not know")

    def _account(self, username: str) -> Account:
        if not self.exists(username):
            raise AccountAmbiguous(f"there is no user {username}")
        return self._database.accounts[username]

    def _check(self, password: Password) -> None:
        if not self._database.policy(password.reveal()):
            raise PasswordRejected("the password was rejected by the policy")

    def _need_dual_passwords(self, wanted: bool) -> None:
        if wanted and not self.dual_passwords:
            raise SourceRefused("refused a statement (a syntax error)")
