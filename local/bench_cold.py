"""`make bench-cold`: what a cold start costs, beside what its libraries alone cost, measured in turn in one run.

A function is a fresh interpreter of the Lambda runtime that imports the built handler and makes every client and
adapter that its step uses. Beside it the same interpreter imports just those libraries and makes those clients. The
quotient is what our own code adds, whatever the machine is doing.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from local.lambdas import runtime_python
from local.running import BUILD
from local.translation import translate

ROUNDS = 5
BAR = 1.15
DATABASE = {
    "ReadSlots", "ClaimRotation", "SyncUsers", "WriteSqlconf", "PatchSecret", "PutSecret", "CheckLogin", "ValidateApp",
    "CheckDrained", "RotateOldSlot", "DiscardOldPassword", "RotateAdmin",
}  # fmt: skip
"""The functions that reach the database; nothing in the template tells."""

LIBRARIES = "import fastjsonschema; from aws_lambda_powertools import Logger, Metrics"
MAKE_CLIENTS = "import boto3; from botocore.config import Config; [boto3.client(name, config=Config()) for name in {services!r}]"
OUR_CLIENTS = "import app; from rotation.aws.client import client; [client(name) for name in {services!r}]"


CONNECTION = "from rotation.consumers.cluster.client import ApiClient"
"""Of the kubernetes package; the rest of it is not loaded."""
WHOLE_PACKAGE = "import kubernetes.client"
CLUSTER = [BUILD / "RotationLayer" / "python", BUILD / "KubernetesLayer" / "python"]


def main() -> int:
    """The exit code: 1 if one function is over the bar."""
    python, worst = runtime_python(), 0.0
    print(f"Cold start, {ROUNDS} rounds, least processor time; bar: {BAR} times the libraries and clients alone\n")
    print(f"{'function':22} {'function':>9} {'libraries':>10} {'quotient':>9}")
    for name, function in _functions().items():
        ours, theirs = _measure(python, name, function)
        worst = max(worst, ours / theirs)
        print(f"{name:22} {ours * 1000:6.0f} ms {theirs * 1000:7.0f} ms {ours / theirs:9.2f}", flush=True)
    connection, package = (min(_run(python, CLUSTER, [code]) for _ in range(ROUNDS)) for code in (CONNECTION, WHOLE_PACKAGE))
    print(f"\nthe kubernetes package's connection alone: {connection * 1000:.0f} ms, all of the package: {package * 1000:.0f} ms")
    print(f"worst quotient {worst:.2f}: {'within' if worst <= BAR else 'OVER'} the bar")
    return 0 if worst <= BAR else 1


def _functions() -> dict[str, dict[str, Any]]:
    resources = translate(BUILD)["Resources"]
    functions = {key: one["Properties"] for key, one in resources.items() if one["Type"] == "AWS::Lambda::Function"}
    return {key.removesuffix("Function"): one for key, one in sorted(functions.items())}


def _measure(python: Path, name: str, function: dict[str, Any]) -> tuple[float, float]:
    """The least of each, taken in turn: what is above it is noise."""
    reaches_cluster, reads_database = "KubernetesLayer" in json.dumps(function["Layers"]), name in DATABASE
    services = ["ssm", "secretsmanager"] if name not in ("CheckRollout", "FixPermissions") else ["ssm"]
    services += ["eks", "sts"] if reaches_cluster else []
    folders = [BUILD / f"{name}Function", BUILD / "RotationLayer" / "python"]
    folders += [BUILD / "KubernetesLayer" / "python"] if reaches_cluster else []
    theirs = [LIBRARIES, MAKE_CLIENTS.format(services=services)]
    ours = [OUR_CLIENTS.format(services=services)]
    if reads_database:
        theirs.append("import pymysql")
        ours.append("import rotation.sources.mysql.adapter")
    if reaches_cluster:
        theirs.append(CONNECTION)
        ours.append("import rotation.consumers.deployment.adapter, rotation.consumers.secret.adapter")
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for code, found in zip((ours, theirs), times, strict=True):
            found.append(_run(python, folders, code))
    return min(times[0]), min(times[1])


def _run(python: Path, folders: list[Path], code: list[str]) -> float:
    """Seconds of processor time. No byte code is written or found for the layers, as in Lambda, whose folders are read-only."""
    path = f"import sys; sys.path[:0] = {[str(folder) for folder in folders]!r}"
    environment = {
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "POWERTOOLS_SERVICE_NAME": "bench",
        "POWERTOOLS_METRICS_NAMESPACE": "bench",
        "TARGETS_PATH": "/bench",
        "SITES_ROOT": "/mnt/sites",
        "PATH": os.environ["PATH"],
    }
    before = _spent()
    subprocess.run([str(python), "-I", "-B", "-c", "; ".join([path, *code])], env=environment, check=True)
    return _spent() - before


def _spent() -> float:
    """Processor time of the children so far: what a start costs, not what else the machine was doing meanwhile."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
