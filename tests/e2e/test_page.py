"""The demo's page in a real browser: no complaint, everything visible, nothing wider than the window."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from local.load import Results
from local.page import render, write
from tests.worlds.browser import CONTRAST, Browser
from tests.worlds.story import bad, good, several

REPORTS = {"good": good, "bad": bad, "several": several}
WINDOWS = [(1280, "light"), (1280, "dark"), (800, "light"), (800, "dark"), (420, "light"), (420, "dark")]

SIZES = """Array.from(document.querySelectorAll(%r), element => {
  const box = element.getBoundingClientRect();
  return {text: element.textContent, left: box.left, right: box.right, width: box.width, height: box.height,
          visible: element.checkVisibility({visibilityProperty: true, opacityProperty: true})};
})"""
TOO_WIDE = """Array.from(document.querySelectorAll("body, body *:not(script)")).filter(element =>
  element.getBoundingClientRect().right > document.documentElement.clientWidth).map(element => element.outerHTML.slice(0, 200))"""
SPILLING = """Array.from(document.querySelectorAll("section, .tiles li, header, table")).filter(element =>
  element.scrollWidth > element.clientWidth + 1).map(element => element.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(params=REPORTS)
def page(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write(render(REPORTS[request.param]()), tmp_path / "demo.html")


def boxes(browser: Browser, css: str) -> list[dict[str, float]]:
    found: list[dict[str, float]] = browser.ask(SIZES % css)
    return found


@pytest.mark.parametrize(("width", "scheme"), WINDOWS)
def test_the_browser_has_nothing_to_complain_about(browser: Browser, page: Path, width: int, scheme: str) -> None:
    browser.look_at(width, 900, scheme)
    browser.open(page)
    assert browser.complaints() == []
    assert browser.ask(CONTRAST) == []


@pytest.mark.parametrize(
    "planted",
    ["console.error('planted')", "nowhere.to.be.found()", "Promise.reject(new Error('planted'))", "fetch('planted.json')"],
)
def test_a_planted_error_is_a_complaint(browser: Browser, tmp_path: Path, planted: str) -> None:
    html = render(good()).replace('"use strict";', f'"use strict"; {planted};')
    browser.open(write(html, tmp_path / "demo.html"))
    assert browser.complaints() != []


def test_it_loads_itself_and_nothing_else(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert browser.requested() == [page.as_uri()]


@pytest.mark.parametrize(("width", "scheme"), WINDOWS)
@pytest.mark.parametrize(
    "css", ["h1", ".tiles li", ".head b", ".bar", ".row.state .label", ".active span", "path.user0", "path.user1", ".flip"]
)
def test_what_tells_the_story_can_be_seen(browser: Browser, page: Path, width: int, scheme: str, css: str) -> None:
    browser.look_at(width, 900, scheme)
    browser.open(page)
    found = boxes(browser, css)
    assert found
    unseen = [box for box in found if not box["visible"] or box["width"] < 1 or box["height"] < 1]
    assert unseen == []


@pytest.mark.parametrize("width", [1280, 800, 420])
def test_nothing_is_wider_than_the_window(browser: Browser, page: Path, width: int) -> None:
    browser.look_at(width, 900)
    browser.open(page)
    assert browser.ask("document.documentElement.scrollWidth") <= width
    assert browser.ask(TOO_WIDE) == []
    assert browser.ask(SPILLING) == []


PAPER = 1030
"""An A4 page across, without its margins, in CSS pixels."""


def test_it_is_printed_whole(browser: Browser, page: Path) -> None:
    browser.look_at(PAPER, 700, media="print")
    browser.open(page)
    assert browser.ask(TOO_WIDE) == []
    assert browser.ask(SPILLING) == []
    assert [box["text"] for box in boxes(browser, "section, .tiles li, td, .bar, details") if not box["visible"]] == []
    assert browser.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.ask(CONTRAST) == []


def test_what_is_too_wide_would_be_noticed(browser: Browser, tmp_path: Path) -> None:
    html = render(good()).replace("<header", '<div style="width:2000px">planted</div><header')
    browser.look_at(1280, 900)
    browser.open(write(html, tmp_path / "demo.html"))
    assert browser.ask("document.documentElement.scrollWidth") > 1280
    assert browser.ask(TOO_WIDE) != []


def test_failed_requests_are_red_from_the_top_of_the_picture_to_its_bottom(browser: Browser, tmp_path: Path) -> None:
    browser.look_at(1280, 900)
    browser.open(write(render(bad()), tmp_path / "demo.html"))
    (stripe,), (picture,) = boxes(browser, ".gone"), boxes(browser, ".chart")
    assert stripe["height"] > 0.9 * picture["height"]
    assert stripe["width"] >= 4
    assert [count["text"] for count in boxes(browser, ".failed b")] == ["80"]
    assert browser.ask("getComputedStyle(document.querySelector('path.failures')).fill") == "rgb(209, 0, 39)"


def test_a_third_user_has_a_colour_of_its_own(browser: Browser, tmp_path: Path) -> None:
    report = good()
    third = replace(report.chapters[1], before="openemr_b", after="openemr_c")
    requests = tuple(replace(one, user="openemr_c") if one.at > third.run.began else one for one in report.requests.requests)
    written = write(
        render(replace(report, chapters=[report.chapters[0], third], requests=Results(requests))), tmp_path / "demo.html"
    )
    browser.open(written)
    fills = browser.ask("Array.from(document.querySelectorAll('.requests path'), path => getComputedStyle(path).fill)")
    assert len(set(fills)) == len(fills) == 4


def test_dark_is_dark_and_light_is_light(browser: Browser, page: Path) -> None:
    browser.look_at(1280, 900, "light")
    browser.open(page)
    background = "getComputedStyle(document.body).backgroundColor"
    light = browser.ask(background)
    browser.look_at(1280, 900, "dark")
    assert (light, browser.ask(background)) == ("rgb(246, 247, 249)", "rgb(17, 21, 27)")


def test_pointing_at_a_second_reads_it(browser: Browser, tmp_path: Path) -> None:
    browser.look_at(1280, 900)
    browser.open(write(render(bad()), tmp_path / "demo.html"))
    browser.ask("document.querySelector('.requests').scrollIntoView({block: 'center'})")
    x, y = browser.ask(
        "(() => { const gone = document.querySelector('.gone').getBoundingClientRect(), "
        "track = document.querySelector('.requests .track').getBoundingClientRect(); "
        "return [gone.left + gone.width / 4, track.top + 20]; })()"
    )
    browser.point_at(x, y)
    assert browser.ask("document.getElementById('reading').textContent") == "10.5 s · failed 40"
    assert browser.complaints() == []
