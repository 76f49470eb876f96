"""The fleet's own machine and functions over simulated targets, on a local engine.

Real: the shipped definition, its Distributed Map, waves, lanes, budget, the functions' own code. Simulated: the targets. Their
records are in memory, and a rotation flips after so many seconds. What AWS would charge is computed from what was counted."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Self, TypeVar
from unittest.mock import patch
from urllib.parse import unquote

import boto3
from botocore.config import Config
from rotation.core.errors import RotationError, UnexpectedError
from rotation.core.model import CURRENT, Labels, SecretText, Version
from rotation.core.seen import Ran
from rotation.fleet import outcome
from rotation.fleet.outcome import Outcome
from rotation.fleet.run import outcomes_folder, outcomes_in, report_key
from rotation.protocol.intents import version_id
from rotation.steps.decide_wave import decide_wave
from rotation.steps.find_due import find_due
from rotation.steps.look_at_target import look_at_target
from rotation.steps.report_fleet import report_fleet
from rotation.steps.start_target import start_target

from local.aws import REPOSITORY
from local.yaml_text import read_yaml
from tests.statemachine.processes import engine
from tests.worlds.server import Server

T = TypeVar("T")
U = TypeVar("U")

FLIP_SECONDS = 1.0
AT_ONCE = 40
SERVERS = 50
STEPS: dict[str, Callable[[Any, Mapping[str, Any]], dict[str, Any]]] = {
    "FindDue": find_due,
    "StartTarget": start_target,
    "LookAtTarget": look_at_target,
    "DecideWave": decide_wave,
    "ReportFleet": report_fleet,
}


class Of(StrEnum):
    """What a call is made for."""

    TARGET = "a target"
    WAVE = "a wave"
    RUN = "the run"


OF_STEP = {"StartTarget": Of.TARGET, "LookAtTarget": Of.TARGET, "DecideWave": Of.WAVE}
ROTATION_TRANSITIONS, ROTATION_CALLS = 46, 51
"""Of one clean rotation of OpenEMR, as docs/costs.md has them; a test holds these to that page."""
DOLLARS = {"transition": 25e-6, "secretsmanager": 5e-6, "s3": 5e-6, "invocation": 0.2e-6, "gigabyte second": 13.3334e-6}
"""List prices in us-east-1, arm64. What is asked of Step Functions and Parameter Store costs nothing."""
STEP_SECONDS, MEMORY = 0.3, 0.5
"""What one invocation is taken to last, and its gigabytes."""
BUCKET, ROLE = "fleet", "arn:aws:iam::123456789012:role/states"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:bench"


class Record:
    """A target's slot secret: what was current thirty-three days ago, and what is once its rotation has flipped."""

    def __init__(self, world: World, target: str) -> None:
        self._world, self.name = world, f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{target}"
        self.before, self.target = version_id(self.name, "f", "o", "retire", 0), target
        self.flips_at: float | None = None
        self.executions: list[str] = []
        self.more: dict[str, Any] = {}
        self.server = f"db{int(target[1:]) % world.servers}"

    @property
    def at_work(self) -> bool:
        return self.flips_at is not None and self.target not in self._world.failing and time.monotonic() < self.flips_at

    @property
    def flipped(self) -> bool:
        return self.flips_at is not None and time.monotonic() >= self.flips_at

    @property
    def age(self) -> float:
        """Of its password, in seconds."""
        return 0 if self.flipped else 33 * 86_400

    def _current(self) -> str:
        if not self.flipped:
            return self.before
        return version_id(self.name, self.before, self._world.execution_arn(self.executions[-1]), "flip", 0)

    def labels(self) -> Labels:
        self._world.count("secretsmanager:DescribeSecret", Of.TARGET)
        current = self._current()
        return Labels(current, None, None if current == self.before else self.before)

    def current_dated(self) -> tuple[Version, float]:
        self._world.count("secretsmanager:GetSecretValue", Of.TARGET)
        place = {"host": self.server, "port": "3306", "dbname": "app"}
        tag = {"id": "r", "owner": "o", "step": "retire", "from": "f"}
        text = {
            "active_slot": "A",
            "A": {**place, "username": f"{self.target}_a", "password": "a"},
            "B": {**place, "username": f"{self.target}_b", "password": "b"},
            "rotation": tag,
            **self.more,
        }
        return Version(self._current(), SecretText(json.dumps(text)), frozenset({CURRENT})), self.age

    def read(self, version: str) -> SecretText:
        return self.current_dated()[0].text

    def age_seconds(self, version: str) -> float:
        self._world.count("secretsmanager:GetSecretValue", Of.TARGET)
        return self.age


