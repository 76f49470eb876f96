"""What an operator sets up in it for one application: a store, who may read and write it, and a login for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.vault.server import OpenBao

MOUNT = "secret"
WRITES = """
path "{mount}/data/{path}" {{ capabilities = ["read", "patch"] }}
path "{mount}/metadata/{path}" {{ capabilities = ["read", "patch"] }}
path "{mount}/destroy/{path}" {{ capabilities = ["update"] }}
path "auth/approle/role/{role}/secret-id/lookup" {{ capabilities = ["update"] }}
"""
REPLACES = """
path "{mount}/data/{path}" {{ capabilities = ["patch"] }}
path "auth/approle/role/{role}/secret-id/lookup" {{ capabilities = ["update"] }}
"""
"""A set of keys, which a reader reads."""
READS = """
path "{mount}/data/{path}" {{ capabilities = ["read"] }}
path "auth/approle/role/{role}/secret-id/lookup" {{ capabilities = ["update"] }}
"""


@dataclass(frozen=True)
class AppRole:
    """Of one who logs in with it."""

    role_id: str
    secret_id: str


def mount(vault: OpenBao, name: str = MOUNT) -> None:
    """A key-value store of version 2, and AppRole."""
    vault.asks("POST", f"sys/mounts/{name}", {"type": "kv", "options": {"version": "2"}})
    if "approle/" not in vault.asks("GET", "sys/auth")["data"]:
        vault.asks("POST", "sys/auth/approle", {"type": "approle"})


def write(vault: OpenBao, path: str, content: Mapping[str, Any], name: str = MOUNT) -> None:
    """A version more."""
    vault.asks("POST", f"{name}/data/{path}", {"data": dict(content)})


def role(vault: OpenBao, called: str, path: str, policy: str, name: str = MOUNT, **more: Any) -> AppRole:
    """A policy and a role of that name; `more` of the role."""
    vault.asks("PUT", f"sys/policies/acl/{called}", {"policy": policy.format(mount=name, path=path, role=called)})
    settings = {"token_policies": called, "token_ttl": "10m", "secret_id_ttl": "720h", **more}
    vault.asks("POST", f"auth/approle/role/{called}", settings)
    found = vault.asks("GET", f"auth/approle/role/{called}/role-id")["data"]["role_id"]
    given = vault.asks("POST", f"auth/approle/role/{called}/secret-id", {})["data"]["secret_id"]
    return AppRole(str(found), str(given))
