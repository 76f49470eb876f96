"""Every consumer and every stand-in of one passes the suite of tests/conformance/consumers.py; those of a cluster do in
test_cluster_adapter, on a real one too.

What only a file or a secret can show is in test_sqlconf_file and test_published_secret.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from rotation.consumers.sqlconf.adapter import SqlconfFile
from rotation.ports import CredentialConsumer

from local.aws import LocalAws
from tests.conformance.consumers import (
    CANARY,
    FORTH,
    A,
    B,
    Consumer,
    Fails,
    Keeper,
    KeepsWhatElseIsThere,
    LeavesWhereToTheRecord,
    NeverOverwrites,
    SaysWhere,
)
from tests.contract.published import Application, OfEachUser, OfOneUser
from tests.worlds.invocation import Invocation, Ports
from tests.worlds.living import PHP, LivingWorld
from tests.worlds.world import SECRET, SQLCONF, MemoryWorld

URL = {"URL": "postgresql://{username}:{password|url}@{host}:{port}/{dbname}", "user": "{username}"}


@dataclass
class Place:
    """Of which nothing more is known."""

    consumer: CredentialConsumer
    first, second = A, B


class File(Place):
    """A sqlconf.php."""

    called = "sqlconf.php"
    LOGIN = re.compile(rb"^\$(host|port|login|pass|dbase)\b")

    def __init__(self, folder: Path) -> None:
        self._path = folder / "sqlconf.php"
        self._path.write_bytes(PHP)
        self._path.chmod(0o640)
        super().__init__(SqlconfFile(folder, self._path.name))
        self.consumer.publish(A, FORTH)

    def others(self) -> object:
        lines = [line for line in self._path.read_bytes().splitlines() if not self.LOGIN.match(line)]
        return lines, self._path.stat().st_mode, [one.name for one in self._path.parent.iterdir()]

    def writes(self) -> object:
        return self._path.stat().st_ino, self._path.stat().st_mtime_ns

    def spoil(self) -> None:
        self._path.write_text(f"<?php $pass = '{CANARY}';")

    def remove(self) -> None:
        self._path.unlink()


class TestSqlconf(Consumer, SaysWhere, KeepsWhatElseIsThere, Fails):
    @pytest.fixture
    def here(self, tmp_path: Path) -> File:
        return File(tmp_path)


class InMemory(Consumer, SaysWhere):
    @pytest.fixture(params=[SQLCONF, SECRET], ids=["sqlconf.php", "Secret"])
    def index(self, request: pytest.FixtureRequest) -> int:
        return int(request.param)


class TestSmallWorld(InMemory):
    @pytest.fixture
    def here(self, index: int) -> Place:
        return Place(MemoryWorld().credential(index))


class TestLivingWorld(InMemory):
    @pytest.fixture
    def here(self, index: int) -> Place:
        return Place(Ports(Invocation(LivingWorld(), "publish", {"execution": {"id": "arn"}}, "test")).credential(index, ""))


class InSecretsManager(Consumer, KeepsWhatElseIsThere, Fails, NeverOverwrites):
    @pytest.fixture(autouse=True)
    def _environment(self, aws: LocalAws, adapters_use: Callable[[LocalAws], None]) -> None:
        adapters_use(aws)


class TestApplicationSecret(InSecretsManager, LeavesWhereToTheRecord):
    @pytest.fixture
    def here(self, aws: LocalAws) -> Application:
        return Application(aws)


class TestApplicationSecretWithItsOwnKeys(InSecretsManager, SaysWhere):
    @pytest.fixture
    def here(self, aws: LocalAws) -> Application:
        return Application(aws, URL)


class TestProxySecrets(InSecretsManager, LeavesWhereToTheRecord, Keeper):
    @pytest.fixture
    def here(self, aws: LocalAws) -> OfOneUser:
        return OfOneUser(aws)

    @pytest.fixture
    def keeper(self, aws: LocalAws) -> OfEachUser:
        return OfEachUser(aws)
