"""The kind `wp-config`."""

from collections.abc import Iterator

from rotation.core.errors import TargetInvalid
from rotation.kinds.kind import ConsumerKind, Holds, Parameters, Settings

TAG = "app"
"""Key of the tag that instances have, as the application's secret has a key of that name."""


def change(settings: Settings, used: str, new: str) -> str:
    """What a dry run says."""
    return f"{settings['path']} of every instance with the tag {TAG}={settings[TAG]}, one first: from {used} to {new}"


def beyond(settings: Settings, parameters: Parameters) -> Iterator[str]:
    """The roles may tell the instances with one value of the tag."""
    granted = parameters["InstancesApp"]
    if settings[TAG] != granted:
        yield f"wp-config {TAG}={settings[TAG]}: the roles may tell {TAG}={granted} (parameter InstancesApp)"


def copied(secret: Settings) -> None:
    """Instances read the keys username and password."""
    if "keys" in secret:
        raise TargetInvalid("keys: a wp-config reads username and password: leave the keys out")


def writes(settings: Settings) -> Iterator[tuple[str, str]]:
    """The file, on each of the instances."""
    yield "path", f"file {settings['path']} of the instances with the tag {TAG}={settings[TAG]}"


KIND = ConsumerKind(
    state="WriteWpConfig",
    holds=Holds.VERSION,
    properties={
        TAG: {
            "description": f"Value of the tag {TAG} that the instances have, as the key {TAG} of the application's secret says it",
            "type": "string",
            "pattern": "^[A-Za-z0-9 _.:/=+@-]{1,255}$",
        },
        "document": {
            "description": "Name of the document of Systems Manager that rewrites the file",
            "type": "string",
            "pattern": "^[a-zA-Z0-9_.-]{3,128}$",
        },
        "path": {
            "description": "Of the file, on each instance",
            "type": "string",
            "pattern": "^(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+$",
            "default": "/var/www/html/wp-config.php",
        },
        "owner": {
            "description": "Who must own the file, by numbers, for mode fix-permissions; empty where that mode is not used",
            "type": "string",
            "pattern": "^([0-9]+:[0-9]+)?$",
            "default": "",
        },
        "mode": {
            "description": "The file's mode, for mode fix-permissions; empty where that is not used",
            "type": "string",
            "pattern": "^(0[0-7]{3})?$",
            "default": "",
        },
        "page": {
            "description": "What each instance asks of itself once its file is written; empty for nothing",
            "type": "string",
            "pattern": "^(https?://[A-Za-z0-9.:_-]+(/[A-Za-z0-9/?&=_.,~%+:;@!-]*)?)?$",
            "default": "http://127.0.0.1/",
        },
        "marker": {
            "description": "Text that only the working page contains; empty where a status of 200 is enough",
            "type": "string",
            "pattern": "^[A-Za-z0-9 _.,:;/=+@()<>-]{0,200}$",
            "default": "",
        },
        "slowest_boot_seconds": {
            "description": (
                "How long an instance may take from its launch until its boot unit has written the file: what was current when it"
                " began stays valid for at least as long"
            ),
            "type": "integer",
            "minimum": 0,
            "maximum": 172800,
        },
    },
    required=(TAG, "document", "slowest_boot_seconds"),
    change=change,
    beyond=beyond,
    writes=writes,
    copied=copied,
    said_by_secret=TAG,
    goes_on="slowest_boot_seconds",
)
