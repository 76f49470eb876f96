"""The application: it reads its login from its secret, goes on with that for a while, and asks its database for each page.

    python -m local.shop.application JSON

Every other page is served over a connection of its own, the others over a few that are kept for some seconds, each as long as it
lives with the login that it was opened with. Nothing is tried again. It says its port, and serves until its standard input ends.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.cluster.http import Answer, Handler, Request, port_of, serve
from local.load import POD_HEADER, USER_HEADER
from local.login import Login
from local.shop.connections import Connections, Known
from local.shop.databases import CONNECT, Place

AT_ONCE = 32
KEPT, NEW = "kept connection", "new connection"


@dataclass(frozen=True)
class Settings:
    secret: str
    endpoint: str
    """Of AWS."""
    region: str
    place: Place
    cache_seconds: float
    """How long it goes on with what it has read of its secret."""
    lifetime_seconds: float
    """How long a connection is kept."""
    vault: str = ""
    """A file that says how its login is read from a path of a Vault, where it is not from a secret."""
    appliance: str = ""
    """Or where an appliance gives its login out."""

    @classmethod
    def parse(cls, text: str) -> Settings:
        raw = json.loads(text)
        return cls(**raw | {"place": Place(**raw["place"])})


class Application:
    def __init__(self, connections: Connections) -> None:
        self._ways = itertools.cycle([(KEPT, connections.kept), (NEW, connections.new)])
        self._threads = ThreadPoolExecutor(AT_ONCE)

    async def answer(self, _: Request) -> Answer:
        way, borrow = next(self._ways)
        return await asyncio.get_running_loop().run_in_executor(self._threads, page, way, borrow)


def page(way: str, borrow: Callable[[], Any]) -> Answer:
    """With what the database says, or a status 500 with the error's name."""
    headers = {"content-type": "text/plain; charset=utf-8", POD_HEADER: way}
    try:
        with borrow() as opened:
            name = opened.session.name()
            return Answer(200, headers | {USER_HEADER: opened.user}, f"Welcome to {name}\n".encode())
    except Exception as error:  # noqa: BLE001 - whatever it is, a page could not be served
        print(f"{way}: {type(error).__name__}", file=sys.stderr, flush=True)
        return Answer(500, headers, b"Our database does not answer\n")


def in_secrets_manager(settings: Settings) -> Callable[[], Login]:
    import boto3  # an application that has its secret as a file needs none

    client = boto3.client("secretsmanager", endpoint_url=settings.endpoint, region_name=settings.region)

    def look() -> Login:
        held = json.loads(client.get_secret_value(SecretId=settings.secret)["SecretString"])
        return Login(held["username"], held["password"])

    return look


def in_vault(access: Path) -> Callable[[], Login]:
    from local.vault.reading import Kept  # only an application that reads its login there needs it

    return Kept(access).look


def in_appliance(address: str) -> Callable[[], Login]:
    from urllib.request import urlopen  # as the client of Secrets Manager: only where it is read so

    def look() -> Login:
        with urlopen(address, timeout=5) as answer:
            held = json.load(answer)
        return Login(held["username"], held["password"])

    return look


def where_it_is(settings: Settings) -> Callable[[], Login]:
    if settings.appliance:
        return in_appliance(settings.appliance)
    return in_vault(Path(settings.vault)) if settings.vault else in_secrets_manager(settings)


def main() -> None:
    settings = Settings.parse(sys.argv[1])
    known = Known(where_it_is(settings), settings.cache_seconds)
    open_one = CONNECT[settings.place.kind](settings.place)
    asyncio.run(run(Application(Connections(open_one, known, settings.lifetime_seconds)).answer))


async def run(answer: Handler) -> None:
    """Say the port, and serve until the standard input ends."""
    server = await serve(answer)
    print(port_of(server), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)  # a thread may wait for a database that is gone


if __name__ == "__main__":
    main()
