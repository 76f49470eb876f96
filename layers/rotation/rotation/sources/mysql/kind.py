"""The kind `mysql`."""

from rotation.kinds.kind import SourceKind
from rotation.sources.fields import CA, READERS

KIND = SourceKind(
    properties={"ca": CA, "readers": READERS},
    engines={"mysql": True, "aurora-mysql": True, "mariadb": False},
    port=3306,
)
