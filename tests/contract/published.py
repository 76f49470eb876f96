"""Secrets that an application or its proxy reads, with the person who looks after them: for the suite of consumers."""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from rotation.aws.secrets_manager import SecretsManagerStore
from rotation.consumers.keys import LOGIN, Keys
from rotation.consumers.proxy_secret.adapter import ProxySecrets
from rotation.consumers.published import PublishedSecret
from rotation.core.model import Credential, Mark, Password

from local.aws import LocalAws
from tests.conformance.consumers import CANARY, A, B

A_PERSON = Mark("a person")
OTHERS = {"database_host": "proxy.example", "database_port": 5432, "a key of somebody else": {"nested": [1, None]}}


class Application:
    """The application's own secret, with these keys."""

    first, second, theirs = A, B, replace(A, username="theirs")

    def __init__(self, aws: LocalAws, texts: Mapping[str, str] = LOGIN) -> None:
        self._client = aws.client("secretsmanager")
        self._keys = Keys(texts)
        self.arn: str = self._client.create_secret(Name=f"conforms-{uuid.uuid4()}", SecretString=self._text(A))["ARN"]
        self.called = self.arn
        self.consumer = PublishedSecret(self.arn, keys=self._keys)

    def others(self) -> object:
        return {key: value for key, value in self._content().items() if key not in self._keys.names}

    def writes(self) -> object:
        return sorted(self._client.describe_secret(SecretId=self.arn)["VersionIdsToStages"])

    def spoil(self) -> None:
        self._put(json.dumps({**OTHERS, **{key: [CANARY] for key in self._keys.names}}))

    def remove(self) -> None:
        self._client.delete_secret(SecretId=self.arn, ForceDeleteWithoutRecovery=True)

    @contextmanager
    def meddled(self) -> Iterator[None]:
        swap, left = SecretsManagerStore.swap, [self.theirs]

        def held_up(store: SecretsManagerStore, label: str, **moves: Any) -> bool:
            if left:
                self._put(self._text(left.pop()))
            return swap(store, label, **moves)

        with patch.object(SecretsManagerStore, "swap", held_up):
            yield

    def _text(self, login: Credential) -> str:
        return json.dumps({**OTHERS, **{key: text.reveal() for key, text in self._keys.render(login).items()}})

    def _content(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._client.get_secret_value(SecretId=self.arn)["SecretString"])
        return found

    def _put(self, text: str) -> None:
        self._client.put_secret_value(SecretId=self.arn, SecretString=text)


class OfOneUser(Application):
    """A proxy's secret: another password of the same user."""

    second, theirs = replace(A, password=Password("canary-second")), replace(A, password=Password("canary-theirs"))


class OfEachUser:
    """All of one proxy's."""

    users = (A, B)

    def __init__(self, aws: LocalAws) -> None:
        self._aws = aws
        self._secrets: list[tuple[str, Application]] = []
        for user in self.users:
            self.give(user.username)
            self._secrets[-1][1].consumer.publish(user, A_PERSON)

    def of(self, username: str) -> PublishedSecret:
        return ProxySecrets([secret.arn for _, secret in self._secrets]).of(username)

    def give(self, username: str) -> None:
        secret = Application(self._aws)
        secret.consumer.publish(replace(A, username=username), A_PERSON)
        self._secrets.append((username, secret))

    def take(self, username: str) -> None:
        self._secrets = [one for one in self._secrets if one[0] != username]
