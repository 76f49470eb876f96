"""What a function is told by its environment, read once; each only what it needs."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Set by template.yaml."""

    targets_path: str
    """Where in Parameter Store the target documents are."""
    sites_root: Path | None
    """Where EFS is mounted; None in the functions that do not mount it."""
    topic: str | None = None
    """Where people are told; None in the functions that tell nobody."""
    machine: str = ""
    """ARN of the state machine; empty in the functions that start no execution."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """The roles of the functions that write secrets, for the one that asks IAM about them."""
    states: frozenset[str] | None = None
    """The consumers' states that the stack has a function for; None in the functions that are not told."""
    api_hosts: frozenset[str] = frozenset()
    """Of providers' APIs: no other is asked."""
    pki_hosts: frozenset[str] = frozenset()
    """Of Vaults: no other is asked for a certificate."""
    jwks_hosts: frozenset[str] = frozenset()
    """Of Vaults: no other is asked for a JWKS."""
    acme_hosts: frozenset[str] = frozenset()
    """Of ACME servers: no other is asked for a certificate."""

    @classmethod
    def from_environment(cls) -> "Settings":
        """A missing TARGETS_PATH is a fault of the deployment and says so."""
        if "TARGETS_PATH" not in os.environ:
            raise LookupError("TARGETS_PATH is not set: was the function deployed by template.yaml?")
        root = os.environ.get("SITES_ROOT")
        return cls(
            os.environ["TARGETS_PATH"],
            Path(root) if root else None,
            os.environ.get("TOPIC_ARN"),
            os.environ.get("MACHINE_ARN", ""),
            _pairs(os.environ.get("ROLE_ARNS", "")),
            frozenset(os.environ["CONSUMER_STATES"].split(",")) if "CONSUMER_STATES" in os.environ else None,
            _hosts("API_HOSTS"),
            _hosts("PKI_HOSTS"),
            _hosts("JWKS_HOSTS"),
            _hosts("ACME_HOSTS"),
        )


def environment() -> str:
    """Which of several installations this is, in the metrics."""
    return os.environ.get("ENVIRONMENT") or "unknown"


def _hosts(variable: str) -> frozenset[str]:
    return frozenset(one for one in os.environ.get(variable, "").lower().split(",") if one)


def _pairs(text: str) -> dict[str, str]:
    """`name=value,name=value`."""
    return dict(one.split("=", 1) for one in text.split(",") if one)
