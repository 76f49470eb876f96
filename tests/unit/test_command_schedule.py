"""When the schedule is due next."""

from datetime import UTC, datetime

import pytest
from rotation_cli.schedule import next_run

from tests.unit.test_template import template

MADE, NOW = datetime(2026, 1, 10, 8, 30, tzinfo=UTC), datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
DUE = {
    "cron(0 3 1 * ? *)": "2026-04-01 03:00",
    "cron(0 3 1 1,4,7,10 ? *)": "2026-04-01 03:00",
    "cron(0 3 1 1,7 ? *)": "2026-07-01 03:00",
    "cron(0 6 * * ? *)": "2026-03-01 06:00",
    "rate(30 days)": "2026-03-11 08:30",
    "rate(1 day)": "2026-03-01 08:30",
    "rate(365 days)": "2027-01-10 08:30",
}


@pytest.mark.parametrize("expression", DUE)
def test_it_is_due_when_the_scheduler_says_so(expression: str) -> None:
    assert f"{next_run(expression, MADE, NOW):%Y-%m-%d %H:%M}" == DUE[expression]


def test_every_expression_of_the_template_is_understood() -> None:
    for name, one in template()["Mappings"]["Classes"].items():
        assert next_run(one["Schedule"], MADE, NOW), name


@pytest.mark.parametrize("expression", ["cron(0 3 ? * MON *)", "at(2026-05-01T00:00:00)", ""])
def test_of_another_expression_nothing_is_made_up(expression: str) -> None:
    assert next_run(expression, MADE, NOW) is None
