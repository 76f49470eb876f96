"""A place that only a function of the user's own reaches, as a consumer of the credential.

The credential is a version of a secret that the function reads itself; what it is told, and what it says, are ids of versions. A
version is put, read back, told, looked for, and then made current. Each write says which version it was made from: one of ours that
comes late finds that it has lost, in the secret, and in the function's place as far as that can compare."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from rotation.consumers.keys import LOGIN, Keys
from rotation.consumers.lambda_function import contract
from rotation.consumers.published import RotatedSecret
from rotation.core.errors import (
    ConsumerDiffers,
    ConsumerFunctionConflict,
    ConsumerFunctionLeaks,
    RotationError,
    SecretStoreUnavailable,
    SecretVersionMissing,
)
from rotation.core.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rotation.core.model import Credential, Labels, Mark, Password, SecretText
    from rotation.kinds.kind import Settings
    from rotation.ports import Surroundings


class Asked(Protocol):
    """Whoever the requests go to."""

    name: str
    timeout_seconds: int

    def ask(self, verb: str, request: Mapping[str, Any], never: Password | None = None) -> dict[str, Any]: ...


class Held(NamedTuple):
    """What the function says."""

    version: str | None
    settled: bool
    left: int | None


def make(settings: Settings, surroundings: Surroundings) -> LambdaPlace:
    """As the target names it."""
    from rotation.consumers.lambda_function.function import Function

    secret = RotatedSecret(settings["secret"], keys=Keys(settings.get("keys", LOGIN)))
    function = Function(settings["function"], settings["timeout_seconds"])
    return LambdaPlace(surroundings.target, settings["secret"], secret, function)


class Copied(Protocol):
    """A secret of which a copy is made."""

    name: str

    def labels(self) -> Labels: ...
    def read(self, version: str) -> SecretText: ...
    def put_once(self, version: str, text: SecretText, label: str) -> SecretText: ...


def trial(settings: Settings, target: str, secret: Copied, invoke: Any) -> Iterator[Finding]:
    """Whether the function keeps its contract. `secret`, `invoke`: whoever asks reaches AWS in a way of his own."""
    from rotation.consumers.lambda_function.function import Function
    from rotation.consumers.lambda_function.trial import COPY, Trial

    current = secret.labels().current

    def copy(version: str) -> Password:
        text = secret.read(current)
        secret.put_once(version, text, COPY)
        content = json.loads(text.reveal())
        return Keys(settings.get("keys", LOGIN)).held(f"secret {secret.name}", content).password

    function = Function(settings["function"], settings["timeout_seconds"], invoke)
    yield from Trial(function, target, settings["secret"], current, time.time).look(copy)


class LambdaPlace:
    """One function, and the secret that it reads."""

    def __init__(self, target: str, arn: str, secret: RotatedSecret, function: Asked, now: Callable[[], float] = time.time) -> None:
        self._target, self._arn, self._secret, self._function, self._now = target, arn, secret, function, now

    @property
    def name(self) -> str:
        return self._function.name

    def read(self) -> Credential:
        held = self._holds(self._secret.labels().current).version
        if held is None:
            raise ConsumerDiffers(
                f"{self.name} holds no version of {self._secret.name}: let it put the current one, which must hold the"
                " login in use (docs/lambda.md)"
            )
        credential = self._secret.login(held)
        if credential is None:
            raise SecretVersionMissing(f"{self.name} says that it holds a version that {self._secret.name} has not")
        return credential

    def publish(self, credential: Credential, mark: Mark) -> bool:
        labels = self._secret.labels()
        held = self._holds(labels.current, credential.password).version
        version = self._secret.put(credential, mark)
        if held == version == labels.current:
            return False
        if held != version:
            self._give(version, held, credential, mark)
        if version != labels.current and not self._secret.make_current(version, labels.current):
            raise SecretStoreUnavailable(f"{self._secret.name}: another version became current while this one was written")
        return True

    def everybody(self) -> str:
        """Empty if all who use the place have what is in it; else who is waited for."""
        held = self._holds(self._secret.labels().current)
        if held.settled:
            return ""
        return f"{self.name} says that {'some' if held.left is None else held.left} have not what it holds yet"

    def look(self, _: float) -> Iterator[Finding]:
        """Whether it could put what is current, without doing it."""
        answer = self._function.ask(contract.CHECK, self._request(contract.CHECK, self._secret.labels().current))
        yield Finding(Severity.OK, "function", f"{self.name} may be asked, reads the secret, and reaches its place")
        if not answer["compares"]:
            mend = "give it a reserved concurrency of 1, or have it compare; then it may answer compares: true"
            yield Finding(Severity.WARNING, "function", f"{self.name} does not compare: what comes late may overwrite", mend)

    def _give(self, version: str, held: str | None, credential: Credential, mark: Mark) -> None:
        """Whatever became of the call: what the function holds afterwards counts."""
        failure: RotationError | None = None
        more = {"rotation": mark.text, "expects": held, "not_after": self._deadline()}
        try:
            self._function.ask(contract.PUT, self._request(contract.PUT, version, **more), credential.password)
        except ConsumerFunctionLeaks:
            raise
        except RotationError as error:
            failure = error
        now = self._holds(version, credential.password).version
        if now == version:
            return
        if failure is None and now == held:
            raise ConsumerDiffers(f"{self.name} says that it wrote the version that it was given, but holds another")
        raise failure or ConsumerFunctionConflict(f"{self.name}: another version was put there at the same moment")

    def _holds(self, version: str, never: Password | None = None) -> Held:
        answer = self._function.ask(contract.HOLDS, self._request(contract.HOLDS, version), never)
        return Held(answer["version"], answer["settled"], answer.get("left"))

    def _request(self, verb: str, version: str, **more: Any) -> dict[str, Any]:
        said = {"contract": contract.VERSION, "verb": verb, "target": self._target, "rotation": None}
        return {**said, "secret": self._arn, "version": version, **more}

    def _deadline(self) -> str:
        return datetime.fromtimestamp(self._now() + self._function.timeout_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
