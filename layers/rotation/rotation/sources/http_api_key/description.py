"""What a provider's API is described by, as it was written: checked, its templates read. Pure.

A text in it is a template over named fields: the admin's `{admin_id}` and `{admin}`, a key's `{id}`, `{secret}` and `{name}`,
`{scopes}`, `{expires}`, and what the description asks the target for by `values`. A secret stands in headers only: a path is
written into logs by whoever passes it on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

import fastjsonschema

from rotation.core import template
from rotation.core.errors import TargetInvalid
from rotation.core.fields import ANY, Field, Fields

if TYPE_CHECKING:
    from rotation.core.template import Template

PACKAGE = "rotation.sources.http_api_key"
PARTS = ("list", "issue", "deactivate", "delete")
"""What there may be a call for. What is missing is said in `cannot`, with why."""
TOLD = ("name", "created", "used")
"""What a list may tell of a key."""
_OPEN, _SECRET = Field(ANY), Field(ANY, secret=True)
_ADMIN: Fields = {"admin_id": _OPEN, "admin": _SECRET}
_OWN: Mapping[str, Fields] = {
    "list": {},
    "issue": {"name": _OPEN, "scopes": _OPEN, "expires": _OPEN},
    "deactivate": {"id": _OPEN},
    "delete": {"id": _OPEN},
    "try": {"id": _OPEN, "secret": _SECRET},
}
RESERVED = frozenset({*_ADMIN, *(field for fields in _OWN.values() for field in fields)})
_IS: Mapping[str, Any] = {"list": list, "text": str, "object": dict}
_SAY = {"list": "a list", "text": "a text", "object": "an object"}


class Basic(NamedTuple):
    """A user and a password of HTTP."""

    user: Template
    password: Template


class Call(NamedTuple):
    """One thing to ask, and what the answer is looked at for: `said` is that part of the description."""

    what: str
    method: str
    path: Template
    query: Mapping[str, Template]
    headers: Mapping[str, Template]
    basic: Basic | None
    body: Any
    """Its texts are templates; that of a field alone takes the field's value as it is. None where nothing is sent."""
    form: Mapping[str, Template] | None
    said: Mapping[str, Any]


class Description(NamedTuple):
    """A provider's API."""

    provider: str
    said: Mapping[str, Any]
    """All of it, defaults filled in."""
    host: Template
    calls: Mapping[str, Call]
    cannot: Mapping[str, str]

    def scopes(self, given: Any) -> Any:
        """As the target says them; TargetInvalid where that is not how the provider takes them."""
        wanted = self.said.get("scopes")
        if wanted is None:
            if given is not None:
                raise TargetInvalid(f"scopes: the description of {self.provider} has none: leave them out")
            return None
        if not given:
            raise TargetInvalid(
                f"scopes is missing: {self.provider} would give a key more than it needs, or none. {wanted['about']}"
            )
        if not isinstance(given, _IS[wanted["is"]]):
            raise TargetInvalid(f"scopes: {self.provider} takes {_SAY[wanted['is']]}. {wanted['about']}")
        return given

    def values(self, given: Mapping[str, str]) -> Mapping[str, str]:
        """What the target says besides, which has to be what the description asks for."""
        asked = self.said["values"]
        for name, about in asked.items():
            if not given.get(name):
                raise TargetInvalid(f"values.{name} is missing: {about}")
        for name in given:
            if name not in asked:
                raise TargetInvalid(f"values.{name}: the description of {self.provider} asks for {_listed(asked)}: leave it out")
        return given


def shipped() -> list[str]:
    """The names of those that come with this."""
    return sorted(one.name.removesuffix(".json") for one in _folder().iterdir() if one.name.endswith(".json"))


def of(said: Any) -> Description:
    """By the name of one that is shipped, or as it is written in the target."""
    if not isinstance(said, str):
        return parse(said)
    if said not in shipped():
        raise TargetInvalid(f"description: {said} is none that is shipped ({', '.join(shipped())}): write it out as an object")
    return _shipped(said)


@cache
def _shipped(name: str) -> Description:
    return parse(json.loads(_folder().joinpath(f"{name}.json").read_text()))


def _folder() -> Any:
    return resources.files(PACKAGE).joinpath("descriptions")


@cache
def _validate() -> Any:
    return fastjsonschema.compile(json.loads(resources.files(PACKAGE).joinpath("description.schema.json").read_text()))


def parse(raw: Mapping[str, Any]) -> Description:
    """TargetInvalid, beginning with `description` and the field, with the way out."""
    try:
        said = _validate()(json.loads(json.dumps(raw)))
    except fastjsonschema.JsonSchemaValueException as error:
        about = error.definition.get("description") if error.rule == "pattern" else None
        said = f"{error.name} is not that: {about}" if about else error.message
        raise TargetInvalid(str(said).replace("data", "description", 1)) from None
    try:
        return _parsed(said)
    except TargetInvalid as error:
        raise TargetInvalid(f"description.{error}") from None


