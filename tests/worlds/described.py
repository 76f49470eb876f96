"""The shipped adapter of `http-api-key` before the provider of the small world: each request that it makes is a boundary."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from rotation.core.model import Credential, Password
from rotation.core.seen import Key
from rotation.sources.http_api_key.adapter import HttpApiKeys
from rotation.sources.http_api_key.answers import Answer
from rotation.sources.http_api_key.asking import Request

from tests.worlds.invocation import Invocation, Port
from tests.worlds.keyed import KeyedPorts, KeyedWorld, Provider, Shipped, Terms
from tests.worlds.world import TARGET

HOST = "api.example"
NOW = 2_000_000_000.0
"""What the adapter takes for now: the provider tells moments from here."""
ADMIN = Credential("owner", Password("canary-of-the-owner-4c1eO"), "", None, "")
SAID: dict[str, Any] = {
    "provider": "Example",
    "docs": "https://example.com/keys",
    "host": HOST,
    "dates": "seconds",
    "headers": {"Authorization": "Bearer {admin}"},
    "list": {"path": "/keys", "keys": "/keys", "id": "/id", "name": "/name", "created": "/made", "used": "/used"},
    "issue": {"path": "/keys", "body": {"name": "{name}"}, "id": "/id", "secret": "/secret"},
    "delete": {"path": "/keys/{id}"},
    "try": {
        "path": "/me",
        "basic": {"user": "{id}", "password": "{secret}"},
        "accepted": {"200": {"at": "/id"}},
        "refused": {"401": {"at": "/error"}},
    },
    "cannot": {"deactivate": "it only deletes"},
}
SETTINGS = {"description": SAID, "values": {}, "dedicated": False}
NO: dict[str, Any] = {"error": "no"}


class Wire:
    """To the provider; what a request is about is read from it, but for the key that is tried."""

    host = HOST

    def __init__(self, it: Invocation, provider: Provider) -> None:
        self._it, self._provider = it, provider
        self.tried: Credential | None = None

    def ask(self, request: Request) -> Answer:
        answer: Answer = {"list": self._list, "issue": self._issue, "delete": self._delete, "try": self._try}[request.what](request)
        return answer

    def _list(self, _: Request) -> Answer:
        keys: Sequence[Key] = self._it.call(Port.PROVIDER, "list keys", lambda: self._provider.keys(None))
        return Answer(200, {"keys": [self._shown(key) for key in keys]})

    @staticmethod
    def _shown(key: Key) -> dict[str, Any]:
        made, used = (None if ago is None else NOW - ago for ago in (key.age_seconds, key.used_seconds_ago))
        return {"id": key.id, "name": key.name, "made": made, "used": used}

    def _issue(self, request: Request) -> Answer:
        (name,) = re.findall(r'"name": "([^"]+)"', (request.body or b"").decode())
        made: Credential = self._it.call(Port.PROVIDER, "issue", lambda: self._provider.add(self._it.world.next_password(), name))
        self._it.seen.issued.add(made.username)
        return Answer(201, {"id": made.username, "secret": made.password.reveal()})

    def _delete(self, request: Request) -> Answer:
        key = request.target.rpartition("/")[2]

        def act() -> bool:
            there = any(one.id == key for one in self._provider.kept.there)
            self._provider.delete(None, key)
            return there

        return Answer(204, {}) if self._it.call(Port.PROVIDER, f"delete {key}", act) else Answer(404, NO)

    def _try(self, _: Request) -> Answer:
        key = self.tried
        assert key is not None
        works = self._it.call(Port.PROVIDER, f"login {key.username}", lambda: self._provider.logs_in(key))
        if works:
            self._it.seen.proven.add(key)
        return Answer(200, {"id": key.username}) if works else Answer(401, NO)


class Described(Shipped):
    """The wire knows which key is tried."""

    def __init__(self, it: Invocation, provider: Provider) -> None:
        self._wire, self._admin = Wire(it, provider), ADMIN
        self._keys = HttpApiKeys(SETTINGS, self._wire, TARGET, now=lambda: NOW)
        self.limit, self.named, self.dedicated = self._keys.limit, self._keys.named, self._keys.dedicated

    def logs_in(self, credential: Credential) -> bool:
        self._wire.tried = credential
        return self._keys.logs_in(credential)

    def refuses(self, credential: Credential) -> bool:
        self._wire.tried = credential
        return self._keys.refuses(credential)


class DescribedPorts(KeyedPorts):
    def __init__(self, invocation: Invocation) -> None:
        super().__init__(invocation)
        self.source = Described(invocation, self._living.source)


class DescribedWorld(KeyedWorld):
    """Besides ours a person's key."""

    def __init__(self, lags: float = 0.0) -> None:
        super().__init__(Terms(limit=None, named=True, dedicated=False, lags=lags, deactivates=False), persons=True)
        self.ports = DescribedPorts
