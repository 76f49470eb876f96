"""The demo's page holds the facts of the report, escaped, and needs nothing from anywhere."""

import re
from dataclasses import fields, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from local.load import Results
from local.page import render, write
from local.report import Chapter, Report, Retired
from tests.worlds.story import bad, good

EVIL = "<script>alert('\"&')</script>"


class Page(HTMLParser):
    """Its texts as a reader gets them, its elements with their attributes."""

    VOID = ("meta", "input", "br")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))

    def having(self, css: str) -> list[dict[str, str | None]]:
        return [attributes for _, attributes in self.elements if css in (attributes.get("class") or "").split()]


def test_a_good_demo_says_so_first() -> None:
    page = Page(render(good()))
    assert page.text.split("·")[0].strip() == "All is well"
    assert "Not well" not in page.text


def test_a_bad_demo_says_what_is_not_well() -> None:
    report = bad()
    text = Page(render(report)).text
    assert "All is well" not in text
    assert text.split("·")[0].strip() == "Not well"
    assert [problem for problem in report.problems if problem not in text] == []


@pytest.mark.parametrize(
    "fact",
    [
        "1 rotation of database credentials under 1,194 requests",
        "one more was made to fail at CheckRollout and ended as RolledBack, as it must",
        "0 of 1,194 requests failed",
        "2 of 2 executions ended as they should",
        "2 of 2 retired passwords are refused",
        "0 passwords leaked",
        "demo-1 openemr_a → openemr_b RotationSucceeded 16.7 s 4.7 s 12.0 s quiet period 8.0, rollout 4.0",
        (
            "demo-2 openemr_b RolledBack made to fail at CheckRollout "
            "openemr: rolled back, the application uses the login that it had before. CheckRollout"
        ),
        "together 1,194 0",
        "openemr demo-1 refused",
        "MySQL 9.7.4",
        "Architecture x86_64",
    ],
)
def test_a_fact_of_the_report_is_told(fact: str) -> None:
    assert fact in Page(render(good())).text


@pytest.mark.parametrize(
    "fact",
    [
        "80 of 1,194 requests failed",
        "1 of 2 retired passwords are refused",
        "openemr_a demo-1 still accepted",
        "1 password leaked",
        "logs/states.log (base64)",
        "80 times: connection failed: ConnectionRefusedError",
    ],
)
def test_what_is_wrong_is_told(fact: str) -> None:
    assert fact in Page(render(bad())).text


def test_every_state_has_a_row_and_every_bar_its_duration() -> None:
    page = Page(render(good()))
    assert [
        state for state in ("ReadSlots", "WriteSqlconf", "FlipSlot", "CloseFlip", "ReleaseRotation") if state not in page.text
    ] == []
    titles = [bar["title"] or "" for bar in page.having("bar")]
    assert "ReadSlots, 1.50 s" in titles
    assert "CheckRollout (failed), 0.05 s" in titles
    assert all(re.search(r", \d+\.\d\d s$", title) for title in titles)


def test_a_flip_is_marked_where_the_active_user_changes() -> None:
    page = Page(render(good()))
    flips = [re.findall(r"left:([\d.]+)%", flip["style"] or "") for flip in page.having("flip")]
    second = page.having("user1")[0]
    assert flips == [re.findall(r"left:([\d.]+)%", second["style"] or "")]
    assert second["title"] == "openemr_b is active"


def test_a_second_with_a_failed_request_is_marked_through_all_rows() -> None:
    assert Page(render(good())).having("gone") == []
    assert len(Page(render(bad())).having("gone")) == 1


def test_an_outcome_that_was_not_meant_is_red_and_names_what_was() -> None:
    report = good()
    wrong = replace(report.chapters[0], expected="NothingChanged")
    page = Page(render(replace(report, chapters=[wrong, report.chapters[1]])))
    assert "RotationSucceeded, not NothingChanged" in page.text
    assert [head["class"] for head in page.having("head")] == ["head bad", "head meant"]


def _evil() -> Report:
    report = good()
    first = report.chapters[0]
    run = replace(
        first.run, arn=f"arn:{EVIL}", cause=EVIL, visits=[replace(one, state=one.state + EVIL) for one in first.run.visits]
    )
    requests = Results(tuple(replace(one, user=EVIL, reason=EVIL) for one in report.requests.requests))
    return Report(
        chapters=[Chapter(run, EVIL, EVIL, f"{EVIL}2", made_to_fail=EVIL)],
        requests=requests,
        retired=[Retired(EVIL, EVIL, refused=False)],
        leaks=[EVIL],
        problems=[EVIL],
        setup={EVIL: EVIL},
        overrides={EVIL: EVIL},
    )


def test_whatever_is_in_the_report_is_text_and_no_markup() -> None:
    page = Page(render(_evil()))
    assert [tag for tag, _ in page.elements].count("script") == 2, "its data and its own script"
    assert EVIL in page.text


@pytest.mark.parametrize("report", [good(), bad()])
def test_nothing_is_loaded_from_anywhere(report: Report) -> None:
    html = render(report)
    loading = ("src", "href", "data", "srcset", "action", "xlink:href")
    assert [attributes for _, attributes in Page(html).elements if set(loading) & attributes.keys()] == []
    assert re.findall(r"https?:|//\w|url\(|@import|fetch\(|XMLHttp", html) == []


def _field_names(thing: Any) -> set[str]:
    return {field.name for field in fields(thing)}


def test_there_is_no_place_for_a_password_in_a_report() -> None:
    names = {name for kind in (Report, Chapter, Retired) for name in _field_names(kind)}
    assert [name for name in names if "password" in name or "secret" in name or "login" in name] == []


@pytest.mark.parametrize("rotations", [0, 2])
def test_a_demo_without_a_request_has_a_page_all_the_same(rotations: int) -> None:
    report = replace(good(), chapters=good().chapters[:rotations], requests=Results(()))
    assert "0 of 0 requests failed" in Page(render(report)).text


def test_the_page_is_written_where_it_is_wanted_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "demo.html"
    assert write("one, and long", path) == path
    write("ärmer", path)
    assert path.read_text(encoding="utf-8") == "ärmer"
