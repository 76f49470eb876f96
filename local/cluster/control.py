"""The hand of the demo and of the tests: plain HTTP on a port of its own.

GET    /rollout       {"complete": true}
GET    /pods          name, revision, ready, port of each
GET    /secret        the Secret as it is stored
DELETE /pods[/NAME]   a pod (or all of them) dies as with its node: no drain, no signal
PUT    /sabotage      {"next": true} or {"annotation": NAME, "value": VALUE}
DELETE /sabotage
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from local.cluster.http import Answer, Request
from local.cluster.standin.controller import Controller
from local.cluster.standin.store import Key, Store


class Control:
    def __init__(self, controller: Controller, store: Store, secret: Key) -> None:
        self._controller = controller
        self._store = store
        self._secret = secret

    async def __call__(self, request: Request) -> Answer:
        content: Any = {}
        match (request.method, *request.target.strip("/").split("/")):
            case ("GET", "rollout"):
                content = {"complete": self._controller.is_complete}
            case ("GET", "pods"):
                content = self._pods()
            case ("GET", "secret"):
                content = self._store.get(self._secret)
            case ("DELETE", "pods", *names):
                content = {"killed": self._kill(names)}
            case ("PUT", "sabotage"):
                content = self._sabotage(json.loads(request.body))
            case ("DELETE", "sabotage"):
                self._controller.sabotage.heal()
            case _:
                return Answer.json(HTTPStatus.NOT_FOUND, {"message": f"unknown: {request.method} {request.target}"})
        return Answer.json(HTTPStatus.OK, content)

    def _pods(self) -> list[dict[str, Any]]:
        return [{"name": pod.name, "revision": pod.revision, "ready": pod.ready, "port": pod.port} for pod in self._controller.pods]

    def _kill(self, names: list[str]) -> list[str]:
        doomed = [pod for pod in self._controller.pods if not names or pod.name in names]
        for pod in doomed:
            pod.kill()
        return [pod.name for pod in doomed]

    def _sabotage(self, order: dict[str, Any]) -> dict[str, Any]:
        if "annotation" in order:
            self._controller.sabotage.break_annotated(order["annotation"], order["value"])
        elif order.get("next"):
            self._controller.sabotage.break_next()
        return order
