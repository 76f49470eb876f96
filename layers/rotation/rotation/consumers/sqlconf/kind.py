"""The kind `sqlconf`."""

from rotation.kinds.kind import ConsumerKind, Holds, Settings


def change(settings: Settings, used: str, new: str) -> str:
    """What a dry run says."""
    return f"{settings['path']}: host, port, login, pass, dbase from {used} to {new}"


KIND = ConsumerKind(
    state="WriteSqlconf",
    holds=Holds.ACTIVE,
    properties={
        "owner": {
            "description": "Who must own the file, for mode fix-permissions",
            "type": "string",
            "pattern": "^[0-9]+:[0-9]+$",
            "default": "1000:101",
        },
        "mode": {
            "description": "The file's mode, for mode fix-permissions",
            "type": "string",
            "pattern": "^0[0-7]{3}$",
            "default": "0644",
        },
        "path": {
            "description": "Path of sqlconf.php below the mounted sites directory",
            "type": "string",
            "pattern": "^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*\\.php$",
        },
    },
    required=("path",),
    change=change,
    validated=True,
    is_file=True,
)
