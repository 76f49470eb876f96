"""The stack that the tests of a session share, under load; what is looked at in the end, and how it is put back after a
failed test."""

from __future__ import annotations

import statistics
import time
from contextlib import ExitStack
from dataclasses import replace

from local import canary
from local.iam.audit import audit
from local.iam.recording import Recording
from local.load import Load
from local.rollouts import RolloutWatch
from local.stack import BUILD, NAME, SLOT_SECRET, LocalStack, Pace
from local.translation import translate
from tests.e2e.hands import DEPLOYMENT_PATH, Kubernetes, remove_target, sql, until
from tests.e2e.lending import within
from tests.e2e.rotations import Rotations

PACE = Pace(quiet_seconds=1, progress_deadline_seconds=2, pod_seconds=0.2)
RATE = 20
MEASURING_RATE = 40
SERVED_FOR = 0.5  # seconds without a failed request, after an outage
ANSWERS_WITHIN = 5.0
CHECKED_WITHIN = 120.0
TRACEBACK = "Traceback (most recent call last)"


class SharedStack:
    """`measured` takes lines for the end of the session."""

    def __init__(self, measured: list[str], rate: float = RATE) -> None:
        self._measured = measured
        self._stack, self._traffic = ExitStack(), ExitStack()
        stack = self._stack.enter_context(LocalStack(pods=2, pace=PACE))
        self._load = self._traffic.enter_context(Load(stack.app.login_page, rate))
        self.rotations = Rotations(stack, self._load, self._traffic.enter_context(RolloutWatch(stack.app.cluster)))
        self.rotations.assert_at_rest()
        self.begin()

    # For the tests, one after the other

    def begin(self) -> None:
        self._began = time.time()
        self._targets, self._running = set(self._made_up_targets()), set(self._executions())

    def assert_well(self, *, always_served: bool) -> None:
        rotations = self.rotations
        rotations.stack.aws.clear_faults()
        rotations.stack.app.cluster.heal()
        rotations.assert_at_rest()
        if always_served:
            requests = rotations.requests_since(self._began)
            assert requests.served > 0
            assert requests.failures == []

    def put_back(self) -> None:
        """What a clean run does not mend by itself is undone by hand; then one has to succeed."""
        stack = self.rotations.stack
        within(ANSWERS_WITHIN, self._look)
        stack.aws.clear_faults()
        stack.app.cluster.heal()
        self._end_what_was_started()
        self._undo()
        run = self.rotations.run()
        assert run.outcome == "RotationSucceeded", f"a clean run ended {run.outcome}"
        self.rotations.assert_at_rest()
        until(self._is_served)
        assert canary.search(stack) == [], "a failed test left a password where none may be"

    def _look(self) -> None:
        """At each server."""
        stack = self.rotations.stack
        stack.secret(SLOT_SECRET)
        stack.app.mysql.connect().close()
        stack.app.cluster.pods()

    def _end_what_was_started(self) -> None:
        states = self.rotations.stack.aws.client("stepfunctions")
        for arn in self._left_running():
            states.stop_execution(executionArn=arn)
        for name in set(self._made_up_targets()) - self._targets:
            remove_target(self.rotations.stack, name)

    def _undo(self) -> None:
        stack = self.rotations.stack
        for setting in ("read_only = OFF", "require_secure_transport = ON"):
            sql(stack, f"SET GLOBAL {setting}")
        kubernetes = Kubernetes(stack)
        patience = {"progressDeadlineSeconds": self.rotations.stack.pace.progress_deadline_seconds}
        kubernetes.patch(DEPLOYMENT_PATH, {"spec": {"paused": False, **patience}})
        for path in (stack.app.sites / "default").iterdir():
            if path.name != "sqlconf.php":
                path.unlink()
        (stack.app.sites / "default" / "sqlconf.php").chmod(0o644)
        kubernetes.set_secret(stack.app.sqlconf_login())

    def _left_running(self) -> set[str]:
        return set(self._executions()) - self._running

    def _executions(self) -> list[str]:
        """Those that run now."""
        stack = self.rotations.stack
        listed = stack.aws.client("stepfunctions").list_executions(stateMachineArn=stack.machine_arn, statusFilter="RUNNING")
        return [one["executionArn"] for one in listed["executions"]]

    def _made_up_targets(self) -> list[str]:
        path = f"/{NAME}/targets/"
        pages = self.rotations.stack.aws.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=path)
        return [one["Name"].removeprefix(path) for page in pages for one in page["Parameters"]]

    def _is_served(self) -> bool:
        requests = self.rotations.requests_since(time.time() - SERVED_FOR)
        return requests.served > 0 and requests.failures == []

    # At its end

    def close(self) -> None:
        with self._stack:
            self._traffic.close()
            self._tell()
            within(ANSWERS_WITHIN, self._look)
            within(CHECKED_WITHIN, self._check)

    def _check(self) -> None:
        """No password anywhere after all that was done to it, and no call that IAM would have refused."""
        stack = self.rotations.stack
        found, recording = canary.search(stack), _within_reach(stack.recording())
        assert found == [], "after all that was done to it"
        recording.keep()
        refused = [(one.role, one.denied) for one in audit(translate(BUILD), [recording]) if one.denied]
        assert refused == [], "what IAM would have refused"

    def _tell(self) -> None:
        requests, rotations = self._load.results(), self.rotations
        if broken := _broken((rotations.stack.logs / "aws.log").read_text()):
            self._measured.append(f"the local AWS broke: {broken}")
        self._measured += [
            f"requests: {requests.served} served, {len(requests.failures)} failed",
            f"working time of a rotation (s): {_spread(rotations.working)}",
            f"from rollout complete to the machine knowing it (s): {_spread(rotations.noticed)}",
        ]


def _within_reach(recording: Recording) -> Recording:
    """Without the calls of targets that tests made up, with secrets and clusters that no role of this stack reaches: `rotation
    targets add` refuses those."""
    ours = {recording.parameters[name] for name in ("SlotSecretArn", "AdminSecretArn", "ClusterName")}
    calls = (one for one in recording.calls if not one.action.startswith(("secretsmanager:", "eks:")) or one.resource in ours)
    return replace(recording, calls=frozenset(calls))


def _broken(log: str) -> str:
    """The end of the first traceback that says more than that moto has no such call: what was answered with 500, and why."""
    for traceback in log.split(TRACEBACK)[1:]:
        lines = traceback.splitlines()
        end = next((place for place, line in enumerate(lines[1:], 1) if line and not line.startswith(" ")), len(lines) - 1)
        if not lines[end].startswith("NotImplementedError"):
            return " | ".join(line.strip() for line in lines[max(0, end - 8) : end + 1])
    return ""


def _spread(values: list[float]) -> str:
    if not values:
        return "none"
    return f"median {statistics.median(values):.2f}, most {max(values):.2f}, of {len(values)}"
