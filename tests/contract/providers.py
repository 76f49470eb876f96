"""A provider that behaves as a description says, and the shipped adapter before it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from rotation.core.model import Credential, Password
from rotation.kinds import registry
from rotation.kinds.target import Source
from rotation.ports import Surroundings
from rotation.sources.http_api_key.adapter import HttpApiKeys, make

from local.provider.server import ProviderServer
from local.provider.service import Provider

FOLDER = Path(__file__).parents[2] / "layers/rotation/rotation/sources/http_api_key/descriptions"
SHIPPED = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
SCOPES = {"list": ["read"], "text": "read", "object": {"role": "read"}}
ADMIN = Credential("the-admin", Password("admin-canary-key"), "", None, "")


class Here(NamedTuple):
    """All that a test needs of one."""

    source: HttpApiKeys
    provider: Provider
    server: ProviderServer
    settings: Mapping[str, Any]


def settings_of(said: Mapping[str, Any], host: str = "", ca: str = "system") -> dict[str, Any]:
    """As a target has them, with something for all that the description asks for."""
    values = {name: f"a-{name}" for name in said.get("values", {})}
    scopes = {"scopes": SCOPES[said["scopes"]["is"]]} if "scopes" in said else {}
    described = {**said, "host": host} if host else said
    return {"description": described, "values": values, "ca": ca, "dedicated": False, **scopes}


@contextmanager
def serving(said: Mapping[str, Any], directory: Path, lag_seconds: float = 0) -> Iterator[Here]:
    values = {name: f"a-{name}" for name in said.get("values", {})}
    provider = Provider(said, values, (ADMIN.username, ADMIN.password.reveal()), lag_seconds=lag_seconds)
    with ProviderServer(provider, directory) as server:
        settings = settings_of(said, server.host, server.ca_pem)
        Source("http-api-key", settings).known.check(settings)
        yield Here(make(settings, about(server.host)), provider, server, settings)


def about(*hosts: str) -> Surroundings:
    return Surroundings("shop", "arn", api_hosts=frozenset(hosts))


def can_rotate(said: Mapping[str, Any]) -> bool:
    return {"list", "issue", "try"} <= said.keys() and bool({"delete", "deactivate"} & said.keys())


assert "http-api-key" in registry.SOURCES
