"""Blows to the shipped machine: the process of a state's function killed, or the execution stopped, wherever it works or waits.

Where that is, is read from the definition. Passes and choices are over at once and do nothing to the world: a stop between
two states that do is a stop at one of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from _pytest.mark import ParameterSet

from local.faults import Fault, SecretFault, meant
from local.follow import Run, Visit, follow, wait_for
from local.load import Results
from tests.e2e.hands import document, failures_of, put_target
from tests.e2e.rotations import Turns
from tests.statemachine.machine import State, scopes, shipped, states
from tests.whole import more, whole

FORWARD, RESTORE, RETIRE, WITHDRAW = "forward", "restore", "retire", "withdraw"
OTHER_MODES = ("AnnounceIncident", "LookAgain", "FixPermissions", "WaitForPermissions", "Verify", "ProbeFunction")
"""A blow to these has nothing to recover: they hold nothing, and change no credential. Whatever else a revocation goes through is
struck with a rotation, and every boundary of it by `make faults`."""
WORDS = "SayWhy"
"""All is done or undone by then; that a run ends the same way without it is held by tests/statemachine/test_ends.py."""
BUTTON = "WaitForSecretsManager"
"""Only where Secrets Manager began it: test_secrets_manager.py strikes that rotation in all of its steps."""
INSTANCES = ("WriteWpConfig", "WaitForInstances")
"""Of WordPress alone: test_wordpress_blows.py strikes its instances there."""
PODS = ("WriteSqlconf", "PatchSecret", "RestartApp", "WaitForRollout", "CheckRollout")
"""Of OpenEMR; all but the first of any application's pods."""
SERVICES = (
    *("CreateSwarmSecret", "WaitForVersion", "PrepareService", "WaitForPreparation", "ValidateService", "WaitForValidation"),
    *("CutOverService", "WaitForCutover", "CleanUpService", "WaitForCleanUp"),
)
"""Of a Docker Swarm alone: test_swarm.py strikes them."""
VERIFIERS = ("WaitUntilKnown", "WaitUntilForgotten")
"""Only where somebody who is shown a credential may not know it yet: test_issued_blows.py strikes them."""
LOGIN = ("WaitForLogin", "CheckLogin")
"""Only where a proxy has to let the login in."""
EVERYBODY = "WaitForEverybody"
"""Only where a function of the user's own says who has not yet what it has put: test_own_function.py strikes it there."""
KILLED = "Runtime.ExitError"
AT_WORK = 0.005
"""Seconds into a handler: every one of them takes longer, for each asks AWS something first."""
BRISK, LINGERING = "brisk", "lingering"
"""The same application; the second has an overlap window that an execution can be stopped in."""


def works_or_waits(name: str) -> bool:
    return bool(states(shipped())[name]["Type"] in ("Task", "Wait"))


def visited(start: str, direction: str) -> list[str]:
    """The states that work or wait from there on, as long as nothing fails, in the definition's order."""
    inner = {child: scope for scope in scopes(shipped()) for child in scope["States"]}
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name not in seen:
            seen.add(name)
            ahead += following(inner[name]["States"][name], direction)
    return [name for name in states(shipped()) if name in seen and works_or_waits(name)]


def following(state: State, direction: str) -> Iterator[str]:
    """What comes next; a choice of the direction is taken, every other one may go either way."""
    if state["Type"] == "Map":
        yield state["ItemProcessor"]["StartAt"]
    for choice in state.get("Choices", []):
        if choice.get("Variable") == "$.direction":
            if choice["StringEquals"] == direction:
                yield choice["Next"]
                return
        else:
            yield choice["Next"]
    yield from (state[key] for key in ("Next", "Default") if key in state)


