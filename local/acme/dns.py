"""A name server on this machine: TXT records as the local AWS's Route 53 has them, and what its servers know of them by now.

`dnslib` reads and writes the packets; it is among the tests' packages anyway, for the local AWS's alarms."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from dnslib import QTYPE, RCODE, RR, TXT
from dnslib.server import BaseResolver, DNSServer
from rotation.sources.acme_certificate.marks import STRING

from local.aws import LocalAws


class _Resolver(BaseResolver):  # type: ignore[misc]
    def __init__(self, aws: LocalAws) -> None:
        self._aws = aws
        self.asked: list[str] = []

    def resolve(self, request: Any, handler: Any) -> Any:  # noqa: ARG002 - as dnslib calls it
        reply, name = request.reply(), str(request.q.qname)
        if QTYPE[request.q.qtype] == "TXT":
            self.asked.append(name)
            for value in self._aws.published(name):
                reply.add_answer(RR(name, QTYPE.TXT, ttl=1, rdata=TXT(STRING.findall(value))))
        if not reply.rr:
            reply.header.rcode = RCODE.NXDOMAIN
        return reply


class NameServer:
    """`with NameServer(aws) as names:` it answers at `address`."""

    def __init__(self, aws: LocalAws) -> None:
        self._resolver = _Resolver(aws)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server.server_address[1]}"

    @property
    def asked(self) -> list[str]:
        """Names, in their order."""
        return list(self._resolver.asked)

    def __enter__(self) -> Self:
        self._server = DNSServer(self._resolver, port=0, address="127.0.0.1", logger=_Silent())
        self._server.start_thread()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.stop()
        self._server.server.server_close()


class _Silent:
    """What dnslib tells of each packet is told to nobody."""

    def __getattr__(self, _: str) -> Any:
        return lambda *_: None
