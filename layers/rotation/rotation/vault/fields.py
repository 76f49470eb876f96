"""What a target says of a Vault, whatever it is asked for. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rotation.core.errors import TargetInvalid

NAME = "^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$"
PEM = "^-----BEGIN CERTIFICATE-----"
PORT = ":8200"
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
PATH: dict[str, Any] = {
    "mount": {"description": "Of a key-value store of version 2", "type": "string", "pattern": NAME},
    "path": {"description": "Below the mount, as the application reads it", "type": "string", "pattern": NAME},
}


def login(description: str) -> dict[str, Any]:
    """How to log in, as a target says it."""
    return {
        "description": description,
        "type": "object",
        "required": ["method", "role"],
        "additionalProperties": False,
        "properties": {
            "method": {"enum": ["approle", "jwt", "aws"]},
            "mount": {"type": "string", "pattern": NAME},
            "role": {"type": "string", "minLength": 1},
            "secret": {"type": "string", "pattern": "^arn:"},
            "server_id": {"type": "string", "pattern": "^[A-Za-z0-9._-]+$"},
        },
    }


def check_login(field: str, of: Mapping[str, Any]) -> None:
    """What a login takes depends on its method. TargetInvalid, beginning with the field."""
    if of["method"] == "aws" and "secret" in of:
        raise TargetInvalid(f"{field}.secret: method aws logs in with the function's own role: leave the secret out")
    if of["method"] != "aws" and "secret" not in of:
        raise TargetInvalid(f"{field}.secret is missing: method {of['method']} takes its login from a secret")
    if of["method"] != "aws" and "server_id" in of:
        raise TargetInvalid(f"{field}.server_id: only method aws signs it: leave it out")


def not_granted(what: str, settings: Mapping[str, Any], granted: Mapping[str, str], parameters: Mapping[str, str]) -> Iterator[str]:
    """Of each login the secret that the roles may not read. `granted`: the parameter that names it, by the login's field."""
    for field, parameter in granted.items():
        secret, named = settings.get(field, {}).get("secret"), parameters.get(parameter, "none")
        if secret is not None and secret != named:
            yield f"{what} {field}.secret {secret}: the roles may read {named} (parameter {parameter})"


def host(settings: Mapping[str, Any]) -> str:
    """With its port where that is not 8200."""
    return str(settings["address"]).removeprefix("https://").removesuffix(PORT).lower()


def is_named(name: str, hosts: Iterable[str]) -> bool:
    """Whether that host is among those which the stack names."""
    return name in {one.lower().removesuffix(PORT) for one in hosts}
