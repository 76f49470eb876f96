"""What a node knows of one user, and which of its passwords go together. Pure.

Redis keeps as many passwords of a user as it is given, each as its SHA-256, and no order among them counts: each is added and taken
away by its own hash, so that no act can destroy one that it does not name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from rotation.core.errors import AccountLocked, PrimaryUnknown, SecondaryUnknown, SourceRefused

if TYPE_CHECKING:
    from rotation.core.model import Password

WHOLE = ("~*", "&*", "+@all", "-@dangerous")
"""What a user may whom nobody else is like."""
_PREFIXES = {"keys": "~", "channels": "&"}


def hash_of(password: Password) -> str:
    """As Redis keeps it. Only this is sent, so that neither its logs nor MONITOR ever see the password."""
    return sha256(password.reveal().encode()).hexdigest()


@dataclass(frozen=True)
class User:
    """As ACL GETUSER has it."""

    at: str
    """The name and the node, for messages."""
    flags: frozenset[str]
    hashes: frozenset[str] = field(repr=False)
    rules: tuple[str, ...]
    """What it may, in words of ACL SETUSER; the order counts."""

    @classmethod
    def of(cls, at: str, answer: Sequence[Any]) -> User:
        says = _pairs(answer)
        selectors = (f"({' '.join(_rules(_pairs(one)))})" for one in says.get("selectors", ()))
        return cls(at, frozenset(says["flags"]), frozenset(says["passwords"]), (*_rules(says), *selectors))

    def check(self) -> None:
        """A user that could not log in with a new password, or could with any, is not altered."""
        if "off" in self.flags:
            raise AccountLocked(f"{self.at} is off: ACL SETUSER it on")
        if "nopass" in self.flags:
            raise SourceRefused(f"{self.at} has nopass, so that every password logs in: ACL SETUSER it resetpass and its password")

    def needs_added(self, in_use: Password, new: Password) -> bool:
        """Whether `new` is still to be given to it. Refused beside a password that nobody here knows."""
        self._check_known(in_use, (in_use, new))
        return hash_of(new) not in self.hashes

    def needs_removed(self, in_use: Password, old: Password) -> bool:
        """Whether another than the one in use is still there."""
        self._check_known(in_use, (in_use, old))
        return self.hashes != {hash_of(in_use)}

    def others(self, keep: Password) -> list[str]:
        """All but that one, which has to be there."""
        if hash_of(keep) not in self.hashes:
            raise PrimaryUnknown(f"{self.at} does not have the password that is to be kept. Somebody changed it")
        return sorted(self.hashes - {hash_of(keep)})

    def lacks(self, like: Sequence[str]) -> tuple[str, ...]:
        """Words that give it what it has not of those rules; nothing of what it has besides is taken away but what they take
        away themselves."""
        given = [rule for rule in like if not rule.startswith("-")]
        if set(given) <= set(self.rules):
            return ()
        return tuple(rule for rule in like if rule != "-@all" and (rule.startswith(("+", "-")) or rule not in self.rules))

    def _check_known(self, in_use: Password, known: Collection[Password]) -> None:
        self.check()
        if hash_of(in_use) not in self.hashes:
            raise PrimaryUnknown(f"{self.at}: the password in use is none of those that it has. Somebody changed it")
        if self.hashes - {hash_of(one) for one in known}:
            raise SecondaryUnknown(
                f"{self.at} has a password that the record does not know, and somebody may use it. Find out who;"
                " then take it away with ACL SETUSER and ! before its hash, which ACL GETUSER shows"
            )


def _pairs(answer: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(answer[::2], answer[1::2], strict=True))


def _rules(says: Mapping[str, Any]) -> Iterator[str]:
    """Redis 7 has them as one text each, 6 has patterns as lists and without their sign."""
    for what in ("keys", "channels", "commands"):
        found, sign = says.get(what) or "", _PREFIXES.get(what, "")
        yield from found.split() if isinstance(found, str) else (one if one.startswith(sign) else sign + one for one in found)
