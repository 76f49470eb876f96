"""Whoever asks an ACME server signs what is asked: with an account's key, or that of a certificate (RFC 7515, RFC 7638)."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from rotation.core.jwk import to_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rotation.core.model import Password

_CURVES: Mapping[str, tuple[str, str, hashes.HashAlgorithm]] = {
    "secp256r1": ("ES256", "P-256", hashes.SHA256()),
    "secp384r1": ("ES384", "P-384", hashes.SHA384()),
}


class Signer:
    """A private key, as PEM, and by which URL the server knows it: without one the key says itself who it is."""

    def __init__(self, key: Password, account: str = "") -> None:
        """ValueError where it is no key that signs here."""
        self._key, self._account = _loaded(key), account
        self._public = _public(self._key)

    def signed(self, url: str, nonce: str, payload: Mapping[str, Any] | None) -> bytes:
        """`payload`: None where something is only read."""
        who: dict[str, Any] = {"kid": self._account} if self._account else {"jwk": self._public}
        head = to_text(json.dumps({"alg": _algorithm(self._key), "nonce": nonce, "url": url, **who}).encode())
        body = "" if payload is None else to_text(json.dumps(payload).encode())
        signature = to_text(_sign(self._key, f"{head}.{body}".encode()))
        return json.dumps({"protected": head, "payload": body, "signature": signature}).encode()

    def answer(self, token: str) -> str:
        """What has to stand in the TXT record for that challenge."""
        mine = to_text(sha256(json.dumps(self._public, sort_keys=True, separators=(",", ":")).encode()).digest())
        return to_text(sha256(f"{token}.{mine}".encode()).digest())


def _loaded(key: Password) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    try:
        found = load_pem_private_key(key.reveal().encode(), None)
    except (ValueError, TypeError):
        raise ValueError("no private key") from None
    known = isinstance(found, ec.EllipticCurvePrivateKey) and found.curve.name in _CURVES
    if not (known or isinstance(found, rsa.RSAPrivateKey)):
        raise ValueError("a key of another sort")
    return found  # type: ignore[return-value]


def _algorithm(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return "RS256" if isinstance(key, rsa.RSAPrivateKey) else _CURVES[key.curve.name][0]


def _public(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> dict[str, str]:
    """As a JWK, with no more members than its thumbprint is made of."""
    if isinstance(key, rsa.RSAPrivateKey):
        numbers = key.public_key().public_numbers()
        return {
            "kty": "RSA",
            "n": _number(numbers.n, (numbers.n.bit_length() + 7) // 8),
            "e": _number(numbers.e, (numbers.e.bit_length() + 7) // 8),
        }
    point, size = key.public_key().public_numbers(), key.curve.key_size // 8
    return {"kty": "EC", "crv": _CURVES[key.curve.name][1], "x": _number(point.x, size), "y": _number(point.y, size)}


def _number(number: int, size: int = 0) -> str:
    return to_text(number.to_bytes(size or (number.bit_length() + 7) // 8))


def _sign(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, text: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    size = key.curve.key_size // 8
    r, s = decode_dss_signature(key.sign(text, ec.ECDSA(_CURVES[key.curve.name][2])))
    return bytes(r.to_bytes(size) + s.to_bytes(size))
