"""One pod of a service: it has its login from its environment, for as long as it lives.

    python -m local.workloads.pod

DATABASE_URL says it whole, or PGUSER, PGPASSWORD, PGHOST, PGPORT and PGDATABASE do. Every other page is served over a new
connection, the others over those that are kept. Nothing is tried again.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from local.cluster.http import Answer, Request, serve
from local.login import Login
from local.shop.application import Application
from local.shop.connections import C, Connections
from local.shop.databases import CONNECT, POSTGRESQL, Place

READY = "/healthz"
LIFETIME_SECONDS = 3600.0
"""Of a connection: longer than any pod lives here."""


@dataclass(frozen=True)
class Given:
    """A login that its owner never looks for again."""

    login: Login

    def connect(self, log_in: Callable[[Login], C]) -> C:
        return log_in(self.login)


def login(environment: Mapping[str, str]) -> tuple[Login, str, int, str]:
    """And host, port and database."""
    if "DATABASE_URL" not in environment:
        of = Login(environment["PGUSER"], environment["PGPASSWORD"])
        return of, environment["PGHOST"], int(environment["PGPORT"]), environment["PGDATABASE"]
    url = urlsplit(environment["DATABASE_URL"])
    return Login(unquote(url.username or ""), unquote(url.password or "")), url.hostname or "", url.port or 0, url.path[1:]


class Service:
    """Its page, and whether it is ready: both ask the database."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def answer(self, request: Request) -> Answer:
        if request.target not in ("/", READY):
            return Answer(404, {}, b"There is no such page\n")
        return await self._application.answer(request)


async def main() -> None:
    given, host, port, database = login(os.environ)
    place = Place(POSTGRESQL, host, port, database, os.environ["DATABASE_CA"])
    connections = Connections(CONNECT[place.kind](place), Given(given), LIFETIME_SECONDS)
    server = await serve(Service(Application(connections)).answer, port=int(os.environ["PORT"]))
    print(f"{sys.argv[0]}: as {given.username}", file=sys.stderr, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
