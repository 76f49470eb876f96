"""A server of this machine's 127.0.0.1 is at the same port of the Swarm's: its tasks have no other way out.

    python -I reach.py PID PORT        PID: of a process in the Swarm's network

A socket stays in the network in which it was made, whatever its process does afterwards.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import sys
from contextlib import suppress

HOST = "127.0.0.1"
CHUNK = 64 * 1024


def enter(network: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.setns(network, 0) != 0:
        raise OSError(ctypes.get_errno(), "the network namespace cannot be entered")


def listener(pid: int, port: int) -> socket.socket:
    here, there = os.open("/proc/self/ns/net", os.O_RDONLY), os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    enter(there)
    made = socket.create_server((HOST, port), backlog=1024)
    enter(here)
    return made


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """To the end; whoever has hung up ends the other one's side too."""
    with suppress(OSError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    writer.close()


async def serve(inside: socket.socket, port: int) -> None:
    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(HOST, port)
        except OSError:
            writer.transport.abort()  # as the server itself would refuse
            return
        await asyncio.gather(copy(reader, back), copy(there, writer))

    await asyncio.start_server(forward, sock=inside)
    print(port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)  # whoever is connected is cut off, as by a network that goes


if __name__ == "__main__":
    asyncio.run(serve(listener(int(sys.argv[1]), int(sys.argv[2])), int(sys.argv[2])))
