"""What is looked at when a stack ends: no password anywhere, nothing that IAM would have refused, and what was measured."""

from __future__ import annotations

import re
import statistics
from dataclasses import replace

from local import canary
from local.iam.audit import audit
from local.iam.recording import Recording
from local.load import Results
from local.running import BUILD, Running
from local.translation import translate
from tests.e2e.rotations import Rotations

TRACEBACK = "Traceback (most recent call last)"
ALIASED = re.compile(r":function:[^:]+:[^:]+$")
"""A function by its alias: ours are called by their own names."""


def check(stack: Running, *, kept: bool = True) -> None:
    """After all that was done to it. `kept`: what it asked for is held against what is granted (`make iam`)."""
    found, recording = canary.search(stack), _within_reach(stack.recording())
    assert found == [], "after all that was done to it"
    if kept:
        recording.keep()
    refused = [(one.role, one.denied) for one in audit(translate(BUILD), [recording]) if one.denied]
    assert refused == [], "what IAM would have refused"


def measured(rotations: Rotations, requests: Results) -> list[str]:
    broken = _broken((rotations.stack.logs / "aws.log").read_text())
    served = [request.milliseconds for request in requests.requests if request.ok]
    return [
        *([f"the local AWS broke: {broken}"] if broken else []),
        f"requests: {requests.served} served, {len(requests.failures)} failed; of those served (ms): {_spread(served)}",
        f"working time of a rotation (s): {_spread(rotations.working)}",
        f"from rollout complete to the machine knowing it (s): {_spread(rotations.noticed)}",
    ]


def _within_reach(recording: Recording) -> Recording:
    """Without the calls of targets that tests made up, with secrets and clusters that no role of this stack reaches: `rotation
    targets add` refuses those."""
    named = (
        *("SlotSecretArn", "AdminSecretArn", "ClusterName", "ApplicationSecretArn", "ProxySecretArns"),
        *("VaultLoginSecretArn", "VaultReaderSecretArn", "JwksLoginSecretArn", "JwksReaderSecretArn"),
        *("SwarmClientSecretArn", "LambdaSecretArns"),
    )
    ours = {one for name in named for one in recording.parameters.get(name, "").split(",")}
    functions = recording.parameters.get("LambdaFunctionArns", "none").split(",")
    calls = (
        one
        for one in recording.calls
        if (one.resource in ours or not one.action.startswith(("secretsmanager:", "eks:")))
        and (one.resource in functions or not ALIASED.search(one.resource))
    )
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
