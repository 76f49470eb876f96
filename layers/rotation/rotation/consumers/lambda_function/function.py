"""One function of Lambda, asked and waited for. It is asked once: whether something was done after all, the next question tells."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ReadTimeoutError

from rotation.aws.client import AWS_ERRORS, asked_once, code
from rotation.consumers.lambda_function import contract
from rotation.core.errors import (
    ConsumerFunctionDenied,
    ConsumerFunctionMissing,
    ConsumerFunctionThrottled,
    ConsumerFunctionTimedOut,
    ConsumerFunctionUnavailable,
    RotationError,
)
from rotation.core.model import SecretText

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rotation.core.model import Password

_DENIED = (
    "AccessDeniedException", "KMSAccessDeniedException", "KMSDisabledException", "KMSInvalidStateException", "KMSNotFoundException",
    "UnrecognizedClientException", "InvalidClientTokenId",
)  # fmt: skip
_THROTTLED = ("TooManyRequestsException", "EC2ThrottledException", "ThrottlingException")
_MISSING = "ResourceNotFoundException"
LONGEST_ANSWER = 65_536
"""Bytes: what is longer is no answer of ours, and is not kept."""


class Function:
    """`arn`: with an alias or a version. `invoke`: how it is called, where that is not with one of our functions' client."""

    def __init__(self, arn: str, timeout_seconds: int, invoke: Any = None) -> None:
        self._arn, self.timeout_seconds, self._invoke = arn, timeout_seconds, invoke
        self.name = f"function {arn.split(':function:')[-1]}"

    def ask(self, verb: str, request: Mapping[str, Any], never: Password | None = None) -> dict[str, Any]:
        """What it says. `never`: what must not be in that."""
        invoke = self._invoke or asked_once("lambda", self.timeout_seconds).invoke
        try:
            answer = invoke(FunctionName=self._arn, InvocationType="RequestResponse", Payload=json.dumps(request).encode())
            text = SecretText(answer["Payload"].read(LONGEST_ANSWER).decode(errors="replace"))
        except ReadTimeoutError:
            raise ConsumerFunctionTimedOut(
                f"{self.name} did not answer {verb} within {self.timeout_seconds} s (timeout_seconds)"
            ) from None
        except AWS_ERRORS as error:
            raise self._failed(verb, code(error)) from None
        if answer.get("FunctionError"):
            raise contract.failed(self.name, verb, text, never)
        return contract.parse(self.name, verb, text, never)

    def _failed(self, verb: str, why: str) -> RotationError:
        """By AWS's name for it; the message may quote what was sent."""
        if why == _MISSING:
            return ConsumerFunctionMissing(f"there is no {self.name}, or none with that alias or version")
        if why in _DENIED:
            return ConsumerFunctionDenied(f"{self.name} could not be asked {verb} ({why})")
        if why in _THROTTLED:
            return ConsumerFunctionThrottled(f"{self.name} had no room for {verb} ({why})")
        return ConsumerFunctionUnavailable(f"{self.name} could not be asked {verb} ({why})")
