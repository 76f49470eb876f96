"""An application whose tokens are signed with a key from its secret, and verified with a JWKS in a bucket. No database."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey, import_key

from local.aws import LocalAws
from local.mysql import Login
from local.shop import tokens
from local.shop.databases import SIGNING, Place
from local.shop.one_user import TwoValues
from local.shop.stack import SHOWN, Pace

SIGNER = "shop-jwt"
BUCKET, KEY = "verifiers-read-this", ".well-known/jwks.json"
HEADERS = {"ContentType": "application/jwk-set+json", "CacheControl": "public, max-age=1", "Metadata": {"of": "somebody"}}
VERIFIERS_CACHE_SECONDS = 2


def new_key(algorithm: str = "EdDSA") -> dict[str, Any]:
    """A private one, as the library makes it."""
    from rotation.sources.signing_key.signing import new_key as made

    key: dict[str, Any] = json.loads(made(algorithm).reveal())
    return key


def public(key: Mapping[str, Any]) -> dict[str, Any]:
    """By the library that is not ours."""
    found: dict[str, Any] = import_key(dict(key)).as_dict(private=False)
    return found


def publish(aws: LocalAws, keys: Sequence[Mapping[str, Any]]) -> None:
    """A JWKS in a bucket of its own."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    KeySet.import_key_set({"keys": list(keys)})
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=json.dumps({"keys": list(keys)}).encode(), **HEADERS)


def read(aws: LocalAws) -> dict[str, Any]:
    """The JWKS, as verifiers read it now."""
    found: dict[str, Any] = json.loads(aws.client("s3").get_object(Bucket=BUCKET, Key=KEY)["Body"].read())
    return found


def takes(jwks: Mapping[str, Any], login: Login) -> bool:
    """Whether whoever knows that JWKS takes its token."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # RFC 9864 has another name for EdDSA
        try:
            tokens.claims(json.dumps(dict(jwks)).encode(), tokens.signed(login, 60, SHOWN))
        except (JoseError, ValueError):
            return False
    return True


def source(life_seconds: float, algorithm: str = "EdDSA") -> dict[str, Any]:
    """What a target says of it: how long its tokens live."""
    life = int(life_seconds) + 1 + tokens.LEEWAY_SECONDS
    times = {"jwks_cache_seconds": VERIFIERS_CACHE_SECONDS, "token_life_seconds": life}
    return {"kind": SIGNING, "jwks": f"s3://{BUCKET}/{KEY}", "algorithm": algorithm, **times}


def place(aws: LocalAws, life_seconds: float) -> Place:
    """Where it is verified."""
    published = tokens.Published(BUCKET, KEY, VERIFIERS_CACHE_SECONDS, life_seconds, SHOWN)
    return Place(SIGNING, aws.endpoint, 0, json.dumps(asdict(published)), aws.region)


class Signer(TwoValues):
    """Beside its own keys there is one of somebody else in the JWKS."""

    kind, database, admin_secret = SIGNING, "", ""

    def __init__(self, pace: Pace | None = None, algorithm: str = "EdDSA") -> None:
        super().__init__(pace)
        self.algorithm = algorithm
        self.users = {slot: Login(SIGNER, json.dumps(new_key(algorithm))) for slot in "AB"}
        self.somebody_s = {
            **OKPKey.generate_key("Ed25519", {"kid": "of-somebody-else"}).as_dict(private=False),
            "x-note": [1, None],
        }

    @property
    def secret_names(self) -> tuple[str, ...]:
        return (self.slot_secret, self.application_secret)

    def versions(self) -> dict[str, str]:
        return {"keys": self.algorithm}

    def jwks(self) -> dict[str, Any]:
        """As verifiers read it now."""
        return read(self.aws)

    def accepts(self, user: str, password: str) -> bool:
        """Whether whoever reads the JWKS now takes its token."""
        return takes(self.jwks(), Login(user, password))

    def may_hold(self, path: Path) -> bool:  # noqa: ARG002 - whatever it is
        return False

    def _start_database(self) -> None:
        """There is none."""

    def _for_everybody(self, slots: Mapping[str, Any], admin: Mapping[str, str]) -> dict[str, str]:  # noqa: ARG002 - there is none
        publish(self.aws, [self.somebody_s, public(json.loads(self.users["A"].password))])
        return super()._for_everybody(slots, {})

    def _placed(self, login: Login) -> dict[str, str]:
        return {"username": login.username, "password": login.password}

    def _paced(self) -> dict[str, str]:
        return {
            "OtherSource": json.dumps(source(self.pace.lifetime_seconds, self.algorithm)),
            "JwksBucketName": BUCKET,
            "JwksKey": KEY,
            "OverlapSeconds": str(self.pace.cache_seconds),
            "QuietSeconds": str(self.pace.quiet_seconds),
            "DrainDeadlineSeconds": str(self.pace.drain_deadline_seconds),
        }

    def _place(self) -> Place:
        return place(self.aws, self.pace.lifetime_seconds)
