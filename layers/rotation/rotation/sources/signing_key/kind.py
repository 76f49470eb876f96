"""The kind `signing-key`."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from rotation.core.errors import SecretInvalid, TargetInvalid
from rotation.core.jwk import SHAPES, SYMMETRIC, WHERE_HS256, is_symmetric, parse
from rotation.kinds.kind import Advice, SourceKind
from rotation.vault.fields import PATH, PLACE, PLACE_REQUIRED, check_login, host, is_named, login, not_granted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rotation.core.model import Credential, Password
    from rotation.kinds.kind import Parameters, Settings

LONGEST_SECONDS = 172_800
SECONDS: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": LONGEST_SECONDS}
HOSTS = "JwksHosts"
"""The parameter that names every Vault where a JWKS may be."""
LOGINS = {"login": "JwksLoginSecretArn", "reader": "JwksReaderSecretArn"}
"""Each with the parameter that names its secret."""
VAULT: dict[str, Any] = {
    "description": "Or where it is in a path of Vault or OpenBao, which only those may read who verify",
    "type": "object",
    "required": [*PLACE_REQUIRED, "mount", "path", "login"],
    "additionalProperties": False,
    "properties": {
        **PLACE,
        **PATH,
        "field": {
            "description": "The key of that path which holds the JWKS, as text",
            "type": "string",
            "minLength": 1,
            "default": "jwks",
        },
        "login": login("Who may read and replace it"),
        "reader": login("Who may only read it: what all but SyncUsers and DiscardOldPassword log in as; without it they use login"),
    },
}


def check(settings: Settings) -> None:
    """There is one JWKS, and what verifies the algorithm may be in it."""
    if ("jwks" in settings) == ("vault" in settings):
        raise TargetInvalid("jwks: name one place of the JWKS: jwks where it is in S3, or vault")
    for field in LOGINS:
        if field in settings.get("vault", {}):
            check_login(f"vault.{field}", settings["vault"][field])
    algorithm = settings["algorithm"]
    if algorithm not in SHAPES:
        raise TargetInvalid(f"algorithm: {algorithm} is none of {', '.join(SHAPES)}")
    if SHAPES[algorithm].kty == SYMMETRIC and not _is_secret(settings):
        raise TargetInvalid(f"algorithm: {algorithm} is symmetric: {WHERE_HS256}")


def _is_secret(settings: Settings) -> bool:
    """Whether only those may read it who verify."""
    return "vault" in settings


def _where(settings: Settings) -> str:
    if "jwks" in settings:
        return str(settings["jwks"])
    vault = settings["vault"]
    return f"{vault['mount']}/{vault['path']} of {vault['address']}, field {vault['field']}"


def beyond(settings: Settings, parameters: Parameters) -> Iterator[str]:
    """The roles may use one JWKS of S3, or those whose keys are like it, and the Vaults that the stack names."""
    return _beyond_vault(settings["vault"], parameters) if "vault" in settings else _beyond_s3(settings, parameters)


def _beyond_vault(vault: Settings, parameters: Parameters) -> Iterator[str]:
    named = parameters.get(HOSTS, "none")
    if not is_named(host(vault), named.split(",")):
        yield f"source.vault {host(vault)}: the functions may ask {named} for a JWKS (parameter {HOSTS})"
    yield from not_granted("source.vault", vault, LOGINS, parameters)


def _beyond_s3(settings: Settings, parameters: Parameters) -> Iterator[str]:
    bucket, key = parameters.get("JwksBucketName", "none"), parameters.get("JwksKey", "")
    if not fnmatchcase(settings["jwks"], f"s3://{bucket}/{key}"):
        granted = "no JWKS" if bucket == "none" else f"s3://{bucket}/{key}"
        yield f"source.jwks {settings['jwks']}: the roles may use {granted} (parameters JwksBucketName and JwksKey)"


def fits(settings: Settings, login: Credential) -> None:
    """It is a key that signs, and what verifies it may be where the JWKS is."""
    if not login.username.isprintable():
        raise SecretInvalid("username is no name of a signer")
    if is_symmetric(parse(login.password)) and not _is_secret(settings):
        raise SecretInvalid(f"password is a symmetric key: {WHERE_HS256}")


def makes(settings: Settings) -> Password:
    """A new key."""
    from rotation.sources.signing_key.signing import new_key  # with the library, where one is made

    return new_key(settings["algorithm"])


def plan(settings: Settings) -> Mapping[str, str]:
    """What a dry run says instead of what it says of a database's users."""
    jwks, cache, life = _where(settings), settings["jwks_cache_seconds"], settings["token_life_seconds"]
    part, old = ("", "key") if settings["algorithm"] == "HS256" else ("the public part of ", "public key")
    return {
        "SyncUsers": f"{jwks}: {part}{{new}}'s next key beside the others, if it lacks; then waits until the JWKS is"
        f" older than {cache} s, so that every verifier has read it",
        "CheckDrained": f"nothing: waits {life} s, a token's life, after the last signer has stopped using {{old}}'s old key",
        "RotateOldSlot": "{old}: the key of the rotation after this one is made and recorded, and published nowhere",
        "DiscardOldPassword": f"{jwks}: {{old}}'s old {old} is taken out, others' keys stay; then waits {cache} s, until"
        " every verifier refuses a token of the old key",
    }


KIND = SourceKind(
    properties={
        "jwks": {
            "description": "Where the JWKS is that verifiers read, if it is in S3: s3://bucket/key",
            "type": "string",
            "pattern": r"^s3://[a-z0-9.-]{3,63}/[^\s?#]+$",
        },
        "vault": VAULT,
        "algorithm": {
            "description": "What new keys sign with: EdDSA, ES256, RS256, or HS256 with vault",
            "type": "string",
            "default": "EdDSA",
        },
        "jwks_cache_seconds": {**SECONDS, "description": "For how long a verifier may go on with a JWKS that it has read"},
        "token_life_seconds": {**SECONDS, "description": "For how long the longest-lived token is valid after it was signed"},
    },
    required=("jwks_cache_seconds", "token_life_seconds"),
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
    looks=True,
)
