"""The command beside a running application: a rotation started, followed and reported by it, as a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

from local.aws import local_only
from tests.e2e.rotations import Rotations

ROOT = Path(__file__).resolve().parents[2]


def rotation(rotations: Rotations, *arguments: str) -> "subprocess.CompletedProcess[str]":
    aws = rotations.stack.aws
    keys = {"AWS_ACCESS_KEY_ID": "operator", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": aws.region}
    environment = {**local_only(os.environ), **keys, "AWS_ENDPOINT_URL": aws.endpoint, "PYTHONPATH": "cli:layers/rotation"}
    command = [sys.executable, "-m", "rotation_cli", *arguments]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_a_rotation_is_started_followed_and_reported(rotations: Rotations, tmp_path: Path) -> None:
    before = rotations.active
    done = rotation(rotations, "start", "--follow", "--name", "by-command", "--reason", "tried")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "RotationSucceeded" in done.stdout
    assert [line.split()[2] for line in done.stdout.splitlines() if line.strip().startswith("0.") or " s  " in line][:2] == [
        "ReadSlots",
        "ClaimRotation",
    ]
    assert rotations.active != before
    assert rotation(rotations, "status").returncode == 0, "nothing is overdue, no intent is open"

    path = tmp_path / "report.json"
    assert rotation(rotations, "report", "--from", "2026-01-01", "--to", "2099-01-01", "--json", str(path)).returncode == 0
    (run,) = (one for one in json.loads(path.read_text())["runs"] if one["name"] == "by-command")
    labels = rotations.stack.aws.client("secretsmanager").describe_secret(SecretId="openemr/slots")["VersionIdsToStages"]
    assert "AWSCURRENT" in labels[run["versions"]["retire"][-1]], "the version that the report names is the one in use"
    assert (run["started_by"], run["reason"]) == ("person", "tried")
