"""How often Secrets Manager rotates a secret by its own rules. Pure.

A cron() is not worked out to the day: an hour's field with several values means hours apart, anything else a day at least. Secrets
Manager takes nothing under four hours.
"""

import re
from collections.abc import Mapping
from typing import Any

HOUR = 3600.0
DAY = 24 * HOUR
LEAST = 4 * HOUR


def apart(rules: Mapping[str, Any]) -> float | None:
    """Seconds between two rotations, at least; None where it does not rotate by itself. `rules`: as RotationRules has them."""
    expression = str(rules.get("ScheduleExpression") or "")
    if rate := re.fullmatch(r"rate\((\d+) (hour|day)s?\)", expression):
        return int(rate[1]) * (HOUR if rate[2] == "hour" else DAY)
    if cron := re.fullmatch(r"cron\(\S+ (\S+) .*\)", expression):
        return DAY if cron[1].isdigit() else LEAST
    days = rules.get("AutomaticallyAfterDays")
    return int(days) * DAY if days else None
