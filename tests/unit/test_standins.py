"""The demo's page names everything that stands for something else: the list is held to what each show starts."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from local import standins
from local.options import OPENEMR, PLATFORM, PROXY, SWARM, WORDPRESS
from local.page import render
from local.shows import SHOWS
from tests.worlds.story import good

ROOT = Path(__file__).parents[2]
SERVER = "local.aws_server"
STARTED = {
    OPENEMR: ("local.stack",),
    PROXY: ("local.shop.proxied",),
    WORDPRESS: ("local.wordpress.stack",),
    SWARM: ("local.swarm.stack",),
    PLATFORM: ("local.services.stack", "local.services.service"),
}
"""Of each show; then what it starts as a process of its own."""


def file_of(module: str) -> Path | None:
    bare = ROOT / module.replace(".", "/")
    return next((one for one in (bare.with_suffix(".py"), bare / "__init__.py") if one.exists()), None)


def imported(module: str) -> Iterator[str]:
    """Of local/, wherever in the module."""
    path = file_of(module)
    for node in ast.walk(ast.parse(path.read_text())) if path else ():
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "local":
            for name in node.names:
                inner = f"{node.module}.{name.name}"
                yield inner if file_of(inner) else str(node.module)


def composed(app: str) -> set[str]:
    """All that a show starts, and the local AWS, which is a process of its own."""
    seen, new = set[str](), {*STARTED[app], SERVER}
    while new:
        seen |= new
        new = {one for module in new for one in imported(module)} - seen
    return {one.removeprefix("local.") for one in seen}


@pytest.mark.parametrize("app", STARTED)
def test_whatever_a_show_is_made_of_is_named_or_is_plumbing(app: str) -> None:
    named = {module for one in standins.OF[app] for module in one.modules}
    found = composed(app)
    assert found - named - set(standins.PLUMBING) == set(), "name what it stands for"
    assert named - found == set(), "it is not used any more"


def test_nothing_is_plumbing_that_no_show_uses() -> None:
    assert set(standins.PLUMBING) <= set().union(*map(composed, STARTED))


@pytest.mark.parametrize("app", STARTED)
def test_a_stand_in_is_named_once(app: str) -> None:
    assert len(standins.told(app)) == len(standins.OF[app])


def test_each_show_starts_what_is_walked_from() -> None:
    assert {first for first, *_ in STARTED.values()} <= {*imported("local.shows"), *imported("local.services.demo")}
    assert {*SHOWS, PLATFORM} == set(STARTED)


def test_the_page_says_them() -> None:
    page = render(replace(good(), overrides=standins.told(OPENEMR)))
    assert all(f"<dt>{one.of}</dt>" in page for one in standins.OF[OPENEMR])
