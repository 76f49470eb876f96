"""What a fleet's run writes down: small JSON documents in S3, by key."""

import json
from typing import Any

from rotation.aws.client import AWS_ERRORS, client, code
from rotation.core.errors import TargetStoreUnavailable

_NOT_THERE = ("NoSuchKey", "404")


def write(bucket: str, key: str, document: Any) -> None:
    """The same again writes the same."""
    try:
        client("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(document).encode(), ContentType="application/json")
    except AWS_ERRORS as error:
        raise _failed(bucket, key, code(error)) from None


def read(bucket: str, key: str) -> Any:
    """None where there is no such object."""
    try:
        return json.loads(client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    except AWS_ERRORS as error:
        if code(error) in _NOT_THERE:
            return None
        raise _failed(bucket, key, code(error)) from None


def keys(bucket: str, folder: str) -> list[str]:
    """Of every object whose key begins so."""
    try:
        pages = client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder)
        return [str(one["Key"]) for page in pages for one in page.get("Contents", [])]
    except AWS_ERRORS as error:
        raise _failed(bucket, folder, code(error)) from None


def _failed(bucket: str, key: str, why: str) -> TargetStoreUnavailable:
    return TargetStoreUnavailable(f"{key} in the bucket {bucket} could not be reached ({why})")
