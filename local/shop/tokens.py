"""An application that signs tokens, and who verifies them: with the keys of a JWKS, each goes on for a while with what it has read.

Signed and verified by joserfc, which is not ours. Opening a connection is to sign a token; it is used as long as it is valid.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet, import_key

from local.login import Login

ALGORITHMS = ["Ed25519", "EdDSA", "ES256", "RS256", "HS256"]
FIELD = "jwks"
"""Of a path of a Vault, which holds the JWKS as text."""
VERIFIERS = 3
LEEWAY_SECONDS = 1
"""A page that asks at a token's last moment takes a moment."""


@dataclass(frozen=True)
class Published:
    """Where the JWKS is, and how it is used."""

    bucket: str
    """Empty where it is in a Vault."""
    key: str
    """Or the file that says how it is read there."""
    cache_seconds: float
    """For how long a verifier goes on with what it has read."""
    life_seconds: float
    """Of a token."""
    shown: str
    """What a token says, and the page shows."""

    @classmethod
    def parse(cls, text: str) -> Published:
        return cls(**json.loads(text))


class Verifier:
    """It asks for the JWKS only when its time has run out, whatever it is shown meanwhile."""

    def __init__(self, read: Callable[[], bytes], keeps_seconds: float, began: float) -> None:
        self._read, self._keeps = read, keeps_seconds
        self._lock, self._known, self._looked = threading.Lock(), read(), began

    def claims(self, token: str) -> dict[str, Any]:
        """ValueError, or an error of the library's, where it refuses it."""
        with self._lock:
            now = time.monotonic()
            if now - self._looked >= self._keeps:
                self._known, self._looked = self._read(), now
            known = self._known
        return claims(known, token)


class Token:
    """One that was signed with a login's key, shown to one verifier after the other."""

    def __init__(self, login: Login, place: Published, verifiers: Iterator[Verifier]) -> None:
        self._text = signed(login, place.life_seconds + LEEWAY_SECONDS, place.shown)
        self._verifiers = verifiers

    def name(self) -> str:
        return str(next(self._verifiers).claims(self._text)["name"])

    def close(self) -> None:
        """It goes on being valid; nobody shows it any more."""


def signed(login: Login, seconds: float, name: str) -> str:
    """By the key alone: its name and algorithm are in it."""
    key = json.loads(login.password)
    now = time.time()
    said = {"iss": login.username, "iat": int(now), "exp": now + seconds, "name": name}
    return jwt.encode({"alg": key["alg"], "kid": key["kid"]}, said, import_key(key), algorithms=ALGORITHMS)


def claims(jwks: bytes, token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, KeySet.import_key_set(json.loads(jwks)), algorithms=ALGORITHMS).claims
    if found["exp"] <= time.time():
        raise ValueError("the token has expired")
    return found


def connect(place: Published, read: Callable[[], bytes]) -> Callable[[Login], Token]:
    """The verifiers began at different times."""
    now, apart = time.monotonic(), place.cache_seconds / VERIFIERS
    verifiers = [Verifier(read, place.cache_seconds, now - number * apart) for number in range(VERIFIERS)]
    each, lock = itertools.cycle(verifiers), threading.Lock()

    def in_turn() -> Iterator[Verifier]:
        while True:
            with lock:
                found = next(each)
            yield found

    return lambda login: Token(login, place, in_turn())


def reader(endpoint: str, region: str, place: Published) -> Callable[[], bytes]:
    """From the bucket itself, or from the path of the Vault."""
    if not place.bucket:
        from local.vault.reading import content

        return lambda: str(content(Path(place.key))[FIELD]).encode()
    import boto3

    client = boto3.client("s3", endpoint_url=endpoint, region_name=region)
    return lambda: bytes(client.get_object(Bucket=place.bucket, Key=place.key)["Body"].read())
