"""The health page: expected status and marker in the body, no redirect followed, TLS verified."""

from __future__ import annotations

import http.client
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rotation.core.errors import AppUnhealthy

if TYPE_CHECKING:
    from rotation.kinds.target import HealthSettings

MAX_BODY = 1_000_000


class HealthPage:
    """A 200 proves nothing: OpenEMR prints its connect error with a 200. Hence the marker."""

    def __init__(self, settings: HealthSettings) -> None:
        self._settings = settings

    def check(self) -> None:
        settings = self._settings
        try:
            status, body = self._get()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise AppUnhealthy(f"{settings.url} does not answer ({type(error).__name__})") from None
        if status != settings.status:
            raise AppUnhealthy(f"{settings.url} answers {status}, not {settings.status}")
        if settings.marker.encode() not in body:
            raise AppUnhealthy(f"{settings.url} answers {status}, but without the marker {settings.marker!r}")

    def _get(self) -> tuple[int, bytes]:
        url, timeout = urlsplit(self._settings.url), self._settings.timeout_seconds
        connection = (
            http.client.HTTPSConnection(url.hostname or "", url.port, timeout=timeout, context=self._tls())
            if url.scheme == "https"
            else http.client.HTTPConnection(url.hostname or "", url.port, timeout=timeout)
        )
        try:
            connection.request("GET", f"{url.path or '/'}{'?' + url.query if url.query else ''}")
            answer = connection.getresponse()
            return answer.status, answer.read(MAX_BODY)
        finally:
            connection.close()

    def _tls(self) -> ssl.SSLContext:
        ca = self._settings.ca
        context = ssl.create_default_context(cadata=None if ca == "system" else ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context
