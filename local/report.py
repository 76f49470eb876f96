"""What came of a demo, as facts: for the terminal (telling.py) and the page (page.py). There is no place for a password in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from local.follow import Run, lasted
from local.load import Results

WITHDRAWN = ("RotationSucceeded", "AdminNotRotated", "NotReleased")
"""Ends of an execution in which the old credential is refused."""
WAITS = {
    "WaitForDrain": "quiet period",
    "WaitForRollout": "rollout",
    "OverlapWindow": "overlap window",
    "WaitUntilKnown": "the verifiers",
    "WaitUntilForgotten": "the verifiers",
    "WaitForEverybody": "everybody",
    "WaitForLogin": "the proxy",
    "WaitForSecretsManager": "Secrets Manager",
}
"""The machine's Wait states and what each waits for."""

SEARCHED = "execution history, its log, parameters, logs, files, processes; raw, base64, hex, URL-encoded"
"""Where canary.py looks for passwords, and for which ways of writing them."""


@dataclass(frozen=True)
class Chapter:
    """One execution: what it was to do, and what it did."""

    run: Run
    expected: str
    before: str
    """The database user of the active slot when it began."""
    after: str
    made_to_fail: str = ""
    """The state that the demo made fail on purpose."""

    @property
    def name(self) -> str:
        return self.run.arn.rsplit(":", 1)[-1]

    @property
    def as_expected(self) -> bool:
        return self.run.outcome == self.expected

    @property
    def verdict(self) -> str:
        """good; meant: it failed, as it was made to; bad."""
        if not self.as_expected:
            return "bad"
        return "meant" if self.made_to_fail else "good"

    @property
    def flipped(self) -> float | None:
        """When the other slot became the active one; None if it did not."""
        if self.before == self.after:
            return None
        flips = [visit.left for visit in self.run.visits if visit.state in ("FlipSlot", "CloseFlip") and visit.left]
        return flips[-1] if flips else self.run.ended

    @property
    def withdrawn(self) -> float | None:
        """When what was used before had been shown to be refused; None if it was not."""
        looked = [visit.left for visit in self.run.visits_of("DiscardOldPassword") if visit.left]
        return looked[-1] if looked and self.run.outcome in WITHDRAWN else None


@dataclass(frozen=True)
class Lane:
    """What happened to one of several credentials, and to whoever needed it."""

    name: str
    title: str
    does: str
    """What each request does with it."""
    rate: float
    """Requests a second that were asked for."""
    chapters: list[Chapter]
    requests: Results

    @property
    def users(self) -> list[str]:
        """What the credentials are called, the one that was active first at the head."""
        return called(self.chapters)


def called(chapters: list[Chapter]) -> list[str]:
    return list(dict.fromkeys(user for chapter in chapters for user in (chapter.before, chapter.after)))


@dataclass(frozen=True)
class Retired:
    """A login that must not work any more, and whether it does."""

    user: str
    by: str
    refused: bool


@dataclass(frozen=True)
class Report:
    chapters: list[Chapter]
    requests: Results
    retired: list[Retired]
    leaks: list[str]
    """Where a password was found that should not be there."""
    problems: list[str]
    """Whatever is not well, a sentence each; empty means all is well."""
    setup: dict[str, str] = field(default_factory=dict)
    """What ran: pods, rate, versions of the real servers."""
    overrides: dict[str, str] = field(default_factory=dict)
    """What differs from AWS: what stands for what, and the template's parameters that are others."""
    seconds: float = 0.0
    searched: str = SEARCHED
    lanes: list[Lane] = field(default_factory=list)
    """One for each credential where there are several; what is above is of all of them."""
    rotated: str = "database credentials"
    called: str = "password"
    """What a credential is."""

    @property
    def users(self) -> list[str]:
        """The database users of the slots."""
        return sorted(called(self.chapters))

    @property
    def waiting(self) -> float:
        """What happens side by side waits side by side: as long as the one that waits the longest."""
        return max(sum(chapter.run.waiting for chapter in one.chapters) for one in self.lanes or [self])


def waits(run: Run) -> dict[str, float]:
    """What it waited for → seconds; only what it did wait for."""
    each = {what: sum(map(lasted, run.visits_of(state))) for state, what in WAITS.items()}
    return {what: seconds for what, seconds in each.items() if seconds >= 0.05}
