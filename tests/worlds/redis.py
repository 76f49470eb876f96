"""Two nodes of Redis in memory, the second a replica: each with users of its own, of which a restart leaves what was saved.

The shipped adapter works on them command by command; those that change something, or are the first to ask, are boundaries. Only
what a password's hash stands for is known here by heart: new ones are numbered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from rotation.core.errors import SourceUnreachable
from rotation.core.model import Credential, Password, Slot
from rotation.sources.redis.adapter import Redis
from rotation.sources.redis.node import lock_name
from rotation.sources.redis.users import hash_of
from rotation.sources.servers import Denied

from tests.worlds.database import Account
from tests.worlds.invocation import Database, Invocation, Port, Ports, Suspended
from tests.worlds.living import LivingDatabase, LivingWorld
from tests.worlds.world import ADMIN_PASSWORD, FORMER_PASSWORD, PASSWORDS

PRIMARY, REPLICA = 0, 1
REPLICA_HOST = "replica.example"
OURS, ANOTHER_S = "1", "2"
"""Numbers of connections."""
BEHIND: dict[str, str] = {}
"""The password of each hash."""


def known(password: str) -> str:
    BEHIND[hash_of(Password(password))] = password
    return password


for one in (*PASSWORDS.values(), ADMIN_PASSWORD, FORMER_PASSWORD):
    known(one)


def begun(account: Account) -> None:
    """Its password is on both nodes, and saved."""
    whole = frozenset({account.password})
    account.nodes = ((whole, whole), (whole, whole))


class Nodes:
    """What the nodes have of one user: passwords in memory, and saved ones."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def has(self, node: int) -> frozenset[str]:
        memory: frozenset[str] = self._account.nodes[node][0]
        return memory

    def saved(self, node: int) -> frozenset[str]:
        on_disk: frozenset[str] = self._account.nodes[node][1]
        return on_disk

    def gives(self, node: int, passwords: frozenset[str], newest: str = "") -> None:
        self._put(node, passwords, self.saved(node))
        self._tell(newest)

    def saves(self, node: int) -> None:
        self._put(node, self.has(node), self.has(node))

    def restarts(self, node: int) -> None:
        self._put(node, self.saved(node), self.saved(node))
        self._tell("")

    def _put(self, node: int, memory: frozenset[str], saved: frozenset[str]) -> None:
        nodes = [*self._account.nodes]
        nodes[node] = (memory, saved)
        self._account.nodes = tuple(nodes)

    def _tell(self, newest: str) -> None:
        """Whoever asks the account alone: what any node takes."""
        anywhere = self.has(PRIMARY) | self.has(REPLICA)
        account = self._account
        account.password = newest if newest in anywhere else account.password
        account.password = account.password if account.password in anywhere else min(anywhere, default="")
        account.old = min(anywhere - {account.password}, default=None)


class LivingNodes(LivingDatabase):
    """What fails over is the primary: it starts again with what it saved."""

    def fail_over(self) -> None:
        super().fail_over()
        for account in self.accounts.values():
            Nodes(account).restarts(PRIMARY)

    def logs_in(self, credential: Credential) -> bool:
        self._journal.look(f"login {credential.username}")
        return Shipped(self).logs_in(credential)

    def refuses(self, credential: Credential) -> bool:
        self._journal.look(f"login {credential.username}")
        return Shipped(self).refuses(credential)

    def takes(self, credential: Credential) -> bool:
        """That node alone."""
        account = self.accounts.get(credential.username)
        return account is not None and credential.password.reveal() in Nodes(account).has(node_of(credential.host))


def node_of(host: str) -> int:
    return REPLICA if host == REPLICA_HOST else PRIMARY


class Shipped(Redis):
    """The adapter, over connections of an invocation's, or only asked who logs in."""

    def __init__(self, database: LivingNodes, it: Invocation | None = None) -> None:
        super().__init__("", [REPLICA_HOST], "arn")
        self._database, self._it = database, it
        self.suspended = False
        self.looked: set[tuple[str, str]] = set()

    def _takes(self, credential: Credential) -> bool:
        return self._database.takes(credential)

    def _connect(self, credential: Credential) -> Any:
        assert self._it
        return Connection(self, self._database, self._it, credential)


