"""A request as a description makes it, to the host of an API, and what came back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from rotation.sources.http_api_key.answers import Answer, parsed
from rotation.sources.https import Host

if TYPE_CHECKING:
    from rotation.sources.http_api_key.asking import Request


class Wire(Protocol):
    """What can be asked: a host, or what stands in for one."""

    @property
    def host(self) -> str:
        """With its port where that is not 443."""

    def ask(self, request: Request) -> Answer:
        """Our own error where nothing was answered."""


class Https:
    """The host of an API."""

    def __init__(self, host: str, ca: str) -> None:
        self.host, self._there = host, Host(host, ca)

    def ask(self, request: Request) -> Answer:
        got = self._there.ask(request.method, request.target, request.what, request.body, request.headers)
        return Answer(got.status, parsed(got.data), got.headers.get("Link", ""))
