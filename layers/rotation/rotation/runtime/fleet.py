"""The world of a fleet's functions on AWS."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rotation.core.seen import Ran
    from rotation.ports import DatedStore

T = TypeVar("T")
U = TypeVar("U")

AT_ONCE = 10
"""Calls side by side: as many connections as botocore keeps."""


@dataclass(frozen=True)
class FleetSettings:
    """What the functions of a fleet's machine need. Only some tell people."""

    targets_path: str
    holds_path: str
    machine: str
    """ARN of the state machine that rotates one target."""
    bucket: str
    topic: str
    stack: str

    @classmethod
    def from_environment(cls) -> FleetSettings:
        """All set by template.yaml."""
        names = ("TARGETS_PATH", "HOLDS_PATH", "MACHINE_ARN", "FLEET_BUCKET", "TOPIC_ARN", "STACK_NAME")
        missing = [name for name in names if name not in os.environ]
        if missing:
            raise LookupError(f"{', '.join(missing)} not set: was the function deployed by template.yaml?")
        return cls(*(os.environ[name] for name in names))


class AwsFleet:
    """Each adapter is imported when first used: a function pays only for what it touches."""

    def __init__(self, settings: FleetSettings) -> None:
        self._settings = settings

    @property
    def now(self) -> Callable[[], float]:
        return time.time

    def documents(self) -> Iterator[tuple[str, str]]:
        from rotation.aws.parameters import each_document

        return each_document(self._settings.targets_path)

    def holds(self) -> Mapping[str, str]:
        from rotation.aws.parameters import documents

        return documents(self._settings.holds_path)

    def record(self, secret: str) -> DatedStore:
        from rotation.aws.secrets_manager import SecretsManagerStore

        return SecretsManagerStore(secret)

    def each(self, do: Callable[[T], U], items: Sequence[T]) -> list[U]:
        first = [do(one) for one in items[:1]]  # makes the clients that all use: ten threads would make ten of each
        with ThreadPoolExecutor(AT_ONCE) as threads:
            return [*first, *threads.map(do, items[1:])]

    def execution(self, name: str) -> Ran | None:
        from rotation.aws.executions import execution

        return execution(self._settings.machine, name)

    def execution_arn(self, name: str) -> str:
        from rotation.aws.executions import arn_of

        return arn_of(self._settings.machine, name)

    def execution_is_alive(self, arn: str, age_seconds: float) -> bool:
        from rotation.aws.executions import execution_is_alive

        return execution_is_alive(arn, age_seconds)

    def start(self, name: str, given: dict[str, str]) -> None:
        from rotation.aws.executions import start_surely

        start_surely(self._settings.machine, name, given)

    def write(self, key: str, document: Any) -> None:
        from rotation.aws.bucket import write

        write(self._settings.bucket, key, document)

    def read(self, key: str) -> Any:
        from rotation.aws.bucket import read

        return read(self._settings.bucket, key)

    def keys(self, folder: str) -> list[str]:
        from rotation.aws.bucket import keys

        return keys(self._settings.bucket, folder)

    def tell(self, subject: str, text: str) -> None:
        from rotation.aws.notices import publish

        publish(self._settings.topic, f"{self._settings.stack}: {subject}", text)
