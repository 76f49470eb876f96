"""A login through the endpoint that the application uses: a proxy in front of the database."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING

from rotation.core.errors import AccountLocked, SourceRefused

if TYPE_CHECKING:
    from rotation.core.model import Credential
    from rotation.kinds.target import EndpointSettings
    from rotation.ports import Source

AMAZON = "amazon"
"""Who signs for RDS Proxy: not the authorities of the databases."""


def authority(ca: str) -> str:
    """As a source takes it."""
    if ca != AMAZON:
        return ca
    return resources.files("rotation").joinpath("certificates/amazon-trust-services.pem").read_text()


class ThroughEndpoint:
    """It speaks the database's own protocol, at another host and port."""

    def __init__(self, source: Source, settings: EndpointSettings) -> None:
        self._source, self._settings = source, settings

    @property
    def name(self) -> str:
        return f"the endpoint {self._settings.host}:{self._settings.port}"

    def logs_in(self, credential: Credential) -> bool:
        """A proxy refuses in more ways than a database does: it knows no such user yet, or another password of it."""
        try:
            return self._source.logs_in(replace(credential, host=self._settings.host, port=self._settings.port))
        except (AccountLocked, SourceRefused):
            return False
