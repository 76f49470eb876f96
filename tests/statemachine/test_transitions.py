"""How many transitions a rotation is, counted on the shipped machine: docs/costs.md shows what is counted here."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.statemachine.happy import IN_A_SWARM, IN_A_VAULT, ON_INSTANCES, PROXIED, PUBLISHED, consumer
from tests.statemachine.interpreted import interpret
from tests.statemachine.machine import shipped
from tests.statemachine.runs import Case, Execution
from tests.statemachine.scripted import Answer, ScriptedLambda
from tests.statemachine.test_ends import GOOD, ONE_EACH
from tests.statemachine.test_paths import BACK
from tests.worlds.costs import PAGE, transitions

ITSELF = "rotation"
WAITING: Answer = {"status": "waiting"}
LOOKS = {
    ITSELF: "check_drained",
    "lambda": "put_secret",
    "deployment": "check_rollout",
    "proxy-secret": "check_login",
    "wp-config": "write_wp_config",
    "swarm-secret": "create_swarm_secret",
    "swarm-service": "prepare_service",
}
"""By what is waited for: who looks."""
COMES_BACK = ("proxy-secret", "swarm-service")
"""What is done something with once more when the old user's password was replaced."""
ITS_OWN_SECRET = {"consumers": [consumer(0, "app-secret")]}
APPLICATIONS: dict[str, dict[str, Any]] = {
    "OpenEMR": {},
    "an application that reads its own secret": ITS_OWN_SECRET,
    "the same behind RDS Proxy": {**PROXIED, "has_keepers": True},
    "WordPress on instances": ON_INSTANCES,
    "an application that reads a path of a Vault": IN_A_VAULT,
    "a service in a Swarm": IN_A_SWARM,
}
BACK_AGAIN = "OpenEMR, rolled back from ValidateApp"

SPREADING: Answer = {"status": "spreading", "began": 7, "wait_seconds": 0}
"""What is put by a function is asked about again by whoever put it."""

Run = Callable[[Case], Execution]


@pytest.fixture
def run_of(scripted_lambda: ScriptedLambda) -> Run:
    return lambda case: interpret(case, scripted_lambda)


def rotation(situation: dict[str, Any], *waits: str) -> Case:
    """The drain is looked at twice. `waits`: who finds once more that it has to wait."""
    script: dict[str, list[Answer]] = {"read_slots": [situation], "check_drained": [WAITING]}
    for function in waits:
        script.setdefault(function, []).append(SPREADING if function == "put_secret" else WAITING)
    return Case(f"transitions of {situation}, {waits}", script)


def alone(kind: str) -> dict[str, Any]:
    """What ReadSlots says, were it all that an application has."""
    if kind == ITSELF:
        return {"consumers": []}
    keeps = {"keepers": [consumer(0, kind)], "has_keepers": True} if kind in COMES_BACK else {}
    keeps |= {"copies": [consumer(0, kind)], "has_copies": True} if kind == "vault-kv" else {}
    return {"consumers": [consumer(0, kind)], **keeps}


def entered(run: Execution) -> int:
    """As AWS counts: no try of these runs failed."""
    assert run.terminal == "RotationSucceeded"
    return len(run.path)


def test_each_part_has_as_many_as_the_page_says(run_of: Run) -> None:
    bare = entered(run_of(rotation(alone(ITSELF))))
    counted = {}
    for kind in (ITSELF, *PUBLISHED):
        plain = entered(run_of(rotation(alone(kind))))
        longer = entered(run_of(rotation(alone(kind), *filter(None, [LOOKS.get(kind)]))))
        counted[kind] = (plain if kind == ITSELF else plain - bare, longer - plain)
    assert transitions()[0] == counted


def test_each_application_has_as_many_as_the_page_says(run_of: Run) -> None:
    counted = {name: entered(run_of(rotation(situation))) for name, situation in APPLICATIONS.items()}
    back = run_of(BACK)
    assert back.terminal == "RolledBack"
    assert transitions()[1] == {**counted, BACK_AGAIN: len(back.path)}


def test_an_application_is_the_sum_of_its_parts() -> None:
    parts, applications = transitions()
    kinds = {name: [one["kind"] for one in situation["consumers"]] for name, situation in APPLICATIONS.items() if situation}
    kinds["OpenEMR"] = ["sqlconf", "secret", "deployment"]
    assert {name: sum(parts[kind][0] for kind in (ITSELF, *each)) for name, each in kinds.items()} == {
        name: applications[name] for name in kinds
    }


@pytest.mark.parametrize("kind", COMES_BACK)
def test_a_second_one_shares_what_its_second_time_costs(kind: str, run_of: Run) -> None:
    both = [consumer(index, kind) for index in range(2)]
    counted = entered(run_of(rotation({"consumers": both, "keepers": both, "has_keepers": True})))
    (once,) = re.findall(r"costs (\d+) more, once for all proxies or services", " ".join(PAGE.read_text().split()))
    parts, _ = transitions()
    assert counted == parts[ITSELF][0] + 2 * parts[kind][0] - int(once)


def test_an_end_has_as_many_before_it_as_the_page_says(run_of: Run) -> None:
    """From what says how the run ended to the end itself."""
    good, bad = re.findall(r"a good run enters (\d+) state .*?a bad one (\d+) that", PAGE.read_text(), re.DOTALL)[0]
    assert {before_the_end(run_of(case)) for case in GOOD} == {int(good)}
    assert {before_the_end(run_of(case)) for case in ONE_EACH} == {int(bad)}


def before_the_end(run: Execution) -> int:
    assert shipped()["States"][run.terminal]["Type"] in ("Succeed", "Fail")
    (first,) = [place for place, state in enumerate(run.path) if state.startswith("EndAs")]
    return len(run.path) - 1 - first
