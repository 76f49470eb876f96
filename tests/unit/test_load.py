"""The load generator counts what a user would call a failure, and sends on while the application hangs."""

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from local.load import NOBODY, Load, Request, Results

PAGE = b"HTTP/1.1 200 OK\r\nX-Database-User: openemr_a\r\nX-Pod: one\r\n\r\nOpenEMR Login"

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextmanager
def application(behaviour: Behaviour) -> Iterator[str]:
    """A server of one behaviour, in a thread of its own; gives its URL."""
    started, loop = threading.Event(), asyncio.new_event_loop()
    ports: list[int] = []

    async def serve() -> None:
        server = await asyncio.start_server(behaviour, "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
        started.set()
        async with server:
            await stopping.wait()

    stopping = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    started.wait()
    yield f"http://127.0.0.1:{ports[0]}/login?site=default"
    loop.call_soon_threadsafe(stopping.set)
    thread.join()
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


def says(answer: bytes) -> Behaviour:
    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    return behaviour


async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()


def load(behaviour: Behaviour, requests: int = 5) -> Results:
    with application(behaviour) as url:
        generator = Load(url, rate=200, timeout=0.2)
        generator.start()
        while len(generator.results().requests) < requests:
            time.sleep(0.01)
        return generator.stop()


def reasons(results: Results) -> set[str | None]:
    return {request.reason for request in results.requests}


def test_a_page_with_the_marker_is_served_and_counted_for_its_database_user() -> None:
    results = load(says(PAGE))
    assert reasons(results) == {None}
    assert results.by_user() == {"openemr_a": (len(results.requests), 0)}
    assert {request.pod for request in results.requests} == {"one"}


def test_pages_are_asked_for_in_turn_and_each_is_judged() -> None:
    asked: list[bytes] = []

    async def notes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).split(b" ")[1])
        writer.write(PAGE if asked[-1] == b"/login?site=default" else PAGE.replace(b"Login", b"Error"))
        await writer.drain()
        writer.close()

    with application(notes) as url, Load(url, rate=200, more=("/light", "/light")) as generator:
        while len(generator.results().requests) < 30:
            time.sleep(0.01)
        results = generator.stop()
    count = len(results.requests)
    assert {page: asked.count(page) for page in asked} == {
        b"/login?site=default": -(-count // 3),
        b"/light": count - -(-count // 3),
    }
    assert results.served == -(-count // 3)


def test_a_200_without_the_marker_failed_and_names_the_user_that_could_not_log_in() -> None:
    results = load(says(PAGE.replace(b"OpenEMR Login", b"ERROR: Could not connect to server!")))
    assert reasons(results) == {"200 without 'OpenEMR Login'"}
    assert results.by_user() == {"openemr_a": (0, len(results.requests))}


def test_another_status_failed_even_with_the_marker() -> None:
    assert reasons(load(says(PAGE.replace(b"200 OK", b"503 Unavailable")))) == {"status 503"}


def test_a_redirect_failed() -> None:
    assert reasons(load(says(PAGE.replace(b"200 OK", b"302 Found")))) == {"status 302"}


def test_a_reset_failed() -> None:
    assert all(reason and reason.startswith("connection failed") for reason in reasons(load(resets)))


def test_an_answer_cut_short_failed() -> None:
    cut = PAGE.replace(b"\r\n\r\n", b"\r\nContent-Length: 1000\r\n\r\n")
    assert reasons(load(says(cut))) == {"connection failed: IncompleteReadError"}


def test_a_refused_connection_failed() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can take the port meanwhile
        with Load(f"http://127.0.0.1:{unused.getsockname()[1]}/", rate=200) as generator:
            while not generator.results().requests:
                time.sleep(0.01)
        assert reasons(generator.results()) == {"connection failed: ConnectionRefusedError"}


def test_a_hanging_application_is_a_failure_and_does_not_slow_the_rate() -> None:
    with application(hangs) as url:
        began = time.monotonic()
        with Load(url, rate=100, timeout=0.5) as generator:
            while time.monotonic() - began < 0.6:
                time.sleep(0.01)
        results = generator.results()
    assert reasons(results) == {"no answer within 0.5 s"}
    assert len(results.requests) >= 50, "a closed loop would have sent two"
    assert results.by_user() == {NOBODY: (0, len(results.requests))}


def request(at: float, user: str = "openemr_a", reason: str | None = None) -> Request:
    return Request(at=at, user=user, pod="one", milliseconds=5.0, reason=reason)


def test_results_are_counted_by_user_and_by_second_the_silent_seconds_included() -> None:
    results = Results((request(10.1), request(10.9, reason="status 500"), request(12.0, "openemr_b")))
    assert results.served == 2
    assert [failure.at for failure in results.failures] == [10.9]
    assert results.by_user() == {"openemr_a": (1, 1), "openemr_b": (1, 0)}
    assert [(second.at, second.served, second.failed) for second in results.per_second()] == [(10, 1, 1), (11, 0, 0), (12, 1, 0)]
    assert results.between(10.5, 12.0).requests == (request(10.9, reason="status 500"),)


def test_no_requests_are_no_seconds() -> None:
    assert Results(()).per_second() == []
