"""Executions of the machine on a Step Functions engine: all that the collected tests ask for at once, each with its script."""

import json
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Self

from tests.statemachine.machine import State, definition_text, hurried, impatient, shipped
from tests.statemachine.scripted import Invocation, Script, ScriptedLambda

AT_ONCE = 40
POLL_SECONDS = 0.1
RUN_SECONDS = 300
WORDS = "say_why"
ROLE = "arn:aws:iam::123456789012:role/states"


@dataclass(frozen=True)
class Case:
    """One execution that a test wants: what it is given and how the functions answer."""

    name: str
    script: Script = field(default_factory=dict, hash=False)
    given: Any = field(default_factory=dict, hash=False)
    hurried: bool = False
    gives_up: str | None = None
    """The Task that does not wait 45 s for its function; for a function that hangs."""
    everyday: bool = True
    """Else the engine runs it only where the whole is asked for: what it waits for, the interpreter need not."""

    def __str__(self) -> str:
        return self.name

    @property
    def patience(self) -> int:
        """The longest begin first, so that all end at about the same time."""
        return 0 if self.gives_up else 1 if self.hurried else 2

    @property
    def definition(self) -> tuple[str, Callable[[], State]]:
        """A name for it, and how to make it."""
        if state := self.gives_up:
            return f"impatient-{state}", lambda: impatient(state)
        return ("hurried", hurried) if self.hurried else ("shipped", shipped)


@dataclass(frozen=True)
class Visit:
    state: str
    given: str
    """The state's input, as it is in the history."""


@dataclass(frozen=True)
class Execution:
    """One that has ended."""

    name: str
    status: str
    error: str
    cause: str
    visits: list[Visit]
    events: int
    invocations: list[Invocation]

    @property
    def path(self) -> list[str]:
        return [visit.state for visit in self.visits]

    @property
    def terminal(self) -> str:
        return self.visits[-1].state

    @property
    def called(self) -> list[str]:
        """What the run did. Every bad end is put into words after that."""
        return [one.function for one in self.invocations if one.function != WORDS or "probe" in one.event]

    def given_to(self, function: str) -> list[dict[str, Any]]:
        return [one.event for one in self.invocations if one.function == function]


class Runs:
    """One thread looks after all executions, in turn: an engine that many ask at once does little else."""

    def __init__(self, client: Any, functions: ScriptedLambda) -> None:
        self._client, self._functions = client, functions
        self._session = uuid.uuid4().hex[:8]  # an engine that is not ours remembers names
        self._machines: dict[str, str] = {}
        self._futures: dict[str, Future[Execution]] = {}
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        return self

    def start(self, cases: Sequence[Case]) -> dict[str, Future[Execution]]:
        """Once, all of them; what comes of each is known by its name."""
        self._futures = {case.name: Future() for case in cases}
        self._thread = threading.Thread(target=self._look_after, args=(list(cases),), daemon=True)
        self._thread.start()
        return self._futures

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        for arn in self._machines.values():
            self._client.delete_state_machine(stateMachineArn=arn)

    def _look_after(self, waiting: list[Case]) -> None:
        active: dict[str, Case] = {}
        calls: dict[str, int] = {}
        while (waiting or active) and not self._ended.wait(POLL_SECONDS):
            while waiting and len(active) < AT_ONCE:
                case = waiting.pop(0)
                active[case.name] = case
                self._try(case, self._begin)
            for case in list(active.values()):
                before, calls[case.name] = calls.get(case.name), len(self._functions.invocations(self._name(case)))
                if before == calls[case.name]:  # else it is busy: no need to ask the engine
                    self._ended.wait(POLL_SECONDS)
                    self._try(case, self._look)
                if self._futures[case.name].done():
                    del active[case.name]

    def _try(self, case: Case, act: Callable[[Case], None]) -> None:
        """What goes wrong is that case's failure, and not the end of the others."""
        future = self._futures[case.name]
        try:
            if not future.done():
                act(case)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test raises it
            future.set_exception(error)

    def _begin(self, case: Case) -> None:
        name = self._name(case)
        self._functions.expect(name, case.script)
        self._client.start_execution(stateMachineArn=self._machine(case), name=name, input=json.dumps(case.given))

    def _look(self, case: Case) -> None:
        arn = f"{self._machine(case).replace(':stateMachine:', ':execution:')}:{self._name(case)}"
        seen = self._client.describe_execution(executionArn=arn)
        if seen["status"] == "RUNNING":
            assert time.time() - seen["startDate"].timestamp() < RUN_SECONDS, f"{case.name} does not end"
            return
        pages = self._client.get_paginator("get_execution_history").paginate(executionArn=arn)
        events = [event for page in pages for event in page["events"]]
        invocations = self._functions.invocations(self._name(case))
        self._futures[case.name].set_result(_execution(seen, events, invocations))

    def _name(self, case: Case) -> str:
        """Execution names have eighty characters at most, and few kinds of them."""
        return f"{uuid.uuid5(uuid.NAMESPACE_OID, case.name)}-{self._session}"

    def _machine(self, case: Case) -> str:
        name, make = case.definition
        if name not in self._machines:
            text = definition_text(make())
            made = self._client.create_state_machine(name=f"{name}-{self._session}", definition=text, roleArn=ROLE)
            self._machines[name] = made["stateMachineArn"]
        return self._machines[name]


def _execution(seen: dict[str, Any], events: list[dict[str, Any]], invocations: list[Invocation]) -> Execution:
    entered = [event["stateEnteredEventDetails"] for event in events if "stateEnteredEventDetails" in event]
    visits = [Visit(details["name"], details.get("input", "")) for details in entered]
    return Execution(seen["name"], seen["status"], seen.get("error", ""), seen.get("cause", ""), visits, len(events), invocations)
