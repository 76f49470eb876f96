"""Whatever ends a local stack, nothing of it is left: no process, no directory."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.leftovers import marked
from tests.until import PATIENCE_SECONDS
from tests.whole import only_with_more, whole

REPOSITORY = Path(__file__).parents[2]
STACK = """
import signal, sys, time
from local.leftovers import MARK
from {module} import {name}

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell runs in the background, and so here

class Told({name}):
    def _start(self):
        print(self._run.environment[MARK], self.directory, flush=True)
        super()._start()

with Told() as stack:
    stack.start_execution("interrupted")
    print("rotating", flush=True)
    time.sleep(600)
"""


OPENEMR, SHOP = ("local.stack", "LocalStack"), ("local.shop.proxied", "Shop")
each_stack = pytest.mark.parametrize("which", [pytest.param(OPENEMR, id="OpenEMR"), whole(SHOP, id="shop")])


@contextmanager
def starting(which: tuple[str, str] = OPENEMR) -> Iterator[tuple[subprocess.Popen[str], str, Path]]:
    """The process that holds the stack, the mark of all others, and the stack's directory."""
    with subprocess.Popen(
        [sys.executable, "-c", STACK.format(module=which[0], name=which[1])],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=REPOSITORY,
    ) as parent:
        assert parent.stdout is not None
        identity, directory = parent.stdout.readline().split()
        yield parent, identity, Path(directory)


@contextmanager
def started(which: tuple[str, str]) -> Iterator[tuple[subprocess.Popen[str], str, Path]]:
    """It is up, and an execution is running."""
    with starting(which) as (parent, identity, directory):
        assert parent.stdout is not None
        assert parent.stdout.readline() == "rotating\n"
        yield parent, identity, directory


def gone(identity: str, directory: Path) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while directory.exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return marked(identity) == []


@each_stack
def test_killed_in_the_middle_of_a_rotation(which: tuple[str, str]) -> None:
    with started(which) as (parent, identity, directory):
        assert len(marked(identity)) >= 4, "a database, its proxy or pods, AWS, functions"
        parent.kill()
        parent.wait()
        assert gone(identity, directory)


@only_with_more
@each_stack
def test_interrupted_in_the_middle_of_a_rotation_it_ends_when_all_is_gone(which: tuple[str, str]) -> None:
    """The ordinary end takes the same way."""
    with started(which) as (parent, identity, directory):
        parent.send_signal(signal.SIGINT)
        parent.wait()
        assert not directory.exists()
        assert marked(identity) == []


@pytest.mark.parametrize("after", [0.5, whole(1.5)])
def test_killed_while_it_starts(after: float) -> None:
    """At any moment; these are some."""
    with starting() as (parent, identity, directory):
        time.sleep(after)
        parent.kill()
        parent.wait()
        assert gone(identity, directory)
