"""The soak can turn red: a password broken while it runs is counted as what it is, and the exit code is not 0."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.whole import only_in_the_whole

ROOT = Path(__file__).resolve().parents[2]


def soak(**told: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": "layers/rotation", **told}
    return subprocess.run(
        [sys.executable, "-m", "local.soak"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )


@only_in_the_whole
def test_a_broken_password_turns_the_soak_red() -> None:
    ran = soak(SECONDS="60", RATE="20", BREAK="1")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    found = re.search(r"^NOT WELL: (\d+) of \d+ logins failed: (\d+) refused \(1045\), 0 otherwise", ran.stdout, re.MULTILINE)
    assert found, ran.stdout
    assert int(found[1]) == int(found[2]) > 0
    assert "3/n" not in ran.stdout, "no bound is claimed"
    assert ran.stdout.endswith("NOT WELL\n")


def test_nonsense_is_refused_before_anything_is_started() -> None:
    ran = soak(RATE="many")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "soak: RATE=many: a whole number from 1 to 1000 is wanted.\n"
