"""Run Command's memory: what was sent to whom, and what became of it. Its clock is handed in; agents ask for work and report.

Parameters and output are kept in plain, as AWS keeps them.
"""

from __future__ import annotations

import math
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.instances.documents import Document, Given

OUTPUT, ERROR_OUTPUT = 24_000, 8_000
"""Characters that GetCommandInvocation answers of each."""
SHORT_OUTPUT = 2_500
"""The same of ListCommandInvocations."""
ENDED = {"Success", "Failed", "TimedOut", "Cancelled"}
COUNTED = {"Failed", "ExecutionTimedOut", "Undeliverable"}
"""Against MaxErrors. A command that was not delivered does not count."""


@dataclass
class Pace:
    """How patient Run Command is. In AWS it is minutes."""

    hidden_seconds: float = 0.3
    """For as long after SendCommand nobody finds the command."""
    online_seconds: float = 3.0
    """For as long after its last word an agent is thought to be there."""
    delivery_seconds: float | None = None
    """In place of the call's TimeoutSeconds, which is at least 30."""
    execution_seconds: float | None = None
    """In place of the document's timeoutSeconds."""


@dataclass
class Invocation:
    """One command on one instance."""

    instance: str
    status: str = "Pending"
    details: str = "Pending"
    delivered: float = 0.0
    code: int = -1
    output: str = ""
    error_output: str = ""
    began_at: float = 0.0
    ended_at: float = 0.0

    def end(self, status: str, details: str = "") -> None:
        self.status, self.details, self.ended_at = status, details or status, time.time()


@dataclass
class Command:
    """`sent`: by the clock that was handed in; `sent_at`: for people."""

    document_name: str
    document: Document
    parameters: Given
    comment: str
    targets: list[dict[str, Any]]
    max_concurrency: int
    max_errors: int
    timeout_seconds: float
    sent: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    sent_at: float = field(default_factory=time.time)
    invocations: dict[str, Invocation] = field(default_factory=dict)

    def is_on(self, *statuses: str) -> list[Invocation]:
        return [one for one in self.invocations.values() if one.status in statuses]

    def errors(self) -> int:
        return sum(one.details in COUNTED for one in self.invocations.values())


