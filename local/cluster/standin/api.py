"""The Kubernetes API, as much of it as the steps call: GET and PATCH of a Secret and a Deployment."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import Any

from local.cluster.http import Answer, Request
from local.cluster.standin.errors import (
    Refusal,
    bad_request,
    method_not_allowed,
    not_found,
    unauthorized,
    unsupported_media_type,
)
from local.cluster.standin.store import Key, Object, Store
from local.cluster.tokens import Tokens

MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"

_PATH = re.compile(
    r"(?:/api/v1/namespaces/(?P<n1>[^/]+)/(?P<k1>secrets)|"
    r"/apis/apps/v1/namespaces/(?P<n2>[^/]+)/(?P<k2>deployments))/(?P<name>[^/]+)(?P<status>/status)?"
)


class Api:
    def __init__(self, store: Store, tokens: Tokens) -> None:
        self._store = store
        self._tokens = tokens

    async def __call__(self, request: Request) -> Answer:
        try:
            if not self._tokens.accepts(request.headers.get("authorization", "")):
                raise unauthorized()
            return Answer.json(HTTPStatus.OK, self._answer(request))
        except Refusal as refusal:
            return Answer.json(refusal.code, refusal.status())

    def _answer(self, request: Request) -> Object:
        key, is_status = _parse(request.target.partition("?")[0])
        if request.method == "GET":
            return self._store.get(key)
        if request.method == "PATCH" and not is_status:
            return self._store.patch(key, _patch(request))
        raise method_not_allowed()


def _parse(path: str) -> tuple[Key, bool]:
    match = _PATH.fullmatch(path)
    if match is None or (match["k1"] and match["status"]):
        raise not_found("the server could not find the requested resource:")
    key = Key(match["k1"] or match["k2"], match["n1"] or match["n2"], match["name"])
    return key, match["status"] is not None


def _patch(request: Request) -> Object:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip()
    if media_type not in (MERGE_PATCH, STRATEGIC_PATCH):
        raise unsupported_media_type(media_type)
    try:
        patch = json.loads(request.body)
    except ValueError:
        raise bad_request("the patch is no JSON") from None
    if not isinstance(patch, dict):
        raise bad_request("the patch is no object")
    if media_type == STRATEGIC_PATCH and _is_beyond_a_merge(patch):
        raise bad_request("this stand-in merges no lists and knows no $directives")
    return patch


def _is_beyond_a_merge(patch: Any) -> bool:
    """Where a strategic merge is not what RFC 7386 says, a wrong answer would be worse than none."""
    if isinstance(patch, list):
        return True
    if not isinstance(patch, dict):
        return False
    return any(name.startswith("$") or _is_beyond_a_merge(value) for name, value in patch.items())
