"""A PKI in it: a root that clients trust, an intermediate authority that signs, a role for one application, and who may ask it."""

from __future__ import annotations

from typing import Any

from local.vault.policies import AppRole
from local.vault.server import OpenBao

MOUNT, ROLE, DOMAIN = "pki", "shop", "shop.example"
POLICY = """
path "{mount}/roles/{role}" {{ capabilities = ["read"] }}
path "{mount}/sign/{role}" {{ capabilities = ["update"] }}
path "{mount}/certs" {{ capabilities = ["list"] }}
path "{mount}/certs/revoked" {{ capabilities = ["list"] }}
path "{mount}/revoke" {{ capabilities = ["update"] }}
"""
"""As docs/certificates.md has it."""


def mount(vault: OpenBao, name: str = MOUNT, hours: int = 43_800) -> str:
    """Both authorities; the root's certificate. `hours`: of the one that signs."""
    root = f"{name}-root"
    for one in (root, name):
        vault.asks("POST", f"sys/mounts/{one}", {"type": "pki", "config": {"max_lease_ttl": "87600h"}})
    ec = {"key_type": "ec", "key_bits": 256}
    made = vault.asks("POST", f"{root}/root/generate/internal", {"common_name": f"{name} root", "ttl": "87600h", **ec})["data"]
    asked = vault.asks("POST", f"{name}/intermediate/generate/internal", {"common_name": f"{name} authority", **ec})["data"]
    given = {"csr": asked["csr"], "ttl": f"{hours}h"}
    signed = vault.asks("POST", f"{root}/root/sign-intermediate", given)["data"]
    vault.asks("POST", f"{name}/intermediate/set-signed", {"certificate": f"{signed['certificate']}\n{made['certificate']}"})
    return f"{made['certificate']}\n"


def role(vault: OpenBao, called: str = ROLE, name: str = MOUNT, **more: Any) -> None:
    """As docs/certificates.md has it; `more` of it."""
    settings = {
        "allowed_domains": DOMAIN,
        "allow_bare_domains": True,
        "allow_subdomains": True,
        "allowed_uri_sans": "credential-rotation:*",
        "key_type": "ec",
        "max_ttl": "9600h",
        **more,
    }
    vault.asks("POST", f"{name}/roles/{called}", settings)


def login(vault: OpenBao, called: str = "issuer", of: str = ROLE, name: str = MOUNT, policy: str = POLICY) -> AppRole:
    """Who may ask it, and nothing else."""
    if "approle/" not in vault.asks("GET", "sys/auth")["data"]:
        vault.asks("POST", "sys/auth/approle", {"type": "approle"})
    vault.asks("PUT", f"sys/policies/acl/{called}", {"policy": policy.format(mount=name, role=of)})
    vault.asks("POST", f"auth/approle/role/{called}", {"token_policies": called, "token_ttl": "10m"})
    found = vault.asks("GET", f"auth/approle/role/{called}/role-id")["data"]["role_id"]
    given = vault.asks("POST", f"auth/approle/role/{called}/secret-id", {})["data"]["secret_id"]
    return AppRole(str(found), str(given))


def revoked(vault: OpenBao, name: str = MOUNT) -> set[int]:
    """The serial numbers on its list, as clients read it."""
    from cryptography import x509

    text = vault.asks("GET", f"{name}/cert/crl")["data"]["certificate"]
    return {one.serial_number for one in x509.load_pem_x509_crl(text.encode())}
