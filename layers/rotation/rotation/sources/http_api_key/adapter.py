"""A provider of keys, as its description says: lists, issues, tries and revokes them over HTTPS."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from rotation.core.errors import AdminLoginUnknown, SourceLags, SourceRefused, TargetInvalid
from rotation.core.keys import mark_of, name_of
from rotation.core.model import NO_KEY, Password
from rotation.core.seen import Key
from rotation.sources.http_api_key import answers, asking, description
from rotation.sources.http_api_key.answers import Answer, Named, Next, Page
from rotation.sources.http_api_key.asking import Given
from rotation.sources.http_api_key.kind import HOSTS, place
from rotation.sources.http_api_key.wire import Https

if TYPE_CHECKING:
    from rotation.core.findings import Finding
    from rotation.core.model import Credential
    from rotation.kinds.kind import Settings
    from rotation.ports import Surroundings
    from rotation.sources.http_api_key.asking import Request
    from rotation.sources.http_api_key.description import Call
    from rotation.sources.http_api_key.wire import Wire

_ENDS: Mapping[str, Callable[[datetime], Any]] = {
    "date": lambda when: when.date().isoformat(),
    "iso": lambda when: when.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "seconds": lambda when: int(when.timestamp()),
    "milliseconds": lambda when: int(when.timestamp()) * 1000,
}


def make(settings: Settings, here: Surroundings) -> HttpApiKeys:
    """As the target names it."""
    return reached(settings, here.target, here.api_hosts)


def reached(settings: Settings, target: str, hosts: Collection[str]) -> HttpApiKeys:
    """Where the stack names the host."""
    host = place(settings)
    if host not in hosts:
        named = ", ".join(hosts) or "none"
        raise TargetInvalid(f"source.description.host {host}: this stack asks no other API than of {named} (parameter {HOSTS})")
    return HttpApiKeys(settings, Https(host, settings["ca"]), target)


def trial(
    settings: Settings, target: str, hosts: Collection[str], admin: Credential | None, key: Credential | None
) -> Iterator[Finding]:
    """What each part of the description finds; nothing is changed."""
    from rotation.sources.http_api_key.trial import Trial

    return Trial(reached(settings, target, hosts), admin, key).look()


class HttpApiKeys:
    """A key's id is its user name, its secret the password."""

    def __init__(self, settings: Settings, wire: Wire, target: str, now: Callable[[], float] = time.time) -> None:
        self.told = description.of(settings["description"])
        self._settings, self._wire, self.target, self._now = settings, wire, target, now

    @property
    def host(self) -> str:
        """Who is asked."""
        return self._wire.host

    @property
    def limit(self) -> int | None:
        found: int | None = self.told.said.get("limit")
        return found

    @property
    def named(self) -> bool:
        return "name" in self.told.said.get("list", {})

    @property
    def dedicated(self) -> bool:
        return bool(self._settings["dedicated"])

    def logs_in(self, credential: Credential) -> bool:
        """By the call that the description tries a key with: nothing of the admin's is sent."""
        self._need_apart(credential)
        call = self._call("try")
        given = Given({**self._settings["values"], "id": credential.username}, {"secret": credential.password}, {})
        return answers.accepted(self._named("try"), self._wire.ask(asking.request(call, given)), call.said)

    def refuses(self, credential: Credential) -> bool:
        return not self.logs_in(credential)

    def check(self, admin: Credential | None) -> None:  # noqa: ARG002 - what the admin may do shows when it is done
        """Whether a key can be called what ours are called."""
        name, longest = name_of(mark_of(self.target, ""), ""), self.told.said["longest_name"]
        if self.named and len(name) > longest:
            raise TargetInvalid(
                f"{self.target}: a key's name would have {len(name)} characters, and {self.told.provider} takes {longest}: give"
                f" the target a name that is {len(name) - longest} shorter"
            )

    def keys(self, admin: Credential | None) -> Sequence[Key]:
        """One that is deactivated and cannot be deleted is gone as far as it can be."""
        listed = self._call("list").said
        found = [self.key(one) for one in self.listed(admin) if "gone" not in listed or not answers.shows(one, listed["gone"])]
        return found if "delete" in self.told.calls else [key for key in found if key.active]

    def listed(self, admin: Credential | None) -> Iterator[Any]:
        """Page by page, as the provider has them."""
        call, name, given = self._call("list"), self._named("list"), self._given(admin)
        asked: list[Next] = []
        following: Next | None = Next()
        while following is not None:
            answers.check_goes_on(name, following, asked)
            asked.append(following)
            request = asking.request(call, given, dict([following.query]) if following.query else {})
            answer = self._done("list", self._wire.ask(request.at(following.target or request.target)))
            items = answers.items(name, answer.said, call.said["keys"])
            yield from items
            paging = call.said.get("paging", {})
            following = answers.following(name, self._wire.host, paging, Page(answer, len(items), len(asked)))

    def issue(self, admin: Credential | None, name: str) -> Credential:
        """Without an answer, or with one that cannot be read, a key may be there: the list tells."""
        answer = self._done("issue", self._wire.ask(self.request("issue", admin, {"name": name})))
        said = self._call("issue").said
        key, secret = (answers.text(self._named("issue"), answer.said, said[field], field) for field in ("id", "secret"))
        return self._need_apart(NO_KEY.with_login(key, Password(secret)))

    def _need_apart(self, key: Credential) -> Credential:
        """An id stands in messages, in addresses and so in logs."""
        if key.username == key.password.reveal():
            raise SourceRefused(f"{self.told.provider}: its keys are their own ids, and an id is no secret: replace them by hand")
        return key

    def request(self, what: str, admin: Credential | None, own: Mapping[str, str] | None = None) -> Request:
        """What is asked for as the admin."""
        call = self._call(what)
        return asking.request(call, self._given(admin, own, self._raw(call) if what == "issue" else None))

    def _raw(self, call: Call) -> dict[str, Any]:
        scopes = self.told.scopes(self._settings.get("scopes"))
        return {**({"scopes": scopes} if scopes is not None else {}), **self._end(call)}

    def deactivate(self, admin: Credential | None, id: str) -> bool:  # noqa: A002 - as the port has it
        """Where that is all that can be done to a key, it is what deletes it."""
        if not {"deactivate", "delete"} <= self.told.calls.keys():
            return False
        self._end_key("deactivate", admin, id)
        return True

    def delete(self, admin: Credential | None, id: str) -> None:  # noqa: A002 - as the port has it
        """What was done is done."""
        self._end_key("delete" if "delete" in self.told.calls else "deactivate", admin, id)

    def _end_key(self, what: str, admin: Credential | None, key: str) -> None:
        """A wrong path says `not found` too: that is believed of a key that the provider does not list."""
        call = self._call(what)
        answer = self._wire.ask(self.request(what, admin, {"id": key}))
        if answer.status not in call.said["gone"]:
            self._done(what, answer)
        elif any(one.id == key and one.active for one in self.keys(admin)):
            raise SourceLags(
                f"{self._named(what)}: HTTP {answer.status}, it says that there is no such key, and lists it. If it does so after"
                f" minutes too, {what}.path of the description is wrong"
            )

    def key(self, said: Any) -> Key:
        """One of them, as the description reads it."""
        call, name = self._call("list").said, self._named("list")
        return Key(
            id=answers.text(name, said, call["id"], "id"),
            age_seconds=self._ago(said, call, "created"),
            used_seconds_ago=self._ago(said, call, "used"),
            active=answers.shows(said, call["active"]) if "active" in call else True,
            name=answers.label(said, call["name"]) if "name" in call else "",
        )

    def _ago(self, said: Any, call: Mapping[str, Any], field: str) -> float | None:
        if field not in call:
            return None
        when = answers.moment(self._named("list"), said, call[field], self.told.said["dates"])
        return None if when is None else max(0.0, self._now() - when)

    def _end(self, call: Call) -> dict[str, Any]:
        said = call.said.get("expires")
        if said is None:
            return {}
        return {"expires": _ENDS[said["as"]](datetime.fromtimestamp(self._now(), UTC) + timedelta(days=said["days"]))}

    def _given(self, admin: Credential | None, own: Mapping[str, str] | None = None, raw: Mapping[str, Any] | None = None) -> Given:
        if admin is None:
            raise AdminLoginUnknown(f"{self.told.provider}: no admin's secret is named, whose key may make others")
        plain = {**self._settings["values"], "admin_id": admin.username, **(own or {})}
        return Given(plain, {"admin": admin.password}, raw or {})

    def _call(self, what: str) -> Call:
        if what not in self.told.calls:
            raise SourceRefused(f"{self.told.provider} cannot {what}: {self.told.cannot[what]}")
        return self.told.calls[what]

    def _done(self, what: str, answer: Answer) -> Answer:
        return answers.judged(self._named(what), answer, self.told.said.get("ok"))

    def _named(self, what: str) -> Named:
        return Named(self.told.provider, what)
