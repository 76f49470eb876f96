"""What the tests of several adapters need."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.aws import LocalAws
from local.leftovers import Leftovers
from local.postgresql import PostgreSQL

pytest.register_assert_rewrite("tests.conformance.sources", "tests.conformance.consumers")

from tests.contract.postgresql_database import RealPostgreSQL  # noqa: E402


@pytest.fixture
def adapters_use(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[LocalAws], None]]:
    """The adapters' own clients, configured as in a function, but for the address and the name of who calls."""
    from rotation.aws import client as adapter

    def use(aws: LocalAws) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
        monkeypatch.setenv("AWS_DEFAULT_REGION", aws.region)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
        adapter.client.cache_clear()
        adapter.asked_once.cache_clear()

    yield use
    adapter.client.cache_clear()
    adapter.asked_once.cache_clear()


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """One that runs no function."""
    with LocalAws(runtime_python=Path("no-function-runs-here"), logs=tmp_path_factory.mktemp("logs")) as aws:
        yield aws


@contextmanager
def installed(version: int | None = None) -> Iterator[PostgreSQL]:
    """As an installation leaves it: the application's database with its owner, and an admin."""
    with Leftovers() as run, PostgreSQL(run.directory / "postgresql", run.environment, version=version) as server:
        RealPostgreSQL.prepare(server)
        yield server


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    with installed() as server:
        yield server


@pytest.fixture(scope="module")
def postgresql_16() -> Iterator[PostgreSQL]:
    with installed(16) as server:
        yield server


@pytest.fixture(scope="module")
def postgresql_17() -> Iterator[PostgreSQL]:
    with installed(17) as server:
        yield server


@pytest.fixture
def real(postgresql: PostgreSQL) -> Iterator[RealPostgreSQL]:
    """With its `user`; what a test made is gone after it."""
    here = RealPostgreSQL(postgresql)
    yield here
    here.leave()
