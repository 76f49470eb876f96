"""The demo can turn red: an outage while it runs is counted, told and ends it with another exit code than 0."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.whole import more, whole

ROOT = Path(__file__).resolve().parents[2]


def demo(module: str = "local.demo", **told: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": "layers/rotation", **told}
    return subprocess.run([sys.executable, "-m", module], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("app", [more("openemr"), whole("proxy"), whole("platform")])
def test_an_outage_turns_the_demo_and_its_page_red(app: str, tmp_path: Path) -> None:
    page = tmp_path / "demo.html"
    ran = demo(APP=app, ROTATIONS="1", FAIL="none", OUTAGE="1", PAGE=str(page))
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "requests failed" in ran.stdout
    assert ran.stdout.endswith("NOT WELL\n")
    assert f"\npage: {page}\nNOT WELL: " in ran.stdout
    assert "<h1>Not well</h1>" in page.read_text()


def test_an_unknown_application_is_refused_with_those_that_there_are() -> None:
    ran = demo(APP="drupal")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "demo: APP=drupal: there is no such application. One of: openemr, proxy, wordpress, swarm, platform.\n"


def test_nonsense_is_refused_before_anything_is_started() -> None:
    ran = demo(RATE="many")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "demo: RATE=many: a whole number from 1 to 1000 is wanted.\n"


def test_what_cannot_fail_on_the_stack_that_is_held_is_refused_before_anything_is_started() -> None:
    ran = demo("local.hold", FAIL="RolledBack")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("local: FAIL=RolledBack: nothing can be made to fail so. One of: ReadSlots, ")
