"""The hand of the demo and of the tests: plain HTTP on a port of its own.

GET    /rollout         {"complete": true}
GET    /pods            name, revision, ready, port of each
GET    /secrets/NAME    that Secret as it is stored
DELETE /pods[/NAME]     a pod (or all of them) dies as with its node: no drain, no signal
PUT    /sabotage        {"next": true} or {"annotation": NAME, "value": VALUE}
DELETE /sabotage
PUT    /objects         a manifest: what has its name is deleted, and made anew
DELETE /objects         the object of that manifest's name
PUT    /access-entries  {access key id: [group]}: who is let in from now on
DELETE /api-server      an outage of the API server; PUT ends it
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from local.cluster.backend import Backend
from local.cluster.http import Answer, Request
from local.cluster.tokens import Tokens


class Control:
    def __init__(self, backend: Backend, tokens: Tokens) -> None:
        self._backend = backend
        self._tokens = tokens

    async def __call__(self, request: Request) -> Answer:
        content = await self._look(request)
        if content is None and not await self._do(request):
            return Answer.json(HTTPStatus.NOT_FOUND, {"message": f"unknown: {request.method} {request.target}"})
        return Answer.json(HTTPStatus.OK, content or {})

    async def _look(self, request: Request) -> Any:
        match (request.method, *request.target.strip("/").split("/")):
            case ("GET", "rollout"):
                return {"complete": self._backend.is_complete}
            case ("GET", "pods"):
                return self._pods() or []
            case ("GET", "secrets", name):
                return await self._backend.secret(name)
        return None

    async def _do(self, request: Request) -> bool:
        order = json.loads(request.body) if request.body else {}
        match (request.method, *request.target.strip("/").split("/")):
            case ("DELETE", "pods", *names):
                self._kill(names)
            case ("PUT", "sabotage"):
                self._sabotage(order)
            case ("DELETE", "sabotage"):
                self._backend.sabotage.heal()
            case ("PUT", "access-entries"):
                self._tokens.entries = order
            case (method, "objects"):
                await (self._backend.recreate(order) if method == "PUT" else self._backend.delete(order))
            case (method, "api-server"):
                await (self._backend.start_api() if method == "PUT" else self._backend.stop_api())
            case _:
                return False
        return True

    def _pods(self) -> list[dict[str, Any]]:
        return [{"name": pod.name, "revision": pod.revision, "ready": pod.ready, "port": pod.port} for pod in self._backend.pods]

    def _kill(self, names: list[str]) -> None:
        for pod in self._backend.pods:
            if not names or pod.name in names:
                pod.kill()

    def _sabotage(self, order: dict[str, Any]) -> None:
        if "annotation" in order:
            self._backend.sabotage.break_annotated(order["annotation"], order["value"])
        elif order.get("next"):
            self._backend.sabotage.break_next()
