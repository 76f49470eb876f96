"""The demo of six kinds: what its page says of each, what turns it red, and what a credential is called."""

import re
from dataclasses import replace

import pytest

from local.load import Results
from local.login import Login
from local.options import NOTHING, PLATFORM, Options
from local.page import render
from local.report import Retired
from local.services.demo import missed
from local.services.names import Names
from local.services.stack import SERVICES
from tests.unit.test_page import Page
from tests.worlds.story import lane, several


def test_nothing_said_means_one_rotation_of_each_and_one_that_is_rolled_back() -> None:
    assert Options.parse({"APP": PLATFORM, "XDG_CACHE_HOME": "/nowhere"}) == Options(1, rate=10, fail="PutSecret", app=PLATFORM)
    assert Options.parse({"APP": PLATFORM, "ROTATIONS": "2", "FAIL": NOTHING}).rotations == 2


def test_three_services_use_six_kinds() -> None:
    assert len(SERVICES) == 3
    assert len({kind for kinds in SERVICES.values() for kind in kinds}) == 6


def test_values_of_one_user_are_numbered_as_they_are_met() -> None:
    names = Names()
    called = [names.of(Login(user, password)) for user, password in (("u", "1"), ("u", "2"), ("u", "1"), ("v", "3"))]
    assert called == ["u", "u, value 2", "u", "v"]


# ---- what turns it red


def test_all_is_well_where_nothing_failed_and_all_are_refused() -> None:
    assert missed([lane("database", "a", "b")], [Retired("database: a", "run", refused=True)]) == []


def test_a_failed_request_is_named_with_its_kind() -> None:
    whole = lane("redis", "a", "b")
    first, *rest = whole.requests.requests
    found = missed([replace(whole, requests=Results((replace(first, reason="status 500"), *rest)))], [])
    assert found == [f"redis: 1 of {len(rest) + 1} requests failed"]


@pytest.mark.parametrize(("rate", "said"), [(10, []), (11, ["jwt: 10.1 requests/s, 11 were asked for"])])
def test_a_rate_that_was_missed_is_named(rate: float, said: list[str]) -> None:
    assert missed([replace(lane("jwt", "a", "b"), rate=rate)], []) == said


def test_no_request_at_all_is_a_rate_that_was_missed() -> None:
    (said,) = missed([replace(lane("jwt", "a", "b"), requests=Results(()))], [])
    assert said == "jwt: 0.0 requests/s, 10 were asked for"


def test_a_retired_credential_that_still_works_is_named() -> None:
    (said,) = missed([], [Retired("cloud: AKIA1", "fleet-platform-1-cloud", refused=False)])
    assert said == "cloud: AKIA1, which fleet-platform-1-cloud retired, still works"


# ---- the page


def test_each_kind_has_a_lane_with_a_flip_and_a_withdrawal() -> None:
    page = Page(render(several()))
    assert len(page.having("lane")) == len(page.having("chart")) == 2
    marks = [one["class"] for one in page.having("flip")]
    assert marks == ["flip", "flip withdrawn"] * 2
    assert [text for text in ("Kind database", "what redis is for", "platform, value 2") if text not in page.text] == []


def test_lanes_have_one_time_axis() -> None:
    """The second rotation began two seconds after the first."""
    panels = [re.findall(r"left:([\d.]+)%", one["style"] or "") for one in Page(render(several())).having("panel")]
    (first,), (second,) = panels
    assert float(first) < float(second)


def test_a_withdrawal_follows_its_flip() -> None:
    flips = [float(re.findall(r"left:([\d.]+)%", one["style"] or "")[0]) for one in Page(render(several())).having("flip")]
    assert flips[0] < flips[1]
    assert flips[2] < flips[3]


@pytest.mark.parametrize(
    "fact",
    [
        "2 rotations of six kinds of credentials under",
        "1 of 1 retired credentials are refused",
        "0 credentials leaked",
        "Retired credentials",
        "Kind redis what redis is for, by the service orders (Vault) and the service assistant (secret) 10.1",
        "None was tried again.",
    ],
)
def test_a_fact_of_all_of_them_is_told(fact: str) -> None:
    assert fact in Page(render(several())).text
