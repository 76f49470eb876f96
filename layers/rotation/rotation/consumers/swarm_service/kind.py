"""The kind `swarm-service`."""

from collections.abc import Iterator, Sequence

from rotation.consumers.swarm.place import PROPERTIES, REQUIRED, SHARES, beyond, written
from rotation.consumers.swarm.spec import NEW, goals
from rotation.consumers.swarm.versions import NAME
from rotation.core.errors import TargetInvalid
from rotation.kinds.kind import ConsumerKind, Holds, Settings


def change(settings: Settings, _: str, new: str) -> str:
    """What a dry run says."""
    updates, files = len(goals(settings["restarts"])), ", ".join(settings["files"])
    return f"service {settings['service']}: {files} to the secrets of {new}, in {updates} rolling update{'s' * (updates > 1)}"


def check(settings: Settings) -> None:
    """A variable of ours is not another one's …_NEW."""
    for variable in settings["files"]:
        if variable.removesuffix(NEW) in settings["files"] and variable.endswith(NEW):
            raise TargetInvalid(f"files: {variable} is what {variable.removesuffix(NEW)} has for the next login")


def beside(settings: Settings, before: Sequence[Settings]) -> None:
    """What its variables lead to is made before it."""
    made = {base for one in before if one.get("managers") == settings["managers"] for base in one.get("keys", ())}
    for variable, base in settings["files"].items():
        if base not in made:
            raise TargetInvalid(f"files.{variable}: no swarm-secret before it makes {base} on these managers")


def writes(settings: Settings) -> Iterator[tuple[str, str]]:
    """Its variables of that service, which other targets may change too."""
    for variable in settings["files"]:
        yield from ((f"files.{variable}", what) for what in written(f"{variable} in service {settings['service']}", settings))


KIND = ConsumerKind(
    state="PrepareService",
    holds=Holds.PHASES,
    properties={
        **PROPERTIES,
        "service": {"description": "Name of the service", "type": "string", "pattern": NAME},
        "files": {
            "description": "By the variable that names the file, the secret that it leads to, by its name without a number",
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
            "additionalProperties": {"type": "string"},
        },
        "restarts": {
            "description": (
                "How many rolling updates a rotation takes: 3 as prepare, cut over, clean up; 2 prepares and cuts over in one; 1"
                " where the application itself tries the newest file first"
            ),
            "enum": [3, 2, 1],
            "default": 3,
        },
    },
    required=(*REQUIRED, "service", "files"),
    change=change,
    check=check,
    beside=beside,
    shares=SHARES,
    beyond=beyond("swarm-service"),
    writes=writes,
)
