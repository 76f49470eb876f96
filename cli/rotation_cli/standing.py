"""How the targets of a stack stand: what runs, what is due, what asks for somebody, and the command that answers it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rotation.core.by_hand import to_be_revoked
from rotation.core.classes import RotationClass
from rotation.told.history import RUNNING
from rotation.told.outcome import DONE
from rotation.told.runbook import Urgency

from rotation_cli.evidence import LOOKS
from rotation_cli.history import Run
from rotation_cli.schedule import Schedule
from rotation_cli.stack import NO_SECRET, NOT_KNOWN, Stack, by_hand, class_of


@dataclass(frozen=True)
class Ask:
    """Something that a person should do."""

    what: str
    command: str


@dataclass(frozen=True)
class Standing:
    """One target."""

    name: str
    kind: RotationClass
    last: Run | None
    renewed: datetime | None
    """When a run last replaced its password, as far back as was looked."""
    never: bool
    """The log reaches back to when the stack was made, and nothing renewed it."""
    intent: str
    """The version that carries AWSPENDING; empty: none does."""
    runs: bool
    now: datetime
    by_hand: bool = False
    """Whether people make its keys."""
    to_revoke: Sequence[tuple[str, str]] = ()
    """Old keys that a person is to revoke: the id of each, and since when."""

    @property
    def due(self) -> datetime | None:
        """By when it is to be renewed next."""
        return self.renewed and self.renewed + timedelta(days=self.kind.period_days)

    @property
    def overdue(self) -> bool:
        """Nothing renewed it for longer than its class and the days of grace allow."""
        return self.renewed is None or self.now - self.renewed > timedelta(days=self.kind.overdue_days)

    def asks(self) -> Iterator[Ask]:
        """The most urgent first."""
        if self.last is not None and self.last.end is not None and self.last.end.urgency is not Urgency.NOTHING:
            yield Ask(f"its last run ended {self.last.outcome}", f"rotation explain {self.last.name}")
        if self.intent == NO_SECRET:
            yield Ask("its document names no slot secret", f"rotation targets check {self.name}")
        elif self.intent and not self.intent.startswith(NOT_KNOWN) and not self.runs:
            yield Ask(
                f"an intent is open ({self.intent}) and nothing runs", f"rotation start --mode resume --target {self.name} --follow"
            )
        if self.overdue and not self.runs:
            what = "it was never rotated" if self.never else f"nothing renewed it in the last {self.kind.overdue_days} days"
            yield Ask(what, self._renews)
        yield from (Ask(*to_be_revoked(self.name, key_id, since)) for key_id, since in self.to_revoke)

    @property
    def _renews(self) -> str:
        return f"rotation {'hand-in' if self.by_hand else 'start --target'} {self.name} --follow"


@dataclass(frozen=True)
class Stands:
    """The stack."""

    schedule: Schedule
    running: Sequence[Run]
    targets: Sequence[Standing]

    def by_need(self, *, asking: bool) -> "Stands":
        """Those that ask for somebody first, or alone; among them as they come, by name."""
        found = [one for one in self.targets if any(one.asks())]
        rest = [] if asking else [one for one in self.targets if one not in found]
        return replace(self, targets=[*found, *rest])

    @property
    def asks(self) -> list[tuple[str, Ask]]:
        """Of all targets, by name."""
        return [(one.name, ask) for one in self.targets for ask in one.asks()]


def look(stack: Stack, now: datetime) -> Stands:
    """Asks the stack."""
    targets = stack.targets()
    running = stack.latest(20, RUNNING)
    since = now - timedelta(days=max(class_of(text).overdue_days for text in targets.values()))
    runs = sorted(
        (run for run in stack.logged(since, None) if run.mode not in LOOKS and run.ended), key=lambda run: run.ended or now
    )
    young = stack.made_at() > since
    busy = {run.target for run in running}
    standings = []
    for name, text in targets.items():
        own = [run for run in runs if run.target == name]
        renewed = [run.ended for run in own if run.outcome in DONE]
        last = own[-1] if own else None
        standings.append(
            Standing(
                name, class_of(text), last, renewed[-1] if renewed else None, young and not renewed,
                stack.pending(text), name in busy, now, by_hand(text), stack.to_revoke(text),
            )
        )  # fmt: skip
    return Stands(stack.schedule(now), running, standings)
