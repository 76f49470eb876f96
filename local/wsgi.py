"""What the layers in front of moto share: reading a request, and writing down who called what."""

import io
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from werkzeug.wrappers import Response

Environ = dict[str, Any]
WsgiApp = Callable[[Environ, Any], Any]

REST_ACTIONS = {
    ("lambda", "POST", r"/functions/([^/]+)/invocations$"): "InvokeFunction",
    ("eks", "GET", r"^/clusters/([^/]+)$"): "DescribeCluster",
}
RESOURCE_KEYS = ("SecretId", "Name", "executionArn", "stateMachineArn", "KeyId", "TopicArn", "Path", "FunctionName")


@dataclass(frozen=True)
class Signer:
    """Who signed a request, for which region and service; empty where nothing is signed."""

    access_key_id: str = ""
    region: str = ""
    service: str = ""


def signer_of(environ: Environ) -> Signer:
    query = parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Credential", [""])[0]
    found = re.search(r"Credential=([^,\s]+)", environ.get("HTTP_AUTHORIZATION", ""))
    scope = (found.group(1) if found else query).split("/")
    return Signer(scope[0], scope[2], scope[3]) if len(scope) >= 4 else Signer()


def body_of(environ: Environ) -> bytes:
    """The body, left in place for whoever reads it next."""
    if not isinstance(environ["wsgi.input"], io.BytesIO):
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
    body: bytes = environ["wsgi.input"].getvalue()
    return body


def json_response(status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(body), status, headers, content_type="application/json")


class Recorder:
    """Writes each call to a JSONL file: caller, action, resource, status; never a body. IAM proofs start from it."""

    def __init__(self, app: WsgiApp, path: Path) -> None:
        self._app = app
        self._file = path.open("a", buffering=1)
        self._lock = threading.Lock()

    def __call__(self, environ: Environ, start_response: Any) -> Any:
        action, resource = describe(environ)

        def recorded(status: str, *rest: Any) -> Any:
            self._write(signer_of(environ).access_key_id, action, resource, int(status.split()[0]))
            return start_response(status, *rest)

        return self._app(environ, recorded)

    def _write(self, caller: str, action: str, resource: str, status: int) -> None:
        entry = {"time": time.time(), "caller": caller, "action": action, "resource": resource, "status": status}
        with self._lock:
            self._file.write(json.dumps(entry) + "\n")


def describe(environ: Environ) -> tuple[str, str]:
    """Action and resource, as an IAM policy would name them, of a request in any of AWS's protocols."""
    service, path = signer_of(environ).service, unquote(environ["PATH_INFO"])
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        call = json.loads(body_of(environ) or b"{}")
        return f"{service}:{target.split('.')[-1]}", next((str(call[key]) for key in RESOURCE_KEYS if key in call), "*")
    for (rest_service, method, pattern), action in REST_ACTIONS.items():
        if service == rest_service and environ["REQUEST_METHOD"] == method and (found := re.search(pattern, path)):
            return f"{service}:{action}", found.group(1)
    form = parse_qs(body_of(environ).decode("latin-1"))
    return (
        f"{service}:{form['Action'][0]}" if "Action" in form else f"{service}:{environ['REQUEST_METHOD']} {path}",
        "*",
    )
