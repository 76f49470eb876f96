"""PostgreSQL behind pgbouncer, which stands for RDS Proxy, and a ring of users."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from local.mysql import Login
from local.proxy import pgbouncer
from local.proxy.cache import in_secrets_manager
from local.proxy.server import Pooled, Proxy
from local.shop.databases import POSTGRESQL, Place
from local.shop.stack import DATABASE, Pace, Reader, fields, made_up, pem_parameter
from local.shop.tables import furnish

SLOTS = "ABCDEFGH"
COUNTED = {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track": "all"}


class Shop(Reader):
    """`ring`: how many users take turns."""

    kind = POSTGRESQL
    server: Pooled

    def __init__(self, ring: int = 2, pace: Pace | None = None) -> None:
        super().__init__(pace)
        self.users = {slot: Login(f"shop_{slot.lower()}", made_up()) for slot in SLOTS[:ring]}

    @property
    def proxy_secrets(self) -> dict[str, str]:
        """By slot."""
        return {slot: f"shop/proxy-{slot.lower()}" for slot in self.users}

    @property
    def secret_names(self) -> tuple[str, ...]:
        """Of every secret that holds a password."""
        return (*super().secret_names, *self.proxy_secrets.values())

    def versions(self) -> dict[str, str]:
        """Of the real servers."""
        return {"PostgreSQL": self.server.version(), "PgBouncer": pgbouncer.version()}

    def accepts(self, user: str, password: str) -> bool:
        """Whether anybody lets that login in: the database or the proxy, which knows what its secrets say."""
        login = Login(user, password)
        self.proxy.cache.refresh()
        return self.server.accepts(login) or self.proxy.accepts(login, DATABASE)

    def may_hold(self, path: Path) -> bool:
        """What the proxy knows of its secrets; of PostgreSQL's own files all but its log."""
        return path.is_relative_to(self.server.data) or (path.parent == self.proxy.directory and path.stem == "users")

    def more_places(self) -> Iterator[tuple[str, bytes]]:
        """Where the server counts statements, and shows those under way."""
        for view in ("pg_stat_statements", "pg_stat_activity"):
            rows = self.server.execute(f"SELECT query FROM {view}")  # noqa: S608 - one of two names
            yield view, "\n".join(str(query) for (query,) in rows).encode()

    def _start_database(self) -> None:
        self.server = self._ended.enter_context(Pooled(self.directory / "postgresql", self.environment, COUNTED))
        furnish(self.server, self.admin, self.users.values())
        self.server.execute("CREATE EXTENSION pg_stat_statements", "SELECT pg_stat_statements_reset()")
        self.server.log.write_bytes(b"")  # these statements are ours, and have passwords in them; no later one may

    def _own_parameters(self) -> dict[str, str]:
        arns = [self._create_secret(self.proxy_secrets[slot], fields(user)) for slot, user in self.users.items()]
        look = in_secrets_manager(self.aws.client("secretsmanager"), arns)
        every = self.pace.proxy_seconds
        self.proxy = self._ended.enter_context(Proxy(self.directory / "proxy", self.server, [DATABASE], look, every=every))
        return {
            "Pooled": "true",
            "ProxySecretArns": ",".join(arns),
            "EndpointHost": self.proxy.host,
            "EndpointPort": str(self.proxy.port),
            "EndpointCa": pem_parameter(self.proxy.ca_pem),
        }

    def _place(self) -> Place:
        return Place(self.kind, self.proxy.host, self.proxy.port, DATABASE, self.proxy.ca_pem)
