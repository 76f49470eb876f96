"""The kind `mysql`."""

from rotation.kinds.kind import Advice, SourceKind, has_a_place
from rotation.sources.fields import CA, POOLED, READERS

KIND = SourceKind(
    properties={"ca": CA, "readers": READERS, "pooled": POOLED},
    engines={"mysql": True, "aurora-mysql": True, "mariadb": False},
    port=3306,
    advice=Advice(
        lacking="grant it, or name the cluster's master user in the admin secret",
        without_tls="ALTER USER {user} REQUIRE SSL, once every client of it uses TLS",
        ends_sessions="GRANT CONNECTION_ADMIN ON *.* to the admin",
        counts_logins="switch performance_schema on",
    ),
    fits=has_a_place,
)
