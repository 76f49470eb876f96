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
from rotation.core.model import SecretText

if TYPE_CHECKING:
    from rotation.core.model import Password

Jwk = Mapping[str, Any]


class Shape(NamedTuple):
    """What a key of one algorithm is made of."""

    kty: str
    crv: str
    """Empty where the type has no curves."""
    verifies: tuple[str, ...]
    """Besides these two, what whoever verifies needs, and its thumbprint is computed from (RFC 7638)."""
    signs: tuple[str, ...]
    """What only its signers have."""


SHAPES = {
    "EdDSA": Shape("OKP", "Ed25519", ("x",), ("d",)),
    "ES256": Shape("EC", "P-256", ("x", "y"), ("d",)),
    "RS256": Shape("RSA", "", ("n", "e"), ("d", "p", "q", "dp", "dq", "qi")),
    "HS256": Shape("oct", "", ("k",), ()),
}
"""By the algorithm as a token's header says it. All but the last can be verified with what everybody may know."""
SYMMETRIC = "oct"
WHERE_HS256 = (
    "whoever verifies HS256 has the very secret that signs. So its keys may only be where nobody but verifiers reads them: in a"
    " path of Vault (source.vault). If a verifier knows one secret only and reads no set of keys, change to EdDSA, ES256 or RS256"
)
LEAST_RSA_BITS = 2048
LEAST_SECRET_BITS = 256
"""RFC 7518: no shorter than what the hash gives."""
PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


def parse(password: Password) -> Jwk:
    """The private key that a record's entry holds, or SecretInvalid, which shows nothing of it."""
    try:
        key = json.loads(password.reveal())
    except ValueError:
        key = None
    if not isinstance(key, dict):
        raise SecretInvalid("password is no private key: it has to be a JWK, as JSON in one line (docs/signing-keys.md makes one)")
    algorithm = algorithm_of(key)
    if algorithm is None:
        known = ", ".join(f"{name} ({one.crv or one.kty})" for name, one in SHAPES.items())
        raise SecretInvalid(f"password is a key of a kind that is not known here: there are {known}")
    lacking = [part for part in (*SHAPES[algorithm].verifies, *SHAPES[algorithm].signs) if not _is_number(key.get(part))]
    if lacking:
        raise SecretInvalid(f"password is no private key: {', '.join(lacking)} of it is missing or no base64url")
    if is_symmetric(key):
        _check_symmetric(key)
    if algorithm == "RS256" and _bits(key["n"]) < LEAST_RSA_BITS:
        raise SecretInvalid(f"password is an RSA key of less than {LEAST_RSA_BITS} bits: take another")
    return key


def is_symmetric(key: Jwk) -> bool:
    """Whether who verifies with it could sign."""
    return key.get("kty") == SYMMETRIC


def _check_symmetric(key: Jwk) -> None:
    if 8 * len(to_bytes(key["k"])) < LEAST_SECRET_BITS:
        raise SecretInvalid(f"password is a symmetric key of less than {LEAST_SECRET_BITS} bits: take another")
    if not isinstance(key.get("kid"), str) or not key["kid"]:
        raise SecretInvalid(
            "password is a symmetric key without a kid: give it one that says nothing of it. A thumbprint, which is computed from"
            " the secret, would stand in every token"
        )


def algorithm_of(key: Jwk) -> str | None:
    """By what it is made of; None where it says another, or is made of something else."""
    for name, shape in SHAPES.items():
        if key.get("kty") == shape.kty and (not shape.crv or key.get("crv") == shape.crv):
            return name if key.get("alg", name) == name else None
    return None


def thumbprint(key: Jwk) -> str:
    """RFC 7638: what a key is, whatever it is called."""
    shape = SHAPES[str(algorithm_of({name: value for name, value in key.items() if name != "alg"}))]
    parts = {part: key[part] for part in ("kty", *(("crv",) if shape.crv else ()), *shape.verifies)}
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return to_text(sha256(text.encode()).digest())


def kid(key: Jwk) -> str:
    """How tokens call it: what it says itself, as a symmetric one has to, or its thumbprint."""
    return str(key.get("kid") or thumbprint(key))


def verifying(key: Jwk) -> dict[str, str]:
    """What verifiers are given of it: its public part, or of a symmetric one all that there is."""
    algorithm = str(algorithm_of(key))
    shape = SHAPES[algorithm]
    curve = {"crv": shape.crv} if shape.crv else {}
    parts = {part: key[part] for part in shape.verifies}
    return {"kty": shape.kty, **curve, **parts, "kid": kid(key), "alg": algorithm, "use": "sig"}


def written(parts: Mapping[str, str], algorithm: str, name: str = "") -> str:
    """A private key in one line, with its name and what it is for. Without a name of its own it is called by its thumbprint."""
    shape = SHAPES[algorithm]
    key = {"kty": shape.kty, **({"crv": shape.crv} if shape.crv else {}), **parts, "alg": algorithm, "use": "sig"}
    return json.dumps({**key, "kid": name or thumbprint(key)}, sort_keys=True, separators=(",", ":"))


class KeySet:
    """A JWKS: ours and others' keys, in their order, with every member that we do not know. It does not show itself: there may be
    symmetric keys in it."""

    def __init__(self, raw: Mapping[str, Any], *, secret: bool = False) -> None:
        """`secret`: only those may read it who verify."""
        self._raw, self._secret = raw, secret

    @classmethod
    def parse(cls, text: Password, name: str, *, secret: bool = False) -> KeySet:
        """SourceRefused, naming the place and what is wrong, where verifiers could not read it, or may read what they must not."""
        try:
            raw = json.loads(text.reveal())
        except ValueError:
            raise SourceRefused(f"{name} is not JSON: verifiers cannot read it either. Put back what was there") from None
        keys = raw.get("keys") if isinstance(raw, dict) else None
        if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
            raise SourceRefused(f'{name} is no JWKS: it has to be {{"keys": […]}}, with an object for each key')
        what, who = ("private", "whoever verifies") if secret else ("private or symmetric", "everybody")
        for place, key in enumerate(keys):
            if (PRIVATE - {"k"} if secret and is_symmetric(key) else PRIVATE) & key.keys():
                raise SourceRefused(
                    f"{name}: keys[{place}] holds a {what} key, and {who} may read that. Take it out, and do"
                    " not use it again: start mode revoke if it is one of the record's"
                )
        return cls(raw, secret=secret)

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
        """The same, and what verifies of that one. SecretInvalid where nobody may know that."""
        if is_symmetric(key) and not self._secret:
            raise SecretInvalid(f"password is a symmetric key: {WHERE_HS256}")
        return self if self.find(key) else self._with([*self.keys, verifying(key)])

    def without(self, key: Jwk) -> KeySet:
        """The same without that one."""
        return self._with([one for one in self.keys if not _same(one, key)])

    def _with(self, keys: Sequence[Jwk]) -> KeySet:
        return KeySet({**self._raw, "keys": keys}, secret=self._secret)

    def text(self) -> SecretText:
        return SecretText(json.dumps(self._raw, indent=1))

    def __len__(self) -> int:
        return len(self.keys)


def _same(one: Jwk, other: Jwk) -> bool:
    """By what they are; a key of a kind that we do not know is none of ours."""
    shape = next((shape for shape in SHAPES.values() if shape.kty == other.get("kty")), None)
    parts = ("kty", "crv", *shape.verifies) if shape else ()
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
