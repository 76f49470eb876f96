"""A user of IAM on the local AWS: its access keys, as a person and who calls AWS with one see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from local.aws import LocalAws
from local.login import Login
from local.running import NAME

REFUSED = ("InvalidClientTokenId", "SignatureDoesNotMatch")


def signed_by(endpoint: str, region: str, key: Login) -> Any:
    """A client of STS, whose calls are signed with that key. Nothing is tried again."""
    connect: Any = boto3.client
    return connect(
        "sts",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=key.username,
        aws_secret_access_key=key.password,
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )


@dataclass(frozen=True)
class IamUser:
    """Of that name."""

    aws: LocalAws
    name: str

    def create(self, path: str) -> None:
        """With the tag that says whose stack may make its keys."""
        tags = [{"Key": "credential-rotation", "Value": NAME}]
        self.aws.client("iam").create_user(UserName=self.name, Path=path, Tags=tags)

    def issue(self) -> Login:
        """As a person makes one."""
        made = self.aws.client("iam").create_access_key(UserName=self.name)["AccessKey"]
        return Login(made["AccessKeyId"], made["SecretAccessKey"])

    def ids(self) -> dict[str, str]:
        """Of its keys, each with its status."""
        listed = self.aws.client("iam").list_access_keys(UserName=self.name)["AccessKeyMetadata"]
        return {key["AccessKeyId"]: key["Status"] for key in listed}

    def signed_by(self, key: Login) -> Any:
        return signed_by(self.aws.endpoint, self.aws.region, key)

    def accepts(self, key: Login) -> bool:
        """Whether AWS takes what is signed with it; anything but a refused key is an error, not a no."""
        try:
            self.signed_by(key).get_caller_identity()
        except ClientError as error:
            if error.response["Error"]["Code"] in REFUSED:
                return False
            raise
        return True
