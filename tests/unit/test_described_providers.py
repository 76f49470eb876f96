"""Every description that is shipped is whole, and where the provider's own OpenAPI document is to be had, it agrees with it.

What of those documents is used is kept in tests/openapi, and WHOLE=1 cuts it anew from the packages."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from rotation.kinds.target import Source
from rotation.sources.http_api_key import description

from local.provider import documents
from tests.contract.providers import SHIPPED, can_rotate, settings_of
from tests.pages import rows, section
from tests.whole import only_in_the_whole

CHECKED = documents.described()
DOCS = "docs/http-api-key.md"
ADDED = {"sendgrid", "openai"}


def test_there_are_those_that_were_promised() -> None:
    assert set(SHIPPED) >= ADDED
    assert len(SHIPPED) >= 10
    assert len(CHECKED) >= 8


@pytest.mark.parametrize("name", SHIPPED)
def test_a_description_is_whole(name: str) -> None:
    found = description.of(name)
    assert found.provider
    assert can_rotate(SHIPPED[name]) == (_refusal(name) == "")


def _refusal(name: str) -> str:
    settings = settings_of(SHIPPED[name])
    try:
        Source("http-api-key", settings).known.check(settings)
    except Exception as error:  # noqa: BLE001 - its words are what is asked
        return str(error)
    return ""


@pytest.mark.parametrize("name", ["anthropic", "github", "stripe"])
def test_who_issues_no_keys_is_refused_with_the_way_out(name: str) -> None:
    assert re.search(r"cannot issue: .* by hand", _refusal(name)) or "cannot list" in _refusal(name)


# Held against the documents


def extract(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((documents.EXTRACTS / f"{name}.json").read_text())
    return found


def operation(name: str, what: str) -> Mapping[str, Any]:
    for asked, method, path in documents.calls(CHECKED[name]):
        if asked == what:
            for known, operations in extract(name)["paths"].items():
                if documents.shape(known) == documents.shape(path):
                    found: Mapping[str, Any] = operations[method]
                    return found
    raise AssertionError(f"{name}: its document has no {what}")


def cases(*of: str) -> list[tuple[str, str]]:
    return [(name, what) for name, said in CHECKED.items() for what in of if what in said]


@pytest.mark.parametrize(("name", "what"), cases("list", "issue", "deactivate", "delete", "try"))
def test_it_is_asked_as_its_document_says(name: str, what: str) -> None:
    found, said = operation(name, what), CHECKED[name][what]
    assert set(said.get("query", {})) <= {one["name"] for one in found["parameters"] if one["in"] == "query"}
    sent = said.get("form", said.get("body"))
    if sent is None:
        return
    kind = "application/x-www-form-urlencoded" if "form" in said else "application/json"
    schema = found["requestBody"]["content"][kind]["schema"]
    assert set(sent) <= set(schema["properties"])
    assert set(schema.get("required", ())) <= set(sent)


@pytest.mark.parametrize(("name", "what"), cases("list", "issue", "try"))
def test_the_answer_has_what_is_looked_for(name: str, what: str) -> None:
    said = CHECKED[name][what]
    if what == "list":
        whole = answer(name, what)
        assert at(whole, said["keys"])["type"] == "array"
        key = at(whole, said["keys"])["items"]
        looked_for = [said[one] for one in ("id", "name", "created", "used") if one in said]
        looked_for += [said[one]["at"] for one in ("active", "gone") if one in said]
        paging = [said["paging"][one] for one in ("next", "cursor", "more", "pages") if one in said.get("paging", {})]
        assert all([at(key, place) for place in looked_for] + [at(whole, place) for place in paging])
    elif what == "issue":
        assert at(answer(name, what), said["id"])["type"] in ("string", "integer")
        assert at(answer(name, what), said["secret"])["type"] == "string"
    else:
        sign = said["accepted"]["200"]
        assert at(answer(name, what), sign["at"]) is not None


def answer(name: str, what: str) -> Mapping[str, Any]:
    """What it says when it was done."""
    responses = operation(name, what)["responses"]
    (done,) = [responses[status] for status in ("200", "201") if status in responses]
    found: Mapping[str, Any] = done["content"]["application/json"]["schema"]
    return found


def at(schema: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    for step in place.split("/")[1:]:
        schema = schema["items"] if step.isdecimal() else schema["properties"][step]
    return schema


@only_in_the_whole
@pytest.mark.parametrize("name", CHECKED)
def test_what_is_kept_of_a_document_is_what_the_package_has(name: str) -> None:
    assert documents.written(documents.extracted(CHECKED[name])) == (documents.EXTRACTS / f"{name}.json").read_text()


# Told in the docs


def told(said: Mapping[str, Any]) -> Iterator[str]:
    """The row of the table."""
    yield from ("yes" if what in said else "no" for what in ("issue", "list", "try"))
    yield " and ".join(one for one in ("deactivate", "delete") if one in said) or "no"
    listed = said.get("list", {})
    yield from ("yes" if what in listed else "no" for what in ("name", "created", "used"))
    yield "sent" if "scopes" in said else "none"
    about = said.get("checked")
    yield f"`{about['package']}` {documents.PINNED[about['package']]}" if about else "documentation only"


def test_the_page_says_what_each_can() -> None:
    assert rows(section("Providers that are described already", DOCS)) == {
        name: [said["provider"], *told(said)] for name, said in SHIPPED.items()
    }
