"""One execution environment of one function: a process, warm between invocations, killed at the time-out."""

import json
import os
import re
import select
import subprocess
import tempfile
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.leftovers import MARK
from local.priority import share

RUNTIME = Path(__file__).with_name("lambda_runtime.py")
# Lambda allows 10 s for the init phase; a small machine that starts pods at the same time may need longer. Together with
# a function's time-out it stays below the 60 s after which the engine's client gives up waiting and invokes again.
INIT_SECONDS = 25.0
NICER = 5
"""A third of an application's share: on one machine a cold start would hold up its requests."""


@dataclass(frozen=True)
class Function:
    """A function as it was deployed; code and layers are folders that `sam build` made."""

    name: str
    arn: str
    handler: str
    code: str
    layers: list[str]
    timeout: float
    memory: int
    environment: dict[str, str] = field(repr=False)
    mounts: dict[str, str] = field(default_factory=dict)
    """A folder of this machine for each path at which a file system is mounted."""
    aliases: list[str] = field(default_factory=list)
    """By which it may be called besides its own name."""


@dataclass(frozen=True)
class Answer:
    """What Invoke returns: the payload, and whether it is the function's error; beside it what was done to the mounts."""

    payload: str
    failed: bool = False
    touched: dict[str, list[str]] = field(default_factory=dict)


def error_answer(kind: str, message: str) -> Answer:
    return Answer(json.dumps({"errorType": kind, "errorMessage": message}), failed=True)


class Sandbox:
    def __init__(self, function: Function, python: Path, environment: dict[str, str], log: Path) -> None:
        self.function = function
        self._log = log
        self._buffer = b""
        self._started = time.monotonic()
        self.init_ms: float | None = None
        pycache = python.parent.parent / "pycache"
        command = [python, "-I", "-X", f"pycache_prefix={pycache}", RUNTIME, function.handler]
        folders = [function.code, *function.layers]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*map(str, command), *folders],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                cwd=function.code,
                env=environment,
                bufsize=0,
                start_new_session=True,  # an interrupt at the terminal is for the one who started all this
            )
        share(self._process.pid, nicer=NICER)

    def invoke(self, request_id: str, event: Any) -> Answer:
        """Whatever happens inside, the caller gets what Lambda would answer."""
        began = time.monotonic()
        self._write_log(f"START RequestId: {request_id} Version: $LATEST")
        try:
            fresh = self._wait_until_ready(began)
            began = time.monotonic()
            answer = self._exchange(request_id, event)
        except TimeoutError:
            self.kill()
            text = f"Task timed out after {self.function.timeout:.2f} seconds"
            answer, fresh = error_answer("Sandbox.Timedout", f"RequestId: {request_id} Error: {text}"), None
        except (EOFError, BrokenPipeError):
            answer, fresh = error_answer("Runtime.ExitError", f"RequestId: {request_id} Error: {self._death()}"), None
        self._report(request_id, (time.monotonic() - began) * 1000, fresh)
        return answer

    def warm_up(self) -> None:
        """The init phase alone; how it went is for the invocation that follows to say."""
        with suppress(TimeoutError, EOFError):
            self._wait_until_ready(time.monotonic())

    def _wait_until_ready(self, now: float) -> float | None:
        """The init phase is not in the function's time-out, as in AWS."""
        if self.init_ms is not None:
            return None
        self._read_line(now + INIT_SECONDS)
        self.init_ms = (time.monotonic() - self._started) * 1000
        return self.init_ms

    def _exchange(self, request_id: str, event: Any) -> Answer:
        deadline = time.monotonic() + self.function.timeout
        about = {"arn": self.function.arn, "timeout": self.function.timeout, "mounts": self.function.mounts}
        request = {"request_id": request_id, "event": event, **about}
        self._write(json.dumps(request).encode() + b"\n")
        message = json.loads(self._read_line(deadline))
        failed = "error" in message
        return Answer(json.dumps(message["error"]) if failed else message["result"], failed, message["touched"])

    def _write(self, data: bytes) -> None:
        assert self._process.stdin
        while data:
            data = data[os.write(self._process.stdin.fileno(), data) :]

    def _read_line(self, deadline: float) -> bytes:
        assert self._process.stdout
        while b"\n" not in self._buffer:
            if not select.select([self._process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError
            chunk = os.read(self._process.stdout.fileno(), 65536)
            if not chunk:
                raise EOFError
            self._buffer += chunk
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line

    def _death(self) -> str:
        code = self._process.wait()
        return f"Runtime exited with error: {'signal: killed' if code < 0 else f'exit status {code}'}"

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Kills it and lets go of its pipes; for a sandbox that answers nobody any more."""
        self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            pipe.close()

    def _report(self, request_id: str, duration_ms: float, init_ms: float | None) -> None:
        used = self._most_megabytes()
        more = f"\tMax Memory Used: {used} MB" if used else ""
        more += f"\tInit Duration: {init_ms:.2f} ms" if init_ms is not None else ""
        self._write_log(
            f"END RequestId: {request_id}\nREPORT RequestId: {request_id}\tDuration: {duration_ms:.2f} ms"
            f"\tMemory Size: {self.function.memory} MB{more}"
        )

    def _most_megabytes(self) -> int | None:
        """Since it started, as Lambda says it; None of one that is dead."""
        with suppress(OSError):
            status = Path(f"/proc/{self._process.pid}/status").read_text()
            found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
            return -(-int(found[1]) // 1024) if found else None
        return None

    def _write_log(self, text: str) -> None:
        with self._log.open("ab") as log:
            log.write(text.encode() + b"\n")


def environment_of(function: Function, endpoint: str, region: str, python: str) -> dict[str, str]:
    """What Lambda's runtime sets, the function's own variables and the endpoint; nothing of this machine.

    The function's name is its access key id: AWS knows a function by its role, the local AWS by this.
    """
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "TMPDIR": tempfile.gettempdir(),  # what a function leaves in /tmp ends with its sandbox; here with this server's
        "HOME": "/home/sbx_user1051",  # not there, as in Lambda: nobody's ~/.aws is read
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": function.name,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SESSION_TOKEN": "local",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{python}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"{time.strftime('%Y/%m/%d')}/[$LATEST]{uuid.uuid4().hex}",
        "LAMBDA_TASK_ROOT": function.code,
        "_HANDLER": function.handler,
        "AWS_ENDPOINT_URL": endpoint,
        **{name: value for name, value in os.environ.items() if name == MARK},
        **function.environment,
    }
