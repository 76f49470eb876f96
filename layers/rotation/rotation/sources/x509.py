"""Private keys, requests to sign them, and what a certificate says: where the library for it is used.

A certificate is tried as a client would: by a handshake in this function's memory, with it on the one side and the authority that
the clients trust on the other. Chain, names, moments and key are judged by OpenSSL, and by nothing written here.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from rotation.core.certificate import bundle, each, parts, serial
from rotation.core.model import Password
from rotation.memory import in_memory
from rotation.sources.certificates import About, Request

if TYPE_CHECKING:
    from rotation.kinds.kind import Settings
    from rotation.sources.certificates import Maker

EXPONENT = 65_537
ROUNDS = 10
"""A handshake takes three."""


class X509:
    """By `cryptography` and OpenSSL."""

    def request(self, settings: Settings, uri: str = "") -> Request:
        key = _new_key(settings["key"])
        names: list[x509.GeneralName] = [
            x509.DNSName(one) for one in dict.fromkeys((settings["common_name"], *settings["alt_names"]))
        ]
        names += [x509.IPAddress(ipaddress.ip_address(one)) for one in settings.get("ip_sans", ())]
        names += [x509.UniformResourceIdentifier(uri)] if uri else []
        called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, settings["common_name"])])
        asked = (
            x509.CertificateSigningRequestBuilder()
            .subject_name(called)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        text = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
        return Request(Password(text), asked.public_bytes(pem).decode(), _public(key.public_key()))

    def about(self, pem: str) -> About:
        found = x509.load_pem_x509_certificate(next(each(pem), "").encode())
        try:
            san = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            san = x509.SubjectAlternativeName([])
        names = [*san.get_values_for_type(x509.DNSName), *map(str, san.get_values_for_type(x509.IPAddress))]
        return About(
            serial(pem),
            frozenset(names),
            frozenset(san.get_values_for_type(x509.UniformResourceIdentifier)),
            found.not_valid_before_utc.timestamp(),
            found.not_valid_after_utc.timestamp(),
            _public(found.public_key()),
            found.issuer == found.subject,
        )

    def shakes(self, password: Password, authority: str) -> bool:
        try:
            names = sorted(self.about(parts(password)[0]).names)
            server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            with in_memory(password.reveal()) as path:
                server.load_cert_chain(path, password=str)
        except (ValueError, ssl.SSLError):
            return False  # no certificate, or of another key
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.load_verify_locations(cadata=authority)
        client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        client.check_hostname = bool(names)
        return _shaken(client, server, names[0].replace("*", "any", 1) if names else None)


def _shaken(client: ssl.SSLContext, server: ssl.SSLContext, name: str | None) -> bool:
    """Both sides in memory, in turn, until they are through or one of them refuses."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [client.wrap_bio(back, there, server_hostname=name), server.wrap_bio(there, back, server_side=True)]
    for _ in range(ROUNDS):
        for side in tuple(sides):
            try:
                side.do_handshake()
                sides.remove(side)
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return False
        if not sides:
            return True
    return False


def _new_key(kind: str) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    if kind.startswith("rsa-"):
        return rsa.generate_private_key(EXPONENT, int(kind.removeprefix("rsa-")))
    return ec.generate_private_key(ec.SECP384R1() if kind == "ec-p384" else ec.SECP256R1())


def _public(key: object) -> bytes:
    """DER; of a kind that we do not know nothing."""
    if not isinstance(key, (ec.EllipticCurvePublicKey, rsa.RSAPublicKey)):
        return b""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def with_chain(maker: Maker, key: Password, certificate: str, chain: Sequence[str]) -> Password:
    """As a server shows it: those that vouch for it follow, but for the last, whom clients know."""
    between = [one for one in chain if not maker.about(one).own_issuer]
    return bundle("\n".join([certificate, *between]), key)
