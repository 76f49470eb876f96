"""A secret in Secrets Manager that others read: which login its keys hold, and how another is put into them.

It keeps its shape and every key that we do not know. What is written is put under a label of its own, read back, and then moved to
AWSCURRENT from exactly the version that it was made from: a call that comes late finds that it has lost.
"""

import json
import uuid
from typing import Any

from rotation.aws.secrets_manager import SecretsManagerStore
from rotation.consumers.keys import LOGIN, Keys
from rotation.consumers.schedule import apart
from rotation.core.errors import ConsumerDiffers, SecretStoreUnavailable, SecretVersionMissing
from rotation.core.model import CURRENT, PENDING, Credential, Labels, Mark, SecretText

_NAMESPACE = uuid.UUID("0c2f6d0a-97c6-5b0e-8f55-3a0a4e1f0d42")


class PublishedSecret:
    """One secret, a JSON object with a login in some of its keys."""

    def __init__(self, arn: str, rotation_token: str = "", keys: Keys | None = None) -> None:
        """`rotation_token`: what Secrets Manager gave to the function that it asks to rotate this secret."""
        self._store = SecretsManagerStore(arn, rotation_token)
        self._keys = keys or Keys(LOGIN)

    @property
    def name(self) -> str:
        return f"secret {self._store.name}"

    def read(self) -> Credential:
        return self._credential(self._content(self._store.labels().current))

    def publish(self, credential: Credential, mark: Mark) -> bool:
        made_from, version = self._made(credential, mark)
        if version == made_from:
            return False
        if not self._store.swap(CURRENT, to=version, removed_from=made_from):
            raise SecretStoreUnavailable(f"{self.name}: another version became current while this one was written")
        return True

    def put(self, credential: Credential, mark: Mark) -> str:
        return self._made(credential, mark)[1]

    def _made(self, credential: Credential, mark: Mark) -> tuple[str, str]:
        """What is current, and what is to be: the same where the login is in it already, and nothing has to be closed."""
        labels = self._store.labels()
        content = self._content(labels.current)
        wanted = self._login(credential)
        if wanted.items() <= content.items() and not (mark.closes and not self._put_before(labels, mark)):
            return labels.current, labels.current
        return labels.current, self._staged(labels, {**content, **wanted}, mark)

    def told(self) -> Credential | None:
        found = self._store.staged()
        if found is None or CURRENT in found.labels:
            return None
        return self._credential(self._object(found.text))

    def _staged(self, labels: Labels, content: dict[str, Any], mark: Mark) -> str:
        version = self._version(labels.current, mark)
        self._store.put_once(version, SecretText(json.dumps(content)))
        return version

    def _put_before(self, labels: Labels, mark: Mark) -> bool:
        """Whether what is current is what this very publish has put."""
        return labels.previous is not None and labels.current == self._version(labels.previous, mark)

    def _version(self, made_from: str, mark: Mark) -> str:
        return str(uuid.uuid5(_NAMESPACE, f"{self._store.name}|{made_from}|{mark.text}"))

    def _content(self, version: str) -> dict[str, Any]:
        return self._object(self._store.read(version))

    def _object(self, text: SecretText) -> dict[str, Any]:
        """Never shown: what is wrong is said by the key alone."""
        try:
            content = json.loads(text.reveal())
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise ConsumerDiffers(f"{self.name} is not a JSON object")
        self._keys.check(self.name, content)
        return content

    def _login(self, credential: Credential) -> dict[str, str]:
        return {key: text.reveal() for key, text in self._keys.render(credential).items()}

    def _credential(self, content: dict[str, Any]) -> Credential:
        return self._keys.held(self.name, content)


class RotatedSecret(PublishedSecret):
    """The same while Secrets Manager rotates it: a version of its own naming is to hold what comes next."""

    def labels(self) -> Labels:
        return self._store.labels()

    def login(self, version: str) -> Credential | None:
        try:
            return self._credential(self._content(version))
        except SecretVersionMissing:
            return None

    def put_pending(self, version: str, credential: Credential) -> None:
        content = {**self._content(self._store.labels().current), **self._login(credential)}
        self._store.put_once(version, SecretText(json.dumps(content)), PENDING)

    def holds(self, version: str, credential: Credential) -> bool:
        wanted = {**self._content(self._store.labels().current), **self._login(credential)}
        return self.login(version) is not None and self._content(version) == wanted

    def make_current(self, version: str, removed_from: str) -> bool:
        return self._store.swap(CURRENT, to=version, removed_from=removed_from)

    def says(self, key: str) -> str | None:
        found = None if key in self._keys.names else self._content(self._store.labels().current).get(key)
        return found if isinstance(found, str) else None

    def rotates_every(self) -> float | None:
        return apart(self._store.rotation_rules())

    def let_go(self, version: str) -> bool:
        return self._store.swap(PENDING, to=None, removed_from=version)
