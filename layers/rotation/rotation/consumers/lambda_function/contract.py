"""What is asked of the function, and what it may answer: checked against the schemas of the folder. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from rotation.core.errors import (
    ConsumerFunctionConflict,
    ConsumerFunctionFailed,
    ConsumerFunctionLeaks,
    ConsumerFunctionNoJson,
    ConsumerFunctionRefused,
    ConsumerFunctionTimedOut,
    ConsumerFunctionUnavailable,
    ConsumerFunctionWrong,
    RotationError,
)

if TYPE_CHECKING:
    from rotation.core.model import Password, SecretText

VERSION = 1
HOLDS, PUT, CHECK = "holds", "put", "check"
VERBS = (HOLDS, PUT, CHECK)
REQUEST = "request.schema.json"
SUSPICIOUS = re.compile(r"pass|secret|token|key|credential|login|user", re.IGNORECASE)
LEAST_TO_LOOK_FOR = 6
"""Characters of a password: a shorter one is found in whatever one looks at."""
REASONS: dict[str, tuple[type[RotationError], str]] = {
    "conflict": (ConsumerFunctionConflict, "another version is in its place than was seen"),
    "late": (ConsumerFunctionTimedOut, "it came to write too late"),
    "unavailable": (ConsumerFunctionUnavailable, "it does not reach its place now"),
    "unreadable": (ConsumerFunctionRefused, "it cannot read the secret: give its role GetSecretValue, and Decrypt with its key"),
    "rejected": (ConsumerFunctionRefused, "its place does not take such a credential"),
}
TIMED_OUT = "Sandbox.Timedout"
_NAME = re.compile(r"[A-Z][A-Za-z]{2,39}(\.[A-Z][A-Za-z]{2,39})?")
"""Of an error, as a language or Lambda calls it."""


def answer_schema(verb: str) -> str:
    """The file of it."""
    return f"{verb}.answer.schema.json"


def text_of(file: str) -> str:
    """A schema, as it is in the folder."""
    return resources.files("rotation.consumers.lambda_function").joinpath("contract", file).read_text()


FILES = (REQUEST, *map(answer_schema, VERBS))


def fits(file: str, document: Any) -> str:
    """How it breaks the schema, without a value of it; empty where it fits."""
    import fastjsonschema

    try:
        _compiled(file)(document)
    except fastjsonschema.JsonSchemaValueException as error:
        return f"{str(error.name).replace('data', 'it', 1)} must not be so ({error.rule})"
    return ""


@cache
def _compiled(file: str) -> Any:
    import fastjsonschema

    return fastjsonschema.compile(json.loads(text_of(file)))


def parse(name: str, verb: str, text: SecretText, never: Password | None = None) -> dict[str, Any]:
    """What the function says. `never`: what must not be in it. Nothing of what breaks the contract is shown."""
    if never is not None:
        refuse_leak(name, verb, text, never)
    try:
        found = json.loads(text.reveal())
    except ValueError:
        raise ConsumerFunctionNoJson(f"{name}: its answer to {verb} is no JSON") from None
    if isinstance(found, dict) and any(SUSPICIOUS.search(key) for key in found):
        raise ConsumerFunctionLeaks(f"{name}: its answer to {verb} has a key that sounds like a credential's")
    broken = fits(answer_schema(verb), found)
    if broken:
        raise ConsumerFunctionWrong(f"{name}: its answer to {verb} is not as its contract says: {_how(found, verb)}")
    if "refused" in found:
        error, why = REASONS[found["refused"]]
        raise error(f"{name} refuses {verb} ({found['refused']}): {why}")
    return dict(found)


def _how(found: Any, verb: str) -> str:
    """In words, and never by a value."""
    if not isinstance(found, dict):
        return "it is no object"
    if found.get("contract") != VERSION:
        return f"contract is not {VERSION}"
    wanted = json.loads(text_of(answer_schema(verb)))["oneOf"]["refused" in found]
    missing = [key for key in wanted["required"] if key not in found]
    if missing:
        return f"{missing[0]} is missing"
    if found.keys() - wanted["properties"].keys():
        return "it has a key that the contract has not"
    return f"{_wrong(found, wanted)} has a value that the contract does not allow"


def _wrong(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    import fastjsonschema

    for key, schema in wanted["properties"].items():
        try:
            fastjsonschema.validate(schema, found.get(key))
        except fastjsonschema.JsonSchemaValueException:
            if key in found:
                return str(key)
    return "it"


def refuse_leak(name: str, verb: str, text: SecretText, password: Password) -> None:
    """Where the password is in it, in one of the forms in which it may have come there."""
    shown = text.reveal()
    if any(form in shown for form in _forms(password)):
        raise ConsumerFunctionLeaks(f"{name}: its answer to {verb} holds the credential itself")


def _forms(password: Password) -> Iterator[str]:
    from rotation.core.fields import WRITINGS  # only where there is a password to look for

    value = password.reveal()
    if len(value) < LEAST_TO_LOOK_FOR:
        return
    yield value
    yield json.dumps(value)[1:-1]
    yield value.encode().hex()
    yield from (WRITINGS[form].write(value).rstrip("=") for form in ("json", "url", "base64"))


def failed(name: str, verb: str, text: SecretText, never: Password | None = None) -> RotationError:
    """It ended with an error of its own. Of that only a name is shown that is nothing but a name."""
    if never is not None:
        try:
            refuse_leak(name, verb, text, never)
        except ConsumerFunctionLeaks as error:
            return error
    try:
        found = json.loads(text.reveal())
    except ValueError:
        found = {}
    said = found if isinstance(found, dict) else {}
    kind = str(said.get("errorType", ""))
    if kind == TIMED_OUT or "Task timed out after" in str(said.get("errorMessage", "")):
        return ConsumerFunctionTimedOut(f"{name}: its own time was over before it had answered {verb}")
    shown = f" ({kind})" if _NAME.fullmatch(kind) else ""
    return ConsumerFunctionFailed(f"{name} ended with an error of its own{shown} when it was asked {verb}: its log says more")
