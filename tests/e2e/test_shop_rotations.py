"""Rotations in a row of applications that read their login from a secret, under load, half of it over connections that are kept:
no request fails, and what is retired is refused, through the proxy too. ROTATIONS=10 for more; `make soak APP=proxy` prints it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from local import canary
from local.load import Load
from local.options import SoakOptions
from local.proxy.server import Pooled
from local.redis_server import RedisServer
from local.shop.databases import MYSQL, POSTGRESQL, REDIS, SIGNING
from local.shop.one_user import OneUser, OnRedis
from local.shop.proxied import Shop
from local.shop.signer import Signer, SignerInVault
from local.shop.soak import in_a_row, missed, summary
from local.shop.stack import SHOWN, Pace, Reader
from tests.e2e.last_looks import check
from tests.e2e.rotations import MEASURED
from tests.e2e.shared import RATE
from tests.e2e.shop import ShopTurns
from tests.whole import MORE, WHOLE

ROTATIONS = int(os.environ.get("ROTATIONS", "0"))
PACE = Pace(quiet_seconds=1, cache_seconds=1, lifetime_seconds=1.5, proxy_seconds=0.7)
IN_A_ROW = 2 if WHOLE else 1
KINDS: dict[str, tuple[Callable[[], Reader], int]] = {
    "ring of 2": (lambda: Shop(2, PACE), 0),
    "ring of 3": (lambda: Shop(3, PACE), IN_A_ROW if MORE else 0),
    "one user": (lambda: OneUser(PACE), IN_A_ROW),
    "one user of Redis": (lambda: OnRedis(PACE), IN_A_ROW),
    "signing keys": (lambda: Signer(PACE), IN_A_ROW),
    "symmetric signing keys in a Vault": (lambda: SignerInVault(PACE), IN_A_ROW if MORE else 0),
}
"""With how many rotations by themselves. Rings are in test_shop_blows.py and test_secrets_manager.py, too; CI has one of three."""

PLACES = {
    POSTGRESQL: ("file postgresql/server.log", "pg_stat_statements"),
    MYSQL: ("file mysql/data/general.log",),
    REDIS: ("slow log of redis",),
}
"""Where a database writes what it is asked."""


@pytest.fixture(scope="module", params=KINDS)
def stack(request: pytest.FixtureRequest) -> Iterator[Reader]:
    if not (ROTATIONS or KINDS[request.param][1]):
        pytest.skip("only with ROTATIONS=n, or MORE=1")
    with KINDS[request.param][0]() as stack:
        yield stack
        check(stack)


def test_in_a_row(stack: Reader, request: pytest.FixtureRequest) -> None:
    kind = request.node.callspec.params["stack"]
    options = SoakOptions(rotations=ROTATIONS or KINDS[kind][1], logins=0, rate=RATE)
    with Load(stack.page, options.rate, marker=SHOWN) as load:
        row = in_a_row(stack, load, options)
        requests = load.stop()
        ShopTurns(stack, load).assert_at_rest()
    request.config.stash.setdefault(MEASURED, []).append(f"{kind}: {summary(requests, row)}")
    assert [*row.problems, *missed(options, requests, row)] == []
    assert row.refused == (2 if stack.admin_secret else 1) * options.rotations


def test_a_password_in_a_statement_would_be_found(stack: Reader) -> None:
    """As it is not, after all that was done here: this is what the search at the end would say."""
    if stack.kind == SIGNING:
        pytest.skip("there is no database that would write down a statement")
    assert canary.search(stack) == []
    with planted(stack):
        found = {(finding.place, finding.encoding) for finding in canary.search(stack)}
    assert {(place, "raw") for place in PLACES[stack.kind]} <= found
    assert canary.search(stack) == []


@contextmanager
def planted(stack: Reader) -> Iterator[None]:
    """An operator's statement with a password in it, that of the user in use; afterwards forgotten."""
    login, server = stack.used, stack.server
    if isinstance(server, Pooled):
        server.execute(f"ALTER ROLE {login.username} PASSWORD '{login.password}'")
    elif isinstance(server, RedisServer):
        server.execute("ECHO", login.password)
    else:
        server.connect().query(f"SELECT '{login.password}'")
    yield
    if isinstance(server, RedisServer):
        server.execute("SLOWLOG", "RESET")
        return
    if isinstance(server, Pooled):
        server.execute("SELECT pg_stat_statements_reset()")
    (server.log if isinstance(server, Pooled) else server.general_log).write_bytes(b"")
