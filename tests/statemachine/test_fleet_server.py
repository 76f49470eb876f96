"""A fleet on one real PostgreSQL server: how many of its rotations are there at once, by the server's own count; and a hundred
targets whose users one admin alters."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, Self

import pytest
from rotation.core.model import Credential, Password
from rotation.sources.postgresql.adapter import PostgreSQL as Source

from local.mysql import Login
from local.postgresql import PostgreSQL
from tests.fleet.simulated import Bench, World
from tests.whole import whole

ADMIN = Login("fleet_admin", secrets.token_urlsafe(24))
SHARED = "arn:aws:secretsmanager:us-east-1:123456789012:secret:shared-admin"
AT_ONCE = 20
"""As FleetAtOnce is, unless somebody says otherwise."""
LIMIT = 3
COUNTED = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'a rotation'"
LOCKED = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    with PostgreSQL(tmp_path_factory.mktemp("server"), settings={"max_connections": "100"}) as server:
        server.create_admin(ADMIN)
        yield server


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Bench(tmp_path_factory.mktemp("fleet")) as bench:
        yield bench


class OnServer(World):
    """From its start to its flip a rotation has a session on the server, and alters a user there as the shipped adapter does."""

    def __init__(self, s3: Any, size: int, server: PostgreSQL, left: ExitStack) -> None:
        super().__init__(s3, size, servers=1, flip_seconds=float("inf"))
        self._server, self._admin = server, left.enter_context(AsAdmin(server))
        self._threads = left.enter_context(ThreadPoolExecutor(AT_ONCE))
        self.counted: list[int] = []
        self.altering: list[int] = []
        self._admin.create(list(self.records))
        self.work: list[Any] = []

    def start(self, name: str, given: Mapping[str, str]) -> None:
        super().start(name, dict(given))
        self.work.append(self._threads.submit(self._rotate, given["target"]))

    def _rotate(self, target: str) -> None:
        with self._server.connect(application_name="a rotation") as session:
            self.counted.append(session.run(COUNTED)[0][0])
            self.altering.append(self._admin.alter(target))
            session.run("SELECT pg_sleep(1.5)")
        self.records[target].flips_at = time.monotonic()


class AsAdmin:
    """Who alters users, under the lock that all who share the admin's secret take."""

    def __init__(self, server: PostgreSQL) -> None:
        self._server, self._source = server, Source(server.ca_pem, secret=SHARED)
        self._users: list[str] = []
        self._left = ExitStack()
        self._own = Credential(ADMIN.username, Password(ADMIN.password), server.host, server.port, "postgres")

    def __enter__(self) -> Self:
        self._watch = self._left.enter_context(self._server.connect())
        return self

    def __exit__(self, *_: object) -> None:
        self._server.execute(*(f'DROP ROLE "{user}"' for user in self._users))
        self._left.close()

    def create(self, users: list[str]) -> None:
        self._users += users
        self._server.execute(*(f'CREATE ROLE "{user}" LOGIN' for user in users), who=ADMIN)

    def alter(self, user: str) -> int:
        """How many held the lock meanwhile, as the server says."""
        with self._source.as_admin(self._own) as session:
            session.set_password(user, Password(secrets.token_urlsafe(24)), retain=False)
            return int(self._watch.run(LOCKED)[0][0])


@pytest.mark.parametrize("size", [9, whole(60)])
def test_a_server_never_has_more_rotations_at_once_than_it_may_by_its_own_count(
    bench: Bench, server: PostgreSQL, size: int
) -> None:
    with ExitStack() as left:
        world = OnServer(bench.s3, size, server, left)
        found = bench.run(f"on-server-{size}", world, per_place=LIMIT)
        for one in world.work:
            one.result()
    assert (found.end, found.begun, len(world.counted)) == ("FleetRotated", size, size)
    assert max(world.counted) == LIMIT, world.counted
    assert set(world.altering) == {1}, "alterations take turns"
    assert world.at_most["db0"] <= LIMIT
    assert len(world.told) == 1, "one summary, however many"


def test_a_hundred_targets_of_one_admin_wait_for_each_others_alterations_and_for_nothing_else(server: PostgreSQL) -> None:
    """As many at once as a fleet has: none is told that the lock is taken, and all need no longer than one after the other."""
    users = [f"shared_{number}" for number in range(100)]
    with AsAdmin(server) as admin, ThreadPoolExecutor(AT_ONCE) as threads:
        admin.create(users)
        began = time.monotonic()
        for user in users[:20]:
            admin.alter(user)
        each = (time.monotonic() - began) / 20
        began = time.monotonic()
        held = list(threads.map(admin.alter, users))
        spent = time.monotonic() - began
    assert set(held) == {1}
    assert spent < 1.5 * each * len(users), f"{spent:.1f} s, and one after the other {each * len(users):.1f} s"
