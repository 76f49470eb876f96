"""Target documents in SSM Parameter Store."""

from collections.abc import Iterator

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


def load_target_of(path: str, secret: str) -> Target:
    """The target whose traffic that secret moves."""
    from rotation.kinds.documents import rotated_by

    return rotated_by(secret, documents(path))


def documents(path: str) -> dict[str, str]:
    """The text of every document under the path, by its name."""
    return dict(each_document(path))


def each_document(path: str) -> Iterator[tuple[str, str]]:
    """With its name, as they come: never all of them at once."""
    try:
        pages = client("ssm").get_paginator("get_parameters_by_path").paginate(Path=path)
        for page in pages:
            yield from ((str(one["Name"]).rsplit("/", 1)[-1], str(one["Value"])) for one in page["Parameters"])
    except AWS_ERRORS as error:
        raise TargetStoreUnavailable(f"the documents under {path} could not be read ({code(error)})") from None
