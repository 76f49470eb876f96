"""The site: every page is in it, links lead on in it, and what somebody is looking for is two clicks away."""

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from rotation.kinds import registry
from rotation.told.runbook import CUT_SHORT, ENDS

from local.site import NAV, REPOSITORY, Page, dead, page, pages, settings
from tests.pages import PAGES, anchors

PLACES = pages()
TEXTS = {name: page(path, (REPOSITORY / path).read_text()) for path, name in PLACES.items()}
"""As they are in the site."""


def menu() -> Iterator[str]:
    for entry in settings()["nav"]:  # type: ignore[attr-defined]
        for names in entry.values():
            yield from [names] if isinstance(names, str) else names


def test_every_page_is_in_the_menu_once() -> None:
    assert sorted(menu()) == sorted(PLACES.values())
    assert set(PAGES) <= set(PLACES)
    assert sum(map(len, NAV.values())) + len(registry.CONSUMERS) + 1 == len(PLACES)


@pytest.mark.parametrize(
    ("path", "text", "there"),
    [
        ("README.md", "[a](docs/tests.md#x)", "[a](tests.md#x)"),
        ("README.md", "![a](docs/pictures/machine.svg)", "![a](pictures/machine.svg)"),
        (
            "docs/rds-proxy.md",
            "[`k`](../layers/rotation/rotation/consumers/app_secret/README.md#keys)",
            "[`k`](kinds/app-secret.md#keys)",
        ),
        ("layers/rotation/rotation/consumers/wp_config/README.md", "[a](../app_secret/README.md)", "[a](app-secret.md)"),
        ("layers/rotation/rotation/consumers/wp_config/README.md", "[a](../../../../../docs/errors.md)", "[a](../errors.md)"),
        ("docs/errors.md", "[a](../template.yaml) [b](#here) [c](https://example.com/)", "a [b](#here) [c](https://example.com/)"),
    ],
)
def test_a_link_leads_to_the_page_in_the_site_or_is_no_link(path: str, text: str, there: str) -> None:
    assert page(path, text) == there


def clicks(wanted: str) -> int:
    """From the first page to a place: the menu has each page, and a page has its headings beside it."""
    name, _, anchor = wanted.partition("#")
    assert name in set(menu())
    assert not anchor or anchor in anchors(TEXTS[name]) | Page(TEXTS[name]).anchors, f"{name} has no {anchor}"
    return 1 + bool(anchor)


WANTED = {
    "deploy OpenEMR": "deploying.md",
    "deploy an application behind RDS Proxy": "rds-proxy.md#deploying",
    "deploy WordPress": "kinds/wp-config.md",
    "deploy an application that reads a Vault": "kinds/vault-kv.md",
    "deploy an application on Redis": "redis.md",
    "rotate the keys that sign our tokens": "signing-keys.md",
    "deploy with Terraform": "terraform.md#use",
    "practise for the night": "rehearsal.md",
    "what may this role do": "security.md#what-a-stolen-role-can-do",
    "the admin's password is lost": "operating.md#emergency-reset-the-admin-is-lost",
    "credentials were stolen": "operating.md#what-can-fail-and-what-happens-then",
    "an alarm": "operating.md#alarms",
    "prove it to an auditor": "command.md#rotation-report",
    "add a kind": "adding-a-kind.md",
    "take it away": "deleting.md",
    "what is tested": "tests.md",
}


@pytest.mark.parametrize("what", WANTED)
def test_whatever_is_wanted_is_two_clicks_away(what: str) -> None:
    assert clicks(WANTED[what]) <= 2


@pytest.mark.parametrize("end", [*ENDS, *CUT_SHORT])
def test_every_end_is_two_clicks_away(end: str) -> None:
    assert clicks("operating.md#it-stopped-which-terminal-state") <= 2
    assert f"| `{end}` |" in TEXTS["operating.md"]


def test_a_dead_link_and_a_page_that_needs_a_network_are_found(tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "kinds").mkdir(parents=True)
    (site / "kinds/b.html").write_text('<p id="here"><a href="/a.html">well</a><a href="#there">not</a>')
    (site / "a.html").write_text(
        '<script src="https://example.com/x.js"></script><a href="kinds/b.html#here">well</a><a href="c.html">not</a>'
    )
    found = sorted(dead(tmp_path))
    assert found == ["a.html needs https://example.com/x.js", "a.html: c.html", "kinds/b.html: #there"]


def by_links(start: str = "index.md") -> dict[str, int]:
    """Clicks to each page by the links in the text alone, as on a place that shows no menu."""
    found, reached = {start: 0}, [start]
    for name in reached:
        links = re.findall(r"\]\(([\w./-]+\.md)(?:#[\w-]+)?\)", TEXTS[name])
        for link in (os.path.normpath(PurePosixPath(name).parent / one) for one in links):
            if link not in found:
                found[link] = found[name] + 1
                reached.append(link)
    return found


def test_every_page_is_two_clicks_away_without_the_menu_too() -> None:
    clicked = by_links()
    assert set(clicked) == set(menu())
    assert {name: many for name, many in clicked.items() if many > 2} == {}
