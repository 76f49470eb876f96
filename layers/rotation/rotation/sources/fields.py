"""What a target document says of any database: for the `kind.py` of those that are one."""

from typing import Any

CA: dict[str, Any] = {
    "description": "Who signed the server's certificate: rds (the bundle in the layer) or a CA certificate as PEM text",
    "type": "string",
    "pattern": "^(rds$|-----BEGIN CERTIFICATE-----)",
    "default": "rds",
}
POOLED: dict[str, Any] = {
    "description": "Whether sessions are a pool's (RDS Proxy, PgBouncer): one that is idle for the quiet period is not use",
    "type": "boolean",
    "default": False,
}
READERS: dict[str, Any] = {
    "description": "Host names of reader instances whose sessions count in the drain too",
    "type": "array",
    "items": {"type": "string", "minLength": 1},
    "default": [],
}
