"""The application of a service: it reads its login from /run/secrets, and asks its database for each page.

    python -m local.swarm.application

`POSTGRES_USER_FILE` and `POSTGRES_PASSWORD_FILE` say which files; both are read for each new connection. Or it takes the newest
login that works, by the reader for applications: `READS_NEWEST` says the secret's name. Every other page is served over its own
connection. Nothing is tried again.

Its health check is asked by the engine at the port that /tmp/port names. As long as that is well the application has its socket in
the folder that the balancer looks at. Told to stop, it takes that away first, and finishes what it has begun.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import suppress
from pathlib import Path

from local.balancer import Served
from local.cluster.http import Answer, Request, conversation, port_of, serve
from local.login import Login
from local.shop.application import NEW, Application, page
from local.shop.connections import Connections, Known, Logins
from local.shop.databases import CONNECT, Place

PORT_FILE, SOCKETS = Path("/tmp/port"), Path("/tasks")  # noqa: S108 - of a container, which nobody else is in
TASK, PLACE, LIFETIME = "TASK", "DATABASE", "CONNECTION_SECONDS"
USER_FILE, PASSWORD_FILE = "POSTGRES_USER_FILE", "POSTGRES_PASSWORD_FILE"
READS_NEWEST = "READS_NEWEST"
STOPS_WITHIN = 3.0
HEALTH = f'busybox wget -q -O /dev/null "http://127.0.0.1:$(busybox cat {PORT_FILE})/"'


class Task:
    """One of a service's replicas."""

    def __init__(self, connections: Connections, socket: Path) -> None:
        self._connections, self._socket = connections, socket
        self._unseen = socket.with_name(f".{socket.name}")
        self._talk = conversation(Application(connections).answer)
        self._open = Served()
        self._server: asyncio.Server | None = None
        self._leaving = False

    async def health(self, _: Request) -> Answer:
        """A page that a new connection is made for. By it the balancer knows us, or does not."""
        answer = await asyncio.to_thread(page, NEW, self._connections.new)
        if answer.status == 200 and not self._leaving:
            await self._enter()
        else:
            self._withdraw()
        return answer

    async def leave(self) -> None:
        """Whoever has found us by then is served."""
        self._leaving = True
        self._withdraw()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOPS_WITHIN):
                await asyncio.sleep(0.2)  # who found the socket may still be connecting to it
                await self._open.drained()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._open:
            await self._talk(reader, writer)

    async def _enter(self) -> None:
        if not self._is_in():
            if self._server:
                self._server.close()
            self._server = await asyncio.start_unix_server(self._serve, self._unseen, backlog=1024)
            self._show()

    def _is_in(self) -> bool:
        return self._socket.exists()

    def _show(self) -> None:
        """Only once it listens."""
        self._unseen.rename(self._socket)

    def _withdraw(self) -> None:
        self._socket.unlink(missing_ok=True)


def look() -> Login:
    """What the files say that the variables name."""
    return Login(*(Path(os.environ[name]).read_text().strip() for name in (USER_FILE, PASSWORD_FILE)))


def logins() -> Logins:
    if READS_NEWEST not in os.environ:
        return Known(look, 0)
    from credential_reader import Reader  # of the image

    return Reader(os.environ[READS_NEWEST])


async def run(task: Task) -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    tell(port_of(await serve(task.health)))
    await stopped.wait()
    await task.leave()
    os._exit(0)  # a thread may wait for a database that is gone


def tell(port: int) -> None:
    """At once or not at all: the engine may ask at any moment."""
    partial = PORT_FILE.with_suffix(".partial")
    partial.write_text(str(port))
    partial.rename(PORT_FILE)


def main() -> None:
    place = Place(**json.loads(os.environ[PLACE]))
    connections = Connections(CONNECT[place.kind](place), logins(), float(os.environ[LIFETIME]))
    asyncio.run(run(Task(connections, SOCKETS / os.environ[TASK])))


if __name__ == "__main__":
    main()
