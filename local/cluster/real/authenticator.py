"""Who a bearer token is of: EKS's answer to the TokenReview of an API server, over its webhook."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from local.cluster.http import Answer, Request
from local.cluster.tokens import Tokens


class Authenticator:
    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def __call__(self, request: Request) -> Answer:
        review = json.loads(request.body)
        status: dict[str, Any] = {"authenticated": False}
        if caller := self._tokens.caller(f"Bearer {review['spec']['token']}"):
            status = {"authenticated": True, "user": {"username": caller.name, "groups": list(caller.groups)}}
        answer = {"apiVersion": review["apiVersion"], "kind": "TokenReview", "status": status}
        return Answer.json(HTTPStatus.OK, answer)
