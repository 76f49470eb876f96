"""An application whose tokens are signed with a key from its secret, and verified with a JWKS: in a bucket, or in a path of a real
OpenBao, where it may hold symmetric keys. No database."""

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
from local.vault import policies, reading, written
from local.vault.policies import MOUNT, READS, REPLACES
from local.vault.server import OpenBao

SIGNER = "shop-jwt"
BUCKET, KEY = "verifiers-read-this", ".well-known/jwks.json"
PATH = "shop/jwks"
BESIDE = {"a key of somebody else": "kept"}
"""What that path holds besides; nobody of us changes it."""
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


def in_vault(life_seconds: float, algorithm: str, vault: Mapping[str, Any]) -> dict[str, Any]:
    """The same where it is in a path of a Vault."""
    elsewhere = source(life_seconds, algorithm)
    del elsewhere["jwks"]
    return {**elsewhere, "vault": dict(vault)}


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
        self._publish([self.somebody_s, self._verifying(json.loads(self.users["A"].password))])
        return super()._for_everybody(slots, {})

    def _publish(self, keys: Sequence[Mapping[str, Any]]) -> None:
        publish(self.aws, keys)

    def _verifying(self, key: dict[str, Any]) -> dict[str, Any]:
        """What a person has given verifiers of it."""
        return public(key)

    def _placed(self, login: Login) -> dict[str, str]:
        return {"username": login.username, "password": login.password}

    def _paced(self) -> dict[str, str]:
        return {
            **self._where(),
            "OverlapSeconds": str(self.pace.cache_seconds),
            "QuietSeconds": str(self.pace.quiet_seconds),
            "DrainDeadlineSeconds": str(self.pace.drain_deadline_seconds),
        }

    def _where(self) -> dict[str, str]:
        """What the template is told of the JWKS."""
        said = json.dumps(source(self.pace.lifetime_seconds, self.algorithm))
        return {"OtherSource": said, "JwksBucketName": BUCKET, "JwksKey": KEY}

    def _place(self) -> Place:
        return place(self.aws, self.pace.lifetime_seconds)


class SignerInVault(Signer):
    """Only verifiers may read the JWKS, and so it holds the very keys that sign; beside them a public one of somebody else."""

    login_secret, reader_secret = "shop/jwks-login", "shop/jwks-reader"
    vault: OpenBao

    def __init__(self, pace: Pace | None = None, algorithm: str = "HS256") -> None:
        super().__init__(pace, algorithm)

    @property
    def secret_names(self) -> tuple[str, ...]:
        return (*super().secret_names, self.login_secret, self.reader_secret)

    def versions(self) -> dict[str, str]:
        return {**super().versions(), "OpenBao": self.vault.version()}

    def jwks(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.content()[tokens.FIELD])
        return found

    def content(self) -> dict[str, Any]:
        """All that is in the path."""
        return written.content(self.vault, PATH)

    def put(self, jwks: Mapping[str, Any]) -> None:
        """As somebody else does."""
        policies.write(self.vault, PATH, {**self.content(), tokens.FIELD: json.dumps(dict(jwks))})

    def may_hold(self, path: Path) -> bool:
        """What verifiers log in to the Vault with."""
        return path == self._access

    def _publish(self, keys: Sequence[Mapping[str, Any]]) -> None:
        self.vault = self._ended.enter_context(OpenBao(self.directory / "vault", self.environment))
        policies.mount(self.vault)
        policies.write(self.vault, PATH, {**BESIDE, tokens.FIELD: json.dumps({"keys": list(keys)})})
        writer, reader = (policies.role(self.vault, *one) for one in (("writer", PATH, REPLACES), ("reader", PATH, READS)))
        login = self._create_secret(self.login_secret, {"secret_id": writer.secret_id})
        read = self._create_secret(self.reader_secret, {"secret_id": reader.secret_id})
        self._by = written.Written(self.vault, writer, reader, login, read)
        own = policies.role(self.vault, "verifier", PATH, READS)
        self._access = self.directory / "jwks-access.json"
        place = f"{MOUNT}/data/{PATH}"
        vault = self.vault
        reading.keep(self._access, reading.Access(vault.host, vault.port, vault.ca_pem, own.role_id, own.secret_id, place))

    def _verifying(self, key: dict[str, Any]) -> dict[str, Any]:
        return key if key["kty"] == "oct" else public(key)

    def _where(self) -> dict[str, str]:
        return {
            "OtherSource": json.dumps(in_vault(self.pace.lifetime_seconds, self.algorithm, self._by.place(PATH))),
            "JwksHosts": f"{self.vault.host}:{self.vault.port}",
            "JwksLoginSecretArn": self._by.login_secret,
            "JwksReaderSecretArn": self._by.reader_secret,
        }

    def _place(self) -> Place:
        published = tokens.Published("", str(self._access), VERIFIERS_CACHE_SECONDS, self.pace.lifetime_seconds, SHOWN)
        return Place(SIGNING, self.aws.endpoint, 0, json.dumps(asdict(published)), self.aws.region)
