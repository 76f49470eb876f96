"""The world of the function that tells people of an end: EventBridge calls it, no execution does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rotation.aws.parameters import load_target
from rotation.aws.secrets_manager import SecretsManagerStore
from rotation.core.errors import SecretInvalid, TargetInvalid, TargetNotFound

if TYPE_CHECKING:
    from rotation.runtime.settings import DeskSettings
    from rotation.told.notice import Notice, Resume
    from rotation.told.outcome import Outcome


class AwsDesk:
    """What the function that tells people of an end touches."""

    def __init__(self, settings: DeskSettings) -> None:
        self._settings = settings

    def outcome(self, arn: str) -> Outcome:
        from rotation.aws.executions import outcome_of

        return outcome_of(arn, self._settings.default_target)

    def holds_intent(self, target: str) -> bool:
        try:
            secret = load_target(self._settings.targets_path, target).slot_secret
            return SecretsManagerStore(secret).labels().pending is not None
        except (TargetNotFound, TargetInvalid, SecretInvalid):
            return False

    def start(self, machine_arn: str, resume: Resume) -> str:
        from rotation.aws.executions import start

        return start(machine_arn, resume)

    def has_started(self, machine_arn: str, resume: Resume) -> bool:
        from rotation.aws.executions import has_started

        return has_started(machine_arn, resume)

    def comes_to_its_end(self, execution: str) -> bool:
        from rotation.aws.executions import comes_to_its_end

        return comes_to_its_end(execution)

    def tell(self, notice: Notice) -> None:
        from rotation.aws.notices import publish

        publish(self._settings.topic, notice.subject, notice.text)
