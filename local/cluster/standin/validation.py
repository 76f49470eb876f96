"""What the API server would refuse about a Secret or a workload that a patch leads to."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from local.cluster.standin.errors import bad_request, invalid

Object = dict[str, Any]

_SECRET_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")


def check_shape(new: Object) -> None:
    """Before anything looks inside: where an object is expected there is one."""
    new.setdefault("metadata", {})
    for name in ("metadata", "spec", "data", "stringData"):
        if not isinstance(new.get(name, {}), dict):
            raise bad_request(f"the object cannot be handled: {name} is no object")


def check(what: str, old: Object, new: Object) -> None:
    _check_strings(what, "annotations", new["metadata"].get("annotations"))
    if new["kind"] == "Secret":
        _check_secret(what, old, new)
    else:
        _check_workload(what, new)


def _check_secret(what: str, old: Object, new: Object) -> None:
    if old.get("immutable") and (not new.get("immutable") or old.get("data") != new.get("data")):
        raise invalid(what, "data: Forbidden: field is immutable when `immutable` is set")
    for key, value in (new.get("data") or {}).items():
        if not _SECRET_KEY.fullmatch(key):
            raise invalid(what, f"data[{key}]: Invalid value: a valid config key must consist of -._a-zA-Z0-9")
        _check_base64(what, key, value)


def _check_base64(what: str, key: str, value: Any) -> None:
    """The value is not shown here: it may be a password that somebody forgot to encode. A real API server quotes it."""
    try:
        base64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise invalid(what, f"data[{key}] is no base64") from None


def _check_workload(what: str, new: Object) -> None:
    template = new.get("spec", {}).get("template") or {}
    _check_strings(what, "annotations", template.get("metadata", {}).get("annotations"))
    replicas = new.get("spec", {}).get("replicas", 1)
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        raise bad_request(f"{new['kind']} in version v1 cannot be handled: spec.replicas is no integer")
    if replicas < 0:
        raise invalid(what, "spec.replicas: must be greater than or equal to 0")
    if not template.get("spec", {}).get("containers"):
        raise invalid(what, "spec.template.spec.containers: Required value")


def _check_strings(what: str, field: str, values: Object | None) -> None:
    for name, value in (values or {}).items():
        if not isinstance(value, str):
            raise invalid(what, f"{field}[{name}] is no string")
