"""What an answer means: judged by what the description says of it, and by nothing else. Pure.

No error says what the answer said: it may hold a key, or quote what was sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from rotation.core.errors import AdminLoginUnknown, RotationError, SourceLags, SourceRefused, SourceUnreachable

NO_CONTENT = 204
PAGES = 50
"""So many are read at most: a list without an end is a mistake of somebody's."""
NOTHING: Any = object()
"""What stands at a place that is not there; null counts as nothing too."""
_ADDRESS = re.compile(r"(https://(?P<host>[A-Za-z0-9.:-]+))?(?P<target>/(?!/)[!-~]*)")
_NEXT = re.compile(r'<([^<>]+)>\s*(?:;[^,<>]*?)?;\s*rel="?next"?')


class Answer(NamedTuple):
    """As it came: `said` is NOTHING where that is no JSON."""

    status: int
    said: Any
    link: str = ""
    """The header Link."""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class Named(NamedTuple):
    """Whose answer to what, for messages."""

    provider: str
    what: str

    def __str__(self) -> str:
        return f"{self.provider}, {self.what}"


def at(said: Any, place: str) -> Any:
    """What stands at that JSON pointer; NOTHING where there is no such place, or null in it."""
    for step in place.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(said, Mapping):
            said = said.get(key, NOTHING)
        elif isinstance(said, list) and key.isdecimal() and int(key) < len(said):
            said = said[int(key)]
        else:
            return NOTHING
    return NOTHING if said is None else said


def shows(said: Any, sign: Mapping[str, Any]) -> bool:
    found = at(said, sign.get("at", ""))
    return found is not NOTHING and ("is" not in sign or (found == sign["is"] and type(found) is type(sign["is"])))


def parsed(data: bytes) -> Any:
    """Nothing at all is an empty object: what was deleted says no more."""
    try:
        return json.loads(data) if data.strip() else {}
    except ValueError:
        return NOTHING


# Whether it was done


def judged(name: Named, answer: Answer, ok: Mapping[str, Any] | None) -> Answer:
    """The answer, where it says that what was asked was done; else our own error."""
    if answer.ok and answer.said is NOTHING:
        raise SourceRefused(f"{name}: HTTP {answer.status} and no JSON, as of a page for people: is host the API's?")
    if answer.ok and (ok is None or answer.status == NO_CONTENT or shows(answer.said, ok)):
        return answer
    raise failed(name, answer)


def failed(name: Named, answer: Answer) -> RotationError:
    """401 alone is about who asks: by 403 providers say of a key that it is valid and may not."""
    status = answer.status
    if answer.ok:
        return SourceRefused(f"{name}: HTTP {status} with an error in it: `ok` of the description does not hold")
    if status >= 500 or status == 408:
        return SourceUnreachable(f"{name}: HTTP {status}")
    kind, said = _STATUSES.get(status, (SourceRefused, ""))
    if 300 <= status < 400:
        said = "leads elsewhere, and no redirect is followed: write the address that it leads to"
    return kind(f"{name}: HTTP {status}{', ' if said else ''}{said}")


_STATUSES: Mapping[int, tuple[type[RotationError], str]] = {
    401: (AdminLoginUnknown, "it does not take the admin's key"),
    403: (SourceRefused, "the admin's key may not do that"),
    429: (SourceLags, "it was asked too often"),
}


def accepted(name: Named, answer: Answer, said: Mapping[str, Any]) -> bool:
    """Whether the key that was tried is taken. Neither of the two signs is no answer to that."""
    for what, verdict in (("accepted", True), ("refused", False)):
        if str(answer.status) in said[what]:
            sign = said[what][str(answer.status)]
            if sign is None or (answer.said is not NOTHING and shows(answer.said, sign)):
                return verdict
    if answer.status in (408, 429) or answer.status >= 500 or 300 <= answer.status < 400:
        raise failed(name, answer)
    no_json = " and no JSON" if answer.said is NOTHING else ""
    raise SourceRefused(
        f"{name}: HTTP {answer.status}{no_json}, which the description has neither as accepted nor as refused: whether the key is"
        " valid is not known"
    )


# What stands in it


