"""What the state machine hands to a step. Names, ids and times; never a credential."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from rotation.core.model import Direction, Mode

if TYPE_CHECKING:
    from rotation.core.drain import Drain
    from rotation.told.cause import Ended


class Claim(NamedTuple):
    """The intent that this run holds, and what it did with it so far."""

    version: str
    own_logins: int = 0
    """Our own logins as the old slot's user, which the drain must not take for the application's."""

    def as_dict(self) -> dict[str, Any]:
        """As the state machine carries it."""
        return {"version": self.version, "own_logins": self.own_logins}


class Request:
    """One event. Each step asks for what it needs; a missing key is a bug in the state machine and raises KeyError."""

    def __init__(self, event: Mapping[str, Any]) -> None:
        self._event = event

    @property
    def target(self) -> str:
        """The name of the target document."""
        return str(self._event["target"])

    @property
    def mode(self) -> Mode:
        """What this run is asked to do."""
        return Mode(self._event["mode"])

    @property
    def owner(self) -> str:
        """The execution's ARN."""
        return str(self._event["execution"]["id"])

    @property
    def execution_name(self) -> str:
        """The execution's name."""
        return str(self._event["execution"]["name"])

    @property
    def started(self) -> str:
        """When the execution began, as text."""
        return str(self._event["execution"]["started"])

    @property
    def rotation_id(self) -> str:
        """The scheduled time for scheduled runs, so that a second delivery is recognised; else the execution's name."""
        return str(self._event.get("scheduled_time") or self.execution_name)

    @property
    def probes(self) -> bool:
        """Whether the function is to look at what its step needs, and do nothing."""
        return bool(self._event.get("probe"))

    @property
    def findings(self) -> list[Mapping[str, Any]]:
        """What each function found, or how it failed."""
        found: list[Mapping[str, Any]] = self._event["probes"]
        return found

    @property
    def round(self) -> int:
        """Which of the rotations of a revocation: it makes one for each slot."""
        return int(self._event["round"])

    @property
    def reason(self) -> str:
        """Why somebody started this; empty if nobody said."""
        return str(self._event["reason"])

    @property
    def started_by(self) -> str:
        """Who did; empty if nobody said."""
        return str(self._event["started_by"])

    @property
    def situation(self) -> Mapping[str, Any]:
        """What ReadSlots returned."""
        found: Mapping[str, Any] = self._event["situation"]
        return found

    @property
    def claim(self) -> Claim:
        """The intent that this run holds."""
        raw = self._event["claim"]
        return Claim(str(raw["version"]), int(raw["own_logins"]))

    @property
    def direction(self) -> Direction:
        """Whether this publish carries on or undoes."""
        return Direction(self._event["direction"])

    @property
    def entry(self) -> str:
        """The entry of the intent to publish: A, B or previous."""
        return str(self._event["entry"])

    @property
    def consumer(self) -> int:
        """The consumer's place in the target's list."""
        return int(self._event["consumer"]["index"])

    @property
    def mark(self) -> str:
        """What a restart is recognised by: repeated it is the same, a later publish of this execution gets another."""
        again = self.drain.republished if self.drain else 0
        return f"{self.execution_name}.{self.direction}.{self.claim.version[:8]}.{again}"

    @property
    def look_mark(self) -> str:
        """What a question of the drain's is recognised by: after a second publish, what was said before it is out of date."""
        return f"{self.execution_name}.{self.drain.republished if self.drain else 0}"

    @property
    def synced_began(self) -> float | None:
        """Since when SyncUsers is asked whether everybody knows the credential that is to be used; None the first time."""
        began = self._event["claim"].get("began")
        return None if began is None else float(began)

    @property
    def discarded_began(self) -> float | None:
        """Since when DiscardOldPassword is asked whether nobody takes the old one any more; None the first time."""
        began = self._event["discarded"]["began"]
        return None if began is None else float(began)

    @property
    def rollout_began(self) -> float:
        """When the rollout was started, in seconds since 1970."""
        return float(self._event["rollout"]["began"])

    @property
    def publish_began(self) -> float:
        """When the consumer was written, in seconds since 1970."""
        return float(self._event["put"]["began"])

    @property
    def put_began(self) -> float | None:
        """When PutSecret came first; None the first time."""
        began = self._event["put"].get("began")
        return None if began is None else float(began)

    @property
    def instances_began(self) -> float | None:
        """When WriteWpConfig came first; None the first time."""
        began = self._event["instances"].get("began")
        return None if began is None else float(began)

    @property
    def instances_version(self) -> str:
        """The version that instances are told to hold; empty before it is there."""
        return str(self._event["instances"].get("version") or "")

    @property
    def fixing_began(self) -> float | None:
        """When FixPermissions came first; None the first time."""
        began = self._event["fixed"].get("began")
        return None if began is None else float(began)

    @property
    def fixed_before(self) -> bool:
        """Whether an earlier call of FixPermissions had to change something."""
        return bool(self._event["fixed"].get("changed"))

    @property
    def phase(self) -> str:
        """Which of a service's phases this state asks for."""
        return str(self._event["phase"])

    @property
    def moved_phase(self) -> str:
        """Which one was asked for by the call before; empty if there was none."""
        return str(self._event["moved"].get("phase") or "")

    @property
    def moved_began(self) -> float | None:
        """When that was asked for first; None before."""
        began = self._event["moved"].get("began")
        return None if began is None else float(began)

    @property
    def moved_version(self) -> str:
        """The version that services are to come to; empty before it is there."""
        return str(self._event["moved"].get("version") or "")

    @property
    def moved_since(self) -> str:
        """When the update before ours began, by the service's own clock."""
        return str(self._event["moved"].get("since") or "")

    @property
    def secret_version(self) -> str:
        """The version by which Secrets Manager rotates the application's secret; empty in a run that it did not start."""
        return str(self._event.get("secret_version") or "")

    @property
    def ended(self) -> Ended:
        """How this run is about to end."""
        from rotation.told.cause import Ended

        end = self._event["end"]
        return Ended(
            self.target,
            self.execution_name,
            end["state"],
            end["said"],
            self._event["failures"],
            self._event["prerequisites"],
            self._event["mode"],
        )

    @property
    def drain(self) -> Drain | None:
        """What the last look at the drain left behind; None before the first."""
        raw = self._event.get("drain") or {}
        if not raw:
            return None
        from rotation.core.drain import Drain, DrainStatus

        return Drain(
            raw["began"], DrainStatus(raw["status"]), raw["quiet_since"], raw["logins"], raw["wait_seconds"], raw["republished"]
        )
