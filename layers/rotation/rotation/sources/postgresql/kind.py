"""The kind `postgresql`."""

from rotation.kinds.kind import SourceKind
from rotation.sources.fields import CA, READERS

KIND = SourceKind(
    properties={
        "ca": CA,
        "readers": {**READERS, "description": f"{READERS['description']}, and where a password must be known before it counts"},
        "pooled": {
            "description": "Whether sessions are a pool's (RDS Proxy, PgBouncer): one that is idle for the quiet period is not use",
            "type": "boolean",
            "default": False,
        },
    },
    engines={"postgres": False, "postgresql": False, "aurora-postgresql": False},
    port=5432,
)
