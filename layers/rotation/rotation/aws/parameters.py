"""Target documents in SSM Parameter Store."""

from rotation.aws.client import AWS_ERRORS, client, code
from rotation.core.errors import TargetNotFound, TargetStoreUnavailable
from rotation.kinds.target import Target, parse_target


def load_target(path: str, name: str) -> Target:
    """The target of that name, checked against its schema."""
    parameter = f"{path}/{name}"
    try:
        answer = client("ssm").get_parameter(Name=parameter)
    except AWS_ERRORS as error:
        if code(error) in ("ParameterNotFound", "ValidationException"):
            raise TargetNotFound(f"{name}: there is no target document {parameter} in Parameter Store") from None
        raise TargetStoreUnavailable(f"{name}: {parameter} could not be read ({code(error)})") from None
    return parse_target(name, str(answer["Parameter"]["Value"]))
