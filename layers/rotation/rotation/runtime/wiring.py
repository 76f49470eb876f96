"""The one place where adapters are chosen. Each is imported when first used: a function pays only for what it touches."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rotation.aws.parameters import load_target
from rotation.aws.secrets_manager import SecretsManagerStore
from rotation.core.errors import PermanentError, TargetInvalid
from rotation.kinds import registry
from rotation.kinds.kind import Holds
from rotation.protocol.remembering import Remembering

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rotation.kinds.kind import Settings as Of
    from rotation.kinds.target import Consumer, Target
    from rotation.ports import (
        ClusterObject,
        Copies,
        CredentialConsumer,
        Endpoint,
        Fleet,
        Health,
        KeyProvider,
        Looking,
        ProtectedFile,
        RotatedSecret,
        SecretStore,
        Service,
        Shelf,
        Source,
        Spreading,
        Surroundings,
        Workload,
    )
    from rotation.runtime.settings import Settings

_PUT, _MOVE = "PutSecretValue", "UpdateSecretVersionStage"
ADMIN, DAY = "admin", 86_400
WRITES: dict[str, dict[str, tuple[str, ...]]] = {
    "claim_rotation": {"slot": (_PUT, _MOVE), ADMIN: (_PUT, _MOVE)},
    "close_flip": {"slot": (_PUT, _MOVE)},
    "discard_old_password": {"slot": (_MOVE,)},
    "flip_slot": {"slot": (_MOVE,)},
    "release_rotation": {"slot": (_MOVE,)},
    "rotate_admin": {ADMIN: (_PUT, _MOVE)},
    "rotate_old_slot": {"slot": (_PUT, _MOVE)},
}
"""Which function writes which secret, and how: what IAM is asked in mode verify."""
ISSUES = {"sync_users": {"slot": (_PUT, _MOVE)}}
"""Besides, where keys are issued: they are stored where they are made."""


class AwsWorld:
    """The world of one target on AWS."""

    def __init__(self, settings: Settings, target: str) -> None:
        self._settings = settings
        self._name = target

    @cached_property
    def target(self) -> Target:
        target = load_target(self._settings.targets_path, self._name)
        for place, consumer in enumerate(target.consumers):
            self._is_deployed(f"{self._name}: consumers[{place}]", consumer)
        return target

    def _is_deployed(self, where: str, consumer: Consumer) -> None:
        """The template leaves out what its parameters do not ask for."""
        state, known = consumer.known.state, self._settings.states
        if known is not None and state not in known:
            raise TargetInvalid(
                f"{where}: this stack has no function {state}, which a {consumer.kind} needs: deploy it with the parameters of"
                f" such an application, or add the target to a stack that has them"
            )

    @cached_property
    def slots(self) -> SecretStore:
        return Remembering(SecretsManagerStore(self.target.slot_secret))

    @cached_property
    def admin(self) -> SecretStore:
        return Remembering(SecretsManagerStore(self.target.admin_secret))

    @cached_property
    def source(self) -> Source:
        return self._source(self.target.source.settings)

    @property
    def provider(self) -> KeyProvider:
        made: Any = self.source
        provider: KeyProvider = made
        return provider

    def _source(self, settings: Of) -> Source:
        made: Source = registry.adapter(registry.SOURCES[self.target.source.kind]).make(settings, self._here)
        return made

    @cached_property
    def health(self) -> Health | None:
        from rotation.checks.page import HealthPage

        return HealthPage(self.target.health) if self.target.health else None

    @cached_property
    def endpoint(self) -> Endpoint | None:
        settings = self.target.endpoint
        if settings is None:
            return None
        from rotation.checks.login import ThroughEndpoint, authority

        made: Source = self._source({**self.target.source.settings, "ca": authority(settings.ca)})
        return ThroughEndpoint(made, settings)

    @cached_property
    def rotated(self) -> RotatedSecret | None:
        return None if self.target.rotated_secret is None else self._rotated("")

    def _rotated(self, rotation_token: str) -> RotatedSecret:
        moved_by = self.target.moved_by
        made: RotatedSecret = registry.adapter(registry.CONSUMERS[moved_by.kind]).rotated(moved_by.settings, rotation_token)
        return made

    @property
    def now(self) -> Callable[[], float]:
        return time.time

    def credentials(self) -> list[CredentialConsumer]:
        return [self._made(consumer) for consumer in self.target.holding]

    def credential(self, index: int, username: str) -> CredentialConsumer:
        return self._held(self.target.consumers[index], username)

    def copies(self, index: int) -> Copies:
        made: Copies = self._made(self.target.consumers[index])
        return made

    def looking(self) -> list[Looking]:
        return [self._made(consumer) for consumer in self.target.consumers if consumer.known.looks]

    def spreading(self) -> dict[int, Spreading]:
        return {place: self._made(consumer) for place, consumer in enumerate(self.target.consumers) if consumer.known.spreads}

    def keepers(self, username: str) -> list[CredentialConsumer]:
        return [self._held(consumer, username) for consumer in self.target.consumers if consumer.known.holds is Holds.EVERY]

    def check_keepers(self, usernames: Sequence[str]) -> None:
        for place, consumer in enumerate(self.target.consumers):
            if consumer.known.holds is Holds.EVERY:
                try:
                    self._made(consumer).check(usernames)
                except PermanentError as error:
                    raise type(error)(f"consumers[{place}]: {error}") from None

    def files(self) -> list[ProtectedFile]:
        return [self._made(consumer) for consumer in self.target.consumers if consumer.known.is_file]

    def traffic(self) -> CredentialConsumer:
        made: CredentialConsumer = self._made(self.target.holding[0])
        return made

    def workloads(self) -> list[Workload]:
        return [self._made(consumer) for consumer in self.target.consumers if consumer.known.holds is Holds.NOTHING]

    def workload(self, index: int) -> Workload:
        made: Workload = self._made(self.target.consumers[index])
        return made

    def fleet(self, index: int) -> Fleet:
        made: Fleet = self._made(self.target.consumers[index])
        return made

    def fleets(self) -> list[Fleet]:
        return [self._made(consumer) for consumer in self.target.consumers if consumer.known.holds is Holds.VERSION]

    def shelf(self, index: int) -> Shelf:
        made: Shelf = self._made(self.target.consumers[index])
        return made

    def service(self, index: int) -> Service:
        made: Service = self._made(self.target.consumers[index])
        return made

    def services(self) -> list[Service]:
        return [self._made(consumer) for consumer in self.target.consumers if consumer.known.holds is Holds.PHASES]

    def cluster_objects(self, kind: str) -> list[ClusterObject]:
        return [self._made(consumer) for consumer in self.target.consumers if consumer.kind == kind]

    def execution_is_alive(self, arn: str, age_seconds: float) -> bool:
        from rotation.aws.executions import execution_is_alive

        return execution_is_alive(arn, age_seconds)

    def denied_by_iam(self) -> list[str] | None:
        from rotation.aws.iam import denied

        secrets = {"slot": self.target.slot_secret, "admin": self.target.admin_secret}
        found: list[str] = []
        writes = WRITES | (ISSUES if self.target.source.known.issues_keys else {})
        for function, role in self._settings.roles.items():
            for secret, actions in writes.get(function, {}).items():
                if secret == ADMIN and not self.target.rotates_admin:
                    continue
                answer = denied(role, [f"secretsmanager:{action}" for action in actions], secrets[secret])
                if answer is None:
                    return None
                found += [f"{function} {action} of the {secret} secret" for action in answer]
        return found

    def announce(self, subject: str, text: str) -> None:
        from rotation.aws.notices import publish

        if self._settings.topic is None:
            raise LookupError("TOPIC_ARN is not set: this function tells nobody")
        publish(self._settings.topic, subject, text)

    @cached_property
    def _here(self) -> Surroundings:
        from rotation.ports import Surroundings

        target = self.target
        secret = target.rotated_secret or ""
        settings = self._settings
        return Surroundings(
            target.name,
            target.admin_secret,
            settings.sites_root,
            target.quiet_seconds,
            secret,
            settings.api_hosts,
            settings.pki_hosts,
            settings.jwks_hosts,
            settings.acme_hosts,
            target.rotation_class.period_days * DAY + target.overlap_seconds,
        )

    def _held(self, consumer: Consumer, username: str) -> CredentialConsumer:
        made = self._made(consumer)
        held: CredentialConsumer = made.of(username) if consumer.known.holds is Holds.EVERY else made
        return held

    def _made(self, consumer: Consumer) -> Any:
        try:
            adapter = registry.adapter(registry.CONSUMERS[consumer.kind])
        except ModuleNotFoundError as error:
            raise TargetInvalid(f"{self._name}: this function has no {error.name}, which a {consumer.kind} needs") from None
        return adapter.make(consumer.settings, self._here)
