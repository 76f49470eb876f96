"""Refusals in the words of a Kubernetes API server: a `Status` object and its HTTP code."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any


class Refusal(Exception):
    """What the API answers instead of the object."""

    def __init__(self, code: HTTPStatus, reason: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason

    def status(self) -> dict[str, Any]:
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": str(self),
            "reason": self.reason,
            "code": int(self.code),
        }


def bad_request(message: str) -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, "BadRequest", message)


def unauthorized() -> Refusal:
    """Says no more, as the real one: why a token is refused is nobody's business."""
    return Refusal(HTTPStatus.UNAUTHORIZED, "Unauthorized", "Unauthorized")


def forbidden(what: str, who: str) -> Refusal:
    return Refusal(HTTPStatus.FORBIDDEN, "Forbidden", f'{what} is forbidden: User "{who}" cannot do that')


def not_found(what: str) -> Refusal:
    return Refusal(HTTPStatus.NOT_FOUND, "NotFound", f"{what} not found")


def method_not_allowed() -> Refusal:
    message = "the server does not allow this method on the requested resource"
    return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed", message)


def unsupported_media_type(given: str) -> Refusal:
    message = f"the body of the request was in an unknown format: {given}"
    return Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)


def conflict(what: str) -> Refusal:
    message = (
        f"Operation cannot be fulfilled on {what}: the object has been modified; "
        "please apply your changes to the latest version and try again"
    )
    return Refusal(HTTPStatus.CONFLICT, "Conflict", message)


def invalid(what: str, why: str) -> Refusal:
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid", f"{what} is invalid: {why}")
