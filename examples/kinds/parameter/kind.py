"""The kind `parameter`: a SecureString of Parameter Store, whose whole text is one template."""

from collections.abc import Iterator

from rotation.consumers.keys import parsed, rendered
from rotation.core.model import Credential
from rotation.kinds.kind import ConsumerKind, Holds, Parameters, Settings

TEXT = "text"


def change(settings: Settings, used: str, new: str) -> str:
    """What a dry run says."""
    return f"parameter {settings['name']}: from {used} to {new}"


def check(settings: Settings) -> None:
    """A template that cannot be read back is refused with the target."""
    parsed(TEXT, {settings["name"]: settings[TEXT]})


def fits(settings: Settings, credential: Credential) -> None:
    """A login that has no place in the template is refused before anything is done."""
    rendered(TEXT, {settings["name"]: settings[TEXT]}, credential)


def beyond(settings: Settings, parameters: Parameters) -> Iterator[str]:
    """The roles may use one such parameter."""
    granted = parameters.get("LoginParameterName", "none")
    if settings["name"] != granted:
        yield f"parameter {settings['name']}: the roles may use {granted} (parameter LoginParameterName)"


def writes(settings: Settings) -> Iterator[tuple[str, str]]:
    """The whole parameter: no other target may write it."""
    yield "name", f"parameter {settings['name']}"


KIND = ConsumerKind(
    state="PutSecret",
    holds=Holds.ACTIVE,
    properties={
        "name": {"description": "Of the parameter, with its path", "type": "string", "pattern": "^/[a-zA-Z0-9_./-]+$"},
        TEXT: {"description": "What is in it: a template over username, password, host, port and dbname", "type": "string"},
        "key": {"description": "KMS key that encrypts it: ARN or alias", "type": "string", "default": "alias/aws/ssm"},
        "application_cache_seconds": {
            "description": "How long the application may go on with what it has read; both logins work for at least as long",
            "type": "integer",
            "minimum": 0,
            "maximum": 172800,
        },
    },
    required=("name", TEXT, "application_cache_seconds"),
    change=change,
    check=check,
    fits=fits,
    beyond=beyond,
    writes=writes,
    validated=True,
)
