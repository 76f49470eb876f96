"""Real blows to rotations of what somebody issues, under load, at every state of the shipped machine: access keys of IAM, keys of a
provider's API, certificates of a PKI and of an ACME server, keys that sign tokens. As test_blows.py has them for OpenEMR; and a
function dies between the issue and the store. Nobody is refused, nothing of a person's is touched, there are never more than two of
ours, and what was issued and lost is gone after the next run. CI stops each kind once; WHOLE=1 has all others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
from _pytest.mark import ParameterSet
from rotation.kinds.kind import at_once
from rotation.kinds.registry import SOURCES, source

from local.acme import stack as acme
from local.acme.stack import AcmeServed
from local.certified.server import Visitors
from local.certified.stack import Certified
from local.follow import Run
from local.keys.service import Service
from local.keys.stack import KeysInVault
from local.load import Load
from local.provider.application import SHOWN as SENT
from local.provider.stack import Mailer
from local.running import Running
from local.shop.signer import Signer
from local.shop.stack import SHOWN, Pace
from local.vault import pki
from tests.e2e.blows import AT_WORK, FORWARD, ISSUED, ISSUED_INTO_A_VAULT, SIGNED, WORDS, Blows, Tally, Way, works_or_waits
from tests.e2e.issued import MOST, AccessKeyTurns, AcmeTurns, CertificateTurns, IssuedTurns, ProviderTurns, SigningTurns
from tests.e2e.last_looks import check
from tests.e2e.rotations import MEASURED, Traffic
from tests.e2e.shared import RATE
from tests.whole import whole

PACE = Pace(quiet_seconds=1, cache_seconds=1, lifetime_seconds=2.5)
KEEPS_SECONDS = 0.8


class LimitedMailer(Mailer):
    """Its provider has room for one key beside those that there may be, and says so only when it is full."""

    def _start(self) -> None:
        super()._start()
        self.provider.said = {**self.provider.said, "limit": len(self.provider.keys) - 1 + MOST}


def pages(marker: str) -> Callable[[Any], AbstractContextManager[Traffic]]:
    return lambda stack: Load(stack.page, RATE, marker=marker)


@contextmanager
def calls(stack: KeysInVault) -> Iterator[Traffic]:
    with Service(stack, RATE, keeps=KEEPS_SECONDS) as service:
        yield service.clients


@contextmanager
def handshakes(stack: Certified) -> Iterator[Traffic]:
    with Visitors(stack.server.port, pki.DOMAIN, stack.authority, stack.revoked_list, RATE) as visitors:
        yield visitors.clients
    assert visitors.failed() == [], stack.server.trouble


@contextmanager
def acme_handshakes(stack: AcmeServed) -> Iterator[Traffic]:
    with Visitors(stack.server.port, acme.DOMAIN, stack.authority, None, RATE, asks=stack.revoked) as visitors:
        yield visitors.clients
    assert visitors.failed() == [], stack.server.trouble


@dataclass(frozen=True)
class Kind:
    """How it is started, used and looked at, and where it is struck."""

    way: Way
    start: Callable[[], Running]
    traffic: Callable[[Any], AbstractContextManager[Traffic]]
    turns: Callable[[Any, Traffic], IssuedTurns]
    in_ci: tuple[str, str] = ("DiscardOldPassword", FORWARD)
    """The one act that cannot be undone."""
    made_beforehand: bool = False
    """What is issued was stored in the rotation before: nothing can be lost in between."""


KINDS = {
    "iam-access-key": Kind(ISSUED_INTO_A_VAULT, KeysInVault, calls, AccessKeyTurns),
    "http-api-key": Kind(ISSUED, lambda: LimitedMailer(PACE, lag_seconds=0.5), pages(SENT), ProviderTurns),
    "certificate": Kind(ISSUED_INTO_A_VAULT, Certified, handshakes, CertificateTurns),
    "acme-certificate": Kind(ISSUED, AcmeServed, acme_handshakes, AcmeTurns),
    "signing-key": Kind(
        SIGNED, lambda: Signer(PACE), pages(SHOWN), SigningTurns, ("WaitUntilKnown", FORWARD), made_beforehand=True
    ),
}
EVERY_FUNCTION, BEFORE_IT_IS_STORED = "every function", "before it is stored"
"""What else is struck but a state."""


class IssuedBlows(Blows):
    moments = (AT_WORK, "end")
    """Also when what was asked for is done, and the machine is not told."""

    def __init__(self, turns: IssuedTurns, tally: Tally, way: Way) -> None:
        super().__init__(turns, tally, way)
        self._turns, self._struck = turns, {state for state, _ in way.struck}

    def kill_everywhere(self, direction: str) -> Run:
        return self._within_bounds(super().kill_everywhere(direction))

    def _stopped(self, state: str, direction: str) -> Run:
        return self._within_bounds(super()._stopped(state, direction))

    def assert_found_again(self) -> None:
        """What was issued and is in no version, by the next run: it is gone."""
        before = self._turns.issued()
        self.stop_before_it_stores("SyncUsers")
        (lost,) = self._turns.issued() - before
        assert lost not in self._turns.recorded()
        self.recover()
        assert lost not in self._turns.issued()

    def _within_bounds(self, run: Run) -> Run:
        self._turns.assert_within_bounds()
        passed = {visit.state for visit in run.visits if works_or_waits(visit.state)}
        assert passed - self._struck <= {WORDS}, "it is passed, and not struck"
        return run


class World(NamedTuple):
    """One kind, started."""

    name: str
    turns: IssuedTurns
    tally: Tally


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    kind = KINDS[request.param]
    tally, start = Tally(), time.time()
    with kind.start() as stack:
        with kind.traffic(stack) as traffic:
            turns = kind.turns(stack, traffic)
            yield World(request.param, turns, tally)
            requests = turns.requests_since(start)
        request.config.stash.setdefault(MEASURED, []).append(tally.line(f"the {request.param}'s {kind.way}", requests))
        assert traffic.results().failures == []
        check(stack)


@pytest.fixture
def blows(world: World, request: pytest.FixtureRequest) -> Iterator[IssuedBlows]:
    with world.turns.undisturbed(request, world.name) as turns:
        yield IssuedBlows(turns, world.tally, KINDS[world.name].way)


def cases() -> list[ParameterSet]:
    """Kind by kind: each is started once."""
    found = []
    for name, kind in KINDS.items():
        found += [whole(name, EVERY_FUNCTION, direction) for direction in kind.way.directions]
        found += kind.way.stops(set(), {kind.in_ci}, name)
        found += [] if kind.made_beforehand else [whole(name, BEFORE_IT_IS_STORED, FORWARD)]
    return found


def test_every_kind_that_issues_or_waits_for_verifiers_is_here() -> None:
    known = {name: source(name) for name in SOURCES}
    assert {name for name, kind in known.items() if kind.issues_keys or kind.settles is not at_once} == set(KINDS)


@pytest.mark.parametrize(("world", "struck", "direction"), cases(), indirect=["world"], scope="module")
def test_a_rotation_outlives_it_or_is_carried_on_by_the_next(struck: str, direction: str, blows: IssuedBlows) -> None:
    if struck == EVERY_FUNCTION:
        blows.assert_outlived(direction)
    elif struck == BEFORE_IT_IS_STORED:
        blows.assert_found_again()
    else:
        blows.assert_carried_on(struck, direction)
