"""A signing key as PEM, and back: PKCS #8, as OpenSSL writes it. Imported where a template asks for it, with the library."""

from __future__ import annotations

from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from rotation.core.errors import SecretInvalid
from rotation.core.jwk import is_symmetric, parse, to_bytes, to_text, written
from rotation.core.model import Password

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
P256_BYTES = 32


def to_pem(password: str) -> str:
    """ValueError where it is no signing key."""
    try:
        key = private_key(Password(password))
    except SecretInvalid:
        raise ValueError from None
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )  # fmt: skip
    return text.decode().rstrip("\n")


def from_pem(text: str) -> str:
    """As a record has it. ValueError where it is no such key."""
    try:
        key = serialization.load_pem_private_key(text.encode(), None)
    except (UnsupportedAlgorithm, TypeError):
        raise ValueError from None
    return as_jwk(key)


def private_key(password: Password) -> PrivateKey:
    """SecretInvalid where its parts do not fit each other, and of a symmetric one, which has none that is public."""
    jwk = parse(password)
    if is_symmetric(jwk):
        raise SecretInvalid("password is a symmetric key: there is no PEM of it, give its signers the JWK")
    try:
        return _private_key(jwk)
    except ValueError:
        raise SecretInvalid("password is no private key: its parts do not fit each other") from None


def _private_key(jwk: Any) -> PrivateKey:
    if jwk["kty"] == "OKP":
        key = ed25519.Ed25519PrivateKey.from_private_bytes(to_bytes(jwk["d"]))
        if to_text(key.public_key().public_bytes_raw()) != jwk["x"]:
            raise ValueError
        return key
    if jwk["kty"] == "EC":
        public = ec.EllipticCurvePublicNumbers(_number(jwk, "x"), _number(jwk, "y"), ec.SECP256R1())
        return ec.EllipticCurvePrivateNumbers(_number(jwk, "d"), public).private_key()
    of_both = rsa.RSAPublicNumbers(_number(jwk, "e"), _number(jwk, "n"))
    numbers = {part: _number(jwk, part) for part in ("p", "q", "d")}
    crt = {"dmp1": _number(jwk, "dp"), "dmq1": _number(jwk, "dq"), "iqmp": _number(jwk, "qi")}
    return rsa.RSAPrivateNumbers(**numbers, **crt, public_numbers=of_both).private_key()


def as_jwk(key: object) -> str:
    """In one line, with its name. ValueError where it is none of ours."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        parts = {"d": to_text(key.private_bytes_raw()), "x": to_text(key.public_key().public_bytes_raw())}
        return written(parts, "EdDSA")
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        secret = key.private_numbers()
        of = secret.public_numbers
        return written({"d": _fixed(secret.private_value), "x": _fixed(of.x), "y": _fixed(of.y)}, "ES256")
    if isinstance(key, rsa.RSAPrivateKey):
        n = key.private_numbers()
        numbers = {"n": n.public_numbers.n, "e": n.public_numbers.e, "d": n.d, "p": n.p, "q": n.q}
        crt = {"dp": n.dmp1, "dq": n.dmq1, "qi": n.iqmp}
        return written({part: _text(number) for part, number in {**numbers, **crt}.items()}, "RS256")
    raise ValueError


def _number(jwk: Any, part: str) -> int:
    return int.from_bytes(to_bytes(jwk[part]))


def _fixed(number: int) -> str:
    return to_text(number.to_bytes(P256_BYTES))


def _text(number: int) -> str:
    return to_text(number.to_bytes((number.bit_length() + 7) // 8))
