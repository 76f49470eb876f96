"""Requests per second as they are drawn: nothing is smoothed away, least of all a failure."""

import pytest

from local.load import Request, Results
from local.traffic import MOST_STRETCHES, OTHERS, area, traffic
from tests.worlds.story import BEGAN, requests

USERS = ["openemr_a", "openemr_b"]


def request(second: float, user: str = "openemr_a", reason: str | None = None) -> Request:
    return Request(BEGAN + second, user, "pod-1", 8.0, reason)


@pytest.mark.parametrize("seconds", [1.0, 7.3, 59.975])
def test_a_steady_rate_is_drawn_flat_to_the_end(seconds: float) -> None:
    shown = traffic(requests(seconds), USERS)
    each = [sum(rates) for rates in zip(*shown.served.values(), strict=True)]
    assert each == pytest.approx([40.0] * len(each), rel=1e-3)
    assert shown.seconds == pytest.approx(seconds)


def test_users_are_told_apart_and_all_others_are_one() -> None:
    shown = traffic(Results((request(0.0), request(0.5, "openemr_b"), request(1.0, "root"), request(1.5, "unknown"))), USERS)
    assert list(shown.served) == [*USERS, OTHERS]
    assert [sum(rates) for rates in shown.served.values()] == [1, 1, 2]


def test_without_others_there_is_no_such_user() -> None:
    assert list(traffic(requests(2.0), USERS).served) == USERS


def test_failed_requests_are_counted_apart_and_heap_up_to_the_rate() -> None:
    shown = traffic(Results(tuple(request(n / 4, reason="status 503" if n < 3 else None) for n in range(8))), USERS)
    assert shown.failed == [3, 0]
    assert shown.served["openemr_a"] == [1, 4]
    assert shown.highest == 4


def test_failures_that_follow_each_other_are_one_outage() -> None:
    failing = {2, 3, 4, 7}
    shown = traffic(Results(tuple(request(n, reason="status 503" if n in failing else None) for n in range(10))), USERS)
    assert [(round(start - BEGAN, 1), round(end - BEGAN, 1), failed) for start, end, failed in shown.outages] == [
        (1.5, 4.5, 3),
        (6.5, 7.5, 1),
    ]


def test_one_failure_in_two_hours_is_still_there() -> None:
    shown = traffic(Results(tuple(request(n, reason="status 503" if n == 5000 else None) for n in range(7200))), USERS)
    assert len(shown.failed) <= MOST_STRETCHES
    assert sum(shown.failed) == 1
    assert [failed for *_, failed in shown.outages] == [1]


def test_a_single_request_is_drawn() -> None:
    assert traffic(Results((request(0.0),)), USERS).failed == [0]


def test_no_request_is_an_empty_picture() -> None:
    shown = traffic(Results(()), USERS)
    assert (shown.failed, shown.highest, shown.outages) == ([], 0.0, [])


def test_an_area_lies_between_its_two_staircases() -> None:
    assert area([0.0, 1.0], [2.0, 3.0]) == "M0 0.00 H0 V2.00 H1 H1 V3.00 H2 V1.00 H1 V0.00 H0 Z"
    assert area([], []) == ""
