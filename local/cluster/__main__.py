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
from local.cluster.backend import Backend
from local.cluster.control import Control
from local.cluster.http import port_of, serve
from local.cluster.kinds import STAND_IN
from local.cluster.tokens import Tokens


async def main(settings: dict[str, Any]) -> None:
    authority = Authority("local cluster authority")
    tokens, balancer = Tokens(settings["cluster"], settings["secret_keys"], settings["access"]), Balancer()
    await balancer.start()
    backend = _backend(settings, tokens, authority, balancer)
    try:
        api = await backend.start()
        control = await serve(Control(backend, tokens))
        ports = {"control": port_of(control), "balancer": balancer.port, "balancers": backend.balancers}
        _say(ca=authority.pem, api=api, version=backend.version, **ports)
        await _input_ended()
    finally:
        backend.close()


def _backend(settings: dict[str, Any], tokens: Tokens, authority: Authority, balancer: Balancer) -> Backend:
    """What a kind needs is imported with it: the stand-in knows nothing of the kubernetes package."""
    machine = _machine(settings)
    directory = Path(settings["directory"])
    if settings["kind"] == STAND_IN:
        from local.cluster.standin.backend import StandIn

        return StandIn(settings, tokens, authority.issue(directory, "kubernetes").context(), balancer, machine)
    if settings["kind"] == "kubeconfig":
        from local.cluster.real.kubeconfig import Kubeconfig

        return Kubeconfig(settings, tokens, authority, balancer, machine)
    from local.cluster.real.backend import Real

    return Real(settings, tokens, authority, balancer, machine)


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