class Commands:
    """Any number of threads may ask."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.pace = Pace()
        self._clock = clock
        self._changed = threading.Condition()
        self._commands: dict[str, Command] = {}
        self._seen: dict[str, float] = {}

    # ---- who sends

    def send(self, command: Command, instances: Iterable[str]) -> Command:
        with self._changed:
            command.invocations = {instance: Invocation(instance) for instance in instances}
            self._commands[command.id] = command
            self._changed.notify_all()
        return command

    def now(self) -> float:
        return self._clock()

    def found(self) -> list[Command]:
        """The newest first; those that nobody finds yet left out."""
        with self._changed:
            for command in self._commands.values():
                self._advance(command)
            old = self.now() - self.pace.hidden_seconds
            return [command for command in reversed(self._commands.values()) if command.sent <= old]

    def cancel(self, command: Command, instances: Iterable[str]) -> None:
        """One that waits is cancelled at once, one that runs when its agent has heard of it."""
        with self._changed:
            for instance in instances:
                invocation = command.invocations[instance]
                if invocation.status == "Pending":
                    invocation.end("Cancelled")
                elif invocation.status == "InProgress":
                    invocation.status = invocation.details = "Cancelling"
            self._changed.notify_all()

    def everything(self) -> list[dict[str, Any]]:
        """In plain, for who looks for passwords."""
        with self._changed:
            return [
                {
                    "id": command.id,
                    "comment": command.comment,
                    "parameters": dict(command.parameters),
                    "invocations": [vars(one) for one in command.invocations.values()],
                }
                for command in self._commands.values()
            ]

    # ---- agents

    def orders(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        """What the local AWS is told and asked of it."""
        return {
            "agents/poll": lambda order: self.poll(**order),
            "agents/report": lambda order: self.report(**order),
            "agents/forget": lambda order: self.forget(order["instance"]),
            "commands": lambda _: self.everything(),
            "commands/pace": lambda order: setattr(self, "pace", Pace(**order)),
        }

    def managed(self) -> Mapping[str, bool]:
        """Every instance whose agent was ever heard of, and whether it still is."""
        with self._changed:
            return {instance: self._online(instance) for instance in self._seen}

    def forget(self, instance: str) -> None:
        """It was terminated."""
        with self._changed:
            self._seen.pop(instance, None)
            for command in self._commands.values():
                if (one := command.invocations.get(instance)) and one.status in ("Pending", "InProgress", "Cancelling"):
                    one.end("Failed", "Undeliverable")

    def poll(self, instance: str, running: list[str], wait: float) -> dict[str, Any]:
        """Work for an agent, and what it is to stop; after so long neither."""
        until = self._clock() + wait
        with self._changed:
            while True:
                self._seen[instance] = self._clock()
                cancelled = [one.id for one in self._of(instance, "Cancelling") if one.id in running]
                work = self._work(instance, running)
                if work or cancelled or self._clock() >= until:
                    return {"work": work, "cancel": cancelled}
                self._changed.wait(min(0.5, max(0.0, until - self._clock())))

    def report(self, instance: str, command: str, ended: str, code: int, output: str, error_output: str) -> None:
        """ended: how the script did (exited, timed out, cancelled). What comes too late changes nothing."""
        with self._changed:
            one = self._commands[command].invocations[instance]
            if one.status not in ENDED:
                one.code, one.output, one.error_output = code, output, error_output
                well = ("Success", "Success") if code == 0 else ("Failed", "Failed")
                one.end(*{"timed out": ("TimedOut", "ExecutionTimedOut"), "cancelled": ("Cancelled", "Cancelled")}.get(ended, well))
            self._advance(self._commands[command])
            self._changed.notify_all()

    def _online(self, instance: str) -> bool:
        return self._clock() - self._seen[instance] <= self.pace.online_seconds

    def _of(self, instance: str, *statuses: str) -> Iterator[Command]:
        for command in self._commands.values():
            if instance in command.invocations and command.invocations[instance].status in statuses:
                yield command

    def _work(self, instance: str, running: list[str]) -> dict[str, Any] | None:
        """What is new; or what an agent that came back has not ended: it begins that again."""
        for command in self._of(instance, "InProgress", "Pending"):
            self._advance(command)
            one = command.invocations[instance]
            if one.status == "InProgress" and command.id not in running:
                return self._handed(command, one)
            if one.status == "Pending" and len(command.is_on("InProgress", "Cancelling")) < command.max_concurrency:
                one.status = one.details = "InProgress"
                one.delivered, one.began_at = self._clock(), time.time()
                return self._handed(command, one)
        return None

    def _handed(self, command: Command, one: Invocation) -> dict[str, Any]:
        left = self._execution_seconds(command) - (self._clock() - one.delivered)
        return {"command": command.id, "parameters": command.document.values(command.parameters), "seconds": left} | {
            "scripts": command.document.scripts()
        }

    def _execution_seconds(self, command: Command) -> float:
        return self.pace.execution_seconds or command.document.timeout_seconds

    def _advance(self, command: Command) -> None:
        """What time has done, and what one end does to the others."""
        now = self._clock()
        for one in command.is_on("Pending"):
            if now - command.sent > (self.pace.delivery_seconds or command.timeout_seconds):
                one.end("TimedOut", "DeliveryTimedOut")
            elif one.instance in self._seen and not self._online(one.instance):
                one.details = "Delayed"
        for one in command.is_on("InProgress", "Cancelling"):
            if now - one.delivered > self._execution_seconds(command):
                one.end("TimedOut", "ExecutionTimedOut")
        if command.errors() > command.max_errors:
            for one in command.is_on("Pending"):
                one.end("Cancelled", "Terminated")


def share(text: str, total: int, least: int) -> int:
    """A number, or so many percent of all."""
    return max(least, math.floor(total * int(text[:-1]) / 100) if text.endswith("%") else int(text))
