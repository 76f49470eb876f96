"""AWS, or what stands for it at AWS_ENDPOINT_URL: the only place of boto3, and where its errors become one line for a person."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Any

import boto3
import click
from botocore import exceptions
from botocore.config import Config
from botocore.parsers import ResponseParserError

from rotation_cli.trouble import Trouble

CONFIG = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 3})
IAM_ACTIONS = {"s3:ListObjectsV2": "s3:ListBucket", "lambda:Invoke": "lambda:InvokeFunction"}
"""And an action."""
SILENT_SECONDS = 8.0
"""So long a call may take without a word."""
IAM_NAMES = {"stepfunctions": "states"}
"""Where IAM calls a service otherwise than boto3 does."""
FORBIDDEN = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedException", "Forbidden")
FORBIDDEN_KEY = ("KmsAccessDeniedException", "KMSAccessDeniedException")
NOBODY = (
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidSignatureException",
)
NO_CREDENTIALS = "no valid AWS credentials: set AWS_PROFILE or give --profile, or sign in again (aws sso login)"
ERRORS = (exceptions.BotoCoreError, exceptions.ClientError, ResponseParserError, ValueError)
LOST = (exceptions.HTTPClientError, exceptions.EndpointConnectionError, exceptions.ConnectionError)


class Refused(Trouble):
    """AWS answered with an error that the asker may know how to read; said aloud it is Trouble like any other."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class NotPermitted(Refused):
    """The caller lacks a permission; the text names the action."""


class Aws:
    """One session; a client of each service when it is first asked for."""

    def __init__(self, region: str | None = None, profile: str | None = None) -> None:
        try:
            self._session: Any = boto3.Session(region_name=region, profile_name=profile)
        except exceptions.ProfileNotFound:
            raise Trouble(f"there is no AWS profile {profile!r}: see `aws configure list-profiles`") from None
        self._clients: dict[str, Any] = {}

    @property
    def region(self) -> str:
        """Where the stack is."""
        if not self._session.region_name:
            raise Trouble("no AWS region: give --region, or set AWS_REGION")
        return str(self._session.region_name)

    def call(self, service: str, operation: str, **given: Any) -> dict[str, Any]:
        """The answer, or Trouble."""
        try:
            with _aloud(service, operation):
                answer: dict[str, Any] = getattr(self._client(service), operation)(**given)
        except ERRORS as error:
            raise _trouble(service, operation, error) from None
        return answer

    def pages(self, service: str, operation: str, **given: Any) -> Iterator[dict[str, Any]]:
        """The answer page by page, or Trouble."""
        try:
            pages = iter(self._client(service).get_paginator(operation).paginate(**given))
            while (page := self._next(pages, service, operation)) is not None:
                yield page
        except ERRORS as error:
            raise _trouble(service, operation, error) from None

    @staticmethod
    def _next(pages: Iterator[dict[str, Any]], service: str, operation: str) -> dict[str, Any] | None:
        with _aloud(service, operation):
            return next(pages, None)

    def once(self, service: str, operation: str, seconds: float) -> Any:
        """A call that waits so long for its answer, and is not made twice. What goes wrong is for whoever makes it."""
        once = CONFIG.merge(Config(read_timeout=seconds, retries={"total_max_attempts": 1}))
        return getattr(self._session.client(service, region_name=self.region, config=once), operation)

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._session.client(service, region_name=self.region, config=CONFIG)
        return self._clients[service]


@contextmanager
def _aloud(service: str, operation: str) -> Iterator[None]:
    """A call that takes long says so: silence looks like a command that hangs."""
    said = f"rotation: no answer yet from AWS to {action_of(service, operation)}; still waiting (Ctrl-C ends this)"
    timer = Timer(SILENT_SECONDS, click.echo, (said,), {"err": True})
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def action_of(service: str, operation: str) -> str:
    """As IAM writes it."""
    called = f"{IAM_NAMES.get(service, service)}:{''.join(word.capitalize() for word in operation.split('_'))}"
    return IAM_ACTIONS.get(called, called)


def _trouble(service: str, operation: str, error: Exception) -> Trouble:
    action = action_of(service, operation)
    if isinstance(error, exceptions.ClientError):
        return _refused(action, error)
    if isinstance(error, LOST):
        return Trouble(
            f"AWS could not be reached for {action} ({type(error).__name__}): check the network, the region and AWS_ENDPOINT_URL"
        )
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError | exceptions.CredentialRetrievalError):
        return Trouble(NO_CREDENTIALS)
    if isinstance(error, exceptions.SSOError | exceptions.TokenRetrievalError | exceptions.UnauthorizedSSOTokenError):
        return Trouble(NO_CREDENTIALS)
    if isinstance(error, ResponseParserError):
        return Trouble(
            f"what answered for {action} is not AWS: check AWS_ENDPOINT_URL, and for a proxy or a sign-in page in between"
        )
    return Trouble(f"{action} could not be asked ({error}): check --region, --profile and AWS_ENDPOINT_URL")


def _refused(action: str, error: exceptions.ClientError) -> Trouble:
    said = error.response.get("Error", {})
    code, text = str(said.get("Code", "Unknown")), str(said.get("Message", ""))
    if code in FORBIDDEN:
        return NotPermitted(
            code, f"not permitted: {action}; ask for that permission on this stack (docs/command.md lists what each command needs)"
        )
    if code in FORBIDDEN_KEY:
        return NotPermitted(
            code, f"not permitted: {action} needs kms:Decrypt and kms:GenerateDataKey on the stack's key (output RotationKeyArn)"
        )
    if code in NOBODY:
        return Refused(code, NO_CREDENTIALS)
    return Refused(code, f"{action} was refused ({code}){'' if text.startswith('<') else f': {text[:300]}'}")
