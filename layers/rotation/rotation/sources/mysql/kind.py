"""The kind `mysql`."""

from rotation.kinds.kind import SourceKind
from rotation.sources.fields import CA, READERS

KIND = SourceKind(properties={"ca": CA, "readers": READERS})
