"""The adapter of instances that are told, and what stands in for it in the explorations, pass one suite.

The adapter's client is a small one in memory, over the same instances. Over real agents: tests/contract/test_instances_told.py.
"""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from rotation.consumers.wp_config import adapter
from rotation.consumers.wp_config.kind import KIND
from rotation.core.errors import FleetDenied, FleetUnavailable, PermanentError, TargetInvalid, TransientError
from rotation.core.fleet import (
    ENDS,
    LATEST_SECONDS,
    LOOK,
    NO_VERSION,
    OWN,
    REASONS,
    SCRIPT_SECONDS,
    WRITE,
    Place,
    Status,
    Telling,
    failure,
    to,
    to_write,
)
from rotation.core.model import Mark, Slot
from rotation.ports import Fleet, Surroundings

from local.yaml_text import read_yaml
from tests.conformance.consumers import CANARY, Told, refused
from tests.worlds.aws import answering
from tests.worlds.fleet import FIRST, SECOND
from tests.worlds.fleet_client import FleetClient
from tests.worlds.proxied import APPLICATION
from tests.worlds.wordpress import WordPressWorld
from tests.worlds.world import login

SETTINGS = {
    "app": "blog",
    "document": "stack-wp-config",
    "path": "/var/www/html/wp-config.php",
    "page": "http://127.0.0.1/",
    "marker": "Just another",
    "slowest_boot_seconds": 300,
    "owner": "33:33",
    "mode": "0640",
}


