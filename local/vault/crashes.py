"""What a crash in the middle leaves: the second table of `make compare`.

Of theirs OpenBao is killed (SIGKILL) when PostgreSQL has the new password and OpenBao was not told yet. Of ours OpenBao is killed
while the path is written, and the function that gives a user a new password at the same moment as theirs. OpenBao is started and
unsealed again at once. From then on, until a while after the last failure, every client reads its login anew and uses it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple, Protocol

from local.faults import Fault
from local.follow import wait_for
from local.row import Row
from local.slow_way import delayed
from local.vault.stack import PATH, VaultShopOnPostgreSQL

ANSWER_SECONDS = 0.3
"""How long PostgreSQL's answers are on their way to OpenBao: the moment that is to be met lasts as long."""
LOOK_SECONDS = 0.005
MEETS_WITHIN = 60.0
"""Seconds until that moment has to come."""
WELL_SECONDS = 5.0
"""So long without a failed login: it is over."""
WITHIN = 90.0
"""Seconds for which is waited until it is over."""


class TriedAt(Protocol):
    """One login, as compare.py has it."""

    @property
    def at(self) -> float: ...
    @property
    def password(self) -> str: ...
    @property
    def reason(self) -> str: ...


class Left(NamedTuple):
    """What one crash left."""

    who: str
    killed: str
    logins: int
    failed: int
    until: float | None
    """Seconds until no login failed any more; None if they still did."""
    then: str = ""


def left(who: str, killed: str, tried: Sequence[TriedAt], back: float, ended: float) -> Left:
    """Counted from when everything ran again. A client that could read no login is OpenBao's absence, and not counted."""
    since = [one for one in tried if one.at >= back and one.password]
    failures = [one.at for one in since if one.reason]
    last = max(failures, default=back)
    return Left(who, killed, len(since), len(failures), None if ended - last < WELL_SECONDS else last - back)


def table(found: Sequence[Left]) -> Iterator[str]:
    yield "| rotated by | killed | logins refused, once everything ran again | for | then |"
    yield "| --- | --- | --- | --- | --- |"
    for one in found:
        lasted = f"more than {WITHIN:.0f} s" if one.until is None else f"{one.until:.1f} s"
        yield f"| {one.who} | {one.killed} | {one.failed} of {one.logins:,} | {lasted} | {one.then} |"


class Clients(Protocol):
    """Who logs in all the time."""

    @property
    def tried(self) -> list[TriedAt]: ...


class Crashes:
    """One after the other, on the same PostgreSQL and OpenBao."""

    def __init__(
        self, shop: VaultShopOnPostgreSQL, reached_by: Callable[[int], None], rotate: Callable[[], None], user: str, row: Row
    ) -> None:
        """`reached_by`: makes OpenBao ask PostgreSQL at another port; `rotate`: its static role of that `user`; `row`: of ours."""
        self._shop, self._reached_by, self._rotate, self._user, self._row = shop, reached_by, rotate, user, row

    def theirs(self, clients: Clients) -> Left:
        with delayed(self._shop.server.port, lambda: ANSWER_SECONDS) as port:
            self._reached_by(port)
            before = self._verifier()
            with self._beside(self._rotate):
                self._meet(lambda: self._verifier() != before)
                self._shop.vault.kill()
            self._reached_again()
            back = time.monotonic()
            found = self._told("OpenBao's static role", "OpenBao, when the password was changed", clients, back)
        self._reached_by(self._shop.server.port)
        if found.until is not None:
            return found._replace(then="it put that right by itself")
        self._rotate()
        again = time.monotonic()
        time.sleep(WELL_SECONDS)
        refused = left("", "", list(clients.tried), again, time.monotonic()).failed
        return found._replace(then=f"somebody rotated it by hand: {'refused as before' if refused else 'every login works'}")

    def ours_in_the_path(self, clients: Clients) -> Left:
        written = self._shop.vault.audit_log
        before = written.stat().st_size
        arn = self._shop.start_execution("crash-of-openbao")
        self._meet(lambda: f"/data/{PATH}".encode() in _patches(written.read_bytes()[before:]))
        self._shop.vault.kill()
        self._reached_again()
        back, then = time.monotonic(), self._rotated_again(wait_for(self._shop, arn).outcome)
        return self._told("this rotation", "OpenBao, when the path was written", clients, back)._replace(then=then)

    def ours_at_the_password(self, clients: Clients) -> Left:
        """Its effect is there, and nobody is told, however often it is tried."""
        self._shop.aws.fail(Fault(self._shop.function("RotateOldSlot"), times=1000, at="end"))
        began = time.monotonic()
        outcome = wait_for(self._shop, self._shop.start_execution("crash-of-a-function")).outcome
        self._shop.aws.clear_faults()
        then = self._rotated_again(outcome)
        return self._told("this rotation", "the function, when the password was changed", clients, began)._replace(then=then)

    def _rotated_again(self, outcome: str) -> str:
        self._row.rotate()
        return f"it ended {outcome}; {self._row.problems[-1] if self._row.problems else 'the next one well'}"

    @staticmethod
    def _told(who: str, killed: str, clients: Clients, back: float) -> Left:
        """Once it is over, or too long."""
        deadline = back + WITHIN
        while True:
            now = time.monotonic()
            one = left(who, killed, list(clients.tried), back, now)
            if one.until is not None or now > deadline:
                print(f"{who}, {killed}: {one.failed} of {one.logins} logins refused", flush=True)
                return one
            time.sleep(0.2)

    def _reached_again(self) -> None:
        self._shop.vault.start_again()
        self._shop.vault.unseal()

    def _verifier(self) -> str:
        """What PostgreSQL has of the user's password."""
        asked = f"SELECT rolpassword FROM pg_authid WHERE rolname = '{self._user}'"  # noqa: S608 - a name of ours
        ((found,),) = self._shop.server.execute(asked)
        return str(found)

    @staticmethod
    def _meet(moment: Callable[[], bool]) -> None:
        deadline = time.monotonic() + MEETS_WITHIN
        while not moment():
            if time.monotonic() > deadline:
                raise RuntimeError("the moment for the crash did not come")
            time.sleep(LOOK_SECONDS)

    @staticmethod
    @contextmanager
    def _beside(act: Callable[[], None]) -> Iterator[None]:
        """While it is at work; what it says when it is cut off is of no interest."""

        def tried() -> None:
            with suppress(Exception):
                act()

        thread = threading.Thread(target=tried)
        thread.start()
        try:
            yield
        finally:
            thread.join()


def _patches(log: bytes) -> bytes:
    """The lines of the audit log that tell of a write."""
    return b"\n".join(line for line in log.splitlines() if b'"operation":"patch"' in line)
