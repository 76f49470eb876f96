"""Source on Redis, 7 and later, with ACLs of its own: a user may have several passwords, each node its own users.

TLS is required and verified, chain and host name. A driver's error text never gets out: it can quote the command.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from rotation.core.errors import SourceRefused
from rotation.core.seen import Activity, Server
from rotation.sources.redis.connection import Connection
from rotation.sources.redis.kind import EVERYBODY
from rotation.sources.redis.node import RedisSession
from rotation.sources.servers import Denied, Servers
from rotation.sources.tls import verified

if TYPE_CHECKING:
    from rotation.core.model import Credential, Password
    from rotation.kinds.kind import Settings
    from rotation.ports import Surroundings


def make(settings: Settings, here: Surroundings) -> Redis:
    """As the target names it."""
    return Redis(settings["ca"], settings["nodes"], here.lock, here.quiet_seconds if settings["pooled"] else None)


class Redis(Servers[RedisSession]):
    """The nodes behind a target: the record's host, which has to be the primary, and those that the target names."""

    def __init__(self, ca: str, nodes: Sequence[str] = (), secret: str = "", idle_seconds: int | None = None) -> None:
        """`secret`: which one's admin takes the lock. `idle_seconds`: connections are a pool's, and one that is idle for so long is
        not use (None: every connection is)."""
        super().__init__(nodes)
        self._ca = ca
        self._secret = secret
        self._idle_seconds = idle_seconds

    def logs_in(self, credential: Credential) -> bool:
        """On every node: one that a call cut short has given to some of them is to be given to the others."""
        return all(self._takers(credential))

    def refuses(self, credential: Credential) -> bool:
        return not any(self._takers(credential))

    def _takers(self, credential: Credential) -> list[bool]:
        return [self._takes(replace(credential, host=host)) for host in (credential.host, *self._readers)]

    def _takes(self, credential: Credential) -> bool:
        try:
            self._connect(credential).close()
        except Denied:
            return False
        return True

    @contextmanager
    def as_admin(self, admin: Credential) -> Iterator[EveryNode]:
        """Every node is there, and can save what it is given, before anything is changed on one. To save it saves too what an
        earlier call could not any more."""
        with ExitStack() as stack:
            hosts = (admin.host, *self._readers)
            nodes = [stack.enter_context(self._session(admin, host)) for host in hosts]
            nodes[0].lock()
            self._need_all(nodes)
            for node in nodes:
                node.save()
            yield EveryNode(nodes)

    def inspect(self, admin: Credential, users: Sequence[str]) -> Server:
        with ExitStack() as stack:
            nodes = [stack.enter_context(self._session(admin, host)) for host in (admin.host, *self._readers)]
            nodes[0].need_primary()
            seen = [node.inspect(users, admin.dbname) for node in nodes]
            if not any(server.lacking for server in seen):
                self._need_all(nodes)
        return seen[0]._replace(
            lacking=tuple(dict.fromkeys(one for server in seen for one in server.lacking)),
            without_tls=tuple(dict.fromkeys(user for server in seen for user in server.without_tls)),
            ends_sessions=all(server.ends_sessions for server in seen),
        )

    def _need_all(self, nodes: Sequence[RedisSession]) -> None:
        """One that is not named would go on with the old password alone, and be asked for the new one after a fail-over."""
        named = sum(node.role != "master" for node in nodes)
        if nodes[0].replicas > named:
            raise SourceRefused(
                f"{nodes[0].host} has {nodes[0].replicas} replicas, and the target names {named}: name every one in source.nodes"
                " (parameter ReaderHosts), since Redis replicates no users"
            )

    def _open(self, credential: Credential) -> RedisSession:
        if credential.username == EVERYBODY:
            raise SourceRefused(
                f"the admin is {EVERYBODY}, the user of whoever gives no name: make an admin (ACL SETUSER), and name it"
                " in the admin's secret"
            )
        return RedisSession(self._connect(credential), credential.username, self._secret, self._idle_seconds)

    def _connect(self, credential: Credential) -> Connection:
        return Connection(credential, verified(self._ca))


class EveryNode:
    """The admin's sessions as one. Every node is asked before one is changed, whatever the first has answered."""

    def __init__(self, nodes: Sequence[RedisSession]) -> None:
        self._nodes = nodes

    @property
    def dual_passwords(self) -> bool:
        return True

    def activity(self, username: str) -> Activity:
        return Activity(sum(node.activity(username).sessions for node in self._nodes), None)

    def exists(self, username: str) -> bool:
        """Everywhere."""
        found = [node.exists(username) for node in self._nodes]
        return all(found)

    def create_user(self, credential: Credential, like: Credential) -> None:
        for node in self._nodes:
            node.create_user(credential, like)

    def copy_grants(self, user: Credential, like: Credential) -> bool:
        self._check(user.username)
        given = [node.copy_grants(user, like) for node in self._nodes]
        return any(given)

    def set_password(self, username: str, password: Password, *, retain: bool) -> None:
        self._check(username)
        for node in self._nodes:
            node.set_password(username, password, retain=retain)

    def discard_old_password(self, username: str, keep: Password) -> None:
        for node in self._nodes:
            node.user(username).others(keep)
        for node in self._nodes:
            node.discard_old_password(username, keep)

    def needs_retain(self, username: str, in_use: Password, new: Password) -> bool:
        needs = [node.needs_retain(username, in_use, new) for node in self._nodes]
        return any(needs)

    def needs_discard(self, username: str, in_use: Password, old: Password) -> bool:
        needs = [node.needs_discard(username, in_use, old) for node in self._nodes]
        return any(needs)

    def _check(self, username: str) -> None:
        for node in self._nodes:
            node.user(username).check()
