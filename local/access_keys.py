"""IAM's access keys over moto, as strict about them as AWS: who signs with one that is deleted or deactivated is refused.

moto answers whoever signs, with whatever. Here a key of an IAM user counts only if it is there and active, if the signature is made
with its secret, and (as in AWS) some time after that was so: `lag`. When a key was last used is told, and only by the minute.
"""

import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qsl, quote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.iam.models import AccessKey, iam_backends
from werkzeug.wrappers import Response

from local.wsgi import Environ, WsgiApp, body_of, signer_of

PREFIX = "AKIA"
"""With which a user's key begins; functions and tests sign with names of their own, which are nobody's."""


class StrictKeys:
    """WSGI middleware; put it in front of moto."""

    def __init__(self, app: WsgiApp, account: str) -> None:
        self._app, self._account = app, account
        self._lock = threading.Lock()
        self._known: dict[str, tuple[bool, float]] = {}
        """Whether each was good when it was looked at last, and since when that is so."""
        self._lag = 0.0
        self.signed: dict[str, int] = {}
        """How often each was taken."""

    def orders(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        """What only this machine can be told. `lag`: for so long a new key is refused yet, and an ended one still taken."""
        return {"keys/lag": lambda order: self._set_lag(float(order["seconds"])), "keys/signed": lambda _: self.signed}

    def _set_lag(self, seconds: float) -> None:
        self._lag = seconds

    def __call__(self, environ: Environ, start_response: Any) -> Any:
        signer = signer_of(environ)
        if not signer.access_key_id.startswith(PREFIX):
            return self._app(environ, start_response)
        key = self._find(signer.access_key_id)
        if not self._taken(signer.access_key_id, key):
            return _refused("InvalidClientTokenId", "The security token included in the request is invalid.")(
                environ, start_response
            )
        if key is not None and not _is_signed_with(environ, key, signer.region, signer.service):
            return _refused("SignatureDoesNotMatch", "The request signature we calculated does not match.")(environ, start_response)
        self._use(signer.access_key_id, key, signer.region, signer.service)
        return self._app(environ, start_response)

    def _find(self, id: str) -> AccessKey | None:  # noqa: A002 - as IAM calls it
        backend = iam_backends[self._account]["aws"]
        return next((key for key in backend.get_all_access_keys_for_all_users() if key.access_key_id == id), None)

    def _taken(self, id: str, key: AccessKey | None) -> bool:  # noqa: A002
        """What was so before counts as long as the change is younger than the lag."""
        good, now = key is not None and key.status == "Active", time.time()
        with self._lock:
            was, since = self._known.get(id, (good, _made(key)))
            since = since if was == good else now
            self._known[id] = (good, since)
            return good if now - since >= self._lag else not good

    def _use(self, id: str, key: AccessKey | None, region: str, service: str) -> None:  # noqa: A002
        from moto.iam.models import AccessKeyLastUsed

        with self._lock:
            self.signed[id] = self.signed.get(id, 0) + 1
        if key is not None:
            key.last_used = AccessKeyLastUsed(datetime.now(UTC).replace(second=0, microsecond=0), service, region)


def _made(key: AccessKey | None) -> float:
    return key.create_date.replace(tzinfo=UTC).timestamp() if key else 0.0


def _refused(code: str, text: str) -> Response:
    """As the query services say it, and the JSON ones."""
    said = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error>"
    body = f"<ErrorResponse>{said}<RequestId>0</RequestId></ErrorResponse>"
    return Response(body, 403, {"x-amzn-ErrorType": code}, content_type="text/xml")


def _is_signed_with(environ: Environ, key: AccessKey, region: str, service: str) -> bool:
    """The signature is computed again, by what signed it."""
    given = environ.get("HTTP_AUTHORIZATION", "")
    headers = dict(re.findall(r"(SignedHeaders|Signature)=([^,\s]+)", given))
    if len(headers) < 2:
        return False
    request = AWSRequest(environ["REQUEST_METHOD"], _url(environ), data=body_of(environ))
    for name in headers["SignedHeaders"].split(";"):
        request.headers[name] = _header(environ, name)
    signer = SigV4Auth(Credentials(key.access_key_id, key.secret_access_key), service, region)
    request.context["timestamp"] = _header(environ, "x-amz-date")
    text = signer.string_to_sign(request, _canonical(environ, headers["SignedHeaders"]))
    return compare_digest(signer.signature(text, request), headers["Signature"])


def _canonical(environ: Environ, signed: str) -> str:
    """Of AWS's Signature Version 4."""
    query = sorted((quote(key, safe="-_.~"), quote(value, safe="-_.~")) for key, value in _query(environ))
    lines = [f"{name}:{' '.join(_header(environ, name).split())}\n" for name in signed.split(";")]
    return "\n".join(
        (
            environ["REQUEST_METHOD"],
            quote(environ.get("RAW_URI", environ["PATH_INFO"]).partition("?")[0], safe="/-_.~%"),
            "&".join(f"{key}={value}" for key, value in query),
            "".join(lines),
            signed,
            environ.get("HTTP_X_AMZ_CONTENT_SHA256") or sha256(body_of(environ)).hexdigest(),
        )
    )


def _query(environ: Environ) -> list[tuple[str, str]]:
    return parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)


def _url(environ: Environ) -> str:
    return f"http://{environ['HTTP_HOST']}{environ['PATH_INFO']}"


def _header(environ: Environ, name: str) -> str:
    key = name.upper().replace("-", "_")
    return str(environ.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}", ""))