class Connection:
    """To one node, as the admin."""

    tls = "TLSv1.3"

    def __init__(self, source: Shipped, database: LivingNodes, it: Invocation, credential: Credential) -> None:
        self.host, self._node = credential.host, node_of(credential.host)
        self._source, self._database, self._it = source, database, it
        self._locked = self._busy = False
        accepted, self._epoch = it.note(lambda: (database.takes(credential), database.epoch))
        if not accepted:
            raise Denied(f"{self.host} denied access")

    def run(self, *words: str) -> Any:
        command = " ".join(words[:2])
        if command == "ACL GETUSER":
            return self._user(words[2])
        if command == "ACL SETUSER":
            return self._alter(words[2], words[3:])
        if command == "ACL SAVE":
            return self._call(f"save on {self._node}", self._save)
        if command == "CLIENT SETNAME":
            return self._lock()
        if command == "CLIENT LIST":
            return self._clients()
        return self._it.note(lambda: self._says()[command])

    def close(self) -> None:
        if self._locked and not self._source.suspended and self._it.lives:
            self._database.leave(self._it.name)

    def _says(self) -> dict[str, Any]:
        follows = self._node == REPLICA or self._database.read_only
        return {
            "ROLE": ["slave" if follows else "master"],
            "CLIENT ID": OURS,
            "INFO replication": "role:x\nconnected_slaves:1",
            "CONFIG GET": ["aclfile", "/users.acl"],
        }

    def _lock(self) -> None:
        self._busy = self._call("lock", self._enter)
        self._locked = not self._busy

    def _enter(self) -> bool:
        """Whether another has it."""
        busy = self._database.lock is not None
        self._database.lock = self._database.lock if busy else self._it.name
        return busy

    def _clients(self) -> str:
        lock = lock_name("arn")
        others = [f"id={ANOTHER_S} name={lock} user=master idle=0"] if self._busy else []
        return "\n".join([f"id={OURS} name={lock} user=master idle=0", *others])

    def _user(self, username: str) -> Any:
        """Only to ask for the first time is a boundary."""
        what, first = f"passwords of {username}", (username, self.host) not in self._source.looked
        self._source.looked.add((username, self.host))
        if first:
            return self._call(what, lambda: self._found(username))
        return self._it.note(lambda: self._found(username))

    def _found(self, username: str) -> Any:
        account = self._database.accounts.get(username)
        if account is None:
            return None
        hashes = sorted(hash_of(Password(one)) for one in Nodes(account).has(self._node))
        return ["flags", ["on"], "passwords", hashes, "commands", "-@all +@read", "keys", "~*", "channels", "", "selectors", []]

    def _alter(self, username: str, words: Sequence[str]) -> None:
        takes = not any(word.startswith("#") for word in words)
        self._call(f"{'discard' if takes else 'alter'} {username}", lambda: self._altered(username, words))
        if not takes:
            self._it.seen.refused = {one for one in self._it.seen.refused if one.username != username}

    def _altered(self, username: str, words: Sequence[str]) -> None:
        nodes = Nodes(self._database.accounts[username])
        before = frozenset() if "resetpass" in words else nodes.has(self._node)
        given = {BEHIND[word[1:]] for word in words if word.startswith("#")}
        taken = {BEHIND[word[1:]] for word in words if word.startswith("!")}
        after = (before | given) - taken
        if after != nodes.has(self._node):
            what = "discard" if taken else "alter"
            with self._database._journal.write(f"{what} {username}"):
                nodes.gives(self._node, after, next(iter(given), ""))

    def _save(self) -> None:
        unsaved = [n for n in map(Nodes, self._database.accounts.values()) if n.has(self._node) != n.saved(self._node)]
        if unsaved:
            with self._database._journal.write(f"save on {self._node}"):
                for nodes in unsaved:
                    nodes.saves(self._node)

    def _call(self, what: str, act: Callable[[], Any]) -> Any:
        try:
            return self._it.call(Port.DATABASE, what, lambda: self._alive() or act())
        except Suspended:
            self._source.suspended = True
            raise

    def _alive(self) -> None:
        if self._node == PRIMARY and self._epoch != self._database.epoch:
            raise SourceUnreachable("the connection was lost")


class Source(Database):
    """The port: who logs in is one boundary, and so is what is not asked as the admin under our lock."""

    _database: LivingNodes

    @contextmanager
    def as_admin(self, admin: Credential) -> Iterator[Any]:
        shipped = Shipped(self._database, self._it)
        opened = shipped.as_admin(admin)
        with opened as session:
            try:
                yield session
            except Suspended:
                shipped.suspended = True
                raise


class NodesPorts(Ports):
    def __init__(self, invocation: Invocation) -> None:
        super().__init__(invocation)
        self.source = Source(invocation)


class RedisWorld(LivingWorld):
    """Two values of one user, on both nodes."""

    databases = LivingNodes
    source: LivingNodes

    def __init__(self) -> None:
        super().__init__(two_values=True, counts_logins=False)
        self.ports = NodesPorts

    def furnish(self, active: Slot, ring: tuple[Slot, ...]) -> None:
        for account in self.source.accounts.values():
            begun(account)

    def next_password(self) -> str:
        return known(super().next_password())

    def accepts(self, user: Credential) -> bool:
        """Everywhere: the application may come to any node."""
        return all(self.source.takes(replace(user, host=host)) for host in (user.host, REPLICA_HOST))
