"""KeyProvider on IAM: two access keys a user, which carry no name. The functions' own roles may make and end them.

A key is tried as the application uses it: it signs a call of STS that needs no permission, and is answered whose it is. IAM keeps
what it is told in one place, and the other Regions know it some seconds later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from rotation.aws.client import AWS_ERRORS, CONFIG, client, code
from rotation.core.errors import SourceLags, SourceRefused, SourceUnreachable
from rotation.core.model import NO_KEY, Credential, Password
from rotation.core.seen import Key

if TYPE_CHECKING:
    from rotation.kinds.kind import Settings
    from rotation.ports import Surroundings

TAG = "credential-rotation"
"""What a user carries whose keys we may make and end; the roles' policies ask for this stack's name in it."""
UNKNOWN_KEY = {"InvalidClientTokenId", "InvalidAccessKeyId", "UnrecognizedClientException"}
WRONG_SECRET = {"SignatureDoesNotMatch"}
GONE = {"NoSuchEntity", "NoSuchEntityException"}
FULL = {"LimitExceeded", "LimitExceededException"}
DENIED = {"AccessDenied", "AccessDeniedException"}


def make(settings: Settings, _: Surroundings) -> IamAccessKeys:
    """As the target names it."""
    return IamAccessKeys(settings["user"], dedicated=settings["dedicated"])


class IamAccessKeys:
    """Of one user."""

    limit = 2
    named = False

    def __init__(self, user: str, *, dedicated: bool, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._user = user
        self.dedicated = dedicated
        self._now = now

    def logs_in(self, credential: Credential) -> bool:
        """False too where the secret is another key's; SourceRefused where the key is another user's."""
        try:
            arn = str(_as(credential).get_caller_identity()["Arn"])
        except AWS_ERRORS as error:
            if code(error) in UNKNOWN_KEY | WRONG_SECRET:
                return False
            raise SourceUnreachable(f"STS did not say whose {credential.username} is: {code(error)}") from None
        if arn.rpartition("/")[2] != self._user:
            raise SourceRefused(f"{credential.username} is a key of {arn}, and source.user is {self._user}")
        return True

    def refuses(self, credential: Credential) -> bool:
        return not self.logs_in(credential)

    def check(self, _: Credential | None) -> None:
        with self._named("ListUserTags"):
            pages = client("iam").get_paginator("list_user_tags").paginate(UserName=self._user)
            tags = {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
        if not tags.get(TAG):
            mend = f"aws iam tag-user, with Key={TAG} and the stack's name as its value"
            raise SourceRefused(f"the user {self._user} does not carry the tag {TAG}: {mend}")

    def keys(self, _: Credential | None) -> Sequence[Key]:
        with self._named("ListAccessKeys"):
            pages = client("iam").get_paginator("list_access_keys").paginate(UserName=self._user)
            found = [key for page in pages for key in page["AccessKeyMetadata"]]
        return [self._key(one) for one in found]

    def _key(self, found: dict[str, Any]) -> Key:
        with self._named("GetAccessKeyLastUsed"):
            used = client("iam").get_access_key_last_used(AccessKeyId=found["AccessKeyId"])["AccessKeyLastUsed"].get("LastUsedDate")
        made = self._seconds_since(found["CreateDate"])
        return Key(found["AccessKeyId"], made, self._seconds_since(used) if used else None, found["Status"] == "Active", "")

    def _seconds_since(self, moment: datetime) -> float:
        return max(0.0, (self._now() - moment).total_seconds())

    def issue(self, _: Credential | None, name: str) -> Credential:  # noqa: ARG002 - an access key carries no name
        """Asked once: a second try would make a second key."""
        with self._named("CreateAccessKey"):
            made = _once().create_access_key(UserName=self._user)["AccessKey"]
        return NO_KEY.with_login(made["AccessKeyId"], Password(made["SecretAccessKey"]))

    def deactivate(self, _: Credential | None, id: str) -> bool:  # noqa: A002 - as the port has it
        with self._named("UpdateAccessKey", gone=True):
            client("iam").update_access_key(UserName=self._user, AccessKeyId=id, Status="Inactive")
        return True

    def delete(self, _: Credential | None, id: str) -> None:  # noqa: A002
        with self._named("DeleteAccessKey", gone=True):
            client("iam").delete_access_key(UserName=self._user, AccessKeyId=id)

    @contextmanager
    def _named(self, action: str, *, gone: bool = False) -> Iterator[None]:
        """Our own errors. `gone`: no such key is as good as done."""
        try:
            yield
        except AWS_ERRORS as error:
            found = code(error)
            if found in GONE and gone:
                return
            if found in GONE:
                raise SourceRefused(f"IAM has no user {self._user}: correct source.user of the target") from None
            if found in FULL:
                raise SourceLags(f"IAM says that {self._user} has {self.limit} keys already, and did not list so many") from None
            if found in DENIED:
                raise SourceRefused(
                    f"IAM denies iam:{action} of {self._user}: its tag {TAG} has to be this stack's name, or a policy of the"
                    " organisation denies it"
                ) from None
            raise SourceUnreachable(f"IAM did not answer {action} of {self._user}: {found}") from None


@cache
def _once() -> Any:
    import boto3

    make: Any = boto3.client
    return make("iam", config=CONFIG.merge(type(CONFIG)(retries={"mode": "standard", "total_max_attempts": 1})))


def _as(credential: Credential) -> Any:
    """STS, signed with that key and no other."""
    import boto3

    make: Any = boto3.client
    return make(
        "sts", config=CONFIG, aws_access_key_id=credential.username, aws_secret_access_key=credential.password.reveal(),
        aws_session_token=None,
    )  # fmt: skip
