"""Redis with its operator, who may everything."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rotation.core.model import Credential, Password
from rotation.ports import Source
from rotation.sources.redis.adapter import Redis as RedisSource
from rotation.sources.redis.users import WHOLE

from local.login import Login
from local.redis_server import OPERATOR, RedisServer
from tests.conformance.sources import ADMIN, ADMIN_PASSWORD, FIRST

THE_ADMIN = Login(ADMIN, ADMIN_PASSWORD)
READS = ("~*", "-@all", "+@read", "+@connection")


class RealWork:
    """Somebody's session."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def goes_on(self) -> bool:
        return bool(self._client.execute_command("PING"))


class RealRedis:
    """Nodes, the primary first; what a test made is gone after it."""

    def __init__(self, server: RedisServer, *others: RedisServer) -> None:
        self.server, self.nodes = server, (server, *others)
        self.source: Source = RedisSource(server.ca_pem, [one.node for one in others])
        for node in self.nodes:
            node.create_user(Login("user", FIRST), WHOLE)

    def credential(self, username: str, password: str) -> Credential:
        return Credential(username, Password(password), self.server.host, self.server.port, "0")

    def make(self, username: str, password: str, rules: Sequence[str] = READS) -> None:
        for node in self.nodes:
            node.create_user(Login(username, password), rules)

    def lock(self, username: str) -> None:
        self.server.execute("ACL", "SETUSER", username, "off")

    def grants(self, username: str) -> set[str]:
        found = self.server.execute("ACL", "GETUSER", username)
        return {f"{what} {found[what]}" for what in ("commands", "keys", "channels")} if found else set()

    @contextmanager
    def works_as(self, username: str, password: str) -> Iterator[RealWork]:
        with self.server.connect(Login(username, password)) as client:
            client.execute_command("PING")
            yield RealWork(client)

    def fail_over(self) -> None:
        self.server.execute("REPLICAOF", "127.0.0.1", "1")
        self.server.execute("CLIENT", "KILL", "USER", ADMIN)

    def recover(self) -> None:
        self.server.execute("REPLICAOF", "NO", "ONE")

    def leave(self) -> None:
        """As it was found."""
        self.recover()
        for node in self.nodes:
            made = set(node.execute("ACL", "USERS")) - {"default", OPERATOR, ADMIN}
            if made:
                node.execute("ACL", "DELUSER", *made)
            node.create_admin(THE_ADMIN)
