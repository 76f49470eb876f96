"""Many threads, one reader: each gets a connection, and the server is not asked more often than needed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from credential_reader import Login, NoneLogsIn, Reader
from reader.tests.database import Database

THREADS = 8
OLD, NEW = ("shop", "old"), ("shop", "new")
WITHIN = 30.0


class Together(Database):
    """Whoever comes with `held` waits until all threads have."""

    def __init__(self, held: str, *accepted: tuple[str, str]) -> None:
        super().__init__(*accepted)
        self._held = held
        self._barrier = threading.Barrier(THREADS)

    def log_in(self, login: Login) -> str:
        if login.password == self._held:
            self._barrier.wait(WITHIN)
        return super().log_in(login)


def at_once(reader: Reader, database: Database) -> list[str]:
    """What each thread got: a connection, or the name of an error."""

    def one(_: int) -> str:
        try:
            return reader.connect(database.log_in)
        except Exception as error:  # noqa: BLE001 - it is what is asked for
            return type(error).__name__

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(THREADS)))


def test_all_are_refused_at_once_and_one_of_them_seeks(reader: Reader, mount: Callable[..., None]) -> None:
    mount(postgres_password_v1="old", postgres_password_v2="new", postgres_password_v3="not yet")
    reader.connect(Database(OLD).log_in)
    database = Together("old", NEW)
    assert at_once(reader, database) == ["shop by new"] * THREADS
    assert Counter(database.asked) == {"old": THREADS, "not yet": 1, "new": THREADS}


def test_the_first_connections_of_a_pool_seek_once(reader: Reader, mount: Callable[..., None]) -> None:
    mount(postgres_password_v1="old", postgres_password_v2="new")
    database = Database(OLD)
    assert at_once(reader, database) == ["shop by old"] * THREADS
    assert Counter(database.asked) == {"new": 1, "old": THREADS}


def test_where_none_logs_in_the_others_do_not_try_them_all_again(reader: Reader, mount: Callable[..., None]) -> None:
    mount(postgres_password_v1="old", postgres_password_v2="new")
    reader.connect(Database(OLD).log_in)
    database = Together("old")
    assert at_once(reader, database) == [NoneLogsIn.__name__] * THREADS
    assert Counter(database.asked) == {"old": THREADS, "new": 1}


class Turn:
    """The lock, and who has come to it."""

    def __init__(self) -> None:
        self._lock, self._counting = threading.Lock(), threading.Lock()
        self._came = 0
        self.all_came = threading.Event()

    def __enter__(self) -> None:
        with self._counting:
            self._came += 1
            if self._came == THREADS:
                self.all_came.set()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_with_the_network_away_nobody_waits_for_all_others(
    reader: Reader, mount: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first time-out the others have theirs at the same time: all of them meet in the driver."""
    mount(postgres_password="old")
    turn, others, first = Turn(), threading.Barrier(THREADS - 1), threading.Lock()
    monkeypatch.setattr(reader, "_turn", turn)

    class Away(Database):
        def log_in(self, login: Login) -> str:
            if first.acquire(blocking=False):
                turn.all_came.wait(WITHIN)
            else:
                others.wait(WITHIN)
            raise TimeoutError

    assert at_once(reader, Away()) == ["TimeoutError"] * THREADS
