"""After a failed test: what it left is undone by hand as far as a clean run does not mend it by itself; then one has to succeed."""

from __future__ import annotations

import time

from local import canary
from local.stack import NAME, SLOT_SECRET, LocalStack
from tests.e2e.hands import DEPLOYMENT_PATH, Kubernetes, remove_target, sql
from tests.e2e.lending import within
from tests.e2e.rotations import Rotations
from tests.until import until

ANSWERS_WITHIN = 5.0
SERVED_FOR = 0.5  # seconds without a failed request, after an outage


class Restoring:
    """Made as a test begins: what is there now is not that test's."""

    def __init__(self, rotations: Rotations) -> None:
        self._rotations, self._stack = rotations, rotations.stack
        self._targets, self._running = set(self._all_targets()), set(self._executions())

    def __call__(self) -> None:
        answers(self._stack)
        self._stack.aws.clear_faults()
        self._stack.app.cluster.heal()
        self._end_what_was_started()
        self._undo()
        run = self._rotations.run()
        assert run.outcome == "RotationSucceeded", f"a clean run ended {run.outcome}: {run.cause}"
        self._rotations.assert_at_rest()
        until(self._is_served)
        assert canary.search(self._stack) == [], "a failed test left a password where none may be"

    def _end_what_was_started(self) -> None:
        for arn in set(self._executions()) - self._running:
            self._stack.aws.client("stepfunctions").stop_execution(executionArn=arn)
        for name in set(self._all_targets()) - self._targets:
            remove_target(self._stack, name)

    def _undo(self) -> None:
        for setting in ("read_only = OFF", "require_secure_transport = ON"):
            sql(self._stack, f"SET GLOBAL {setting}")
        kubernetes = Kubernetes(self._stack)
        patience = {"progressDeadlineSeconds": self._stack.pace.progress_deadline_seconds}
        kubernetes.patch(DEPLOYMENT_PATH, {"spec": {"paused": False, **patience}})
        for path in (self._stack.app.sites / "default").iterdir():
            if path.name != "sqlconf.php":
                path.unlink()
        (self._stack.app.sites / "default" / "sqlconf.php").chmod(0o644)
        kubernetes.set_secret(self._stack.app.sqlconf_login())

    def _executions(self) -> list[str]:
        """Those that run now."""
        states, machine = self._stack.aws.client("stepfunctions"), self._stack.machine_arn
        return [
            one["executionArn"] for one in states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
        ]

    def _all_targets(self) -> list[str]:
        path = f"/{NAME}/targets/"
        pages = self._stack.aws.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=path)
        return [one["Name"].removeprefix(path) for page in pages for one in page["Parameters"]]

    def _is_served(self) -> bool:
        requests = self._rotations.requests_since(time.time() - SERVED_FOR)
        return requests.served > 0 and requests.failures == []


def answers(stack: LocalStack) -> None:
    """Each of its servers, soon."""

    def ask() -> None:
        stack.secret(SLOT_SECRET)
        stack.app.mysql.connect().close()
        stack.app.cluster.pods()

    within(ANSWERS_WITHIN, ask)
