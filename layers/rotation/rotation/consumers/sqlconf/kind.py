"""The kind `sqlconf`."""

from collections.abc import Iterator

from rotation.kinds.kind import ConsumerKind, Holds, Parameters, Settings


def change(settings: Settings, used: str, new: str) -> str:
    """What a dry run says."""
    return f"{settings['path']}: host, port, login, pass, dbase from {used} to {new}"


def beyond(settings: Settings, parameters: Parameters) -> Iterator[str]:
    """Any path below the one folder that is mounted, if there is one."""
    if parameters["SitesFileSystemArn"] == "none":
        yield f"sqlconf {settings['path']}: the functions mount no file system (parameters SitesFileSystemArn, SitesAccessPointArn)"


def writes(settings: Settings) -> Iterator[tuple[str, str]]:
    """The file: a stack mounts one file system."""
    yield "path", f"file {settings['path']}"


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
    beyond=beyond,
    writes=writes,
    validated=True,
    is_file=True,
)
