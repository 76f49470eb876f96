"""The kind `lambda`."""

from collections.abc import Iterator, Mapping

from rotation.consumers import keys
from rotation.core.errors import TargetInvalid
from rotation.kinds.kind import ConsumerKind, Holds, Parameters, Settings

RUN_ARN = r"^arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]{1,64}:[A-Za-z0-9_-]{1,128}$"
HANDED_ARN = r"^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@-]+$"
FUNCTIONS, SECRETS = "LambdaFunctionArns", "LambdaSecretArns"
"""The stack's parameters."""


def change(settings: Settings, used: str, new: str) -> str:
    """What a dry run says."""
    called = settings["function"].split(":function:")[-1]
    return (
        f"a version of {settings['secret']}: {keys.named(settings)} from {used} to {new}; the function {called} puts it where it is"
        " used; then it is current"
    )


def check(settings: Settings) -> None:
    """A template that cannot be read back is refused with the target; and a function and its secret are in one region."""
    keys.check(settings)
    function, secret = (settings[field].split(":")[3] for field in ("function", "secret"))
    if function != secret:
        raise TargetInvalid(f"secret: it is in {secret}, and the function in {function}: name one in the function's region")


def beyond(settings: Settings, parameters: Parameters) -> Iterator[str]:
    """The roles may run those functions, and use those secrets, that the stack's parameters name."""
    for field, parameter, may in (("function", FUNCTIONS, "run"), ("secret", SECRETS, "use")):
        granted = parameters.get(parameter, "none").split(",")
        if settings[field] not in granted:
            yield f"lambda {field} {settings[field]}: the roles may {may} {', '.join(granted)} (parameter {parameter})"


def writes(settings: Settings) -> Iterator[tuple[str, str]]:
    """The function's place, whatever that is; and the keys of the secret."""
    yield "function", f"what the function {settings['function'].rpartition(':')[0]} puts"
    yield from keys.written(f"secret {settings['secret']}", settings, "secret")


def schemas() -> Mapping[str, str]:
    """Of the function's requests and answers."""
    from rotation.consumers.lambda_function import contract  # only where somebody asks for it

    return {file: contract.text_of(file) for file in contract.FILES}


KIND = ConsumerKind(
    state="PutSecret",
    holds=Holds.ACTIVE,
    properties={
        "function": {
            "description": "ARN of the function, with an alias or a version: not $LATEST, which may change meanwhile",
            "type": "string",
            "pattern": RUN_ARN,
        },
        "secret": {
            "description": "ARN of the secret that the function reads, and nobody else: what is current holds the login in use",
            "type": "string",
            "pattern": HANDED_ARN,
        },
        "timeout_seconds": {
            "description": "How long one call of the function may take",
            "type": "integer",
            "minimum": 1,
            "maximum": 12,
            "default": 10,
        },
        "application_cache_seconds": keys.CACHE_SECONDS,
        "keys": keys.KEYS,
    },
    required=("function", "secret", "application_cache_seconds"),
    change=change,
    check=check,
    fits=keys.fits,
    says_user=keys.says_user,
    beyond=beyond,
    writes=writes,
    looks=True,
    spreads=True,
    contract=schemas,
    tries=True,
    validated=True,
)