class Accident(StrEnum):
    """What may befall an invocation."""

    BEFORE = "the function is killed before it has done anything"
    AFTER = "it is killed when all is done, and nobody hears so"
    THROTTLED = "as many functions run as the account may have"
    BUG = "it fails for a reason that does not pass"


@dataclass
class World:
    """As the fleet's functions see it."""

    s3: Any
    size: int
    servers: int = SERVERS
    flip_seconds: float = FLIP_SECONDS
    failing: frozenset[str] = frozenset()
    """Their rotations are rolled back."""
    broken: frozenset[str] = frozenset()
    """Whoever starts them fails."""
    calls: Counter[str] = field(default_factory=Counter)
    calls_of: Counter[Of] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)
    at_most: Counter[str] = field(default_factory=Counter)
    """So many targets between start and flip at once: together, and by server."""

    def __post_init__(self) -> None:
        self.records = {f"t{number:04}": Record(self, f"t{number:04}") for number in range(self.size)}
        self._lock = threading.Lock()
        self.asking = threading.local()

    def count(self, call: str, of: Of | None = None) -> None:
        """What it is made for follows from the function that is asked, unless that is said."""
        with self._lock:
            self.calls[call] += 1
            self.calls_of[of or getattr(self.asking, "of", Of.RUN)] += 1

    @property
    def now(self) -> Callable[[], float]:
        return time.time

    def documents(self) -> Iterator[tuple[str, str]]:
        for _ in range(0, self.size, 10):
            self.count("ssm:GetParametersByPath", Of.TARGET)
        yield from ((name, self._document(name, record)) for name, record in self.records.items())

    @staticmethod
    def _document(name: str, record: Record) -> str:
        source = {"kind": ("mysql", "postgresql")[int(name[1:]) % 2]}
        secret = {"kind": "app-secret", "secret": f"{record.name}-app", "application_cache_seconds": 0}
        health = {"url": "https://app.example/", "marker": "works"}
        document = {
            "slot_secret": record.name,
            "admin_secret": "arn:admin",
            "source": source,
            "consumers": [secret],
            "health": health,
        }
        return json.dumps(document)

    def holds(self) -> Mapping[str, str]:
        self.count("ssm:GetParametersByPath")
        return {}

    def record(self, secret: str) -> Any:
        return self.records[secret.rpartition(":")[2]]

    def each(self, do: Callable[[T], U], items: Sequence[T]) -> list[U]:
        return [do(item) for item in items]

    def execution_arn(self, name: str) -> str:
        return f"{MACHINE.replace(':stateMachine:', ':execution:')}:{name}"

    def execution(self, name: str) -> Ran | None:
        self.count("states:DescribeExecution")
        target = name.rpartition("-")[2]
        if name not in self.records[target].executions:
            return None
        if target in self.failing:
            return Ran(self.execution_arn(name), False, "RolledBack", "made to fail")
        return Ran(self.execution_arn(name), True, "RUNNING", "")

    def execution_is_alive(self, arn: str, age_seconds: float) -> bool:
        self.count("states:DescribeExecution")
        return False

    def start(self, name: str, given: dict[str, str]) -> None:
        self.count("states:StartExecution")
        if given["target"] in self.broken:
            raise UnexpectedError("made to fail")
        record = self.records[given["target"]]
        if name in record.executions:
            return  # Step Functions takes a name once
        assert record.flips_at is None, f"{given['target']} was begun twice"
        record.executions.append(name)
        record.flips_at = float("inf") if given["target"] in self.failing else time.monotonic() + self.flip_seconds
        at_work = Counter(one.server for one in self.records.values() if one.at_work)
        for place, number in (*at_work.items(), ("together", at_work.total())):
            self.at_most[place] = max(self.at_most[place], number)

    def mend(self) -> None:
        """Whoever was rolled back can be rotated from now on."""
        for name in self.failing:
            self.records[name].flips_at = None
        self.failing = frozenset()

    def accident(self, function: str, number: int) -> Accident | None:
        """Of that function's so manieth invocation."""

    def write(self, key: str, document: Any) -> None:
        self.count("s3:PutObject", Of.WAVE if "/waves/" in key else None)
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(document).encode())

    def read(self, key: str) -> Any:
        self.count("s3:GetObject")
        try:
            return json.loads(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        except self.s3.exceptions.NoSuchKey:
            return None

    def keys(self, folder: str) -> list[str]:
        found = []
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=folder):
            self.count("s3:ListBucket")
            found += [one["Key"] for one in page.get("Contents", [])]
        return found

    def tell(self, subject: str, text: str) -> None:
        self.told.append(subject)


