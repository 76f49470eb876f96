"""What the provider does with a request. It reads a description with means of its own, so that it judges the shipped ones.

Its log has every request whole, as a provider's may: where a key stands in it, and where not, is what tests look for."""

from __future__ import annotations

import base64
import json
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

PER_PAGE = 3
HUGE = 3 * 2**20
PAGE = b"<!doctype html><title>Sign in</title><form></form>"
_FIELD = re.compile(r"\{([a-z_]+)\}")


@dataclass
class IssuedKey:
    """One that the provider knows."""

    id: str
    secret: str
    name: str
    created: float
    used: float | None = None
    active: bool = True
    since: float = 0.0
    """From when on it is as it is, for those who try it; before that it is the contrary."""

    @property
    def works(self) -> bool:
        return self.active is (time.time() >= self.since)


@dataclass(frozen=True)
class Fault:
    """Of the next calls for one thing."""

    what: str
    kind: str
    """429, 500, after (done, then a 500), html, redirect, huge, slow, error (in a 200), silent (done, then nothing), empty."""
    times: int = 1


@dataclass
class Reply:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    seconds: float = 0.0
    """So long it takes."""
    silent: bool = False


class Provider:
    """`said`: the description, as JSON. `values`: what a target says besides."""

    def __init__(
        self, said: Mapping[str, Any], values: Mapping[str, str], admin: tuple[str, str], *, lag_seconds: float = 0
    ) -> None:
        self.said, self.values, self.admin = said, dict(values), admin
        self.keys: dict[str, IssuedKey] = {}
        self.ended: dict[str, IssuedKey] = {}
        self.log: list[dict[str, Any]] = []
        self.faults: list[Fault] = []
        self.host = ""
        self._lag = lag_seconds
        self._lock = Lock()

    # What an operator does

    def make(self, name: str = "made by a person", *, created: float | None = None) -> IssuedKey:
        key = IssuedKey(f"k{secrets.token_hex(6)}", f"canary-{secrets.token_urlsafe(24)}", name, created or time.time())
        self.keys[key.id] = key
        return key

    def accepts(self, secret: str) -> bool:
        return any(one.secret == secret and one.works for one in (*self.keys.values(), *self.ended.values()))

    def break_next(self, what: str, kind: str, times: int = 1) -> None:
        self.faults.append(Fault(what, kind, times))

    def requests(self, what: str = "") -> list[dict[str, Any]]:
        return [one for one in self.log if not what or one["what"] == what]

    def remembered(self) -> Iterator[tuple[str, bytes]]:
        """What its log has of each request, but for the header that is to hold a key."""
        for number, one in enumerate(self.log):
            rest = {name: value for name, value in one["headers"].items() if name != "authorization"}
            yield f"request {number} of the provider's log", json.dumps({**one, "headers": rest}).encode()

    # What it answers

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        with self._lock:
            what, fields = self._asked(method, target)
            given = {name.lower(): value for name, value in headers.items()}
            text = body.decode()
            self.log.append({"what": what, "method": method, "target": target, "headers": given, "body": text})
            fault = self._fault(what)
            if fault in ("429", "500"):
                return self._error(int(fault))
            if fault in _INSTEAD:
                return _INSTEAD[fault]()
            reply = self._answer(what, fields, target, given, text)
            return self._broken(fault, reply)

    def _broken(self, fault: str, reply: Reply) -> Reply:
        if fault == "after":
            return self._error(500)
        if fault == "error":
            return Reply(200, json.dumps({"errors": [{"message": "something went wrong"}], **self._not_ok()}).encode())
        if fault == "empty":
            return Reply(200, b"{}")
        reply.seconds, reply.silent = (60.0 if fault == "slow" else 0.0), fault == "silent"
        return reply

    def _not_ok(self) -> dict[str, Any]:
        document: dict[str, Any] = {}
        if "ok" in self.said:
            put(document, self.said["ok"]["at"], other_than(self.said["ok"].get("is")))
        return document

    def _fault(self, what: str) -> str:
        for place, fault in enumerate(self.faults):
            if fault.what == what:
                left = [Fault(what, fault.kind, fault.times - 1)] if fault.times > 1 else []
                self.faults[place : place + 1] = left
                return fault.kind
        return ""

    def _asked(self, method: str, target: str) -> tuple[str, dict[str, str]]:
        path = urlsplit(target).path
        for what in ("list", "issue", "deactivate", "delete", "try"):
            call = self.said.get(what)
            if call and method == call.get("method", DEFAULTS[what]):
                found = re.fullmatch(
                    _FIELD.sub(r"(?P<\1>[^/]+)", re.escape(call["path"]).replace(r"\{", "{").replace(r"\}", "}")), path
                )
                fields = {name: unquote(value) for name, value in found.groupdict().items()} if found else None
                if fields is not None and all(self.values.get(name, value) == value for name, value in fields.items()):
                    return what, fields
        return "", {}

    def _answer(self, what: str, fields: Mapping[str, str], target: str, headers: Mapping[str, str], body: str) -> Reply:
        if not what:
            return self._error(404)
        if what == "try":
            return self._tried(headers, fields)
        if not self._is_admin(what, headers):
            return self._error(401)
        return {"list": self._listed, "issue": self._issued, "deactivate": self._deactivated, "delete": self._deleted}[what](
            fields, target, body
        )

    def _tried(self, headers: Mapping[str, str], fields: Mapping[str, str]) -> Reply:
        call = self.said["try"]
        for key in (*self.keys.values(), *self.ended.values()):
            own = {**self.values, "id": key.id, "secret": key.secret}
            if key.works and self._sends(call, headers, own) and fields.get("id", key.id) == key.id:
                key.used = time.time()
                return self._signed(call["accepted"])
        return self._signed(call["refused"])

    def _signed(self, signs: Mapping[str, Any]) -> Reply:
        status, sign = next(iter(signs.items()))
        document: Any = {"nothing": "of interest"}
        if sign and "at" in sign:
            document = put(document, sign["at"], sign.get("is", ["something"]))
        return Reply(int(status), json.dumps(document).encode())

    def _is_admin(self, what: str, headers: Mapping[str, str]) -> bool:
        call = {**self.said[what]}
        call["headers"] = {**self.said.get("headers", {}), **call.get("headers", {})}
        call.setdefault("basic", self.said.get("basic"))
        return self._sends(call, headers, {**self.values, "admin_id": self.admin[0], "admin": self.admin[1]})

    @staticmethod
    def _sends(call: Mapping[str, Any], headers: Mapping[str, str], own: Mapping[str, str]) -> bool:
        wanted = {name.lower(): filled(text, own) for name, text in call.get("headers", {}).items()}
        if call.get("basic"):
            login = f"{filled(call['basic']['user'], own)}:{filled(call['basic']['password'], own)}"
            wanted["authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
        return all(headers.get(name) == text for name, text in wanted.items())

    # Keys

    def _listed(self, _: Mapping[str, str], target: str, __: str) -> Reply:
        call, keys = self.said["list"], list(self.keys.values())
        paging, query = call.get("paging"), dict(parse_qsl(urlsplit(target).query))
        document: Any = self._ok()
        if paging is None:
            return self._done(put(document, call["keys"], [self._shown(one) for one in keys]))
        start = self._start(paging, query, keys)
        shown = keys[start : start + PER_PAGE]
        document = put(document, call["keys"], [self._shown(one) for one in shown])
        reply, more = self._paged(paging, document, shown, start + PER_PAGE < len(keys), target)
        reply.headers |= more
        return reply

    def _start(self, paging: Mapping[str, Any], query: Mapping[str, str], keys: list[IssuedKey]) -> int:
        if "page" in paging:
            return (int(query.get(paging["page"], paging.get("first", 1))) - paging.get("first", 1)) * PER_PAGE
        after = query.get(paging.get("parameter", "after"), "")
        return 1 + [one.id for one in keys].index(after) if after else 0

    def _paged(
        self, paging: Mapping[str, Any], document: Any, shown: list[IssuedKey], more: bool, target: str
    ) -> tuple[Reply, dict[str, str]]:
        last = shown[-1].id if shown else ""
        if "more" in paging:
            document = put(document, paging["more"], more)
        if "pages" in paging:
            document = put(document, paging["pages"], -(-len(self.keys) // PER_PAGE))
        if "cursor" in paging and (more or "more" in paging) and shown:
            self._cursor(paging, document, last)
        parts = urlsplit(target)
        address = f"https://{self.host}{parts.path}?{urlencode({**dict(parse_qsl(parts.query)), 'after': last})}"
        if "next" in paging and more:
            document = put(document, paging["next"], address)
        return self._done(document), ({"Link": f'<{address}>; rel="next"'} if "link" in paging and more else {})

    def _cursor(self, paging: Mapping[str, Any], document: Any, last: str) -> None:
        """A cursor that is a key's own id stands there already."""
        if not paging["cursor"].startswith(self.said["list"]["keys"] + "/"):
            put(document, paging["cursor"], last)

    def _shown(self, key: IssuedKey) -> dict[str, Any]:
        call = self.said["list"]
        document: Any = {}
        told = {"id": key.id, "name": key.name, "created": self._date(key.created), "used": self._date(key.used)}
        for what, value in told.items():
            if what in call:
                put(document, call[what], value)
        if "active" in call:
            sign = call["active"]
            put(document, sign["at"], sign.get("is", True) if key.active else other_than(sign.get("is", True)))
        return dict(document)

    def _date(self, when: float | None) -> Any:
        if when is None:
            return None
        at = datetime.fromtimestamp(when, UTC)
        how = self.said.get("dates", "iso")
        return {"iso": at.isoformat, "rfc2822": lambda: format_datetime(at), "seconds": lambda: int(when)}.get(
            how, lambda: int(when * 1000)
        )()

    def _issued(self, _: Mapping[str, str], __: str, body: str) -> Reply:
        call, sent = self.said["issue"], self._sent(body)
        if "limit" in self.said and len(self.keys) >= self.said["limit"]:
            return self._error(403)
        name = self._held(call, sent, "name")
        if "scopes" in self.said and not self._held(call, sent, "scopes"):
            return self._error(400)
        key = self.make(str(name or ""))
        key.since = time.time() + self._lag
        document = put(put(self._ok(), call["id"], key.id), call["secret"], key.secret)
        return self._done(document, 201)

    @staticmethod
    def _sent(body: str) -> Any:
        try:
            return json.loads(body)
        except ValueError:
            return dict(parse_qsl(body))

    @staticmethod
    def _held(call: Mapping[str, Any], sent: Any, name: str) -> Any:
        """What stands where the description has that field."""
        for place in places(call.get("body", call.get("form", {})), f"{{{name}}}"):
            for step in place:
                sent = sent[step]
            return sent
        return None

    def _id(self, what: str, fields: Mapping[str, str], body: str) -> str:
        return fields["id"] if "id" in fields else str(self._held(self.said[what], self._sent(body), "id"))

    def _deactivated(self, fields: Mapping[str, str], _: str, body: str) -> Reply:
        key = self.keys.get(self._id("deactivate", fields, body))
        if key is None:
            return self._error(404)
        if key.active:
            key.active, key.since = False, time.time() + self._lag
        return self._done(self._ok())

    def _deleted(self, fields: Mapping[str, str], _: str, body: str) -> Reply:
        key = self.keys.pop(self._id("delete", fields, body), None)
        if key is None:
            return self._error(404)
        if key.active:
            key.active, key.since = False, time.time() + self._lag
        self.ended[key.id] = key
        return Reply(204, b"") if "ok" not in self.said else self._done(self._ok())

    def _ok(self) -> Any:
        document: Any = {}
        return put(document, self.said["ok"]["at"], self.said["ok"].get("is", True)) if "ok" in self.said else document

    @staticmethod
    def _done(document: Any, status: int = 200) -> Reply:
        return Reply(status, json.dumps(document).encode())

    @staticmethod
    def _error(status: int) -> Reply:
        return Reply(status, json.dumps({"errors": [{"message": "no"}]}).encode())


DEFAULTS = {"list": "GET", "issue": "POST", "deactivate": "DELETE", "delete": "DELETE", "try": "GET"}
_INSTEAD = {
    "html": lambda: Reply(200, PAGE, {"Content-Type": "text/html"}),
    "redirect": lambda: Reply(302, b"", {"Location": "https://elsewhere.example/"}),
    "huge": lambda: Reply(200, b'{"result": "' + b"x" * HUGE + b'"}'),
}


def filled(text: str, fields: Mapping[str, str]) -> str:
    return _FIELD.sub(lambda found: fields[found[1]], text)


def put(document: Any, place: str, value: Any) -> Any:
    """The document with that value at a JSON pointer."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in place.split("/")[1:]]
    if not steps:
        return value
    inside = document
    for step, following in zip(steps, [*steps[1:], ""], strict=True):
        if following == "":
            _set(inside, step, value)
        else:
            inside = _set(inside, step, [] if following.isdecimal() else {}, keep=True)
    return document


def _set(inside: Any, step: str, value: Any, *, keep: bool = False) -> Any:
    if isinstance(inside, list):
        while len(inside) <= int(step):
            inside.append({})
        if not keep:
            inside[int(step)] = value
        return inside[int(step)]
    if not (keep and step in inside):
        inside[step] = value
    return inside[step]


def other_than(value: Any) -> Any:
    return not value if isinstance(value, bool) else "otherwise"


def places(said: Any, text: str, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a body that text stands."""
    pairs = said.items() if isinstance(said, Mapping) else enumerate(said) if isinstance(said, list) else ()
    for step, one in pairs:
        if one == text:
            yield (*before, step)
        yield from places(one, text, (*before, step))
