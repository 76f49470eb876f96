"""The engine, Lambda's stand-in, and the executions that the collected tests ask for.

Without SFN_ENDPOINT_URL the engine is the local AWS's, twice: it is one busy process, and most machines have two cores.
With it, it is whatever answers there, and that one must find Lambda at SCRIPTED_LAMBDA (host:port). docs/engines.md has the
commands.
"""

import os
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack

import boto3
import pytest
from botocore.config import Config

from tests.statemachine.interpreted import interpret
from tests.statemachine.processes import engine
from tests.statemachine.runs import Case, Execution, Runs
from tests.statemachine.scripted import ScriptedLambda

LOCAL_ENGINES = 2


@pytest.fixture(scope="session")
def scripted_lambda() -> Iterator[ScriptedLambda]:
    host, _, port = os.environ.get("SCRIPTED_LAMBDA", "127.0.0.1:0").rpartition(":")
    with ScriptedLambda(host, int(port)) as functions:
        yield functions


@pytest.fixture(scope="session")
def engines(scripted_lambda: ScriptedLambda, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Their endpoints."""
    if given := os.environ.get("SFN_ENDPOINT_URL"):
        yield [given]
        return
    with ExitStack() as stack:
        folders = [tmp_path_factory.mktemp("engine") for _ in range(LOCAL_ENGINES)]
        started = [stack.enter_context(engine("tests.statemachine.engine", scripted_lambda.port, folder)) for folder in folders]
        yield [endpoint() for endpoint in started]


@pytest.fixture(scope="session")
def executions(
    request: pytest.FixtureRequest, engines: list[str], scripted_lambda: ScriptedLambda
) -> Iterator[dict[str, Future[Execution]]]:
    """All executions that the collected tests will look at are started here: they wait side by side, not one by one."""
    given = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    found = [case for params in given if params.get("by") == "engine" and isinstance(case := params.get("run"), Case)]
    cases = sorted({case.name: case for case in found}.values(), key=lambda case: case.patience)
    with ExitStack() as stack:
        shares = [stack.enter_context(Runs(_client(engine), scripted_lambda)) for engine in engines]
        futures: dict[str, Future[Execution]] = {}
        for place, share in enumerate(shares):
            futures |= share.start(cases[place :: len(shares)])
        yield futures


def _client(endpoint: str) -> object:
    config = Config(proxies={}, read_timeout=120)
    keys = {"aws_access_key_id": "tests", "aws_secret_access_key": "local"}
    return boto3.client("stepfunctions", endpoint_url=endpoint, region_name="us-east-1", config=config, **keys)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The interpreter runs every case, the engine some of each kind; all of them with WHOLE=1, as a release has it."""
    if os.environ.get("WHOLE"):
        return
    left_out = [item for item in items if hasattr(item, "callspec") and _is_for_ci(item.callspec.params)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _is_for_ci(params: dict[str, object]) -> bool:
    case = params.get("run")
    return params.get("by") == "engine" and isinstance(case, Case) and not case.everyday


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The history that AWS would keep is the engine's; where an execution goes, the interpreter must know as well."""
    if "by" in metafunc.fixturenames:
        both = getattr(metafunc.module, "INTERPRETED_TOO", False)
        metafunc.parametrize("by", ["engine", "interpreter"] if both else ["engine"])


@pytest.fixture
def run(request: pytest.FixtureRequest, by: str) -> Execution:
    """The execution of the case that the test is parametrised with, ended."""
    if by == "interpreter":
        return interpret(request.param, request.getfixturevalue("scripted_lambda"))
    executions: dict[str, Future[Execution]] = request.getfixturevalue("executions")
    return executions[request.param.name].result()
