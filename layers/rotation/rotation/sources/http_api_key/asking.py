"""From a call and its values to what is sent. Pure; what is secret in it does not show itself."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rotation.core.errors import SecretInvalid, TargetInvalid
from rotation.core.fields import WRITINGS, Values
from rotation.core.template import Template

if TYPE_CHECKING:
    from rotation.core.model import Password
    from rotation.sources.http_api_key.description import Call

_url = WRITINGS["url"].write
AGENT = "credential-rotation"
"""Some providers refuse whoever has no name."""


@dataclass(frozen=True)
class Request:
    """What goes out. Headers and body are never shown: the one has the admin's secret, the other nobody's."""

    what: str
    method: str
    target: str
    """Path and query."""
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False, default=None)

    def at(self, target: str) -> Request:
        """The same, of another page."""
        return Request(self.what, self.method, target, self.headers, self.body)


@dataclass(frozen=True)
class Given:
    """What the fields hold; `raw` of those that may be more than a text."""

    plain: Mapping[str, str]
    secret: Mapping[str, Password]
    raw: Mapping[str, Any]

    def values(self, *, quoted: bool = False) -> Values:
        texts = {**self.plain, **{name: one for name, one in self.raw.items() if isinstance(one, str)}}
        return Values({name: _url(one) for name, one in texts.items()}, {}) if quoted else Values(texts, self.secret)


def request(call: Call, given: Given, more: Mapping[str, str] | None = None) -> Request:
    """`more`: of the query, what a page is asked for with."""
    path = _filled(call, "path", call.path, given.values(quoted=True))
    query = {name: _filled(call, f"query.{name}", one, given.values()) for name, one in call.query.items()} | dict(more or {})
    body, kind = _body(call, given)
    headers = {"Accept": "application/json", "User-Agent": AGENT, **({"Content-Type": kind} if kind else {})}
    return Request(call.what, call.method, path + (f"?{_listed(query)}" if query else ""), headers | _headers(call, given), body)


def _body(call: Call, given: Given) -> tuple[bytes | None, str]:
    if call.form is not None:
        form = {name: _filled(call, f"form.{name}", one, given.values()) for name, one in call.form.items()}
        return _listed(form).encode(), "application/x-www-form-urlencoded"
    if call.body is not None:
        return json.dumps(_structure(call, call.body, given)).encode(), "application/json"
    return None, ""


def _structure(call: Call, said: Any, given: Given) -> Any:
    if isinstance(said, Template):
        alone = said.alone or ""
        return given.raw[alone] if alone in given.raw else _filled(call, "body", said, given.values())
    if isinstance(said, Mapping):
        return {name: _structure(call, one, given) for name, one in said.items()}
    if isinstance(said, list):
        return [_structure(call, one, given) for one in said]
    return said


def _listed(pairs: Mapping[str, str]) -> str:
    return "&".join(f"{_url(name)}={_url(value)}" for name, value in pairs.items())


def _headers(call: Call, given: Given) -> dict[str, str]:
    headers = {name: _sendable(call, name, _filled(call, name, one, given.values())) for name, one in call.headers.items()}
    if call.basic is not None:
        user, password = (_filled(call, "basic", one, given.values()) for one in call.basic)
        headers["Authorization"] = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    return headers


def _sendable(call: Call, name: str, text: str) -> str:
    """A line end would begin another header."""
    if not (text.isascii() and text.isprintable()):
        raise SecretInvalid(f"{call.what}: what the header {name} is to hold has a character that no header takes")
    return text


def _filled(call: Call, where: str, one: Template, values: Values) -> str:
    try:
        return one.render(values)
    except TargetInvalid as error:
        raise TargetInvalid(f"{call.what}.{where} {error}") from None
