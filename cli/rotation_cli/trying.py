"""A target's source, or the function that is its consumer, asked whether what is said of it is true. No credential is changed."""

from collections.abc import Iterator
from contextlib import contextmanager

from rotation.core.errors import RotationError, SecretDenied, SecretInvalid
from rotation.core.findings import Finding
from rotation.core.model import Credential, SecretText
from rotation.core.record import AdminRecord, Record
from rotation.kinds import registry
from rotation.kinds.target import Consumer, Target

from rotation_cli.aws import NotPermitted
from rotation_cli.by_hand import KeyRecord
from rotation_cli.stack import Stack
from rotation_cli.trouble import Trouble


def findings(stack: Stack, target: Target) -> Iterator[Finding]:
    """Trouble where neither the source nor a consumer has anything of the sort, or a secret cannot be read."""
    consumers = [one for one in target.consumers if one.known.tries]
    if not (target.source.known.tries or consumers):
        raise Trouble(
            f"--try: a source of kind {target.source.kind} is tried by rotation start --mode verify --target {target.name} --follow"
        )
    try:
        if target.source.known.tries:
            yield from _of_source(stack, target)
        for one in consumers:
            yield from _of_consumer(stack, target, one)
    except RotationError as error:
        raise Trouble(f"--try: {type(error).__name__}: {error}") from None


def _of_source(stack: Stack, target: Target) -> Iterator[Finding]:
    hosts = frozenset(stack.parameters().get("ApiHosts", "none").lower().split(","))
    admin, key = _admin(stack, target), _key(stack, target)
    adapter = registry.adapter(registry.SOURCES[target.source.kind])
    yield from adapter.trial(target.source.settings, target.name, hosts, admin, key)


def _of_consumer(stack: Stack, target: Target, one: Consumer) -> Iterator[Finding]:
    """What it is tried with is the login in use; a rotation would change that meanwhile."""
    running = stack.runs_of(target.name)
    if running:
        raise Trouble(f"--try: {running[0]} runs for {target.name}: wait for its end (rotation follow {running[0]})")
    secret = Copied(stack, one.settings["secret"])
    invoke = stack.aws.once("lambda", "invoke", one.settings["timeout_seconds"])
    yield from registry.adapter(registry.CONSUMERS[one.kind]).trial(one.settings, target.name, secret, invoke)


class Copied(KeyRecord):
    """A consumer's secret, of which a copy is made."""

    def read(self, version: str) -> SecretText:
        with _denied():
            return super().read(version)

    def put_once(self, version: str, text: SecretText, *labels: str) -> SecretText:
        with _denied():
            return super().put_once(version, text, *labels)


@contextmanager
def _denied() -> Iterator[None]:
    try:
        yield
    except NotPermitted as error:
        raise SecretDenied(str(error)) from None


def _admin(stack: Stack, target: Target) -> Credential | None:
    if not target.admin_secret:
        return None
    text = stack.record_text(target.admin_secret)
    if text is None:
        raise Trouble(
            f"--try: {target.admin_secret} cannot be read here: it takes secretsmanager:GetSecretValue and kms:Decrypt on its key"
        )
    return AdminRecord.parse(text, target.admin_secret).credential


def _key(stack: Stack, target: Target) -> Credential | None:
    """None where there is no record yet."""
    text = stack.record_text(target.slot_secret)
    try:
        record = Record.parse(text, target.slot_secret) if text else None
    except SecretInvalid:
        return None
    key = record.credential(record.active) if record else None
    return None if key is None or key.is_none else key
