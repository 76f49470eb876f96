"""The world of the function that Secrets Manager calls: the target is the one whose traffic that secret moves."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING

from rotation.aws.parameters import load_target_of
from rotation.runtime.wiring import AwsWorld
from rotation.told.notice import Resume

if TYPE_CHECKING:
    from rotation.kinds.target import Target
    from rotation.ports import Ran, RotatedSecret
    from rotation.protocol.secret_call import SecretCall
    from rotation.runtime.settings import Settings


class AwsRotatingWorld(AwsWorld):
    """It starts an execution of the machine, and waits for it."""

    def __init__(self, settings: Settings, call: SecretCall) -> None:
        super().__init__(settings, call.secret)
        self._call = call

    @cached_property
    def target(self) -> Target:
        return load_target_of(self._settings.targets_path, self._call.secret)

    @cached_property
    def rotated(self) -> RotatedSecret:
        return self._rotated(self._call.rotation_token)

    def execution(self, name: str) -> Ran | None:
        from rotation.aws.executions import execution

        return execution(self._settings.machine, name)

    def start(self, name: str, given: dict[str, str]) -> str:
        from rotation.aws.executions import start

        return start(self._settings.machine, Resume(name, given))

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
