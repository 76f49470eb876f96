"""A hold: a person said that a target is not to be rotated before a moment. It is a document of its own, so that a stack that is
deployed again does not lift it. Pure."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime


@dataclass(frozen=True)
class Hold:
    """With who said so, and why."""

    until: str
    """A moment in UTC, as ISO 8601 writes it."""
    reason: str = ""
    by: str = ""

    @property
    def ends(self) -> float:
        """In seconds since 1970."""
        return datetime.fromisoformat(self.until).timestamp()

    def text(self) -> str:
        """To be stored."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> "Hold":
        """ValueError where it is none: a hold that cannot be read is not lifted by that."""
        raw = json.loads(text)
        if not isinstance(raw, dict) or datetime.fromisoformat(str(raw.get("until"))).tzinfo is None:
            raise ValueError("it is not {until, reason, by}, or until says no time zone")
        return cls(str(raw["until"]), str(raw.get("reason", "")), str(raw.get("by", "")))
