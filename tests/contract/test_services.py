"""A service of the platform, against a provider: its page is served with the key that it has read, and with no other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from local.cluster.http import Answer, Request
from local.load import USER_HEADER
from local.login import Login
from local.provider.documents import DESCRIPTIONS, at
from local.provider.server import HOST, ProviderServer
from local.provider.service import Provider
from local.services.calls import API_KEY, Api, Refused
from local.services.names import Names
from local.services.service import Service
from local.shop.application import Application
from local.shop.connections import Connections, Known
from local.shop.databases import Place
from local.shop.stack import SHOWN

LIFETIME_SECONDS = 60.0


@pytest.fixture(params=["sendgrid", "openai"])
def provider(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Provider, Api]]:
    said = json.loads((DESCRIPTIONS / f"{request.param}.json").read_text())
    provider = Provider(said, {"project": "proj_1"} if request.param == "openai" else {}, ("owner", "admin's key"))
    with ProviderServer(provider, tmp_path) as server:
        provider.said = at(said, server.host)
        with closing(Api(Place(API_KEY, HOST, server.port, json.dumps(provider.said["try"]), server.ca_pem))) as api:
            yield provider, api


def made(provider: Provider) -> Login:
    key = provider.make()
    return Login(key.id, key.secret)


def asked(service: Service, path: str) -> Answer:
    return asyncio.run(service.answer(Request("GET", path, {}, b"")))


def test_a_key_is_taken_until_it_is_deleted(provider: tuple[Provider, Api]) -> None:
    there, api = provider
    key = made(there)
    opened = api(key)
    assert opened.name() == SHOWN
    del there.keys[key.username]
    with pytest.raises(Refused):
        opened.name()


def test_a_page_says_which_key_it_was_served_with(provider: tuple[Provider, Api]) -> None:
    there, api = provider
    first, second = made(there), made(there)
    known = [first]
    connections = Connections(api, Known(lambda: known[-1], 0), 0, Names().of)
    service = Service({"/api-key": Application(connections)})
    assert asked(service, "/api-key").headers[USER_HEADER] == first.username
    known.append(second)
    answer = asked(service, "/api-key")
    assert (answer.status, answer.headers[USER_HEADER], SHOWN in answer.body.decode()) == (200, second.username, True)
    assert asked(service, "/another").status == 404


def test_a_page_whose_key_is_deleted_is_not_served_also_not_over_what_was_kept(provider: tuple[Provider, Api]) -> None:
    there, api = provider
    key = made(there)
    service = Service({"/": Application(Connections(api, Known(lambda: key, 0), LIFETIME_SECONDS))})
    assert [asked(service, "/").status for _ in range(2)] == [200, 200]
    del there.keys[key.username]
    assert [asked(service, "/").status for _ in range(8)] == [500] * 8
