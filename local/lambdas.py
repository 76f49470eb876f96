"""Lambda on this machine: a pool of sandboxes for each function, faults to order, and the Invoke call."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import uuid
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from werkzeug.wrappers import Response

from local.faults import Fault, Faults
from local.record import Record
from local.sandbox import Answer, Function, Sandbox, environment_of, error_answer
from local.wsgi import Environ, WsgiApp, body_of, json_response

PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
# The same folder as the Makefile's: made once, shared by all checkouts.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "credential-rotation"
INVOKE = re.compile(r"^/2015-03-31/functions/(.+)/invocations$")


def runtime_python(cache: Path = CACHE, pins: tuple[str, ...] | None = None) -> Path:
    """An interpreter that has what the Lambda runtime has and no more: boto3, in the version that we are tested with."""
    pins = pins or (f"boto3=={version('boto3')}",)
    home = cache / f"lambda-{PYTHON}-{hashlib.sha256(' '.join(pins).encode()).hexdigest()[:12]}"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "complete").exists():
            print("lambda: an interpreter with what Lambda's runtime has, boto3 (once; about 10 s)", file=sys.stderr, flush=True)
            shutil.rmtree(home / "venv", ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", home / "venv"], check=True)
            pip: list[str | Path] = [home / "venv/bin/python", "-I", "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
            subprocess.run([*pip, *pins], check=True)
            (home / "complete").touch()
    return home / "venv/bin/python"


class Functions:
    def __init__(self, python: Path, endpoint: str, region: str, logs: Path, record: Record | None = None) -> None:
        self._python, self._endpoint, self._region, self._logs = python, endpoint, region, logs
        self._record = record
        self._functions: dict[str, Function] = {}
        self._idle: dict[str, list[Sandbox]] = {}
        self._busy: set[Sandbox] = set()
        self.faults = Faults()
        self._lock = threading.Lock()
        logs.mkdir(parents=True, exist_ok=True)

    def deploy(self, function: Function) -> None:
        """New code or configuration means new sandboxes; a running invocation ends in its old one."""
        with self._lock:
            self._functions[function.name] = function
            retired = self._idle.pop(function.name, [])
        for sandbox in retired:
            sandbox.close()

    def get(self, name_or_arn: str) -> Function | None:
        """None too where it has no such alias."""
        name, _, alias = name_or_arn.split(":function:")[-1].partition(":")
        found = self._functions.get(name)
        return found if found is None or alias in ("", "$LATEST", *found.aliases) else None

    def invoke(self, function: Function, event: Any) -> Answer:
        fault, request_id = self.faults.take(function.name, event), str(uuid.uuid4())
        if fault and fault.error:
            return Answer(json.dumps(fault.error), failed=True)
        sandbox = self._checkout(function)
        try:
            answer = self._run(sandbox, request_id, event, fault)
        finally:
            self._checkin(sandbox)
        if self._record:
            self._record.mounts(function.name, answer.touched)
        return answer

    def call(self, arn: str, event: Any) -> str:
        """As another service does, waiting for the end: what went wrong, empty if nothing did."""
        function = self.get(arn)
        if self._record:
            self._record.write("secretsmanager.amazonaws.com", "lambda:InvokeFunction", arn)
        answer = self.invoke(function, event) if function else Answer("there is no such function", failed=True)
        return answer.payload if answer.failed else ""

    def _run(self, sandbox: Sandbox, request_id: str, event: Any, fault: Fault | None) -> Answer:
        if fault is None:
            return sandbox.invoke(request_id, event)
        if fault.at == "start":
            sandbox.kill()
            return sandbox.invoke(request_id, event)
        if fault.at == "end":
            sandbox.invoke(request_id, event)
            sandbox.kill()
            text = f"RequestId: {request_id} Error: Runtime exited with error: signal: killed"
            return error_answer("Runtime.ExitError", text)
        sandbox.warm_up()
        timer = threading.Timer(float(fault.at), sandbox.kill)
        timer.start()
        try:
            return sandbox.invoke(request_id, event)
        finally:
            timer.cancel()

    def _checkout(self, function: Function) -> Sandbox:
        """A warm one, else another: a busy function is never waited for."""
        with self._lock:
            sandbox = self._warm(function) or self._cold(function)
            self._busy.add(sandbox)
            return sandbox

    def _warm(self, function: Function) -> Sandbox | None:
        idle = self._idle.get(function.name, [])
        while idle:
            sandbox = idle.pop()
            if sandbox.alive:
                return sandbox
            sandbox.close()
        return None

    def _cold(self, function: Function) -> Sandbox:
        environment = environment_of(function, self._endpoint, self._region, PYTHON)
        return Sandbox(function, self._python, environment, self._logs / f"{function.name}.log")

    def _checkin(self, sandbox: Sandbox) -> None:
        with self._lock:
            self._busy.discard(sandbox)
            if sandbox.alive and self._functions.get(sandbox.function.name) is sandbox.function:
                self._idle.setdefault(sandbox.function.name, []).append(sandbox)
                return
        sandbox.close()

    def kill(self, name: str) -> int:
        """Kills every sandbox of a function, busy or idle; says how many."""
        with self._lock:
            doomed = [*self._idle.get(name, []), *(one for one in self._busy if one.function.name == name)]
        for sandbox in doomed:
            sandbox.kill()
        return len(doomed)

    def close(self) -> None:
        for name in list(self._functions):
            self.kill(name)


class LambdaInvoke:
    """WSGI middleware that answers Invoke; the engine of the state machine calls it over HTTP like anybody else."""

    def __init__(self, app: WsgiApp, functions: Functions) -> None:
        self._app, self._functions = app, functions

    def __call__(self, environ: Environ, start_response: Any) -> Any:
        path = INVOKE.match(unquote(environ.get("PATH_INFO", "")))
        if path is None or environ["REQUEST_METHOD"] != "POST":
            return self._app(environ, start_response)
        function = self._functions.get(path.group(1))
        response = self._invoke(function, environ) if function else _unknown(path.group(1))
        return response(environ, start_response)

    def _invoke(self, function: Function, environ: Environ) -> Response:
        answer = self._functions.invoke(function, json.loads(body_of(environ) or b"{}"))
        headers = {"X-Amz-Executed-Version": "$LATEST"} | ({"X-Amz-Function-Error": "Unhandled"} if answer.failed else {})
        return Response(answer.payload, 200, headers, content_type="application/json")


def _unknown(name: str) -> Response:
    body = {"Type": "User", "Message": f"Function not found: {name}"}
    return json_response(404, body, {"x-amzn-ErrorType": "ResourceNotFoundException"})
