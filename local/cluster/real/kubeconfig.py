"""A cluster of somebody else's (kind, k3d, EKS): the current context, in a namespace that we create and remove.

Its API server knows nothing of tokens signed with this machine's made-up credentials. So a gate stands in front of it, which is
to it what EKS's authenticator is: it reads the token, and calls as that user with the groups of its access entry.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from local.balancer import Balancer
from local.certificates import Authority
from local.cluster.http import HOST, Answer, Request, port_of, serve
from local.cluster.real.backend import Furnished
from local.cluster.real.client import ApiError, Client
from local.cluster.standin.errors import Refusal, bad_request, unauthorized
from local.cluster.tokens import MASTERS, Caller, Tokens


class Gate:
    """To be called like an API server."""

    def __init__(self, client: Client, tokens: Tokens) -> None:
        self._client = client
        self._tokens = tokens

    async def __call__(self, request: Request) -> Answer:
        try:
            caller = self._tokens.caller(request.headers.get("authorization", ""))
            if caller is None:
                raise unauthorized()
            headers = {"Content-Type": request.headers.get("content-type", "application/json"), **_impersonating(caller)}
            body = _body(request)
            return Answer.json(*await asyncio.to_thread(self._client.send, request.method, request.target, body, headers))
        except Refusal as refusal:
            return Answer.json(refusal.code, refusal.status())
        except ApiError:
            return Answer.json(HTTPStatus.SERVICE_UNAVAILABLE, {"kind": "Status", "message": "the cluster was not reached"})


def _impersonating(caller: Caller) -> dict[str, str]:
    """The administrator's own rights are those of the context; nobody else has any of them."""
    if MASTERS in caller.groups:
        return {}
    [group] = caller.groups
    return {"Impersonate-User": caller.name, "Impersonate-Group": group}


def _body(request: Request) -> Any:
    try:
        return json.loads(request.body) if request.body else None
    except ValueError:
        raise bad_request("the body is no JSON") from None


class Kubeconfig(Furnished):
    def __init__(
        self, settings: Mapping[str, Any], tokens: Tokens, authority: Authority, balancer: Balancer, machine: Mapping[str, str]
    ) -> None:
        super().__init__(settings, balancer, machine)
        self._client = Client.of_current_context()
        self.version = str(self._client.get("/version")["gitVersion"]).removeprefix("v")
        self._gate = Gate(self._client, tokens)
        self._tls = authority.issue(self._directory, "gate").context()
        self._port = 0

    async def start(self) -> str:
        await self.start_api()
        await self.furnish()
        return f"https://{HOST}:{self._port}"

    async def stop_api(self) -> None:
        """For the functions: the cluster itself is not ours to stop."""
        self._server.close()
        await self._server.wait_closed()

    async def start_api(self) -> None:
        self._server = await serve(self._gate, self._tls, self._port)
        self._port = port_of(self._server)
