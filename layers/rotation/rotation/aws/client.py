"""One way to make a boto3 client: short time-outs, few tries of its own (the state machine waits and tries again)."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

CONFIG = Config(connect_timeout=3, read_timeout=8, retries={"mode": "standard", "total_max_attempts": 2})

AWS_ERRORS = (BotoCoreError, ClientError, ResponseParserError)
"""The last is of a page that a proxy or a portal answered with, and has no part in botocore's own tree."""


@cache
def client(service: str) -> Any:
    """Kept for the life of the function: making one costs more than most calls."""
    make: Any = boto3.client
    return make(service, config=CONFIG)


@cache
def asked_once(service: str, seconds: int) -> Any:
    """One that waits so long for an answer, and asks nothing twice: for calls that are not known to be safe to repeat."""
    make: Any = boto3.client
    return make(service, config=CONFIG.merge(Config(read_timeout=seconds, retries={"total_max_attempts": 1})))


def code(error: BotoCoreError | ClientError | ResponseParserError) -> str:
    """AWS's name for the error, or botocore's class where nothing was answered. Never the text."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__
