"""docs/adding-a-kind.md, run: its commands add the example's kind to a copy of the repository, which then rotates with it on the
local stack, and take it out again. Nothing changes but the folder, the registry's line, the fragment and the kind's test."""

import filecmp
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.yaml_text import read_yaml
from tests.e2e.kiosk import Kiosk
from tests.whole import only_in_the_whole

pytestmark = only_in_the_whole

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/adding-a-kind.md").read_text()
COMMANDS = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(GIVEN,) = (read_yaml(text) for text in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
KIND = "layers/rotation/rotation/consumers/parameter"
REGISTRY, TEMPLATE = "layers/rotation/rotation/kinds/registry.py", "template.yaml"
LEFT_OUT = (".git", "*cache*", "node_modules", "calls", "dist", ".demo", ".hypothesis")
WITH_A_CACHE = 2.5
"""Seconds: a little more than an application of the kiosk keeps what it has read."""


def run(copy: Path, commands: str) -> None:
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", commands], cwd=copy, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{commands}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"


def files(root: Path) -> dict[str, Path]:
    """Of the repository, without what is built or cached."""
    found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return {str(path): root / path for path in found if not re.search(r"cache|\.aws-sam|\.hypothesis", str(path.parent))}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("repository") / "copy"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
    if (cached := ROOT / ".aws-sam/cache").exists():
        shutil.copytree(cached, copy / ".aws-sam/cache")
    return copy


@pytest.fixture(scope="module")
def before(copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As it was, to compare with."""
    kept = tmp_path_factory.mktemp("before") / "copy"
    shutil.copytree(copy, kept, ignore=shutil.ignore_patterns(".aws-sam"))
    return kept


@pytest.fixture(scope="module")
def added(copy: Path, before: Path) -> Path:
    """Everything that the page says before a rotation."""
    for commands in COMMANDS[:-1]:
        run(copy, commands)
    return copy


@pytest.fixture(scope="module")
def kiosk(added: Path) -> Iterator[Kiosk]:
    with Kiosk(added / ".aws-sam/build", GIVEN) as kiosk:
        yield kiosk
        refused = kiosk.refused_by_iam()
    assert refused == [], "what IAM would have refused"


def differing(one: Path, other: Path) -> set[str]:
    mine, theirs = files(one), files(other)
    both = mine.keys() & theirs.keys()
    changed = {name for name in both if not filecmp.cmp(mine[name], theirs[name], shallow=False)}
    return changed | (mine.keys() ^ theirs.keys())


def test_one_folder_one_line_and_the_fragment_are_all_that_changes(added: Path, before: Path) -> None:
    changed = differing(added, before)
    assert {name for name in changed if not name.startswith(f"{KIND}/")} == {REGISTRY, TEMPLATE, "tests/contract/test_parameter.py"}
    lines = set((added / REGISTRY).read_text().splitlines()) ^ set((before / REGISTRY).read_text().splitlines())
    assert len(lines) == 1
    kept = [line for line in (before / TEMPLATE).read_text().splitlines() if "OtherConsumers]" not in line]
    rest = iter((added / TEMPLATE).read_text().splitlines())
    assert all(line in rest for line in kept), "no line of the template is gone or elsewhere"


def test_a_dry_run_says_what_would_change_in_the_words_of_the_kind(kiosk: Kiosk) -> None:
    ended = kiosk.run("dry", mode="dry-run")
    plan = json.loads(ended["output"])["situation"]["plan"]
    assert {"state": "PutSecret", "change": "parameter /shop/database-url: from shop_a to shop_b"} in plan


def test_two_rotations_move_the_application_and_no_request_fails(kiosk: Kiosk) -> None:
    for number in range(2):
        used = kiosk.used()
        ended = kiosk.run(f"rotation-{number}")
        assert ended["status"] == "SUCCEEDED", ended
        now = kiosk.used()
        assert now.username != used.username
        assert kiosk.server.accepts(now, "shop")
        assert not kiosk.server.accepts(used, "shop")
    time.sleep(WITH_A_CACHE)
    assert kiosk.requests.failed == []
    assert kiosk.requests.done > 50


def test_verify_finds_nothing_wrong(kiosk: Kiosk) -> None:
    ended = kiosk.run("look", mode="verify")
    found: dict[str, Any] = json.loads(ended["output"])["verified"]
    assert (found["verdict"], found["failed"]) == ("holds", [])
    assert any("parameter /shop/database-url holds what" in one["found"] for one in found["findings"])


def test_what_was_added_is_taken_out_without_a_trace(added: Path, before: Path, kiosk: Kiosk) -> None:
    """The last one: the functions of the kiosk are built already."""
    run(added, COMMANDS[-1])
    assert differing(added, before) == set()
