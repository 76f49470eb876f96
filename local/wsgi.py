"""What the layers in front of moto share: reading a request, answering it."""

import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from werkzeug.wrappers import Response

Environ = dict[str, Any]
WsgiApp = Callable[[Environ, Any], Any]


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


class Whole:
    """WSGI middleware: a request whose end never came is nobody's. Its caller was killed while it was sending."""

    def __init__(self, app: WsgiApp) -> None:
        self._app = app

    def __call__(self, environ: Environ, start_response: Any) -> Any:
        if len(body_of(environ)) < int(environ.get("CONTENT_LENGTH") or 0):
            return json_response(400, {"message": "the request was cut off"})(environ, start_response)
        return self._app(environ, start_response)


def json_response(status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(body), status, headers, content_type="application/json")
