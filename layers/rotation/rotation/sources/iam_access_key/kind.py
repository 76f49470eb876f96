"""The kind `iam-access-key`."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from rotation.kinds.kind import Advice, Parameters, Settings, SourceKind

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


def beyond(settings: Settings, parameters: Parameters) -> Iterator[str]:
    """A user's path is not known here: by its name alone it is told what a pattern of names leaves out."""
    granted, user = parameters.get("AccessKeysOfUsers", "none"), settings["user"]
    if granted == "none":
        yield f"source.user {user}: the functions may make no access keys (parameters OtherSource and AccessKeysOfUsers)"
    elif not fnmatchcase(user, granted.rpartition("/")[2]):
        yield f"source.user {user}: the functions may make access keys of {granted} (parameter AccessKeysOfUsers)"


def owns(settings: Settings) -> Iterator[tuple[str, str]]:
    """Two targets would each take the other's key for one that it does not know."""
    yield "user", f"the access keys of the IAM user {settings['user']}"


KIND = SourceKind(
    properties={"user": USER, "dedicated": DEDICATED},
    required=("user",),
    issues_keys=True,
    needs_admin=False,
    beyond=beyond,
    owns=owns,
    engines={},
    port=443,
    advice=Advice(lacking="", without_tls="", ends_sessions="", counts_logins=""),
)