@dataclass(frozen=True)
class Result:
    """Of one run."""

    size: int
    end: str
    seconds: float
    calls: Counter[str]
    calls_of: Counter[Of]
    invocations: Counter[str]
    begun: int
    waves: int
    report: Mapping[str, Any]
    cause: str
    """As the console shows it; empty where all went well."""

    @property
    def transitions(self) -> float:
        """Of the fleet's machine and its children, per target begun: from the definition and the functions' invocations."""
        looks, starts = self.invocations["LookAtTarget"], self.invocations["StartTarget"]
        of_targets = (
            starts * 4 + looks * 3
        )  # StartTarget, ChooseLook, TurnOver, RotateLane's share; WaitForFlip, LookAtTarget, ChooseLook
        of_waves = self.waves * 4  # RotateWave, LaneOver, DecideWave, ChooseWave
        return (of_targets + of_waves + 9) / max(1, self.begun)

    def dollars(self) -> float:
        """Per target, its rotation with it; computed from list prices."""
        own = {
            service: sum(count for call, count in self.calls.items() if call.startswith(service))
            for service in ("secretsmanager", "s3")
        }
        invoked = sum(self.invocations.values()) / self.begun + ROTATION_TRANSITIONS / 2
        return (
            (self.transitions + ROTATION_TRANSITIONS) * DOLLARS["transition"]
            + (own["secretsmanager"] / self.begun + ROTATION_CALLS) * DOLLARS["secretsmanager"]
            + own["s3"] / self.begun * DOLLARS["s3"]
            + invoked * (DOLLARS["invocation"] + STEP_SECONDS * MEMORY * DOLLARS["gigabyte second"])
        )

    @property
    def calls_each(self) -> float:
        """Of AWS, per target begun, with its rotation's own."""
        return self.calls.total() / self.begun + ROTATION_CALLS

    @property
    def calls_apart(self) -> tuple[float, float, float]:
        """The fleet's own: of each target, of each wave, of the run."""
        return self.calls_of[Of.TARGET] / self.begun, self.calls_of[Of.WAVE] / self.waves, float(self.calls_of[Of.RUN])