class InMemory:
    """As the explorations have it."""

    names = (FIRST, SECOND)

    def __init__(self) -> None:
        self.world = WordPressWorld()
        self.current = self.world.application.labels().current
        self.next = self.world.rotated.put(login(Slot.B), Mark("a test's"))

    @property
    def fleet(self) -> Fleet:
        return self.world.instances

    def now(self) -> float:
        return self.world.clock

    def wait(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    def end(self, name: str) -> None:
        self.world.instances.end(name)

    def silence(self, name: str) -> None:
        self.world.instances.change(name, silent_until=self.world.clock + 10_000)


class Shipped(InMemory):
    """The adapter, over a client of the same instances."""

    def __init__(self) -> None:
        super().__init__()
        self._offset = time.time() - self.world.clock
        self.client = FleetClient(self.world.instances, self.world.now, offset=self._offset)
        self.adapter = adapter.make(SETTINGS, Surroundings("blog", "arn:the-admin", secret=APPLICATION))

    @property
    def fleet(self) -> Fleet:
        return self.adapter

    def now(self) -> float:
        return self.world.clock + self._offset


@pytest.fixture
def shipped() -> Iterator[Shipped]:
    here = Shipped()
    with answering(adapter, here.client):
        yield here


class TestShipped(Told):
    @pytest.fixture
    def here(self, shipped: Shipped) -> Shipped:
        return shipped


class TestInMemory(Told):
    @pytest.fixture
    def here(self) -> InMemory:
        return InMemory()


# What is sent


def test_nothing_that_is_sent_holds_a_password_or_names_the_record(shipped: Shipped) -> None:
    """Whoever may list commands reads all of it."""
    world = shipped.world
    for action in (WRITE, LOOK):
        shipped.fleet.tell(Telling(action, shipped.next, (shipped.current,), "run-1.forward.1c.0", careful=True), [FIRST, SECOND])
    sent = json.dumps(shipped.client.sent)
    assert CANARY in str(world.passwords)
    assert [password for password in world.passwords if password in sent] == []
    assert [arn for arn in (world.target.slot_secret, world.target.admin_secret, "arn:the-admin") if f'"{arn}"' in sent] == []
    assert APPLICATION in sent


def test_it_is_sent_as_the_document_takes_it(shipped: Shipped) -> None:
    shipped.fleet.tell(Telling(WRITE, shipped.next, (shipped.current,), "run-1", careful=True), [FIRST, SECOND])
    (sent,) = shipped.client.sent
    assert {key: value for key, value in sent.items() if key not in ("Parameters", "Comment")} == {
        "DocumentName": "stack-wp-config",
        "DocumentVersion": "$DEFAULT",
        "InstanceIds": [FIRST, SECOND],
        "TimeoutSeconds": 30,
        "MaxConcurrency": "50",
        "MaxErrors": "0",
    }
    assert sent["Parameters"] == {
        "Action": ["write"],
        "SecretArn": [APPLICATION],
        "VersionId": [shipped.next],
        "Candidates": [shipped.current],
        "Path": ["/var/www/html/wp-config.php"],
        "Owner": [""],
        "Mode": [""],
        "Page": ["http://127.0.0.1/"],
        "Marker": ["Just another"],
    }
    assert len(sent["Comment"]) <= 100


def test_owner_and_mode_are_sent_where_it_is_about_them(shipped: Shipped) -> None:
    shipped.fleet.tell(Telling(OWN, NO_VERSION), [FIRST])
    ((sent,), asked) = shipped.client.sent, document()["parameters"]
    assert {name: sent["Parameters"][name] for name in ("Action", "Owner", "Mode")} == {
        "Action": ["own"], "Owner": ["33:33"], "Mode": ["0640"],
    }  # fmt: skip
    assert [name for name, (value,) in sent["Parameters"].items() if not re.search(asked[name]["allowedPattern"], value)] == []


@pytest.mark.parametrize("lacks", ["owner", "mode"])
def test_a_target_that_names_no_owner_or_mode_is_refused_before_anybody_is_told(shipped: Shipped, lacks: str) -> None:
    half = adapter.make({**SETTINGS, lacks: ""}, Surroundings("blog", "arn:the-admin", secret=APPLICATION))
    with refused(TargetInvalid, "names no owner and mode"):
        half.tell(Telling(OWN, NO_VERSION), [FIRST])
    assert shipped.client.sent == []


def test_on_the_way_back_no_page_is_asked_and_the_first_failure_spares_nobody(shipped: Shipped) -> None:
    shipped.fleet.tell(Telling(WRITE, shipped.current), [FIRST])
    (sent,) = shipped.client.sent
    assert (sent["Parameters"]["Page"], sent["MaxErrors"]) == ([""], "100%")


def test_fifty_are_told_by_one_command_and_more_by_several(shipped: Shipped) -> None:
    names = [f"i-{number:03}" for number in range(120)]
    machine = shipped.world.instances.machine(FIRST)
    shipped.world.instances.machines = tuple(replace(machine, id=name) for name in names)
    shipped.fleet.tell(Telling(WRITE, shipped.next), names)
    assert [len(one["InstanceIds"]) for one in shipped.client.sent] == [50, 50, 20]
    assert len(to(Telling(WRITE, shipped.next), shipped.fleet.answers(shipped.now() - 5))) == 120, "all pages are read"
    assert len(shipped.fleet.instances()) == 120


def test_another_file_of_the_same_document_is_nobody_else_s(shipped: Shipped) -> None:
    shipped.fleet.tell(Telling(WRITE, shipped.next), [FIRST])
    other = adapter.make({**SETTINGS, "path": "/srv/blog/wp-config.php"}, Surroundings("blog", "arn:the-admin", secret=APPLICATION))
    assert other.answers(shipped.now() - 5) == []


# The document


def document() -> dict[str, Any]:
    found: dict[str, Any] = read_yaml((Path(__file__).parents[2] / "instances/wp-config.document.yaml").read_text())
    return found


def test_what_is_sent_is_what_the_document_asks_for(shipped: Shipped) -> None:
    shipped.fleet.tell(Telling(WRITE, shipped.next, (shipped.next,), "run-1", careful=True), [FIRST])
    ((sent,), asked) = shipped.client.sent, document()["parameters"]
    assert sent["Parameters"].keys() == asked.keys()
    assert [name for name, (value,) in sent["Parameters"].items() if not re.search(asked[name]["allowedPattern"], value)] == []


def test_a_command_is_at_work_for_as_long_as_the_document_lets_it() -> None:
    (step,) = document()["mainSteps"]
    assert int(step["inputs"]["timeoutSeconds"]) == SCRIPT_SECONDS


ODD = [
    "/srv/a.b/wp-config.php",
    "http://127.0.0.1:8080/wp-login.php?a=b&c=%20d",
    "http://[::1]/",
    "/a b",
    "Just another",
    "it's",
    "`id`",
    "a{b}",
]


@pytest.mark.parametrize(("setting", "parameter"), [("path", "Path"), ("page", "Page"), ("marker", "Marker")])
def test_a_setting_that_a_target_may_have_is_one_that_the_document_takes(setting: str, parameter: str) -> None:
    """Else every command would be refused, one rotation after the other."""
    ours, theirs = KIND.properties[setting]["pattern"], document()["parameters"][parameter]["allowedPattern"]
    taken = [value for value in (*ODD, KIND.properties[setting]["default"]) if re.search(ours, value)]
    assert taken
    assert [value for value in taken if not re.search(theirs, value)] == []


# Which instances there are

LIVES = {
    ("running", "InService"): Place.SERVES,
    ("running", ""): Place.SERVES,
    ("running", "Detached"): Place.SERVES,
    ("pending", ""): Place.BOOTS,
    ("pending", "Pending"): Place.BOOTS,
    ("running", "Pending:Wait"): Place.BOOTS,
    ("running", "Pending:Proceed"): Place.BOOTS,
    ("running", "Warmed:Pending:Wait"): Place.BOOTS,
    ("running", "Warmed:Running"): Place.STANDS_BY,
    ("running", "Standby"): Place.STANDS_BY,
    ("running", "EnteringStandby"): Place.STANDS_BY,
    ("running", "Terminating:Wait"): Place.LEAVES,
    ("running", "Terminating"): Place.LEAVES,
    ("running", "Detaching"): Place.LEAVES,
    ("running", "Warmed:Terminating:Wait"): Place.LEAVES,
}


@pytest.mark.parametrize(("state", "lifecycle"), LIVES)
def test_each_state_of_its_life_is_told_apart(shipped: Shipped, state: str, lifecycle: str) -> None:
    shipped.client.states[FIRST] = state
    shipped.client.lifecycles |= {FIRST: lifecycle} if lifecycle else {}
    assert shipped.fleet.instances()[0].place is LIVES[state, lifecycle]


@pytest.mark.parametrize("state", ["shutting-down", "terminated", "stopping", "stopped"])
def test_one_that_does_not_run_is_left_out(shipped: Shipped, state: str) -> None:
    shipped.client.states[FIRST] = state
    assert [one.id for one in shipped.fleet.instances()] == [SECOND]


def test_one_that_was_launched_a_moment_ago_boots_whatever_its_group_says(shipped: Shipped) -> None:
    shipped.client.lifecycles[FIRST] = "InService"
    shipped.world.instances.change(FIRST, launched=shipped.world.clock - SETTINGS["slowest_boot_seconds"] + 60)
    assert shipped.fleet.instances()[0].place is Place.BOOTS
    shipped.world.instances.change(FIRST, launched=shipped.world.clock - SETTINGS["slowest_boot_seconds"] - 60)
    assert shipped.fleet.instances()[0].place is Place.SERVES


# How a command ends


def told(here: Shipped, status: Status, times: int = 1) -> tuple[Any, ...]:
    telling = Telling(WRITE, here.next, careful=True)
    for _ in range(times):
        here.fleet.tell(telling, [FIRST])
    here.client.statuses[FIRST] = status
    return here.fleet.instances(), here.fleet.answers(here.now() - 5), telling


@pytest.mark.parametrize("status", ENDS)
def test_each_end_of_a_command_has_its_name(shipped: Shipped, status: Status) -> None:
    (answer,) = told(shipped, status)[1]
    error = failure(FIRST, answer)
    assert type(error) is ENDS[status]
    assert FIRST in str(error)


@pytest.mark.parametrize("status", [Status.FAILED, Status.TIMED_OUT, Status.NOT_DELIVERED, Status.UNDELIVERABLE, Status.TERMINATED])
def test_what_may_pass_is_told_again_and_given_up_after_three_times(shipped: Shipped, status: Status) -> None:
    assert to_write(*told(shipped, status)).tell == (FIRST,)
    with refused(ENDS[status], FIRST):
        to_write(*told(shipped, status, times=2))


def test_what_a_person_cancelled_is_not_told_again(shipped: Shipped) -> None:
    with refused(ENDS[Status.CANCELLED], FIRST):
        to_write(*told(shipped, Status.CANCELLED))


@pytest.mark.parametrize("status", ["Pending", "InProgress", "In Progress", "Delayed", "Cancelling"])
def test_what_has_not_ended_is_waited_for(status: str) -> None:
    assert answered({"StatusDetails": status}).status is Status.UNDER_WAY


@pytest.mark.parametrize("status", ["Delivery Timed Out", "DeliveryTimedOut"])
def test_a_status_is_read_with_and_without_blanks(status: str) -> None:
    assert answered({"StatusDetails": status}).status is Status.NOT_DELIVERED


def test_a_status_that_is_not_known_is_a_failure() -> None:
    assert answered({"StatusDetails": "InvalidPlatform"}).status is Status.FAILED


def answered(more: dict[str, Any]) -> Any:
    now = adapter.datetime.now(adapter.UTC)
    return adapter._answer("write v", {"InstanceId": FIRST, "Status": "Failed", "RequestedDateTime": now, **more})


@pytest.mark.parametrize("reason", REASONS)
def test_what_the_document_says_is_told_by_our_own_name(reason: str) -> None:
    line = {"file": "refused", "holds": "other", "page": "not asked", "reason": reason, "detail": "line 12: mend it"}
    output = f"something of the agent's\n{json.dumps(line)}\nfailed to run commands: exit status 1"
    error = failure(FIRST, answered({"StatusDetails": "Failed", "CommandPlugins": [{"Output": output}]}))
    assert type(error) is REASONS[reason]
    assert str(error) == f"instance {FIRST}: line 12: mend it"


@pytest.mark.parametrize("output", ["", "{", "[1]", '{"file": "written"}', "null", '{"holds": "v"}\n'])
def test_an_output_that_is_not_the_document_s_says_nothing(output: str) -> None:
    answer = answered({"StatusDetails": "Success", "CommandPlugins": [{"Output": output}]})
    assert (answer.holds, answer.reason, answer.well("v")) == ("", "", False)


# What AWS refuses

CODES = {
    "AccessDeniedException": FleetDenied,
    "UnauthorizedOperation": FleetDenied,
    "ThrottlingException": FleetUnavailable,
    "RequestLimitExceeded": FleetUnavailable,
    "InvalidInstanceId": FleetUnavailable,
    "InvalidDocument": TargetInvalid,
}


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("operation", ["describe_instances", "list_command_invocations", "send_command"])
def test_a_refusal_is_told_by_its_name(shipped: Shipped, operation: str, code: str) -> None:
    shipped.client.refuses[operation] = code
    with refused(CODES[code], code):
        act(shipped, operation)


def act(here: Shipped, operation: str) -> None:
    if operation == "send_command":
        here.fleet.tell(Telling(WRITE, here.next), [FIRST])
    elif operation == "describe_instances":
        here.fleet.instances()
    else:
        here.fleet.answers(here.now() - 5)


def test_one_that_ended_before_it_could_be_told_is_looked_for_again(shipped: Shipped) -> None:
    """AWS refuses the whole command: the step is tried again, and sees that it is gone."""
    shipped.end(FIRST)
    with refused(TransientError):
        shipped.fleet.tell(Telling(WRITE, shipped.next), [FIRST, SECOND])


@pytest.mark.parametrize("operation", ["list_command_invocations"])
def test_what_was_just_told_and_is_not_known_yet_is_no_failure(shipped: Shipped, operation: str) -> None:
    shipped.client.refuses[operation] = "InvocationDoesNotExist"
    assert shipped.fleet.answers(shipped.now() - LATEST_SECONDS) == []


def test_no_network_is_told_without_the_driver_s_words() -> None:
    def none(_: str) -> Any:
        raise EndpointConnectionError(endpoint_url=CANARY)

    with pytest.MonkeyPatch.context() as patch, refused(TransientError, "EndpointConnectionError"):
        patch.setattr(adapter, "client", none)
        adapter.make(SETTINGS, Surroundings("blog", "arn:the-admin", secret=APPLICATION)).instances()


def test_a_permanent_refusal_stays_one() -> None:
    assert issubclass(FleetDenied, PermanentError)
