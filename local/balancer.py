"""The load balancer in front of the ready pods: round robin, connection by connection, and no retries.

What a pod does wrong reaches the client: a balancer that tried the next pod would hide the failures that
this project promises not to cause. A pod that leaves gets no new connection and finishes the ones it has.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Self

from local.cluster.http import BACKLOG, HOST, Answer, port_of

CONNECT_WITHIN = 2.0  # seconds; a pod is on this machine
CHUNK = 64 * 1024


class Served:
    """How many connections are open, and when none is."""

    def __init__(self) -> None:
        self._open = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def __enter__(self) -> Self:
        self._open += 1
        self._idle.clear()
        return self

    def __exit__(self, *_: object) -> None:
        self._open -= 1
        if not self._open:
            self._idle.set()

    async def drained(self) -> None:
        await self._idle.wait()


class Endpoint(Served):
    """One ready pod and the connections it is serving."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(HOST, self.port)


class Balancer:
    """Endpoints come and go by pod name; `port` is where the clients connect."""

    port: int

    def __init__(self) -> None:
        self._endpoints: dict[str, Endpoint] = {}
        self._serving: set[asyncio.Task[None] | None] = set()
        """One whose client has gone is held by nobody else: it would be collected in the middle of it."""
        self._turn = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, HOST, 0, backlog=BACKLOG)
        self.port = port_of(self._server)

    def stop(self) -> None:
        """Nobody connects any more."""
        self._server.close()

    def add(self, name: str, port: int) -> None:
        self.place(name, Endpoint(port))

    def place(self, name: str, endpoint: Endpoint) -> None:
        self._endpoints[name] = endpoint

    def remove(self, name: str) -> Endpoint | None:
        """Out at once; what is returned knows when the requests in flight have ended."""
        return self._endpoints.pop(name, None)

    def _next(self) -> Endpoint | None:
        if not self._endpoints:
            return None
        self._turn += 1
        return list(self._endpoints.values())[self._turn % len(self._endpoints)]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._serving.add(task)
        try:
            if endpoint := self._next():
                with endpoint:
                    await _forward(endpoint, reader, writer)
            else:
                await _refuse(reader, writer, 503, "no pod is ready")
        except OSError:
            pass  # one of the two hung up in mid-sentence: the client sees a short answer or a reset
        finally:
            self._serving.discard(task)
            writer.close()


async def _forward(endpoint: Endpoint, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Both ways until the pod has said all: it closes after each answer, as we asked it to."""
    try:
        async with asyncio.timeout(CONNECT_WITHIN):
            pod_reader, pod_writer = await endpoint.connect()
    except (OSError, TimeoutError):
        await _refuse(reader, writer, 502, "the pod does not accept connections")
        return
    upstream = asyncio.create_task(_copy_all(reader, pod_writer))
    try:
        await _copy(pod_reader, writer)
    finally:
        upstream.cancel()
        pod_writer.close()


async def _copy_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The client's side, its hanging up included: a pod that waits for more would never be drained."""
    with suppress(OSError):
        await _copy(reader, writer)
        writer.write_eof()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(CHUNK):
        writer.write(chunk)
        await writer.drain()


async def _refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, status: int, why: str) -> None:
    """Read the request first: closing with unread bytes resets the connection, answer and all."""
    await reader.read(CHUNK)
    writer.write(Answer(status, {"content-type": "text/plain"}, why.encode()).encode())
    await writer.drain()
