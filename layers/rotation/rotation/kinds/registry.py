"""The one list of kinds. A kind is a folder and a line here; what is in the folder is imported when a target names it."""

from functools import cache
from importlib import import_module
from types import ModuleType

from rotation.kinds.kind import ConsumerKind, SourceKind

CONSUMERS = {
    "sqlconf": "rotation.consumers.sqlconf",
    "secret": "rotation.consumers.secret",
    "deployment": "rotation.consumers.deployment",
    "app-secret": "rotation.consumers.app_secret",
    "proxy-secret": "rotation.consumers.proxy_secret",
    "wp-config": "rotation.consumers.wp_config",
    "vault-kv": "rotation.consumers.vault_kv",
    "swarm-secret": "rotation.consumers.swarm_secret",
    "swarm-service": "rotation.consumers.swarm_service",
    "lambda": "rotation.consumers.lambda_function",
}
SOURCES = {
    "mysql": "rotation.sources.mysql",
    "postgresql": "rotation.sources.postgresql",
    "redis": "rotation.sources.redis",
    "by-hand": "rotation.sources.by_hand",
    "http-api-key": "rotation.sources.http_api_key",
    "iam-access-key": "rotation.sources.iam_access_key",
    "signing-key": "rotation.sources.signing_key",
    "certificate": "rotation.sources.certificate",
    "acme-certificate": "rotation.sources.acme_certificate",
}
"""By the word that a target document uses: the folder as a package."""


@cache
def consumer(kind: str) -> ConsumerKind:
    """What is known of that kind of consumer."""
    found = import_module(f"{CONSUMERS[kind]}.kind").KIND
    assert isinstance(found, ConsumerKind)  # noqa: S101 - for the type checker
    return found


@cache
def source(kind: str) -> SourceKind:
    """What is known of that kind of source."""
    found = import_module(f"{SOURCES[kind]}.kind").KIND
    assert isinstance(found, SourceKind)  # noqa: S101 - for the type checker
    return found


def adapter(package: str) -> ModuleType:
    """The world behind a kind: its `make(settings, surroundings)`. Imported when first used, with its driver."""
    return import_module(f"{package}.adapter")
