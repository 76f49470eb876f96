"""One failure is one: whatever a failed test leaves behind, the tests after it find the world as it was."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.whole import only_in_the_whole

ROOT = Path(__file__).resolve().parents[2]
ON_PURPOSE = ROOT / "tests" / "e2e" / "one_failure.py"


@only_in_the_whole
def test_each_failure_on_purpose_fails_that_test_and_no_other() -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", str(ON_PURPOSE)]
    ran = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=600)
    ended: dict[str, set[str]] = {}
    for how, name in re.findall(r"^(PASSED|FAILED|ERROR) \S+::(\w+)", ran.stdout, re.MULTILINE):
        ended.setdefault(name, set()).add(how)
    failed = {name for name, ways in ended.items() if ways != {"PASSED"}}
    assert len(ended) == 6, ran.stdout + ran.stderr
    assert failed == {name for name in ended if name.startswith("test_fails")}, ran.stdout + ran.stderr
