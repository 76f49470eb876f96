"""Keys that sign: made, and tried by signing a token and verifying it as a verifier would."""

from __future__ import annotations

import hmac
import json
import secrets
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from rotation.core.jwk import (
    LEAST_RSA_BITS,
    LEAST_SECRET_BITS,
    Jwk,
    KeySet,
    algorithm_of,
    is_symmetric,
    kid,
    parse,
    to_bytes,
    to_text,
    written,
)
from rotation.core.model import Password
from rotation.core.pem import P256_BYTES, as_jwk, private_key

EXPONENT = 65537
NAME_BYTES = 16
"""Of a name that says nothing of its key."""
SAID = {"purpose": "credential-rotation tries a key"}
"""No claim that anybody would take for a user's. The token is in no place but this function's memory."""


def new_key(algorithm: str) -> Password:
    """As a record holds it."""
    if algorithm == "HS256":
        key, name = secrets.token_bytes(LEAST_SECRET_BITS // 8), secrets.token_bytes(NAME_BYTES)
        return Password(written({"k": to_text(key)}, algorithm, to_text(name)))
    if algorithm == "EdDSA":
        return Password(as_jwk(ed25519.Ed25519PrivateKey.generate()))
    if algorithm == "ES256":
        return Password(as_jwk(ec.generate_private_key(ec.SECP256R1())))
    return Password(as_jwk(rsa.generate_private_key(EXPONENT, LEAST_RSA_BITS)))


def accepts(published: KeySet, password: Password) -> bool:
    """Whether whoever reads that JWKS takes what the key signs: by its name, as verifiers look for it. One that goes there by
    another name, as a person gave it, is looked for by what it is: its signer may be told that name elsewhere."""
    jwk = parse(password)
    token = signed(password)
    named = published.called(kid(jwk))
    found = named[0] if named else published.find(jwk)
    return found is not None and verifies(token, found)


def refuses(published: KeySet, password: Password) -> bool:
    """Whether no key of that JWKS verifies what the key signs, whatever it is called there."""
    token = signed(password)
    return not any(verifies(token, one) for one in published.keys)


def signed(password: Password) -> str:
    """A token."""
    jwk = parse(password)
    header = {"alg": algorithm_of(jwk), "kid": kid(jwk), "typ": "JWT"}
    text = ".".join(to_text(json.dumps(part).encode()) for part in (header, SAID))
    made = _mac(jwk, text.encode()) if is_symmetric(jwk) else _sign(private_key(password), text.encode())
    return f"{text}.{to_text(made)}"


def _mac(key: Jwk, text: bytes) -> bytes:
    return hmac.digest(to_bytes(key["k"]), text, "sha256")


def _sign(key: Any, text: bytes) -> bytes:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(text)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    r, s = decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256())))
    return bytes(r.to_bytes(P256_BYTES) + s.to_bytes(P256_BYTES))


def verifies(token: str, jwk: Jwk) -> bool:
    """Whether that key of a JWKS verifies it. One that is not whole, or of a kind that we do not know, verifies nothing of ours."""
    text, _, signature = token.rpartition(".")
    algorithm = json.loads(to_bytes(text.partition(".")[0]))["alg"]
    if algorithm_of(jwk) != algorithm or jwk.get("use", "sig") != "sig":
        return False
    try:
        _verify(jwk, algorithm, text.encode(), to_bytes(signature))
    except (InvalidSignature, ValueError, KeyError, TypeError, AttributeError):
        return False
    return True


def _verify(jwk: Jwk, algorithm: str, text: bytes, signature: bytes) -> None:
    if algorithm == "HS256":
        if not hmac.compare_digest(_mac(jwk, text), signature):
            raise InvalidSignature
    elif algorithm == "EdDSA":
        ed25519.Ed25519PublicKey.from_public_bytes(to_bytes(jwk["x"])).verify(signature, text)
    elif algorithm == "RS256":
        rsa.RSAPublicNumbers(_number(jwk, "e"), _number(jwk, "n")).public_key().verify(
            signature, text, padding.PKCS1v15(), hashes.SHA256()
        )
    else:
        r, s = int.from_bytes(signature[:P256_BYTES]), int.from_bytes(signature[P256_BYTES:])
        public = ec.EllipticCurvePublicNumbers(_number(jwk, "x"), _number(jwk, "y"), ec.SECP256R1()).public_key()
        public.verify(encode_dss_signature(r, s), text, ec.ECDSA(hashes.SHA256()))


def _number(jwk: Jwk, part: str) -> int:
    return int.from_bytes(to_bytes(jwk[part]))
