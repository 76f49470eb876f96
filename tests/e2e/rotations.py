"""Rotations on a local stack under load, and what must be so after each: one small language for the tests here."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, Self

import pytest

from local.cluster.application import INSTALLED, SCHEMA
from local.follow import Run, Visit, follow, wait_for
from local.load import Load, Results
from local.mysql import Login
from local.rollouts import RolloutWatch
from local.running import Running
from local.stack import LocalStack
from tests.until import PATIENCE_SECONDS

MEASURED = pytest.StashKey[list[str]]()
"""Lines for the end of the session."""


class Traffic(Protocol):
    """What is sent meanwhile: a load, or clients of another sort."""

    def wait_for_those_before(self, moment: float) -> None: ...
    def results(self) -> Results: ...


class Turns:
    """A stack that is used by several tests; each finds it at rest and leaves it so."""

    stack: Running

    def __init__(self, stack: Running, load: Traffic) -> None:
        self.stack = stack
        self._load = load
        self._secrets = stack.aws.client("secretsmanager")
        self._numbers = itertools.count(1)

    def start(self, **given: Any) -> str:
        """The execution's ARN."""
        return self.stack.start_execution(f"e2e-{next(self._numbers)}", given)

    def run(self, **given: Any) -> Run:
        """From its start to its end."""
        return wait_for(self.stack, self.start(**given))

    def follow(self, meanwhile: dict[str, Callable[[], object]], **given: Any) -> Run:
        """A rotation; each act once, when its state has ended for the first time."""
        arn = self.start(**given)
        run, left = Run(arn), dict(meanwhile)
        for now, visit in follow(self.stack, arn):
            run = now
            if visit and (act := left.pop(visit.state, None)):
                act()
        assert left == {}
        return run

    # What there is

    @property
    def slots(self) -> dict[str, Any]:
        return self.stack.secret(self.stack.slot_secret)

    @property
    def admin(self) -> Login:
        found = self.stack.secret(self.stack.admin_secret)
        return Login(found["username"], found["password"])

    @property
    def active(self) -> Login:
        """What AWSCURRENT says that the application uses."""
        return self.logins()[0]

    def logins(self) -> tuple[Login, ...]:
        """Of the active slot, and of those whose turn comes next, in their order."""
        slots = self.slots
        ring = sorted(slot for slot in slots if len(slot) == 1)
        first = ring.index(slots["active_slot"])
        return tuple(Login(slots[slot]["username"], slots[slot]["password"]) for slot in ring[first:] + ring[:first])

    def accepts(self, login: Login) -> bool:
        return self.stack.accepts(login.username, login.password)

    def pending(self) -> list[str]:
        """Which secrets have an intent."""
        return [
            secret
            for secret in self.stack.secret_names
            for labels in self._secrets.describe_secret(SecretId=secret)["VersionIdsToStages"].values()
            if "AWSPENDING" in labels
        ]

    def to_be_retired(self) -> list[Login]:
        """What nobody takes any more once a rotation has ended well."""
        return [self.active, self.admin]

    def requests_since(self, start: float) -> Results:
        """Those that were due by now."""
        now = time.time()
        self._load.wait_for_those_before(now)
        return self._load.results().between(start, now)

    # What must be so

    def working_at_rest(self) -> tuple[Login, ...]:
        """Whoever is to be let in."""
        return (*self.logins(), self.admin)

    def assert_at_rest(self) -> None:
        """Nothing is left to do, the application is on the active slot everywhere, and what is current logs in."""
        assert self.pending() == []
        held, logins = self.stack.held(), self.working_at_rest()
        assert held == dict.fromkeys(held, self.active)
        assert [self.accepts(login) for login in logins] == [True] * len(logins)

    def assert_rotates(self, **given: Any) -> Run:
        """A whole rotation: another slot with another password, and what it retired is refused."""
        before, retired = self.active, self.to_be_retired()
        run = self.run(**given)
        assert run.outcome == "RotationSucceeded", run.cause
        self.assert_moved_from(before)
        assert [self.accepts(login) for login in retired] == [False] * len(retired)
        self.assert_at_rest()
        return run

    def assert_moved_from(self, before: Login) -> None:
        """The application uses another user."""
        assert self.active.username != before.username

    @contextmanager
    def undisturbed(self, request: pytest.FixtureRequest, whose: str) -> Iterator[Self]:
        """For one test: at rest before and after, and no request fails meanwhile."""
        start = time.time()
        self.stack.aws.clear_faults()
        self.assert_at_rest()
        yield self
        self.stack.aws.clear_faults()
        self.assert_at_rest()
        requests = self.requests_since(start)
        assert requests.served > 0
        assert requests.failures == [], [f"{one.at - start:.1f} s: {one.reason}" for one in requests.failures]
        request.config.stash.setdefault(MEASURED, []).append(f"{whose}, {request.node.name}: {requests.served} served, 0 failed")


class Rotations(Turns):
    """OpenEMR's."""

    stack: LocalStack

    def __init__(self, stack: LocalStack, load: Load, rollouts: RolloutWatch | None) -> None:
        super().__init__(stack, load)
        self.working: list[float] = []
        self.noticed: list[float] = []
        self._rollouts = rollouts

    def run(self, **given: Any) -> Run:
        """From its start to its end."""
        run = super().run(**given)
        for look in run.visits_of("CheckRollout"):
            self._note(run, look)
        return run

    def follow(self, arn: str, meanwhile: Callable[[Visit | None], object]) -> Run:
        """`meanwhile` is told of every visit of a state as it ends, and None whenever nothing new was seen."""
        run = Run(arn)
        for run, visit in follow(self.stack, arn):
            meanwhile(visit)
            if visit and visit.state == "CheckRollout":
                self._note(run, visit)
        return run

    def _note(self, run: Run, look: Visit) -> None:
        """How long the machine took to see a rollout complete that was begun in this run."""
        if self._rollouts is None:
            return
        assert look.left is not None
        noticed = self._rollouts.noticed_after(look.left)
        began = [restart.left for restart in run.visits_of("RestartApp") if restart.left and restart.left < look.entered]
        if noticed is not None and began and look.left - noticed > began[-1]:
            self.noticed.append(noticed)

    def install(self, login: Login) -> None:
        """Write sqlconf.php by hand, as a careful person would: the requests go on meanwhile."""
        mysql, path = self.stack.app.mysql, self.stack.app.sites / "default" / "sqlconf.php"
        new = path.with_suffix(".new")
        values = {"host": mysql.host, "port": mysql.port, "schema": SCHEMA}
        new.write_text(INSTALLED.format(**values, login=login.username, password=login.password))
        new.chmod(0o644)
        new.rename(path)

    def assert_at_rest(self) -> None:
        """And every pod is a new one, and nothing lies about beside sqlconf.php."""
        super().assert_at_rest()
        self.stack.app.cluster.wait_until_rolled_out(PATIENCE_SECONDS)
        assert [path.name for path in (self.stack.app.sites / "default").iterdir()] == ["sqlconf.php"]
