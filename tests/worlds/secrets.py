"""A secret in memory: the port that steps are written against, over AWS's own rules for versions and labels."""

from collections.abc import Callable

from rotation.core.errors import SecretStoreUnavailable, SecretVersionMissing
from rotation.core.model import CURRENT, LAST, PENDING, STAGING, Labels, SecretText, Version

from local import secret_labels as aws


class InMemorySecret:
    """One secret. `put` is a person at the console; the rest is SecretStore."""

    def __init__(self, name: str, first: SecretText, *, version: str = "v0", now: Callable[[], float] = lambda: 0.0) -> None:
        self._name = name
        self._now = now
        self._put_at: dict[str, float] = {}
        self.versions: aws.Versions = {}
        self.put(version, first)

    def put(self, version: str, text: SecretText, labels: list[str] | None = None) -> None:
        """PutSecretValue, which without labels moves AWSCURRENT whatever anybody else is doing."""
        aws.put(self.versions, version, {"secret_string": text.reveal()}, labels)
        self._put_at.setdefault(version, self._now())

    def put_once(self, version: str, text: SecretText) -> SecretText:
        if version not in self.versions:
            self.put(version, text, [STAGING])
        return self.read(version)

    @property
    def name(self) -> str:
        return self._name

    def labels(self) -> Labels:
        current = aws.holder_of(self.versions, CURRENT)
        if current is None:
            raise SecretStoreUnavailable(f"no version of {self._name} carries {CURRENT}")
        return Labels(current, aws.holder_of(self.versions, PENDING), aws.holder_of(self.versions, LAST))

    def current(self) -> Version:
        found = self._labelled(CURRENT)
        if found is None:
            raise SecretStoreUnavailable(f"no version of {self._name} carries {CURRENT}")
        return found

    def pending(self) -> Version | None:
        return self._labelled(PENDING)

    def _labelled(self, label: str) -> Version | None:
        holder = aws.holder_of(self.versions, label)
        if holder is None or not aws.is_filled(self.versions, holder):
            return None
        return Version(holder, self.read(holder), frozenset(self.versions[holder]["version_stages"]))

    def read(self, version: str) -> SecretText:
        try:
            return SecretText(aws.find(self.versions, version, None)["secret_string"])
        except aws.Refusal:
            raise SecretVersionMissing(f"{self._name}: version {version} is not there") from None

    def age_seconds(self, version: str) -> float:
        self.read(version)
        return self._now() - self._put_at[version]

    def swap(self, label: str, *, to: str | None, removed_from: str | None) -> bool:
        """Settled as the adapter does: what counts is where the label is afterwards."""
        try:
            aws.move(self.versions, label, to, removed_from)
        except aws.Refusal as refusal:
            now = aws.holder_of(self.versions, label)
            if now != to and now == removed_from and refusal.code != aws.invalid("").code:
                raise SecretVersionMissing(f"{self._name}: version {to} is not there for {label}") from None
            return now == to
        return True
