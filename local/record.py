"""Who called what: each call to the local AWS, and what each function did to what it mounts. Never a value.

The proof that each role is enough, and no more than that, starts from it (local/iam).
"""

import json
import re
import threading
import time
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from botocore.session import Session

from local.wsgi import Environ, WsgiApp, body_of, signer_of

RESOURCE_KEYS = (
    "SecretId", "Name", "executionArn", "stateMachineArn", "KeyId", "TopicArn", "Path", "FunctionName", "name", "QueueUrl",
    "PolicySourceArn", "FileSystemId", "AccessPointId", "DocumentName", "CommandId",
)  # fmt: skip
MODELS = {"elasticfilesystem": "efs"}
"""Where botocore calls a service otherwise than its signature does."""
NAMED_OTHERWISE = {"lambda:Invoke": "lambda:InvokeFunction"}
"""Where a policy names an action otherwise than the API does."""


class Record:
    """A JSONL file: caller, action, resource, status."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)
        self._lock = threading.Lock()

    def write(self, caller: str, action: str, resource: str, status: int = 200) -> None:
        entry = {"time": time.time(), "caller": caller, "action": action, "resource": resource, "status": status}
        with self._lock:
            self._file.write(json.dumps(entry) + "\n")

    def mounts(self, function: str, touched: dict[str, list[str]]) -> None:
        """What a role needs of EFS for it; the resource is the mount's path."""
        for path, how in touched.items():
            self.write(function, "elasticfilesystem:ClientMount", path)
            if "write" in how:
                self.write(function, "elasticfilesystem:ClientWrite", path)


class Recorder:
    """WSGI middleware: writes each call down as it is answered."""

    def __init__(self, app: WsgiApp, record: Record) -> None:
        self._app, self._record = app, record

    def __call__(self, environ: Environ, start_response: Any) -> Any:
        action, resource = describe(environ)

        def recorded(status: str, *rest: Any) -> Any:
            self._record.write(signer_of(environ).access_key_id, action, resource, int(status.split()[0]))
            return start_response(status, *rest)

        return self._app(environ, recorded)


def describe(environ: Environ) -> tuple[str, str]:
    """Action and resource, as an IAM policy would name them, of a request in any of AWS's protocols."""
    service = signer_of(environ).service
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return f"{service}:{target.split('.')[-1]}", _resource(json.loads(body_of(environ) or b"{}"))
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        form = parse_qs(body_of(environ).decode("latin-1"))
        return f"{service}:{form['Action'][0]}", _resource({key: values[0] for key, values in form.items()})
    if service == "s3":
        return _object(environ)
    operation, given = _operation(service, environ["REQUEST_METHOD"], unquote(environ["PATH_INFO"]))
    if service == "route53":
        return _records(environ, operation, given)
    query = {key: values[0] for key, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
    action = f"{service}:{operation}"
    return NAMED_OTHERWISE.get(action, action), _resource(given | query)


def _object(environ: Environ) -> tuple[str, str]:
    """S3 has many operations for one path; of an object and of a list, those that are used here."""
    bucket, _, key = unquote(environ["PATH_INFO"]).lstrip("/").partition("/")
    action = {"GET": "GetObject", "PUT": "PutObject"}.get(environ["REQUEST_METHOD"], environ["REQUEST_METHOD"])
    return (f"s3:{action}", f"arn:aws:s3:::{bucket}/{key}") if key else ("s3:ListBucket", f"arn:aws:s3:::{bucket}")


def _records(environ: Environ, operation: str, given: dict[str, Any]) -> tuple[str, str]:
    """Of a change of records also what IAM is asked about it: which acts, types and names."""
    where = "change" if operation == "GetChange" else "hostedzone"
    named = f"arn:aws:route53:::{where}/{given.get('Id') or given.get('HostedZoneId')}"
    if operation != "ChangeResourceRecordSets":
        return f"route53:{operation}", named
    body = body_of(environ).decode()
    found = (sorted(set(re.findall(rf"<{tag}>([^<]*)</{tag}>", body))) for tag in ("Action", "Type", "Name"))
    return f"route53:{operation}", " ".join([named, *(",".join(one) for one in found)])


def _resource(given: dict[str, Any]) -> str:
    return next((str(given[key]) for key in RESOURCE_KEYS if key in given), "*")


def _operation(service: str, method: str, path: str) -> tuple[str, dict[str, Any]]:
    """Of a REST service: what botocore calls the operation at that path, and what is named in the path."""
    for name, verb, pattern in _routes(service):
        if verb == method and (found := pattern.fullmatch(path)):
            return name, found.groupdict()
    return f"{method} {path}", {}


@cache
def _routes(service: str) -> list[tuple[str, str, re.Pattern[str]]]:
    session = Session()
    known = MODELS.get(service, service)
    if known not in session.get_available_services():
        return []
    model = session.get_service_model(known)
    routes = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        pieces = re.split(r"\{(\w+\+?)\}", http["requestUri"].split("?")[0])
        pieces[::2] = [re.escape(piece) for piece in pieces[::2]]
        pieces[1::2] = [f"(?P<{key.rstrip('+')}>{'.+' if key.endswith('+') else '[^/]+'})" for key in pieces[1::2]]
        routes.append((name, http["method"], re.compile("".join(pieces) + "/?")))
    return routes
