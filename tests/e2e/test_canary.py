"""No password is where none may be after rotations, and one that is planted there is found, in every kind of place."""

import base64
import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest

from local import canary
from local.follow import wait_for
from local.leftovers import MARK
from local.stack import LocalStack
from tests.e2e.rotations import Rotations
from tests.whole import whole

IDLE = "import sys; sys.stdin.read()"


def test_rotations_leave_no_password_where_none_may_be(rotations: Rotations) -> None:
    """This one and whatever this session did before; at the session's end it is looked for once more."""
    before = canary.passwords(rotations.stack)
    rotations.assert_rotates()
    assert len(canary.passwords(rotations.stack)) == len(before) + 2, "the slot's and the admin's new one are searched for too"
    assert canary.search(rotations.stack) == []


@pytest.fixture(scope="module")
def leaky() -> Iterator[LocalStack]:
    """A stack of its own: what is once in an execution's history stays there."""
    with LocalStack(pods=1) as stack:
        yield stack


@pytest.fixture
def password(leaky: LocalStack) -> str:
    return leaky.app.slots["B"].password


def new_findings(stack: LocalStack, plant: Callable[[], object]) -> list[canary.Finding]:
    """Plants are told from those of other tests by what was there before."""
    before = set(canary.search(stack))
    plant()
    return [finding for finding in canary.search(stack) if finding not in before]


def names(stack: LocalStack, findings: list[canary.Finding], password: str) -> set[tuple[str, str]]:
    assert password not in repr(findings) + "".join(map(str, findings)), "the report is no leak itself"
    return {(finding.place, finding.encoding) for finding in findings}


def test_in_an_execution_s_events(leaky: LocalStack, password: str) -> None:
    def plant() -> None:
        wait_for(leaky, leaky.start_execution("leaky", {"mode": f"x{password}x"}))

    found = names(leaky, new_findings(leaky, plant), password)
    assert ("execution leaky", "raw") in found
    assert any(place.startswith("execution leaky, event 1,") for place, _ in found)
    assert any(place.startswith("log states/credential-rotation/") for place, _ in found)


PLACES = ["logs/a-function.log", "tmp/forgotten", "sites/default/sqlconf.php.bak"]
WAYS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "base64": lambda text: base64.b64encode(f"u:{text}".encode()).decode(),
    "hex": lambda text: text.encode().hex(),
}
EVERY_DAY = set(zip(PLACES, WAYS, strict=True))


@pytest.mark.parametrize(
    ("place", "way"), [case if case in EVERY_DAY else whole(*case) for case in itertools.product(PLACES, WAYS)]
)
def test_in_a_file(place: str, way: str, leaky: LocalStack, password: str) -> None:
    path = leaky.directory / place
    found = names(leaky, new_findings(leaky, lambda: path.write_text(f"a line with {WAYS[way](password)} in it\n")), password)
    path.unlink()
    assert found == {(f"file {place}", way)}


def test_url_encoded(leaky: LocalStack) -> None:
    """A human's password, with something to encode in it; the ones we make for slots look the same encoded."""
    client = leaky.aws.client("secretsmanager")
    slots = leaky.secret("openemr/slots")
    odd = "a human's own: 100% & more"
    slots["B"]["password"] = odd
    client.put_secret_value(SecretId="openemr/slots", SecretString=json.dumps(slots), VersionStages=["HUMAN"])
    path = leaky.logs / "access.log"
    found = names(leaky, new_findings(leaky, lambda: path.write_text(f"GET /?p={quote(odd)}\n")), odd)
    path.unlink()
    assert found == {("file logs/access.log", "URL-encoded")}


@pytest.mark.parametrize("where", ["arguments", "environment"])
def test_in_a_process(where: str, leaky: LocalStack, password: str) -> None:
    """MYSQL_PASS is for pods only: whoever else has it has it from a leak."""
    arguments = [password] if where == "arguments" else []
    more = {"MYSQL_PASS": password} if where == "environment" else {}
    with ExitStack() as planted:

        def plant() -> None:
            process = subprocess.Popen(
                [sys.executable, "-c", IDLE, *arguments],
                stdin=subprocess.PIPE,
                env={MARK: leaky._run.environment[MARK], **more},
            )
            planted.enter_context(process)  # whose end of input is its end

        found = names(leaky, new_findings(leaky, plant), password)
    assert len(found) == 1
    assert next(iter(found))[0].startswith(f"{where} of process ")


@pytest.mark.parametrize("log", ["general_log", "error_log"])
def test_in_the_database_s_logs(log: str, leaky: LocalStack, password: str) -> None:
    path: Path = getattr(leaky.app.mysql, log)
    size = path.stat().st_size

    def plant() -> None:
        with path.open("a") as opened:
            opened.write(f"ALTER USER somebody IDENTIFIED BY '{password}'\n")

    found = names(leaky, new_findings(leaky, plant), password)
    with path.open("r+") as opened:
        opened.truncate(size)
    assert found == {(f"file {path.relative_to(leaky.directory)}", "raw")}


def test_in_a_target_document(leaky: LocalStack, password: str) -> None:
    parameters = leaky.aws.client("ssm")

    def plant() -> None:
        parameters.put_parameter(Name="/leaky", Value=password, Type="String")

    found = names(leaky, new_findings(leaky, plant), password)
    parameters.delete_parameter(Name="/leaky")
    assert found == {("parameter /leaky", "raw")}
