"""The kind `iam-access-key`."""

from typing import Any

from rotation.kinds.kind import Advice, SourceKind

USER: dict[str, Any] = {
    "description": "The name of the IAM user whose access keys are rotated, without its path",
    "type": "string",
    "pattern": r"^[\w+=,.@-]{1,64}$",
}
DEDICATED: dict[str, Any] = {
    "description": "Whether nobody but this target's rotations makes keys of that user: one that was lost is deleted then",
    "type": "boolean",
    "default": False,
}
KIND = SourceKind(
    properties={"user": USER, "dedicated": DEDICATED},
    required=("user",),
    issues_keys=True,
    needs_admin=False,
    engines={},
    port=443,
    advice=Advice(lacking="", without_tls="", ends_sessions="", counts_logins=""),
)
