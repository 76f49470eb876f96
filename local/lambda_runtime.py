"""What runs inside a function's process: Lambda's runtime interface, with lines of JSON on a pipe for a network.

Started as `python -I lambda_runtime.py HANDLER DIR…` with the layers' and the function's folders, by an interpreter
that has boto3 and nothing of this project; so it may import only the standard library.
"""

import importlib
import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any, BinaryIO

CHANGES = {
    "os.rename",
    "os.remove",
    "os.chmod",
    "os.chown",
    "os.mkdir",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.utime",
}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

Handler = Callable[[Any, Any], Any]
Error = dict[str, Any]


class Context:
    """The second argument of every handler, as far as code in the wild uses it."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.aws_request_id: str = request["request_id"]
        self.invoked_function_arn: str = request["arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.client_context = self.identity = None
        self._deadline = time.monotonic() + float(request["timeout"])

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def load(name: str) -> Handler | Error:
    """The handler, or the error that Lambda answers instead of ever calling it."""
    module, _, function = name.rpartition(".")
    try:
        found: Handler = getattr(importlib.import_module(module), function)
        return found
    except ImportError as error:
        return failure("Runtime.ImportModuleError", f"Unable to import module '{module}': {error}", "")
    except AttributeError:
        return failure("Runtime.HandlerNotFound", f"Handler '{function}' missing on module '{module}'", "")
    except Exception as error:  # noqa: BLE001 - whatever it is, Lambda answers with it
        return failure(type(error).__name__, str(error), "", error.__traceback__)


def failure(kind: str, message: str, request_id: str, trace: TracebackType | None = None) -> Error:
    """The payload of a failed invocation, key by key as awslambdaric writes it; the log gets it too, as there."""
    frames = traceback.extract_tb(trace)
    while frames and frames[0].filename == __file__:
        frames.pop(0)
    lines = [line for frame in frames for line in traceback.format_list([frame])]
    print(f"[ERROR] {kind}: {message}\nTraceback (most recent call last):\n{''.join(lines)}", flush=True)
    return {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": lines}


def invoke(handler: Handler | Error, request: dict[str, Any]) -> dict[str, Any]:
    if not callable(handler):
        return {"error": handler}
    request_id = request["request_id"]
    os.environ["_X_AMZN_TRACE_ID"] = f"Root=1-{int(time.time()):08x}-{request_id.replace('-', '')[:24]};Sampled=0"
    try:
        result = handler(request["event"], Context(request))
    except Exception as error:  # noqa: BLE001 - whatever it is, Lambda answers with it
        return {"error": failure(type(error).__name__, str(error), request_id, error.__traceback__)}
    try:
        return {"result": json.dumps(result, ensure_ascii=False)}
    except (TypeError, ValueError) as error:
        return {"error": failure("Runtime.MarshalError", f"Unable to marshal response: {error}", request_id)}


class Mounts:
    """What the handler does with the file systems that it mounts; locally a folder is one, and nobody asks who may."""

    def __init__(self) -> None:
        self._folders: dict[str, str] = {}
        self._touched: dict[str, set[str]] = {}
        sys.addaudithook(self._hear)

    def watch(self, folders: dict[str, str]) -> None:
        self._folders, self._touched = folders, {}

    @property
    def touched(self) -> dict[str, list[str]]:
        """A mount's path to "read" and "write"; while it was mounted at all, it was read."""
        return {path: sorted(how) for path, how in self._touched.items()}

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in CHANGES and event not in ("open", "os.listdir", "os.scandir"):
            return
        writes = event in CHANGES or (event == "open" and bool(arguments[2] & WRITES))
        for name in arguments[:2]:
            if isinstance(name, (str, bytes, os.PathLike)):
                self._note(os.fsdecode(name), "write" if writes else "read")

    def _note(self, name: str, how: str) -> None:
        for path, folder in self._folders.items():
            if name == folder or name.startswith(folder + os.sep):
                self._touched.setdefault(path, set()).add(how)


def take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Moves the protocol off stdin and stdout: whatever the function prints belongs to its log, which is stderr."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    return requests, answers


def read_into(inbox: "queue.Queue[bytes]", requests: BinaryIO) -> None:
    """On a thread of its own, so that the process ends with whoever started it even while a handler runs."""
    for line in requests:
        inbox.put(line)
    os._exit(0)


def answer(answers: BinaryIO, message: dict[str, Any]) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    answers.write(json.dumps(message).encode() + b"\n")
    answers.flush()


def main(handler_name: str, folders: list[str]) -> None:
    requests, answers = take_pipes()
    inbox: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=read_into, args=(inbox, requests), daemon=True).start()
    sys.path[:0] = folders
    handler, mounts = load(handler_name), Mounts()
    answer(answers, {"ready": callable(handler)})
    while True:
        request = json.loads(inbox.get())
        mounts.watch(request["mounts"])
        answer(answers, invoke(handler, request) | {"touched": mounts.touched})


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
