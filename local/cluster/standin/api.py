"""The Kubernetes API, as much of it as the steps call: GET and PATCH of a Secret and a workload for who may, and who may what."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import Any

from local.cluster.http import Answer, Request
from local.cluster.standin.errors import (
    Refusal,
    bad_request,
    forbidden,
    method_not_allowed,
    not_found,
    unauthorized,
    unsupported_media_type,
)
from local.cluster.standin.rbac import Asked, Rules
from local.cluster.standin.store import Key, Object, Store
from local.cluster.tokens import Caller, Tokens

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
ANYTHING_ELSE = "anything else"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"

_PATH = re.compile(
    r"(?:/api/v1|/apis/(?P<group>apps)/v1)/namespaces/(?P<namespace>[^/]+)/(?P<resource>secrets|deployments|statefulsets|daemonsets)"
    r"(?:/(?P<name>[^/]+)(?:/(?P<subresource>status))?)?"
)
_VERBS = {"GET": "get", "PATCH": "patch", "PUT": "update", "DELETE": "delete", "POST": "create"}


class Api:
    def __init__(self, store: Store, tokens: Tokens, rules: Rules) -> None:
        self._store = store
        self._tokens = tokens
        self._rules = rules

    async def __call__(self, request: Request) -> Answer:
        try:
            caller = self._tokens.caller(request.headers.get("authorization", ""))
            if caller is None:
                raise unauthorized()
            return Answer.json(HTTPStatus.OK, self._answer(caller, request))
        except Refusal as refusal:
            return Answer.json(refusal.code, refusal.status())

    def _answer(self, caller: Caller, request: Request) -> Object:
        """Whether it may is asked before whether there is such a thing."""
        if (request.method, request.target) == ("POST", REVIEWS):
            return self._review(caller, request)
        asked = _parse(request.method, request.target.partition("?")[0])
        if not self._rules.allow(caller, asked):
            raise forbidden(str(asked), caller.name)
        if asked.resource == ANYTHING_ELSE:
            raise not_found("the server could not find the requested resource:")
        key = Key(asked.resource, asked.namespace, asked.name)
        if asked.verb == "get":
            return self._store.get(key)
        if asked.verb == "patch" and not asked.subresource:
            return self._store.patch(key, _patch(request))
        raise method_not_allowed()

    def _review(self, caller: Caller, request: Request) -> Object:
        """Everybody may ask about himself."""
        try:
            review: Object = json.loads(request.body)
            wanted = review["spec"]["resourceAttributes"]
        except (ValueError, KeyError, TypeError):
            raise bad_request("the review names no resource") from None
        asked = Asked(*(wanted.get(key, "") for key in ("verb", "group", "resource", "namespace", "name", "subresource")))
        return {**review, "status": {"allowed": self._rules.allow(caller, asked)}}


def _parse(method: str, path: str) -> Asked:
    match = _PATH.fullmatch(path)
    if match is None or (match["resource"] == "secrets") == (match["group"] == "apps"):
        return Asked(_VERBS.get(method, ""), "", ANYTHING_ELSE)
    named = match["name"] or ""
    verb = "list" if method == "GET" and not named else _VERBS.get(method, "")
    return Asked(verb, match["group"] or "", match["resource"], match["namespace"], named, match["subresource"] or "")


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