class Functions:
    """An endpoint that answers Lambda's Invoke by the shipped functions' own code, and S3's GetObject."""

    stored: Callable[[str], bytes]

    def __init__(self) -> None:
        self.worlds: dict[str, World] = {}
        self.invocations: dict[str, Counter[str]] = {}
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                event = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
                name = unquote(self.path).split("/functions/")[1].split("/")[0].rpartition(":")[2]
                self._say(*outer.answer(name, event))

            def do_GET(self) -> None:
                """The engine looks for S3 where it looks for Lambda."""
                key = unquote(self.path.split("?")[0]).lstrip("/").removeprefix(f"{BUCKET}/")
                outer.worlds[key.split("/")[1]].count("s3:GetObject", Of.WAVE)
                self._say(200, {}, outer.stored(key))

            def _say(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
                self.send_response(status)
                for header, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(header, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.port = int(self._server.server_address[1])

    def answer(self, name: str, event: Mapping[str, Any]) -> tuple[int, dict[str, str], bytes]:
        run = str(event["run"])
        with self._lock:
            counted = self.invocations.setdefault(run, Counter())
            counted[name] += 1
            number = counted[name]
        world = self.worlds[run]
        world.asking.of = OF_STEP.get(name, Of.RUN)
        accident = world.accident(name, number)
        if accident is Accident.THROTTLED:
            kind = {"x-amzn-ErrorType": "TooManyRequestsException", "x-amzn-RequestId": "0" * 36}
            return 429, kind, b'{"Type": "User", "message": "Rate Exceeded."}'
        try:
            if accident in (Accident.BEFORE, Accident.BUG):
                return _failed("Runtime.ExitError" if accident is Accident.BEFORE else "UnexpectedError", str(accident))
            answer = STEPS[name](world, event)
        except RotationError as error:
            return _failed(type(error).__name__, str(error))
        return _failed("Runtime.ExitError", str(accident)) if accident else (200, {}, json.dumps(answer).encode())

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _failed(error: str, message: str) -> tuple[int, dict[str, str], bytes]:
    body = json.dumps({"errorType": error, "errorMessage": message}).encode()
    return 200, {"X-Amz-Function-Error": "Unhandled"}, body


class Bench:
    """`with Bench(folder) as bench:` an engine runs; afterwards nothing is left. `hurried`: looks follow each other without a wait,
    and so do tries but for a second; how often is as shipped."""

    def __init__(self, folder: Path, *, hurried: bool = False) -> None:
        self._folder, self._left, self._hurried = folder, ExitStack(), hurried

    def __enter__(self) -> Self:
        if self._hurried:
            self._left.enter_context(patch.object(outcome, "LEAST_SECONDS", 0))
        self.functions = Functions()
        self._left.callback(self.functions.close)
        endpoint = self._left.enter_context(engine("tests.statemachine.engine", self.functions.port, self._folder))()
        config = Config(proxies={}, read_timeout=120, max_pool_connections=AT_ONCE + 10)
        keys = {"aws_access_key_id": "bench", "aws_secret_access_key": "local", "region_name": "us-east-1", "config": config}
        self.s3 = boto3.client("s3", endpoint_url=endpoint, **keys)
        self.s3.create_bucket(Bucket=BUCKET)
        self.functions.stored = lambda key: self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        self._states = boto3.client("stepfunctions", endpoint_url=endpoint, **keys)
        made = self._states.create_state_machine(name="fleet", definition=definition(hurried=self._hurried), roleArn=ROLE)
        self._machine = made["stateMachineArn"]
        return self

    def __exit__(self, *_: object) -> None:
        self._left.close()

    def run(self, name: str, world: World, **settings: Any) -> Result:
        """To its end."""
        began = time.monotonic()
        arn = self.begin(name, world, **settings)
        while (seen := self._states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            time.sleep(0.05)
        seconds = time.monotonic() - began
        report = self.report(name)
        end = seen.get("error") or "FleetRotated"
        invoked, begun = self.functions.invocations[name], len(self.outcomes(name))
        waves, cause = invoked["DecideWave"], seen.get("cause") or ""
        return Result(world.size, end, seconds, world.calls, world.calls_of, invoked, begun, waves, report, cause)

    def begin(self, name: str, world: World, **settings: Any) -> str:
        """The ARN of the execution."""
        self.functions.worlds[name] = world
        given = json.dumps({"settings": {"at_once": AT_ONCE, **settings}})
        return str(self._states.start_execution(stateMachineArn=self._machine, name=name, input=given)["executionArn"])

    def stop(self, execution: str) -> None:
        """As a person does."""
        self._states.stop_execution(executionArn=execution)

    def report(self, name: str) -> dict[str, Any]:
        """Empty where there is none."""
        try:
            found: dict[str, Any] = json.loads(self.functions.stored(report_key(name)))
        except self.s3.exceptions.NoSuchKey:
            return {}
        return found

    def outcomes(self, name: str) -> dict[str, Outcome]:
        """What has been written down so far."""
        keys = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=outcomes_folder(name))
        return outcomes_in(name, [one["Key"] for page in keys for one in page.get("Contents", [])])


def definition(*, hurried: bool = False) -> str:
    """The shipped one, its substitutions made."""
    text = json.dumps(read_yaml((REPOSITORY / "statemachine/fleet.asl.yaml").read_text()))
    if hurried:
        text = re.sub(r'"(IntervalSeconds|MaxDelaySeconds)": \d+', r'"\1": 1', text)
    given = {"AtOnce": "20", "PerPlace": "3", "FailurePercent": "10", "FleetBucket": BUCKET}
    given |= {f"{name}FunctionArn": f"arn:aws:lambda:us-east-1:123456789012:function:{name}" for name in STEPS}
    return re.sub(r"\$\{(\w+)\}", lambda found: given[found[1]], text)
