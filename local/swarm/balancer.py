"""The load balancer in front of a service's tasks. Swarm's own needs IPVS in the kernel, which not every machine has.

    python -m local.swarm.balancer FOLDER…

A task that is well has a socket of its name in its service's folder, and takes it away before it stops: so a task is found
whichever node it is on, and whether or not a manager is there to be asked. It says its port, and serves until its standard input
ends.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from local.balancer import Balancer, Endpoint


class Tasks(Endpoint):
    """All tasks of a service, or of several, in turn."""

    def __init__(self, folders: Sequence[Path]) -> None:
        super().__init__(port=0)
        self._folders, self._turn = folders, 0

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while sockets := sorted(one for folder in self._folders for one in folder.glob("[!.]*")):
            self._turn += 1
            socket = sockets[self._turn % len(sockets)]
            try:
                return await asyncio.open_unix_connection(socket)
            except FileNotFoundError:
                continue  # taken away since we looked: nobody was asked yet
            except ConnectionRefusedError:
                socket.unlink(missing_ok=True)  # its task was killed; this client sees it, the next one does not
                raise
        raise ConnectionRefusedError("no task is well")


async def serve(folders: Sequence[Path]) -> None:
    balancer = Balancer()
    await balancer.start()
    balancer.place("tasks", Tasks(folders))
    print(balancer.port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve([Path(one) for one in sys.argv[1:]]))
