"""How often a target is to be rotated, and how long its old credential stays valid beside the new one."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RotationClass:
    """A class of rotation, as an auditor reads it."""

    name: str
    period_days: int
    """The longest that is allowed from one rotation to the next: the longest month, quarter or half-year."""
    overlap_seconds: int
    schedule: str
    """For EventBridge Scheduler, in UTC."""

    @property
    def overdue_days(self) -> int:
        """When a missed rotation is a finding: some days are left for a failed one to be mended and started again."""
        return self.period_days + GRACE_DAYS


GRACE_DAYS = 3
HOUR = 3600

CLASSES = {
    one.name: one
    for one in (
        RotationClass("monthly", 31, 0, "cron(0 3 1 * ? *)"),
        RotationClass("quarterly", 92, 0, "cron(0 3 1 1,4,7,10 ? *)"),
        RotationClass("half-yearly", 184, 0, "cron(0 3 1 1,7 ? *)"),
        RotationClass("30-days", 30, 2 * HOUR, "rate(30 days)"),
        RotationClass("90-days", 90, 24 * HOUR, "rate(90 days)"),
        RotationClass("365-days", 365, 48 * HOUR, "rate(365 days)"),
    )
}
DEFAULT_CLASS = "monthly"
