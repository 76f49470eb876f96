"""A consumer of the kind `lambda`, to copy: puts the login into an appliance's settings page. The contract: docs/lambda.md.

The appliance compares (If-Match), and keeps which version it was given. It never shows the password; neither does this function, in
no answer, no log and no error."""

import json
import os
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError

SETTINGS = os.environ["SETTINGS_URL"]
"""What it shows: version, left (how many of its devices have not got the settings yet), and an ETag."""
SECONDS = 3
secrets = boto3.client("secretsmanager")


class Refused(Exception):
    """With the contract's word for why."""


def lambda_handler(request: dict[str, Any], _: Any) -> dict[str, Any]:
    """One request, one answer."""
    try:
        return {"contract": 1, **{"holds": holds, "put": put, "check": check}[request["verb"]](request)}
    except Refused as refused:
        return {"contract": 1, "refused": str(refused)}


def holds(_: dict[str, Any]) -> dict[str, Any]:
    shown, _ = ask("GET")
    return {"version": shown["version"], "settled": not shown["left"], "left": shown["left"]}


def put(request: dict[str, Any]) -> dict[str, Any]:
    shown, etag = ask("GET")
    if shown["version"] == request["version"]:
        return {"version": request["version"]}
    if shown["version"] != request["expects"]:
        raise Refused("conflict")
    login = read(request)
    if datetime.now(UTC) > datetime.fromisoformat(request["not_after"]):
        raise Refused("late")
    ask("PUT", {"username": login["username"], "password": login["password"], "version": request["version"]}, etag)
    return {"version": request["version"]}


def check(request: dict[str, Any]) -> dict[str, Any]:
    ask("GET")
    read(request)
    return {"compares": True}


def read(request: dict[str, Any]) -> dict[str, str]:
    try:
        found = secrets.get_secret_value(SecretId=request["secret"], VersionId=request["version"])["SecretString"]
    except ClientError:
        raise Refused("unreadable") from None
    return json.loads(found)


def ask(method: str, settings: dict[str, str] | None = None, etag: str = "") -> tuple[dict[str, Any], str]:
    body = json.dumps(settings).encode() if settings else None
    headers = {"content-type": "application/json"} | ({"if-match": etag} if etag else {})
    request = urllib.request.Request(SETTINGS, body, headers, method=method)  # noqa: S310 - a setting of ours
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            return json.load(answer), answer.headers.get("etag", "")
    except urllib.error.HTTPError as error:
        raise Refused({412: "conflict", 400: "rejected", 422: "rejected"}.get(error.code, "unavailable")) from None
    except OSError:
        raise Refused("unavailable") from None
