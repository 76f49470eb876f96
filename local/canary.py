"""Every password of a run is a canary: searched for, in all the ways it could be written, wherever it must not be.

It may be in Secrets Manager, in sqlconf.php, in the Kubernetes Secret and so in the environment of pods, in what a proxy knows of
its secrets, and, hashed, in the database's own tables. Anywhere else it is a leak. What is reported names the place and the way of
writing, never the password.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from local.follow import ALL
from local.leftovers import MARK, marked
from local.running import Running

GIVEN_TO_PODS = {b"router.php": (b"MYSQL_PASS=",), b"local.workloads.pod": (b"DATABASE_URL=", b"PGPASSWORD=")}
"""By the program of a pod: the variables that a Kubernetes Secret fills."""
CALLED = ("password", "secret_id")
"""The second is what a Vault is logged in to with."""


@dataclass(frozen=True, order=True)
class Finding:
    """A password where none may be."""

    place: str
    encoding: str

    def __str__(self) -> str:
        return f"{self.place} ({self.encoding})"


def search(stack: Running) -> list[Finding]:
    """All findings, of every version of the secrets; empty is good."""
    places = list(_places(stack))
    everything = b"\n".join(text for _, text in places)  # once through all of it says which few to look for in each place
    ways = {way for password in passwords(stack) for way in ways_to_write(password)}
    found = [(encoding, needle) for encoding, needle in ways if needle in everything]
    return sorted({Finding(place, encoding) for place, text in places for encoding, needle in found if needle in text})


def passwords(stack: Running) -> set[str]:
    """Whatever is called a password in any version of the secrets, those without a label included."""
    versions = [(secret, version) for secret in stack.secret_names for version in _versions(stack, secret)]
    return {password for secret, version in versions for password in _called_password(stack.secret(secret, version))}


def _versions(stack: Running, secret: str) -> Iterator[str]:
    more: dict[str, str] = {}
    while True:
        listed = stack.aws.client("secretsmanager").list_secret_version_ids(SecretId=secret, IncludeDeprecated=True, **more)
        yield from (version["VersionId"] for version in listed["Versions"])
        if "NextToken" not in listed:
            return
        more = {"NextToken": listed["NextToken"]}


def ways_to_write(password: str) -> Iterator[tuple[str, bytes]]:
    """Each with its name; base64 as it looks inside a longer text, wherever in it the password begins."""
    plain = password.encode()
    yield "raw", plain
    yield from (("base64", part) for offset in range(3) for part in _base64_inside(plain, offset))
    yield from (("hex", plain.hex().encode()), ("hex", plain.hex().upper().encode()))
    yield from (("URL-encoded", text) for text in _url_encoded(password) if text != plain)
    escaped = json.dumps(password)[1:-1].encode()
    if escaped != plain:
        yield "JSON-escaped", escaped


def _base64_inside(plain: bytes, offset: int) -> Iterator[bytes]:
    """The characters that this password alone decides, with `offset` bytes of something else before it in its group of three."""
    first, last = -(-offset * 8 // 6), (offset + len(plain)) * 8 // 6
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(bytes(offset) + plain)[first:last]


def _url_encoded(password: str) -> set[bytes]:
    texts = {quote(password, safe=""), quote(password), quote_plus(password)}
    lower = {re.sub("%..", lambda escape: escape.group().lower(), text) for text in texts}
    return {text.encode() for text in texts | lower}


def _called_password(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        for key, value in document.items():
            if key in CALLED and isinstance(value, str) and value:
                yield value
                yield from _of_a_key(value)
            else:
                yield from _called_password(value)
    elif isinstance(document, list):
        for one in document:
            yield from _called_password(one)


def _of_a_key(password: str) -> Iterator[str]:
    """What alone lets anybody sign, where the password is a private key, or has one in it."""
    for key in re.findall(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n(.+?)\n-----END", password, re.DOTALL):
        lines = key.splitlines()
        yield from ("".join(lines), lines[len(lines) // 2])
    with suppress(ValueError):
        found = json.loads(password)
        if isinstance(found, dict):
            yield from (found[part] for part in ("d", "k") if isinstance(found.get(part), str))


def _places(stack: Running) -> Iterator[tuple[str, bytes]]:
    yield from _history(stack)
    yield from _logs(stack)
    yield from _targets(stack)
    yield from _files(stack)
    yield from _processes([os.getpid(), *marked(stack.environment[MARK])])
    yield from stack.more_places()


def _history(stack: Running) -> Iterator[tuple[str, bytes]]:
    """Every event of every execution, with its data; and what DescribeExecution says."""
    states = stack.aws.client("stepfunctions")
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=stack.machine_arn)
    for arn in [execution["executionArn"] for page in pages for execution in page["executions"]]:
        name = arn.rsplit(":", 1)[-1]
        yield f"execution {name}", _text(states.describe_execution(executionArn=arn))
        history = states.get_paginator("get_execution_history").paginate(
            executionArn=arn, includeExecutionData=True, PaginationConfig={"PageSize": ALL}
        )
        for event in (event for page in history for event in page["events"]):
            yield f"execution {name}, event {event['id']}, {event['type']}", _text(event)


def _logs(stack: Running) -> Iterator[tuple[str, bytes]]:
    """What CloudWatch has: the machine's log, with the data of its states."""
    logs = stack.aws.client("logs")
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in (group["logGroupName"] for group in page["logGroups"]):
            events = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
            for event in (event for one in events for event in one["events"]):
                yield f"log {event['logStreamName']}", _strings_in_json(event["message"])


def _strings_in_json(message: str) -> bytes:
    """As it is, and without the JSON around it, which would escape some."""
    return message.encode() + b"\n" + _text(json.loads(message))


def _targets(stack: Running) -> Iterator[tuple[str, bytes]]:
    for page in stack.aws.client("ssm").get_paginator("describe_parameters").paginate():
        for parameter in page["Parameters"]:
            found = stack.aws.client("ssm").get_parameter(Name=parameter["Name"], WithDecryption=True)
            yield f"parameter {parameter['Name']}", _text(found)


def _files(stack: Running) -> Iterator[tuple[str, bytes]]:
    """All of the run but where a password belongs."""
    for path in stack.directory.rglob("*"):
        if stack.may_hold(path) or not path.is_file():
            continue
        with suppress(FileNotFoundError):  # a log that was just rotated away, a temporary file
            yield f"file {path.relative_to(stack.directory)}", os.fsencode(path) + b"\n" + path.read_bytes()


def _processes(pids: Iterable[int]) -> Iterator[tuple[str, bytes]]:
    for pid in pids:
        with suppress(OSError):  # it ended meanwhile
            process = Path(f"/proc/{pid}")
            arguments, environment = (process / "cmdline").read_bytes(), (process / "environ").read_bytes().split(b"\0")
            given = tuple(name for program, names in GIVEN_TO_PODS.items() if program in arguments for name in names)
            others = [entry for entry in environment if not entry.startswith(given)]
            yield f"arguments of process {pid}", arguments
            yield f"environment of process {pid}", b"\0".join(others)


def _text(answer: Any) -> bytes:
    """All strings of an answer of AWS, keys too, as they are: JSON around them would escape some."""
    return "\n".join(_strings(answer)).encode()


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield str(key)
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)
    elif isinstance(value, str):
        yield value
