"""JSON Web Keys as values: what a signing key is made of, its name, its public part, and a set of them as verifiers read it. Pure.

Nothing is computed here that needs more than a hash: whether a key signs, and what its PEM is, is for who has a library for it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from rotation.core.errors import SecretInvalid, SourceRefused

if TYPE_CHECKING:
    from rotation.core.model import Password

Jwk = Mapping[str, Any]


class Shape(NamedTuple):
    """What a key of one algorithm is made of."""

    kty: str
    crv: str
    """Empty where the type has no curves."""
    public: tuple[str, ...]
    """Besides these two, what its name is computed from (RFC 7638)."""
    private: tuple[str, ...]


SHAPES = {
    "EdDSA": Shape("OKP", "Ed25519", ("x",), ("d",)),
    "ES256": Shape("EC", "P-256", ("x", "y"), ("d",)),
    "RS256": Shape("RSA", "", ("n", "e"), ("d", "p", "q", "dp", "dq", "qi")),
}
"""By the algorithm as a token's header says it. These can be verified with what everybody may know; HS256 cannot."""
SYMMETRIC = "oct"
WITHOUT_HS256 = (
    "whoever verifies HS256 has the very secret that signs, so that every verifier is a place that holds it and there is no set of"
    " public keys: let the signers change to EdDSA, ES256 or RS256"
)
LEAST_RSA_BITS = 2048
PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


def parse(password: Password) -> Jwk:
    """The private key that a record's entry holds, or SecretInvalid, which shows nothing of it."""
    try:
        key = json.loads(password.reveal())
    except ValueError:
        key = None
    if not isinstance(key, dict):
        raise SecretInvalid("password is no private key: it has to be a JWK, as JSON in one line (docs/signing-keys.md makes one)")
    if key.get("kty") == SYMMETRIC:
        raise SecretInvalid(f"password is a symmetric key: {WITHOUT_HS256}")
    algorithm = algorithm_of(key)
    if algorithm is None:
        known = ", ".join(f"{name} ({one.crv or one.kty})" for name, one in SHAPES.items())
        raise SecretInvalid(f"password is a key of a kind that is not known here: there are {known}")
    lacking = [part for part in (*SHAPES[algorithm].public, *SHAPES[algorithm].private) if not _is_number(key.get(part))]
    if lacking:
        raise SecretInvalid(f"password is no private key: {', '.join(lacking)} of it is missing or no base64url")
    if algorithm == "RS256" and _bits(key["n"]) < LEAST_RSA_BITS:
        raise SecretInvalid(f"password is an RSA key of less than {LEAST_RSA_BITS} bits: take another")
    return key


def algorithm_of(key: Jwk) -> str | None:
    """By what it is made of; None where it says another, or is made of something else."""
    for name, shape in SHAPES.items():
        if key.get("kty") == shape.kty and (not shape.crv or key.get("crv") == shape.crv):
            return name if key.get("alg", name) == name else None
    return None


def thumbprint(key: Jwk) -> str:
    """RFC 7638: what a key is, whatever it is called."""
    shape = SHAPES[str(algorithm_of({name: value for name, value in key.items() if name != "alg"}))]
    parts = {part: key[part] for part in ("kty", *(("crv",) if shape.crv else ()), *shape.public)}
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return to_text(sha256(text.encode()).digest())


def kid(key: Jwk) -> str:
    """How tokens call it: what it says itself, or its thumbprint."""
    return str(key.get("kid") or thumbprint(key))


def public(key: Jwk) -> dict[str, str]:
    """What verifiers are given of it."""
    algorithm = str(algorithm_of(key))
    shape = SHAPES[algorithm]
    curve = {"crv": shape.crv} if shape.crv else {}
    parts = {part: key[part] for part in shape.public}
    return {"kty": shape.kty, **curve, **parts, "kid": kid(key), "alg": algorithm, "use": "sig"}


def written(parts: Mapping[str, str], algorithm: str) -> str:
    """A private key in one line, with its name and what it is for."""
    shape = SHAPES[algorithm]
    key = {"kty": shape.kty, **({"crv": shape.crv} if shape.crv else {}), **parts, "alg": algorithm, "use": "sig"}
    return json.dumps({**key, "kid": thumbprint(key)}, sort_keys=True, separators=(",", ":"))


class KeySet:
    """A JWKS: ours and others' keys, in their order, with every member that we do not know."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self._raw = raw

    @classmethod
    def parse(cls, text: bytes | str, name: str) -> KeySet:
        """SourceRefused, naming the place and what is wrong, where verifiers could not read it, or may read what they must not."""
        try:
            raw = json.loads(text)
        except ValueError:
            raise SourceRefused(f"{name} is not JSON: verifiers cannot read it either. Put back what was there") from None
        keys = raw.get("keys") if isinstance(raw, dict) else None
        if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
            raise SourceRefused(f'{name} is no JWKS: it has to be {{"keys": […]}}, with an object for each key')
        for place, key in enumerate(keys):
            if PRIVATE & key.keys():
                raise SourceRefused(
                    f"{name}: keys[{place}] holds a private or symmetric key, and everybody may read that. Take it out, and do"
                    " not use it again: start mode revoke if it is one of the record's"
                )
        return cls(raw)

    @property
    def keys(self) -> Sequence[Jwk]:
        found: Sequence[Jwk] = self._raw["keys"]
        return found

    def find(self, key: Jwk) -> Jwk | None:
        """The very same key, whatever it is called there."""
        return next((one for one in self.keys if _same(one, key)), None)

    def called(self, name: str) -> list[Jwk]:
        """Those that tokens of that name are verified with."""
        return [one for one in self.keys if one.get("kid") == name]

    def check_name(self, key: Jwk, where: str) -> None:
        """A name that stands for two keys is refused: a verifier takes whichever it finds first."""
        if any(not _same(one, key) for one in self.called(kid(key))):
            found = f"{where} has another key that is called {kid(key)} as well"
            raise SourceRefused(f"{found}. Give that one another kid, or take it out")

    def with_key(self, key: Jwk) -> KeySet:
        """The same, and the public part of that one."""
        return self if self.find(key) else KeySet({**self._raw, "keys": [*self.keys, public(key)]})

    def without(self, key: Jwk) -> KeySet:
        """The same without that one."""
        return KeySet({**self._raw, "keys": [one for one in self.keys if not _same(one, key)]})

    def text(self) -> str:
        return json.dumps(self._raw, indent=1)

    def __len__(self) -> int:
        return len(self.keys)


def _same(one: Jwk, other: Jwk) -> bool:
    """By what they are; a key of a kind that we do not know is none of ours."""
    shape = next((shape for shape in SHAPES.values() if shape.kty == other.get("kty")), None)
    parts = ("kty", "crv", *shape.public) if shape else ()
    return bool(parts) and all(one.get(part) == other.get(part) for part in parts)


def to_text(number: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(number).rstrip(b"=").decode()


def to_bytes(text: str) -> bytes:
    """ValueError where it is none."""
    return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _is_number(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(to_bytes(value))
    except ValueError:
        return False


def _bits(number: str) -> int:
    return int.from_bytes(to_bytes(number)).bit_length()
