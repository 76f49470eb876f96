"""What a target says of a Vault, whatever it is asked for. Pure."""

from typing import Any

NAME = "^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$"
PEM = "^-----BEGIN CERTIFICATE-----"
PLACE: dict[str, Any] = {
    "address": {
        "description": "Of the Vault or OpenBao, with its port if that is not 8200",
        "type": "string",
        "pattern": "^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?$",
    },
    "ca": {"description": "Who vouches for it, as PEM: nobody else does", "type": "string", "pattern": PEM},
    "tls": {"description": "The least version of TLS", "enum": ["1.2", "1.3"], "default": "1.3"},
    "namespace": {"description": "Empty for the root's", "type": "string", "pattern": f"^$|{NAME}", "default": ""},
}
PLACE_REQUIRED = ("address", "ca")