@dataclass(frozen=True)
class Way:
    """One application's: what it has not of the shipped machine, and which of its states is failed for the way back."""

    others: tuple[str, ...]
    directions: tuple[str, ...]
    fails: str
    error: str
    late: tuple[str, ...] = ()
    """Reached only after a user's password was changed: before that the proxy knows them all."""

    @property
    def struck(self) -> list[tuple[str, str]]:
        """Each state that works or waits, in each direction in which it is passed."""
        return [(state, direction) for direction in self.directions for state in self.path(direction)]

    def stops(self, every_day: set[tuple[str, str]], in_ci: set[tuple[str, str]], *of: str) -> list[ParameterSet]:
        """A stop at each: at some every day, at some more in CI, at all before a release. `of`: what each case begins with."""
        unknown = (every_day | in_ci) - set(self.struck)
        assert not unknown, unknown
        return [
            pytest.param(*of, *one) if one in every_day else more(*of, *one) if one in in_ci else whole(*of, *one)
            for one in self.struck
        ]

    def __str__(self) -> str:
        return ", ".join(f"{len(self.path(direction))} states ({direction})" for direction in self.directions)

    def ways(self, in_ci: str) -> list[ParameterSet]:
        """Every direction; in CI that one."""
        return [more(one) if one == in_ci else whole(one) for one in self.directions]

    def path(self, direction: str) -> list[str]:
        """The states to be struck. Told of a retirement is who keeps every password; of a withdrawal, who keeps copies."""
        starts = {
            FORWARD: shipped()["StartAt"],
            RESTORE: "RollBack",
            **dict.fromkeys((RETIRE, WITHDRAW), shipped()["States"]["Publish"]["ItemProcessor"]["StartAt"]),
        }
        first = ["CloseFlip"] if direction == RESTORE else []
        left_out = (
            WORDS,
            *self.others,
            *(OTHER_MODES if direction == FORWARD else ()),
            *(self.late if direction not in (RETIRE, WITHDRAW) else ()),
        )
        return [*first, *(name for name in visited(starts[direction], direction) if name not in left_out)]


OPENEMR = Way(
    ("PutSecret", EVERYBODY, *LOGIN, BUTTON, *INSTANCES, *SERVICES, *VERIFIERS),
    (FORWARD, RESTORE),
    "RestartApp",
    "ClusterRefused",
)
SHOP = Way(
    (*PODS, EVERYBODY, BUTTON, *INSTANCES, *SERVICES, *VERIFIERS),
    (FORWARD, RETIRE, RESTORE),
    "ValidateApp",
    "LoginRefused",
    late=LOGIN[:1],
)


WORKLOADS = Way(
    ("WriteSqlconf", EVERYBODY, *LOGIN, BUTTON, *INSTANCES, *SERVICES, *VERIFIERS),
    (FORWARD, RESTORE),
    "ValidateApp",
    "LoginRefused",
)
"""Services whose pods are restarted."""


class OfAFunction(Way):
    def path(self, direction: str) -> list[str]:
        """On the way back nobody is waited for."""
        return [name for name in super().path(direction) if (name, direction) != (EVERYBODY, RESTORE)]


OF_A_FUNCTION = OfAFunction(
    (*PODS, *LOGIN, BUTTON, *INSTANCES, *SERVICES, *VERIFIERS), (FORWARD, RESTORE), "ValidateApp", "LoginRefused"
)
BLOG = Way((*PODS, EVERYBODY, *LOGIN, BUTTON, *SERVICES, *VERIFIERS), (FORWARD, RESTORE), "ValidateApp", "LoginRefused")
"""WordPress: what is struck there are its instances, not the machine."""

READS_A_SECRET = (*PODS, EVERYBODY, *LOGIN, BUTTON, *INSTANCES, *SERVICES)
"""What an application has not that reads its credential from a secret alone, or from a path of a Vault."""
ISSUED = Way((*READS_A_SECRET, *VERIFIERS), (FORWARD, RESTORE), "ValidateApp", "LoginRefused")
ISSUED_INTO_A_VAULT = replace(ISSUED, directions=(FORWARD, WITHDRAW, RESTORE))
"""The older versions of its path are destroyed."""
SIGNED = replace(ISSUED, others=READS_A_SECRET)

AT_THE_END = ("CleanUpService", "WaitForCleanUp")
AHEAD = ("ValidateService", "CutOverService", "WaitForCutover")
NEVER_IN_SWARM = ("WaitForVersion", "WaitForValidation")
"""Only Secrets Manager's own rotation waits for its version. Nothing is left to wait for when what was prepared is validated."""


class InSwarm(Way):
    def path(self, direction: str) -> list[str]:
        """The way back is one update; what is told of a retirement lets go of the old file."""
        if direction == RETIRE:
            return list(AT_THE_END)
        left_out = (*AT_THE_END, *(AHEAD if direction == RESTORE else ()))
        return [name for name in super().path(direction) if name not in left_out]


IN_SWARM = InSwarm(
    (*PODS, EVERYBODY, *LOGIN, *INSTANCES, BUTTON, *NEVER_IN_SWARM, *VERIFIERS),
    (FORWARD, RETIRE, RESTORE),
    "ValidateApp",
    "LoginRefused",
)


def is_task(name: str) -> bool:
    return bool(states(shipped())[name]["Type"] == "Task")