def _parsed(said: Mapping[str, Any]) -> Description:
    for name in said["values"]:
        if name in RESERVED:
            raise TargetInvalid(f"values.{name}: there is a field of that name already: call it otherwise")
    _check_said(said)
    values: Fields = dict.fromkeys(said["values"], _OPEN)
    host = _template("host", said["host"], values)
    calls = {what: _call(what, said, {**values, **_of(what)}) for what in (*PARTS, "try") if what in said}
    _check_calls(said, calls)
    return Description(said["provider"], said, host, calls, said["cannot"])


def _of(what: str) -> Fields:
    """A key is tried with nothing of the admin's."""
    return _OWN[what] if what == "try" else {**_ADMIN, **_OWN[what]}


def _check_said(said: Mapping[str, Any]) -> None:
    """Each part is there, or said not to be; both would be one too many."""
    for part in PARTS:
        _check_part(part, part in said, said["cannot"])
    for told in TOLD if "list" in said else ():
        _check_part(told, told in said["list"], said["cannot"], "list.")


def _check_part(part: str, there: bool, cannot: Mapping[str, str], where: str = "") -> None:
    if there and part in cannot:
        raise TargetInvalid(f"cannot.{part}: {where}{part} is there: take out one of the two")
    if not (there or part in cannot):
        raise TargetInvalid(f"{where}{part} is missing: describe it, or say in cannot.{part} why the provider has none")


def _check_calls(said: Mapping[str, Any], calls: Mapping[str, Call]) -> None:
    if "deactivate" in said and "active" not in said.get("list", {"active": True}):
        raise TargetInvalid("list.active is missing: say what a key has that was not deactivated")
    if "paging" in said.get("list", {}):
        _check_paging(said["list"]["paging"])
    if "issue" in said:
        _check_issue(said)
    for what, call in calls.items():
        if call.body is not None and call.form is not None:
            raise TargetInvalid(f"{what}.form: there is a body too: leave one out")
        if call.basic is not None and any(name.lower() == "authorization" for name in call.headers):
            raise TargetInvalid(f"{what}: basic is the header Authorization: leave one of the two out")
    if "secret" not in {field for one in _texts(calls["try"]) for field in one.fields}:
        raise TargetInvalid("try: no header has {secret}: a key that is not sent is not tried")


def _check_issue(said: Mapping[str, Any]) -> None:
    sent = json.dumps(said["issue"])
    if "scopes" in said and "{scopes}" not in sent:
        raise TargetInvalid("issue: nothing sends {scopes}: a key without them may do more than it should")
    if "{scopes}" in sent and "scopes" not in said:
        raise TargetInvalid("scopes is missing: issue sends {scopes}: say how the target has to say them")
    if "name" in said.get("list", {}) and "{name}" not in sent:
        raise TargetInvalid("issue: nothing sends {name}: by it a key is known that was issued and lost")
    if ("expires" in said["issue"]) != ("{expires}" in sent):
        raise TargetInvalid("issue.expires: it and {expires} go together: have both or neither")


def _check_paging(said: Mapping[str, Any]) -> None:
    ways = [one for one in ("next", "link", "cursor", "page") if one in said]
    if len(ways) != 1:
        raise TargetInvalid("list.paging: there has to be one of next, link, cursor and page, and not two")
    if ("cursor" in said) != ("parameter" in said):
        raise TargetInvalid("list.paging: cursor and parameter go together")


def _call(what: str, said: Mapping[str, Any], known: Fields) -> Call:
    own = said[what]
    shared: Mapping[str, Any] = {} if what == "try" else said
    open_ones = {name: field for name, field in known.items() if not field.secret}
    basic = own.get("basic", shared.get("basic"))
    texts = {**shared.get("headers", {}), **own.get("headers", {})}
    return Call(
        what=what,
        method=own["method"],
        path=_template(f"{what}.path", own["path"], open_ones),
        query={name: _template(f"{what}.query.{name}", text, open_ones) for name, text in own.get("query", {}).items()},
        headers={name: _template(f"{what}.headers.{name}", text, known) for name, text in texts.items()},
        basic=Basic(*(_template(f"{what}.basic", basic[one], known) for one in ("user", "password"))) if basic else None,
        body=_body(f"{what}.body", own["body"], open_ones) if "body" in own else None,
        form=_body(f"{what}.form", own["form"], open_ones) if "form" in own else None,
        said=own,
    )


def _template(where: str, text: str, known: Fields) -> Template:
    try:
        return template.parse(text, known, read_back=False)
    except TargetInvalid as error:
        said = " (a secret stands in headers, which are not written into logs)" if "{secret}" in text or "{admin}" in text else ""
        raise TargetInvalid(f"{where}: {error}{said}") from None


def _body(where: str, said: Any, known: Fields) -> Any:
    if isinstance(said, Mapping):
        return {name: _body(f"{where}.{name}", one, known) for name, one in said.items()}
    if isinstance(said, list):
        return [_body(f"{where}[{place}]", one, known) for place, one in enumerate(said)]
    return _template(where, said, known) if isinstance(said, str) else said


def _texts(call: Call) -> Iterator[Template]:
    yield from call.headers.values()
    yield from call.basic or ()


def _listed(names: Mapping[str, str]) -> str:
    return ", ".join(names) or "none"