def text(name: Named, said: Any, place: str, field: str) -> str:
    """A text or a number that has to be there."""
    found = at(said, place)
    if isinstance(found, bool) or not isinstance(found, (str, int)) or found == "":
        raise SourceRefused(f"{name}: the answer has no {field} at {place or 'its root'}: correct {field} in the description")
    return str(found)


def label(said: Any, place: str) -> str:
    """A name, empty where a person gave none."""
    found = at(said, place)
    return found if isinstance(found, str) else ""


def items(name: Named, said: Any, place: str) -> list[Any]:
    """The keys of one page. Some leave an empty list out: null is one, a place that is not there is none."""
    found = at(said, place)
    if isinstance(found, list):
        return found
    raise SourceRefused(f"{name}: the answer has no list of keys at {place or 'its root'}: correct list.keys in the description")


_READ: Mapping[str, Callable[[Any], datetime]] = {
    "iso": lambda said: datetime.fromisoformat(re.sub(r"\.(\d{6})\d+", r".\1", said)),
    "rfc2822": parsedate_to_datetime,
    "seconds": lambda said: datetime.fromtimestamp(float(said), UTC),
    "milliseconds": lambda said: datetime.fromtimestamp(float(said) / 1000, UTC),
}


def moment(name: Named, key: Any, place: str, how: str) -> float | None:
    """In seconds since 1970; None where the provider says none, as of a key that was never used."""
    found = at(key, place)
    if found is NOTHING or found in ("", 0, False):
        return None
    try:
        when = _READ[how](found)
    except (ValueError, TypeError, OverflowError, OSError):
        said = f"what stands at {place} is no date as dates ({how}) says: correct it in the description"
        raise SourceRefused(f"{name}: {said}") from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


# Whether there is more of it


class Next(NamedTuple):
    """How the next page is asked for: by its address on the same host, or by what is added to the query."""

    target: str = ""
    query: tuple[str, str] | None = None


class Page(NamedTuple):
    """One that was read: the answer, how many keys were in it, and its number from 1."""

    answer: Answer
    found: int
    number: int


def following(name: Named, host: str, paging: Mapping[str, Any], page: Page) -> Next | None:
    """None where that was the last one, or the only one."""
    if "page" in paging:
        return _by_number(paging, page)
    if "cursor" in paging:
        return _by_cursor(name, paging, page)
    found = _NEXT.search(page.answer.link) if "link" in paging else None
    address = found[1] if found else at(page.answer.said, paging["next"]) if "next" in paging else NOTHING
    if address is NOTHING or address == "":
        return None
    return Next(target=_on_the_same_host(name, host, str(address)))


def check_goes_on(name: Named, following: Next, before: Collection[Next]) -> None:
    """Raises where a list has no end."""
    if following in before:
        raise SourceRefused(f"{name}: a page leads to one that was read: correct list.paging in the description")
    if len(before) >= PAGES:
        raise SourceRefused(f"{name}: there are more than {PAGES} pages: correct list.paging, or delete keys that nobody needs")


def _by_number(paging: Mapping[str, Any], page: Page) -> Next | None:
    last = at(page.answer.said, paging["pages"]) if "pages" in paging else NOTHING
    over = page.found == 0 if not isinstance(last, int) else page.number >= last
    return None if over else Next(query=(paging["page"], str(paging["first"] + page.number)))


def _by_cursor(name: Named, paging: Mapping[str, Any], page: Page) -> Next | None:
    if "more" in paging and at(page.answer.said, paging["more"]) is not True:
        return None
    cursor = at(page.answer.said, paging["cursor"])
    if cursor is NOTHING or cursor == "":
        if "more" in paging:
            raise SourceRefused(f"{name}: there is more, but nothing at {paging['cursor']}: correct list.paging in the description")
        return None
    return Next(query=(paging["parameter"], str(cursor)))


def _on_the_same_host(name: Named, host: str, address: str) -> str:
    """Another host would be sent the admin's key."""
    found = _ADDRESS.fullmatch(address)
    if not found:
        raise SourceRefused(f"{name}: the address of the next page is none: correct list.paging in the description")
    if found["host"] and found["host"].lower() != host.lower():
        raise SourceRefused(f"{name}: the next page is on another host than {host}: nothing is asked there")
    return found["target"]
