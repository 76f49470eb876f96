"""The little HTTP/1.1 that both sides of the stand-in need: one request, one answer, one connection."""

from __future__ import annotations

import asyncio
import json
import ssl
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

HOST = "127.0.0.1"
SLOW_CLIENT = 30.0  # seconds until a client that sends no request is let go
BACKLOG = 1024


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @classmethod
    def json(cls, status: int, content: Any) -> Answer:
        body = json.dumps(content, separators=(",", ":")).encode()
        return cls(status, {"content-type": "application/json"}, body)

    def encode(self) -> bytes:
        headers = {**self.headers, "content-length": str(len(self.body)), "connection": "close"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {self.status} {_phrase(self.status)}\r\n{lines}\r\n".encode() + self.body


Handler = Callable[[Request], Awaitable[Answer]]


async def serve(handler: Handler, tls: ssl.SSLContext | None = None, port: int = 0) -> asyncio.Server:
    """Listen on 127.0.0.1, on a free port unless one is given."""
    return await asyncio.start_server(conversation(handler), HOST, port, ssl=tls, backlog=BACKLOG)


def conversation(handler: Handler) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """With one client, whatever it has connected to."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await asyncio.wait_for(_read_request(reader), SLOW_CLIENT)
            writer.write((await _answer(handler, request)).encode())
            await writer.drain()
        except (OSError, EOFError, ValueError, TimeoutError, asyncio.LimitOverrunError):
            pass  # the client left or spoke no HTTP; there is nobody to tell
        finally:
            writer.close()

    return converse


def port_of(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


async def get(host: str, port: int, target: str) -> Answer:
    """GET over a connection of its own, read to its end. The caller sets the time limit."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(f"GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        start, headers = await _read_head(reader)
        if "content-length" in headers:
            body = await reader.readexactly(int(headers["content-length"]))
        else:
            body = await reader.read()
        return Answer(int(start.split(" ")[1]), headers, body)
    finally:
        writer.close()


async def _answer(handler: Handler, request: Request) -> Answer:
    try:
        return await handler(request)
    except Exception:  # noqa: BLE001 - whatever it was, the client gets an answer and the log the trace
        traceback.print_exc()
        return Answer.json(HTTPStatus.INTERNAL_SERVER_ERROR, {"message": "see the stand-in's log"})


async def _read_request(reader: asyncio.StreamReader) -> Request:
    start, headers = await _read_head(reader)
    method, target, _ = start.split(" ", 2)
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, target, headers, body)


async def _read_head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    start, *lines = head[:-4].split("\r\n")
    pairs = (line.split(":", 1) for line in lines)
    return start, {name.strip().lower(): value.strip() for name, value in pairs}


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
