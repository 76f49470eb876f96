"""Secrets Manager over moto's store of secrets, as strict about labels as AWS (secret_labels has the rules). It rotates secrets by
itself as AWS does (secret_rotation).

Calls that touch versions are answered here, in AWS's JSON 1.1; every other call goes on to moto. All of them pass
one lock: a compare-and-swap that two threads can interleave is none.
"""

import json
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from moto.secretsmanager.models import FakeSecret, ReplicaSecret, secretsmanager_backends
from werkzeug.wrappers import Response

from local import secret_labels as labels
from local.faults import SecretFault
from local.secret_rotation import Invoke, Rotations
from local.wsgi import Environ, WsgiApp, body_of, signer_of

SERVICE = "secretsmanager."
Call = dict[str, Any]


class StrictSecrets:
    """WSGI middleware; put it in front of moto."""

    def __init__(self, moto: WsgiApp, account: str, invoke: Invoke, kill: Callable[[str], object]) -> None:
        """`kill`: a function, by its name."""
        self._moto = moto
        self._account, self._kill = account, kill
        self._lock = threading.Lock()
        self.rotations = Rotations(self._lock, invoke)
        self._answers = {**ANSWERS, "RotateSecret": self.rotations.begin}
        self._ordered: list[SecretFault] = []

    def order(self, fault: SecretFault) -> None:
        with self._lock:
            self._ordered.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._ordered.clear()

    def __call__(self, environ: Environ, start_response: Any) -> Any:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if not target.startswith(SERVICE):
            return self._moto(environ, start_response)
        with self._lock:
            return self._serve(target.removeprefix(SERVICE), environ, start_response)

    def _serve(self, action: str, environ: Environ, start_response: Any) -> Any:
        call = json.loads(body_of(environ) or b"{}")
        answer = self._answers.get(action)
        if answer is None or (action == "UpdateSecret" and not _value(call)):
            return self._moto(environ, start_response)
        signer = signer_of(environ)
        try:
            self._refuse_ordered(action, call["SecretId"], signer.access_key_id)
            secret = self._secret(signer.region, call["SecretId"])
            before = set(secret.versions)
            response = _response(200, answer(secret, call))
            if action != "RotateSecret":
                self.rotations.created(secret, set(secret.versions) - before)
            secret.default_version_id = labels.holder_of(secret.versions, labels.CURRENT)  # what moto's own calls read
        except labels.Refusal as refusal:
            response = _response(400, {"__type": refusal.code, "Message": str(refusal)})
        return response(environ, start_response)

    def _refuse_ordered(self, action: str, secret: str, caller: str) -> None:
        for fault in self._ordered:
            if fault.takes(action, secret, caller):
                if fault.kills:
                    self._kill(caller)
                raise labels.Refusal(fault.code, "ordered")

    def _secret(self, region: str, secret_id: str) -> FakeSecret:
        store = secretsmanager_backends[self._account][region].secrets
        if secret_id not in store:
            raise labels.not_found("secret")
        secret = store[secret_id]
        if isinstance(secret, ReplicaSecret):
            raise labels.invalid("Operation not permitted on a replica secret.")
        return secret


def _response(status: int, body: Call) -> Response:
    headers = {"x-amzn-RequestId": str(uuid.uuid4())}
    return Response(json.dumps(body), status, headers, content_type="application/x-amz-json-1.1")


def _named(secret: FakeSecret, **more: Any) -> Call:
    return {"ARN": secret.arn, "Name": secret.name, **more}


def _check_not_deleted(secret: FakeSecret) -> None:
    if secret.is_deleted():
        text = "You can't perform this operation on the secret because it was marked for deletion."
        raise labels.Refusal("InvalidRequestException", text)


def _value(call: Call) -> labels.Version:
    names = {"SecretString": "secret_string", "SecretBinary": "secret_binary"}
    return {names[key]: call[key] for key in names if call.get(key) is not None}


def _get(secret: FakeSecret, call: Call) -> Call:
    _check_not_deleted(secret)
    version = labels.find(secret.versions, call.get("VersionId"), call.get("VersionStage"))
    names = {"secret_string": "SecretString", "secret_binary": "SecretBinary"}
    value = {names[key]: version[key] for key in labels.VALUES if version.get(key) is not None}
    return _named(secret, **_summary(version), **value)


def _summary(version: labels.Version) -> Call:
    return {
        "VersionId": version["version_id"],
        "VersionStages": version["version_stages"],
        "CreatedDate": version["createdate"],
    }


def _put(secret: FakeSecret, call: Call) -> Call:
    _check_not_deleted(secret)
    version_id, stages, value = (
        call.get("ClientRequestToken") or str(uuid.uuid4()),
        call.get("VersionStages"),
        _value(call),
    )
    if not 32 <= len(version_id) <= 64:
        raise labels.invalid("ClientRequestToken must be 32-64 characters long.")
    if len(value) != 1:
        raise labels.invalid("You must include SecretBinary or SecretString, but not both.")
    if stages is not None and not 1 <= len(stages) <= labels.MOST_LABELS:
        raise labels.invalid(f"VersionStages must have 1-{labels.MOST_LABELS} members.")
    labels.put(secret.versions, version_id, value, stages)
    secret.last_changed_date = int(time.time())
    return _named(secret, VersionId=version_id, VersionStages=secret.versions[version_id]["version_stages"])


def _update(secret: FakeSecret, call: Call) -> Call:
    """As a put without labels, but a used token is an error even with the same value."""
    if call.get("ClientRequestToken") in secret.versions:
        raise labels.token_used(call["ClientRequestToken"])
    answer = _put(secret, call | {"VersionStages": None})
    secret.description = call.get("Description", secret.description)
    secret.kms_key_id = call.get("KmsKeyId", secret.kms_key_id)
    return answer


def _move(secret: FakeSecret, call: Call) -> Call:
    _check_not_deleted(secret)
    labels.move(secret.versions, call["VersionStage"], call.get("MoveToVersionId"), call.get("RemoveFromVersionId"))
    secret.last_changed_date = int(time.time())
    return _named(secret)


def _describe(secret: FakeSecret, _: Call) -> Call:
    answer = {key: value for key, value in secret.to_dict().items() if value is not None}
    answer.pop("SecretVersionsToStages", None)  # ListSecrets' name for the same thing
    stages = {name: version["version_stages"] for name, version in secret.versions.items()}
    return answer | {"VersionIdsToStages": {name: some for name, some in stages.items() if some}}


def _list(secret: FakeSecret, call: Call) -> Call:
    filled = [version for name, version in secret.versions.items() if labels.is_filled(secret.versions, name)]
    shown = [version for version in filled if version["version_stages"] or call.get("IncludeDeprecated")]
    start, size = int(call.get("NextToken") or 0), int(call.get("MaxResults") or 100)
    more = {"NextToken": str(start + size)} if len(shown) > start + size else {}
    return _named(secret, Versions=[_summary(version) for version in shown[start : start + size]], **more)


ANSWERS: dict[str, Callable[[FakeSecret, Call], Call]] = {
    "GetSecretValue": _get,
    "PutSecretValue": _put,
    "UpdateSecret": _update,
    "UpdateSecretVersionStage": _move,
    "DescribeSecret": _describe,
    "ListSecretVersionIds": _list,
}
