"""The kind `mysql`."""

from rotation.kinds.kind import SourceKind

KIND = SourceKind(
    properties={
        "ca": {
            "description": "Who signed the server's certificate: rds (the bundle in the layer) or a CA certificate as PEM text",
            "type": "string",
            "pattern": "^(rds$|-----BEGIN CERTIFICATE-----)",
            "default": "rds",
        },
        "readers": {
            "description": "Host names of reader instances whose sessions count in the drain too",
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "default": [],
        },
    }
)
