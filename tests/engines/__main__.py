"""`make engines`: writes what other engines are given; asks them, where they are.

    FOLDER              the mock configuration, both definitions, and the input of each test case
    SFN_ENDPOINT_URL    a Step Functions Local that was started with that mock configuration: every run on it
    TEST_STATE=1        AWS, as the environment's credentials reach it: every question to TestState. It changes nothing

Exit code 1 if an engine goes another way than the interpreter.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import boto3

from tests.engines import asked, mocked
from tests.engines.recorded import Recorded, recorded

AT_ONCE = 40


def main() -> int:
    folder, runs = Path(sys.argv[1]), recorded()
    write(folder, runs)
    alike, questions = sum(map(mocked.counted_alike, runs)), asked.questions(runs)
    say(f"{len(runs)} scripted runs in {folder}/MockConfigFile.json; {alike} are the same however calls are counted")
    say(f"{len(questions)} questions to TestState, of {len({one.state for one in questions})} states")
    failed = 0
    if endpoint := os.environ.get("SFN_ENDPOINT_URL"):
        client = boto3.client("stepfunctions", endpoint_url=endpoint, region_name="us-east-1")
        failed += tell(f"runs on {endpoint}", len(runs), on(mocked.Engine(client), runs))
    if os.environ.get("TEST_STATE"):
        aws = boto3.client("stepfunctions")
        failed += tell("questions to TestState", len(questions), filter(None, (asked.differs(aws, one) for one in questions)))
    return int(bool(failed))


def write(folder: Path, runs: Sequence[Recorded]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    inputs = {f"{run.machine}#{run.name}": run.case.given for run in runs}
    texts = {"MockConfigFile": mocked.configuration(runs), "inputs": inputs}
    for name, document in texts.items():
        (folder / f"{name}.json").write_text(json.dumps(document, indent=1))
    for name, text in mocked.definitions().items():
        (folder / f"{name}.asl.json").write_text(text)


def on(engine: mocked.Engine, runs: Sequence[Recorded]) -> Iterator[str]:
    """Some at once: most of them wait."""
    for first in range(0, len(runs), AT_ONCE):
        begun = [(run, engine.begin(run)) for run in runs[first : first + AT_ONCE]]
        yield from filter(None, (engine.difference(run, arn) for run, arn in begun))


def tell(what: str, total: int, differences: Iterator[str]) -> int:
    """How many there are."""
    found = []
    for line in differences:
        say(line)
        found.append(line)
    say(f"{total} {what}: {len(found)} went another way")
    return len(found)


def say(line: str) -> None:
    print(f"engines: {line}", flush=True)  # noqa: T201 - a program of its own


if __name__ == "__main__":
    sys.exit(main())
