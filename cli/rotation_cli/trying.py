"""A target's source asked whether what the document says of it is true. Nothing is issued, and nothing changed."""

from collections.abc import Iterator

from rotation.core.errors import RotationError, SecretInvalid
from rotation.core.findings import Finding
from rotation.core.model import Credential
from rotation.core.record import AdminRecord, Record
from rotation.kinds import registry
from rotation.kinds.target import Target

from rotation_cli.stack import Stack
from rotation_cli.trouble import Trouble


def findings(stack: Stack, target: Target) -> Iterator[Finding]:
    """Trouble where the source has nothing of the sort, or a secret cannot be read."""
    kind = target.source.kind
    if not target.source.known.tries:
        raise Trouble(f"--try: a source of kind {kind} is tried by rotation start --mode verify --target {target.name} --follow")
    hosts = frozenset(stack.parameters().get("ApiHosts", "none").lower().split(","))
    try:
        admin, key = _admin(stack, target), _key(stack, target)
        yield from registry.adapter(registry.SOURCES[kind]).trial(target.source.settings, target.name, hosts, admin, key)
    except RotationError as error:
        raise Trouble(f"--try: {type(error).__name__}: {error}") from None


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
