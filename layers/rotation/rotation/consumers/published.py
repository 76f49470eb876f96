"""A secret in Secrets Manager that others read: which login it holds, and how another is put into it.

It keeps its shape and every key that we do not know. What is written is put under a label of its own, read back, and then moved to
AWSCURRENT from exactly the version that it was made from: a call that comes late finds that it has lost.
"""

import json
import uuid
from typing import Any

from rotation.aws.secrets_manager import SecretsManagerStore
from rotation.core.errors import ConsumerDiffers, SecretStoreUnavailable
from rotation.core.model import CURRENT, Credential, Labels, Mark, Password, SecretText

_NAMESPACE = uuid.UUID("0c2f6d0a-97c6-5b0e-8f55-3a0a4e1f0d42")


class PublishedSecret:
    """One secret with a login in its keys `username` and `password`."""

    def __init__(self, arn: str) -> None:
        self._store = SecretsManagerStore(arn)

    @property
    def name(self) -> str:
        return f"secret {self._store.name}"

    def read(self) -> Credential:
        content = self._content(self._store.labels().current)
        return Credential(content["username"], Password(content["password"]), "", None, "")

    def publish(self, credential: Credential, mark: Mark) -> bool:
        labels = self._store.labels()
        content = self._content(labels.current)
        wanted = {"username": credential.username, "password": credential.password.reveal()}
        if wanted.items() <= content.items() and not (mark.closes and not self._put_before(labels, mark)):
            return False
        version = self._version(labels.current, mark)
        self._store.put_once(version, SecretText(json.dumps({**content, **wanted})))
        if not self._store.swap(CURRENT, to=version, removed_from=labels.current):
            raise SecretStoreUnavailable(f"{self.name}: another version became current while this one was written")
        return True

    def _put_before(self, labels: Labels, mark: Mark) -> bool:
        """Whether what is current is what this very publish has put."""
        return labels.previous is not None and labels.current == self._version(labels.previous, mark)

    def _version(self, made_from: str, mark: Mark) -> str:
        return str(uuid.uuid5(_NAMESPACE, f"{self._store.name}|{made_from}|{mark.text}"))

    def _content(self, version: str) -> dict[str, Any]:
        """Never shown: what is wrong is said by the key alone."""
        try:
            content = json.loads(self._store.read(version).reveal())
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise ConsumerDiffers(f"{self.name} is not a JSON object")
        for key in ("username", "password"):
            if not isinstance(content.get(key), str) or not content[key]:
                raise ConsumerDiffers(f"{self.name}: key {key} is missing, empty or no text")
        return content
