"""A slow way to a server of this machine: TCP, so that its TLS is still verified end to end; each piece of data waits a while."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from local.cluster.http import HOST, port_of


@contextmanager
def delayed(port: int, seconds: Callable[[], float]) -> Iterator[int]:
    """The port of the slow way; `seconds`: for how long the next piece waits, whichever way it goes."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="slow way")
    thread.start()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError):
                while piece := await reader.read(65536):
                    await asyncio.sleep(seconds())
                    writer.write(piece)
                    await writer.drain()
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(HOST, port)
        await asyncio.gather(carry(reader, back), carry(there, writer))

    async def start() -> asyncio.Server:
        return await asyncio.start_server(serve, HOST, 0)

    async def stop(server: asyncio.Server) -> None:
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)  # a transport closes in the turn after it was told to

    server = asyncio.run_coroutine_threadsafe(start(), loop).result()
    try:
        yield port_of(server)
    finally:
        asyncio.run_coroutine_threadsafe(stop(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