@dataclass
class Tally:
    """What a module did, for its one line."""

    kills: int = 0
    stops: int = 0
    blows: int = 0
    recovered: int = 0

    def line(self, where: str, requests: Results) -> str:
        return (
            f"blows at {where}: {self.kills} kills, {self.stops} stops; {self.recovered} of {self.blows} recovered;"
            f" requests: {requests.served} served, {len(requests.failures)} failed"
        )


class Blows:
    """Everything is ordered before a rotation starts; afterwards one that nothing happens to must succeed."""

    moments: tuple[str | float, ...] = (AT_WORK,)
    """At each of which a function dies once, in one invocation after the other."""

    def __init__(self, rotations: Turns, tally: Tally, way: Way) -> None:
        self._rotations, self._stack, self._tally, self._way = rotations, rotations.stack, tally, way
        brisk = document(self._stack)
        brisk["drain"]["quiet_seconds"] = 1
        put_target(self._stack, BRISK, brisk)
        put_target(self._stack, LINGERING, brisk | {"overlap_seconds": 2})

    def kill_everywhere(self, direction: str) -> Run:
        """One rotation, in which every function dies in the middle of its work."""
        tasks = [name for name in self._way.path(direction) if is_task(name)]
        for state, moment in itertools.product(tasks, self.moments):
            self._stack.aws.fail(Fault(self._stack.function(state), meant(state, direction), at=moment))
        run = wait_for(self._stack, self._start(direction))
        died = failures_of(self._rotations, run.arn).count(KILLED)
        assert died == len(tasks) * len(self.moments), f"{died} kills of {tasks}"
        self._tally.kills += died
        self._tally.blows += 1
        return run

    def stop_at(self, state: str, direction: str) -> Run:
        """StopExecution in that state. Its function has done its work by then, and was killed before it could say so."""
        if is_task(state):
            fault = Fault(self._stack.function(state), meant(state, direction), times=1000, at="end")
            self._stack.aws.fail(fault)
        return self._stopped(state, direction)

    def stop_before_it_stores(self, state: str) -> Run:
        """StopExecution in that state: its function was killed whenever it was about to put a version of the record."""
        record, caller = self._stack.parameters["SlotSecretArn"], self._stack.function(state)
        self._stack.aws.refuse(SecretFault("PutSecretValue", KILLED, times=1000, secret=record, caller=caller, kills=True))
        return self._stopped(state, FORWARD)

    def _stopped(self, state: str, direction: str) -> Run:
        arn = self._start(direction, LINGERING if state == "OverlapWindow" else BRISK)
        struck = False
        run = Run(arn)
        for run, _ in follow(self._stack, arn):
            if not struck and self._is_in(run, state):
                self._stack.aws.client("stepfunctions").stop_execution(executionArn=arn)
                struck = True
        self._stack.aws.clear_faults()
        assert struck, f"{state} was not reached: {[visit.state for visit in run.visits]}"
        assert run.outcome == state, "it ended there"
        self._tally.kills += failures_of(self._rotations, arn).count(KILLED)
        self._tally.stops += 1
        self._tally.blows += 1
        return run

    def recover(self) -> None:
        """One clean run."""
        self._rotations.assert_rotates(target=BRISK)
        self._tally.recovered += 1

    def assert_outlived(self, direction: str) -> None:
        """The death of every function, once each; what the application and the admin used is retired by the end."""
        rotations, before = self._rotations, self._rotations.to_be_retired()
        run = self.kill_everywhere(direction)
        assert run.outcome == ("RolledBack" if direction == RESTORE else "RotationSucceeded"), run.cause
        assert (rotations.active in before) == (direction == RESTORE)
        rotations.assert_at_rest()
        self.recover()
        assert [rotations.accepts(login) for login in before] == [False] * len(before)

    def assert_carried_on(self, state: str, direction: str) -> None:
        """What was stopped there, by the next run."""
        rotations, before = self._rotations, self._rotations.to_be_retired()
        self.stop_at(state, direction)
        self.recover()
        assert [rotations.accepts(login) for login in before] == [False] * len(before)

    def _start(self, direction: str, target: str = BRISK) -> str:
        if direction == RESTORE:
            error, state = {"errorType": self._way.error, "errorMessage": "ordered by a test"}, self._way.fails
            self._stack.aws.fail(Fault(self._stack.function(state), meant(state), error=error))
        return self._rotations.start(target=target)

    def _is_in(self, run: Run, state: str) -> bool:
        """Its function is dead, or it is waiting."""
        now: Visit | None = run.visits[-1] if run.visits else None
        if now is None or now.state != state or now.left is not None:
            return False
        return not is_task(state) or KILLED in failures_of(self._rotations, run.arn)
