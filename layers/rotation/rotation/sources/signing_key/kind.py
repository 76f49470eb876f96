"""The kind `signing-key`."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from rotation.core.errors import SecretInvalid, TargetInvalid
from rotation.core.jwk import SHAPES, WITHOUT_HS256, parse
from rotation.kinds.kind import Advice, SourceKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rotation.core.model import Credential, Password
    from rotation.kinds.kind import Parameters, Settings

LONGEST_SECONDS = 172_800
SECONDS: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": LONGEST_SECONDS}


def check(settings: Settings) -> None:
    """The algorithm is one whose public keys may be published."""
    algorithm = settings["algorithm"]
    if algorithm.startswith("HS"):
        raise TargetInvalid(f"algorithm: {algorithm} is symmetric: {WITHOUT_HS256}")
    if algorithm not in SHAPES:
        raise TargetInvalid(f"algorithm: {algorithm} is none of {', '.join(SHAPES)}")


def beyond(settings: Settings, parameters: Parameters) -> Iterator[str]:
    """The roles may use one JWKS, or those whose keys are like it."""
    bucket, key = parameters.get("JwksBucketName", "none"), parameters.get("JwksKey", "")
    if not fnmatchcase(settings["jwks"], f"s3://{bucket}/{key}"):
        granted = "no JWKS" if bucket == "none" else f"s3://{bucket}/{key}"
        yield f"source.jwks {settings['jwks']}: the roles may use {granted} (parameters JwksBucketName and JwksKey)"


def fits(login: Credential) -> None:
    """It is a key that signs, and its public part can be told from it."""
    if not login.username.isprintable():
        raise SecretInvalid("username is no name of a signer")
    parse(login.password)


def makes(settings: Settings) -> Password:
    """A new key."""
    from rotation.sources.signing_key.signing import new_key  # with the library, where one is made

    return new_key(settings["algorithm"])


def plan(settings: Settings) -> Mapping[str, str]:
    """What a dry run says instead of what it says of a database's users."""
    jwks, cache, life = settings["jwks"], settings["jwks_cache_seconds"], settings["token_life_seconds"]
    return {
        "SyncUsers": f"{jwks}: the public part of {{new}}'s next key beside the others, if it lacks; then waits until the JWKS is"
        f" older than {cache} s, so that every verifier has read it",
        "CheckDrained": f"nothing: waits {life} s, a token's life, after the last signer has stopped using {{old}}'s old key",
        "RotateOldSlot": "{old}: the key of the rotation after this one is made and recorded, and published nowhere",
        "DiscardOldPassword": f"{jwks}: {{old}}'s old public key is taken out, others' keys stay; then waits {cache} s, until"
        " every verifier refuses a token of the old key",
    }


KIND = SourceKind(
    properties={
        "jwks": {
            "description": "Where the JWKS is that verifiers read: s3://bucket/key",
            "type": "string",
            "pattern": r"^s3://[a-z0-9.-]{3,63}/[^\s?#]+$",
        },
        "algorithm": {"description": "What new keys sign with: EdDSA, ES256 or RS256", "type": "string", "default": "EdDSA"},
        "jwks_cache_seconds": {**SECONDS, "description": "For how long a verifier may go on with a JWKS that it has read"},
        "token_life_seconds": {**SECONDS, "description": "For how long the longest-lived token is valid after it was signed"},
    },
    required=("jwks", "jwks_cache_seconds", "token_life_seconds"),
    engines={},
    port=443,
    advice=Advice(
        lacking="docs/signing-keys.md says what the roles may",
        without_tls="",
        ends_sessions="",
        counts_logins="nobody can count who verified a token: token_life_seconds has to be as long as the longest-lived token",
    ),
    beyond=beyond,
    check=check,
    fits=fits,
    makes=makes,
    plan=plan,
    settles=lambda settings: int(settings["jwks_cache_seconds"]),
    outlives=lambda settings: int(settings["token_life_seconds"]),
    needs_admin=False,
    takes_values=True,
)
