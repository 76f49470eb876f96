"""The cluster as one process: `python -m local.cluster`, told everything by the first line of its input.

Not by arguments: the Secret holds a password, and arguments are everybody's to read. Answers with a line of
JSON, its ports; ends, and its pods with it, when its input ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from local.balancer import Balancer
from local.certificates import Authority
from local.cluster.control import Control
from local.cluster.http import port_of, serve
from local.cluster.standin.api import Api
from local.cluster.standin.controller import Controller
from local.cluster.standin.store import Store
from local.cluster.tokens import Tokens


async def main(settings: dict[str, Any]) -> None:
    directory = Path(settings["directory"])
    authority = Authority("local cluster authority")
    store, balancer = Store(), Balancer()
    secret = store.create("secrets", settings["secret"])
    deployment = store.create("deployments", settings["deployment"])
    controller = Controller(store, deployment, balancer, _machine(settings), directory, settings["observes_after"])
    await balancer.start()
    api = await serve(
        Api(store, Tokens(settings["cluster"], settings["secret_keys"])),
        authority.issue(directory, "kubernetes").context(),
    )
    control = await serve(Control(controller, store, secret))
    running = asyncio.create_task(controller.run())
    _say(ca=authority.pem, api=port_of(api), control=port_of(control), balancer=balancer.port)
    await _input_ended()
    running.cancel()
    controller.kill()


def _machine(settings: dict[str, Any]) -> dict[str, str]:
    """What mounts and images give a container, besides the variables of its own."""
    return {**os.environ, "SITES_DIR": settings["sites"], "MYSQL_CA": settings["database_ca"]}


def _say(**ports: Any) -> None:
    print(json.dumps(ports), flush=True)


async def _input_ended() -> None:
    """Whoever started us holds the other end: its death is our end too."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, ended.set)
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.stdin.readline())))
