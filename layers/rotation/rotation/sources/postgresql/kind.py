"""The kind `postgresql`."""

from rotation.kinds.kind import Advice, SourceKind, has_a_place
from rotation.sources.fields import CA, POOLED, READERS

KIND = SourceKind(
    properties={
        "ca": CA,
        "readers": {**READERS, "description": f"{READERS['description']}, and where a password must be known before it counts"},
        "pooled": POOLED,
    },
    engines={"postgres": False, "postgresql": False, "aurora-postgresql": False},
    port=5432,
    advice=Advice(
        lacking="grant it, or name the instance's master user in the admin secret; docs/postgresql.md has the statements",
        without_tls="set rds.force_ssl to 1, or take its host lines out of pg_hba.conf, once every client of it uses TLS",
        ends_sessions="GRANT pg_signal_backend TO the admin",
        counts_logins="PostgreSQL has no such count: a longer drain.quiet_seconds sees more",
    ),
    fits=has_a_place,
)
