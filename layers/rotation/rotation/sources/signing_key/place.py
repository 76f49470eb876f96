"""Where a JWKS is: read as one state of it, and replaced only if that is still the one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from rotation.aws.client import AWS_ERRORS, client, code
from rotation.core.errors import RotationError, SourceBusy, SourceRefused, SourceUnreachable
from rotation.core.model import Password, SecretText

if TYPE_CHECKING:
    from rotation.core.findings import Finding

MARGIN_SECONDS = 2
"""Time is told in whole seconds, and what was put is dated a moment before anybody can read it."""
KEPT = ("ContentType", "CacheControl", "ContentLanguage", "ContentDisposition", "Metadata")
"""What an object says of itself, and a new version of it has to say again."""


class Published(NamedTuple):
    """A JWKS as it is now."""

    text: Password
    """It may hold what signs, where only those read it who verify."""
    tag: str
    """No other state of it has the same."""
    age_seconds: float
    """For how long it has been like this, at the least."""
    says: dict[str, Any]
    """What else whoever reads it is told of it."""

    @property
    def may_be_kept(self) -> int | None:
        """For how many seconds it allows readers to keep it; None where it does not say."""
        words = str(self.says.get("CacheControl", "")).replace(" ", "").split(",")
        ages = [word.partition("=")[2] for word in words if word.startswith(("max-age=", "s-maxage="))]
        return max((int(age) for age in ages if age.isdecimal()), default=None)


class Place(Protocol):
    """A JWKS somewhere."""

    @property
    def name(self) -> str:
        """How messages call it."""

    @property
    def secret(self) -> bool:
        """Whether only those may read it who verify."""

    def get(self) -> Published:
        """As it is now."""

    def put(self, text: Password, instead_of: Published) -> None:
        """Replace exactly that state of it; SourceBusy where it is another by now, or where that is not known."""

    def look(self, now: float) -> Iterator[Finding]:
        """What mode verify asks of whoever may replace it."""


class S3Object:
    """An object in a bucket, by If-Match."""

    secret = False

    def __init__(self, url: str) -> None:
        self.name = url
        self._bucket, _, self._key = url.removeprefix("s3://").partition("/")

    def get(self) -> Published:
        try:
            answer = client("s3").get_object(Bucket=self._bucket, Key=self._key)
            body = answer["Body"].read()
        except AWS_ERRORS as error:
            raise self._error(code(error), "read") from None
        except OSError:
            raise SourceUnreachable(f"{self.name} could not be read") from None
        now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        age = (now - answer["LastModified"]).total_seconds() - MARGIN_SECONDS
        says = {what: answer[what] for what in KEPT if answer.get(what)}
        return Published(SecretText(self._decoded(body)), answer["ETag"], age, says)

    def put(self, text: Password, instead_of: Published) -> None:
        given = {"Bucket": self._bucket, "Key": self._key, "Body": text.reveal().encode(), "IfMatch": instead_of.tag}
        try:
            client("s3").put_object(**{"ContentType": "application/json", **instead_of.says}, **given)
        except AWS_ERRORS as error:
            raise self._error(code(error), "written") from None

    def look(self, now: float) -> Iterator[Finding]:  # noqa: ARG002 - nothing ends
        """Whether it may be replaced, nobody can ask without replacing it."""
        yield from ()

    def _decoded(self, body: bytes) -> str:
        """As JSON is, in whichever way of Unicode."""
        try:
            return body.decode(json.detect_encoding(body))
        except ValueError:
            raise SourceRefused(f"{self.name} is no text: verifiers cannot read it either. Put back what was there") from None

    def _error(self, why: str, what: str) -> RotationError:
        if why in ("PreconditionFailed", "412", "ConditionalRequestConflict", "409"):
            return SourceBusy(f"{self.name} was changed by somebody else at the same moment")
        if why in ("NoSuchKey", "NoSuchBucket", "404"):
            return SourceRefused(
                f"there is no {self.name}: put a JWKS there that has the public part of the key in use (docs/signing-keys.md)"
            )
        if why in ("AccessDenied", "AllAccessDisabled", "403"):
            return SourceRefused(
                f"{self.name} may not be {what}, or is not there: look at its bucket's policy, at its KMS key's, and at source.jwks"
            )
        return SourceUnreachable(f"{self.name} could not be {what} ({why})")
