"""moto's Step Functions engine, mended where an execution is stopped; docs/moto-stop-execution.md says what is wrong there.

In moto, StopExecution leaves a mark that the engine's threads come across later. Until then they go on with values that were not
evaluated any more: what was stopped can end FAILED, have a history that no client can read, or go on as if nothing had been.
Here StopExecution ends the execution, as AWS does: once it is answered, status and history say ABORTED, and nothing is added.
A function that is at work lives on, and nobody hears what it answers.
"""

import pickle
import threading
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus, HistoryEventType
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import StateTaskService
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext, EventManager
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import json_path
from moto.stepfunctions.parser.backend import execution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.backend.execution_worker_comm import ExecutionWorkerCommunication

READ = "5.2.5"
"""The moto whose engine this was written for."""
BEGIN_SECONDS = 60.0


class Stopped(Exception):
    """Ends a thread of an execution that has ended. It reaches nobody."""


class History(EventManager):
    """What it tells is complete once the execution was stopped, whatever the engine's threads still find out."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.stopped = False
        self._order = threading.Lock()

    def add_event(self, context: EventHistoryContext, event_type: HistoryEventType, *rest: Any, **more: Any) -> int:
        with self._order:
            if self.stopped:
                return context.last_published_event_id
            number: int = super().add_event(context, event_type, *rest, **more)
        if event_type != HistoryEventType.ExecutionStarted:
            self.begun.set()  # the first state is entered
        return number

    def stop(self, program: Environment) -> bool:
        """Whether that is how it ends; not, if the program has come to an end of its own before."""
        with self._order:
            if self.stopped or not program.is_running():
                return False
            first, details = EventHistoryContext.of_program_start(), {"executionAbortedEventDetails": {}}
            super().add_event(first, HistoryEventType.ExecutionAborted, details)
            self.stopped = True
            return True


class Told(ExecutionWorkerCommunication):
    """How the program ended, unless it had been stopped."""

    def __init__(self, history: History, told: ExecutionWorkerCommunication) -> None:
        self.history, self.told = history, told

    def terminated(self) -> None:
        if not self.history.stopped:
            self.told.terminated()


@lru_cache(maxsize=64)
def read(definition: str) -> bytes:
    """The program of a definition, to be made from it as often as it runs."""
    program, _ = AmazonStateLanguageParser.parse(definition)
    return pickle.dumps(program)


class Worker(ExecutionWorker):
    """Runs one execution, until its end or until it is stopped."""

    def __init__(self, *, exec_comm: Any, **rest: Any) -> None:
        self._history, self._execution = History(), exec_comm.execution
        super().__init__(exec_comm=Told(self._history, exec_comm), **rest)

    def _get_evaluation_environment(self) -> Environment:
        program = super()._get_evaluation_environment()
        program.event_manager = self._history
        return program

    def _get_evaluation_entrypoint(self) -> EvalComponent:
        """The text is read once: that took longer than all else that the engine does for an execution. The program is its own."""
        program: EvalComponent = pickle.loads(read(self._evaluation_details.state_machine_details.definition))  # noqa: S301 - ours
        return program

    def stop(self, stop_date: datetime, error: str | None, cause: str | None) -> None:
        """One that was only just started is waited for: it has no program yet that could be stopped."""
        if not self._history.begun.wait(BEGIN_SECONDS):
            raise TimeoutError("the execution has not begun, and cannot be stopped; the log of the local AWS says why")
        if self._history.stop(self.env):
            self.env.set_stop(stop_date=stop_date, error=error, cause=cause)
            self._execution.stop_date, self._execution.exec_status = datetime.now(tz=UTC), ExecutionStatus.ABORTED


def schedule_or_stop(schedule: Any) -> Any:
    """A Task of a program that has stopped calls nothing: its parameters may be half evaluated."""

    def scheduled(task: StateTaskService, env: Environment, *rest: Any, **more: Any) -> None:
        if not env.is_running():
            raise Stopped
        schedule(task, env, *rest, **more)

    return scheduled


def one_client(make: Any) -> Any:
    """For each service and region: moto makes one anew for every call of a function. Its credentials are the same for all."""
    made = lru_cache(lambda region, service: make(region=region, service=service))

    def client_for(*, region: str, service: str, **_credentials: Any) -> Any:
        return made(region, service)

    return client_for


def mend() -> None:
    """Once per process, before the first execution. What is only made quicker answers as before."""
    if (found := version("moto")) != READ:
        raise RuntimeError(
            f"local/engine.py mends the Step Functions engine of moto {READ}, and this is moto {found}. Read in "
            "docs/moto-stop-execution.md what is mended; look whether moto does it now; then change or remove local/engine.py."
        )
    execution.ExecutionWorker = Worker
    AmazonStateLanguageParser.parse = lru_cache(maxsize=64)(AmazonStateLanguageParser.parse)  # a new machine's is read to check it
    json_path.parse = lru_cache(maxsize=4096)(json_path.parse)  # it is pure, and the same few hundred texts come again and again
    lambda_eval_utils.boto_client_for = one_client(lambda_eval_utils.boto_client_for)
    service = StateTaskService
    service._before_eval_execution = schedule_or_stop(service._before_eval_execution)  # noqa: SLF001 - no other place will do
