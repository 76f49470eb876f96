"""What mode verify found: one line for each prerequisite, and what to do where it does not hold."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How bad it is, the worst first."""

    FAILED = "failed"
    """A rotation would fail, or must not be tried."""
    WARNING = "warning"
    SKIPPED = "skipped"
    """It could not be looked at: a rotation does not need it to be, or another finding says what was in the way."""
    OK = "ok"


@dataclass(frozen=True)
class Finding:
    """One prerequisite, as one function sees it."""

    severity: Severity
    what: str
    found: str
    mend: str = ""
    measured: tuple[tuple[str, float], ...] = field(default=(), compare=False)
    """What goes out as metrics; the state machine does not carry it."""

    def as_dict(self) -> dict[str, str]:
        """As the state machine carries it."""
        return {"severity": str(self.severity), "what": self.what, "found": self.found, "mend": self.mend}

    @classmethod
    def parse(cls, raw: Mapping[str, str]) -> "Finding":
        """Back again."""
        return cls(Severity(raw["severity"]), raw["what"], raw["found"], raw["mend"])


def unanswered(function: str, failure: Mapping[str, Any]) -> Finding:
    """A function that could not even look."""
    mend = "look for it in the log of the functions; is it deployed, in subnets that reach what it needs?"
    return Finding(Severity.FAILED, function, f"does not answer: {failure.get('Error', 'unknown')}", mend)


def gathered(found: Iterable[tuple[str, Finding]]) -> list[dict[str, Any]]:
    """The worst first; what several functions found alike is said once, with their names."""
    by: dict[Finding, list[str]] = {}
    for function, finding in found:
        by.setdefault(finding, []).append(function)
    worst_first = sorted(by, key=lambda finding: list(Severity).index(finding.severity))
    return [{**finding.as_dict(), "by": sorted(set(by[finding]))} for finding in worst_first]
