"""Whether a deployed function keeps its contract: each verb is asked twice, in odd orders, for what is there and for what is not.

It is safe on a function at work. What is put is the login that is in use: the version that the function holds, and a copy of it
under another id. In the end it holds what it held."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rotation.consumers.lambda_function import contract
from rotation.core.errors import RotationError, SecretDenied
from rotation.core.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rotation.consumers.lambda_function.adapter import Asked
    from rotation.core.model import Password

MISSING = "00000000-0000-4000-8000-00000000dead"
"""A version that no secret has."""
STRANGER = "00000000-0000-4000-8000-0000000face0"
"""One that was seen by nobody."""
ANOTHER = "put of another version"
TOO_LATE = "2001-01-01T00:00:00Z"
ROTATION = "rotation-targets-check-try"
COPY = "ROTATION-TRIAL"
"""A label that means nothing, and is on no version that a rotation knows."""
Copy = Callable[[str], "Password"]
"""Stores what is current under another id, and says which password is in it."""


class Trial:
    """`target`, `secret`: as requests name them; `current`: the version of it that is current."""

    def __init__(self, function: Asked, target: str, secret: str, current: str, now: Callable[[], float]) -> None:
        self._function, self._target, self._secret, self._current, self._now = function, target, secret, current, now
        self._never: Password | None = None

    def look(self, copy: Copy) -> Iterator[Finding]:
        """Where whoever asks may not write the secret, nothing is put that is not there already."""
        held = self._held
        try:
            first = held()
        except RotationError as error:
            yield _said(contract.HOLDS, error)
            return
        yield from self._holds(first)
        yield from self._check(first)
        if first is None:
            mend = "have it put the version that is current (docs/lambda.md), then ask again"
            yield Finding(Severity.FAILED, contract.PUT, "not tried: it holds nothing", mend)
            return
        yield from self._what_is_there(first)
        yield from self._what_is_not(first)
        if first == self._current:
            yield from self._another(first, copy)
        else:
            mend = "let the rotation end, then ask again"
            yield Finding(Severity.SKIPPED, ANOTHER, "not tried: what it holds is not current, and no copy of it can be made", mend)

    def _holds(self, first: str | None) -> Iterator[Finding]:
        again = self._tried(contract.HOLDS)
        if again is None or again["version"] != first:
            yield _wrong(contract.HOLDS, "asked twice, it names two versions, and nothing was put between", "name what is there")
        elif first is None:
            yield _wrong(contract.HOLDS, "it holds no version of the secret", "have it put the one that is current")
        elif first != self._current:
            mend = "if no rotation is under way, have it put the one that is current"
            yield Finding(Severity.WARNING, contract.HOLDS, f"it holds {first}, and current is {self._current}", mend)
        else:
            yield Finding(Severity.OK, contract.HOLDS, "it names the version that is current, and the same when asked again")

    def _check(self, first: str | None) -> Iterator[Finding]:
        answers = [self._tried_or_error(contract.CHECK, self._current) for _ in range(2)]
        wrong = next((one for one in answers if isinstance(one, RotationError)), None)
        if wrong is not None:
            yield _said(contract.CHECK, wrong)
            return
        compares = [one["compares"] for one in answers if not isinstance(one, RotationError)]
        yield Finding(Severity.OK, contract.CHECK, "it reads the secret, reaches its place, and says so twice")
        if not all(compares):
            mend = "have it compare with expects, or give it a reserved concurrency of 1"
            yield Finding(Severity.WARNING, contract.CHECK, "it says that it does not compare: what comes late overwrites", mend)
        if self._refusal(contract.CHECK, MISSING) is None:
            mend = "read the very version that is asked for, by VersionId"
            yield _wrong(contract.CHECK, "it says that it can read a version that does not exist", mend)
        yield from self._as_it_was("check", first)

    def _what_is_there(self, held: str) -> Iterator[Finding]:
        what = "put of what it holds"
        for expects, told in ((held, "asked twice"), (STRANGER, "with expects of another version")):
            answers = [self._tried_or_error(contract.PUT, held, expects=expects) for _ in range(2)]
            wrong = next((one for one in answers if isinstance(one, RotationError)), None)
            if wrong is not None:
                mend = "look first: what is there already is a success, whatever expects says. A repeated request looks so"
                yield _wrong(what, f"{told}, it fails: {type(wrong).__name__}: {wrong}", mend)
                return
            if any(not isinstance(one, RotationError) and one["version"] != held for one in answers):
                yield _wrong(what, f"{told}, it answers with another version", "answer with the version that was asked for")
                return
        yield Finding(Severity.OK, what, "asked twice, and with expects of another version: it is there already, and it says so")

    def _what_is_not(self, held: str) -> Iterator[Finding]:
        what = "put of a version that does not exist"
        refused = [self._refusal(contract.PUT, MISSING, expects=held) for _ in range(2)]
        if None in refused:
            yield _wrong(what, "it says that it has put it", "read the very version first, and refuse: unreadable")
        yield from self._as_it_was(what, held)
        if None not in refused:
            yield Finding(Severity.OK, what, f"it refuses twice ({', '.join(dict.fromkeys(one or '' for one in refused))})")

    def _another(self, held: str, copy: Copy) -> Iterator[Finding]:
        another = str(uuid.uuid4())
        try:
            self._never = copy(another)
        except SecretDenied as error:
            yield Finding(Severity.SKIPPED, ANOTHER, f"not tried: {error}")
            return
        try:
            yield from self._refuses("put with expects of another version", "conflict", held, another, expects=STRANGER)
            yield from self._refuses("put after its time", "late", held, another, expects=held, not_after=TOO_LATE)
            yield from self._puts(held, another)
        finally:
            self._back(held)
        yield from self._as_it_was("the way back", held)

    def _refuses(self, what: str, word: str, held: str, another: str, **more: str) -> Iterator[Finding]:
        refused = self._refusal(contract.PUT, another, **more)
        if refused is None or self._version() != held:
            self._back(held)
            yield _wrong(what, "it puts it all the same", f"look before you write, and refuse: {word}")
        else:
            yield Finding(Severity.OK, what, f"it refuses ({refused})")

    def _puts(self, held: str, another: str) -> Iterator[Finding]:
        what = ANOTHER
        for told in ("", " a second time"):
            found = self._tried_or_error(contract.PUT, another, expects=held)
            if isinstance(found, RotationError):
                yield _wrong(what, f"it fails{told}: {type(found).__name__}: {found}", "its log says more")
                return
        if self._version() != another:
            yield _wrong(what, "it says that it has put it, and names another when asked what it holds", "keep which one is there")
            return
        back = self._tried_or_error(contract.PUT, held, expects=another)
        if isinstance(back, RotationError):
            yield _wrong(what, f"it does not go back: {type(back).__name__}: {back}", "an older version is put like any other")
            return
        yield Finding(Severity.OK, what, "it puts it, says so twice, holds it, and goes back")

    def _as_it_was(self, what: str, held: str | None) -> Iterator[Finding]:
        now = self._version()
        if now != held:
            yield _wrong(what, "after it the function holds another version than before", "change nothing where you refuse")

    def _back(self, held: str) -> None:
        """Whatever it holds now: it is the same login under another id."""
        now = self._version()
        if now != held:
            self._tried_or_error(contract.PUT, held, expects=now)

    def _held(self) -> str | None:
        return self._ask(contract.HOLDS, self._current)["version"]  # type: ignore[no-any-return]

    def _version(self) -> str | None:
        found = self._tried(contract.HOLDS)
        return found["version"] if found else None

    def _tried(self, verb: str) -> dict[str, Any] | None:
        found = self._tried_or_error(verb, self._current)
        return None if isinstance(found, RotationError) else found

    def _refusal(self, verb: str, version: str, **more: str) -> str | None:
        """By what it was refused; None where it was not."""
        found = self._tried_or_error(verb, version, **more)
        return type(found).__name__ if isinstance(found, RotationError) else None

    def _tried_or_error(self, verb: str, version: str, **more: Any) -> dict[str, Any] | RotationError:
        try:
            return self._ask(verb, version, **more)
        except RotationError as error:
            return error

    def _ask(self, verb: str, version: str, **more: Any) -> dict[str, Any]:
        said: Mapping[str, Any] = {"contract": contract.VERSION, "verb": verb, "target": self._target, "rotation": None}
        if verb == contract.PUT:
            more = {"rotation": ROTATION, "not_after": self._deadline(), **more}
        return self._function.ask(verb, {**said, "secret": self._secret, "version": version, **more}, self._never)

    def _deadline(self) -> str:
        return datetime.fromtimestamp(self._now() + self._function.timeout_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _wrong(what: str, found: str, mend: str) -> Finding:
    return Finding(Severity.FAILED, what, found, mend)


def _said(what: str, error: RotationError) -> Finding:
    return _wrong(what, f"{type(error).__name__}: {error}", f"docs/errors.md explains {type(error).__name__}")
