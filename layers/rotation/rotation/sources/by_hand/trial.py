"""One request that says whether a key is accepted. Of the answer the status alone is looked at; nothing of it is passed on."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rotation.core.errors import SecretInvalid, SourceUnreachable, SourceUntrusted

if TYPE_CHECKING:
    from rotation.core.model import Password

REQUEST_SECONDS = 8
KEY = "{key}"


def accepted(how: Mapping[str, Any], key: Password) -> bool:
    """Whether the key works. An answer that says neither is no answer."""
    place = urlsplit(how["url"])
    header = how["value"].replace(KEY, key.reveal())
    if not (header.isascii() and header.isprintable()):
        raise SecretInvalid("a key holds a character that no header may: line ends, blanks at its ends? Hand it in anew")
    connection = http.client.HTTPSConnection(
        place.hostname or "", place.port, timeout=REQUEST_SECONDS, context=_trusting(how["ca"])
    )
    try:
        path = f"{place.path or '/'}{'?' + place.query if place.query else ''}"
        connection.request("GET", path, headers={how["header"]: header, "User-Agent": "credential-rotation"})
        status = connection.getresponse().status
    except ssl.SSLCertVerificationError:
        raise SourceUntrusted(f"{place.hostname}: its certificate is not what source.try.ca vouches for") from None
    except ssl.SSLError:
        raise SourceUntrusted(f"{place.hostname} does not speak TLS 1.2 or later") from None
    except (OSError, http.client.HTTPException) as error:
        raise SourceUnreachable(f"{place.hostname} did not answer ({type(error).__name__})") from None
    finally:
        connection.close()
    if status in how["works"]:
        return True
    if status in how["refused"]:
        return False
    raise SourceUnreachable(f"{place.hostname} answers {status}, which says neither that a key works nor that it is refused")


def _trusting(ca: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=None if ca == "system" else ca)
    except (ssl.SSLError, ValueError):
        raise SourceUntrusted("source.try.ca is no certificate in PEM") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
