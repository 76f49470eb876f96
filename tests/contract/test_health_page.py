"""The health page: only the expected status with the marker counts, from the server that the certificate names."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from rotation.checks.page import HealthPage
from rotation.core.errors import AppUnhealthy
from rotation.kinds.target import HealthSettings

from local.certificates import Authority
from local.ports import free_port

MARKER = "OpenEMR Login"
PAGE = "/interface/login/login.php?site=default"


class Page(BaseHTTPRequestHandler):
    """What each address answers; the application's page only at its whole address."""

    def do_GET(self) -> None:
        {
            PAGE: lambda: self._answer(200, f"<h1>{MARKER}</h1>"),
            "/failed-login": lambda: self._answer(200, "ERROR: Could not connect to server!"),
            "/unavailable": lambda: self._answer(503, f"<h1>{MARKER}</h1>"),
            "/elsewhere": lambda: self._answer(302, MARKER, ("Location", PAGE)),
            "/slow": self.server.released.wait,  # type: ignore[attr-defined]
        }[self.path]()

    def _answer(self, status: int, body: str, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """A client that does not trust it hangs up: that is what some tests are about, and nothing to tell."""

    def handle_error(self, request: object, client_address: object) -> None: ...


@contextmanager
def serving(prepare: Callable[[ThreadingHTTPServer], None] = lambda _: None) -> Iterator[str]:
    """Host and port of a server that is gone afterwards."""
    with Server(("127.0.0.1", 0), Page) as server:
        server.released = threading.Event()  # type: ignore[attr-defined]
        prepare(server)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.released.set()  # type: ignore[attr-defined]
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def http() -> Iterator[str]:
    with serving() as place:
        yield f"http://{place}"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("the application's")


@pytest.fixture(scope="module")
def https(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    context = authority.issue(tmp_path_factory.mktemp("tls"), "page").context()

    def wrap(server: ThreadingHTTPServer) -> None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)

    with serving(wrap) as place:
        yield f"https://{place}"


def check(url: str, **more: object) -> None:
    settings = HealthSettings(url=url, status=200, marker=MARKER, timeout_seconds=5, ca="system")
    HealthPage(settings._replace(**more)).check()  # type: ignore[arg-type]


def unhealthy(url: str, why: str, **more: object) -> None:
    with pytest.raises(AppUnhealthy, match=why) as caught:
        check(url, **more)
    assert url in str(caught.value)


def test_the_page_with_its_marker_is_healthy(http: str) -> None:
    check(http + PAGE)


def test_a_200_without_the_marker_is_not(http: str) -> None:
    unhealthy(http + "/failed-login", "without the marker")


def test_another_status_is_not_even_with_the_marker(http: str) -> None:
    unhealthy(http + "/unavailable", "answers 503, not 200")


def test_another_status_may_be_the_expected_one(http: str) -> None:
    check(http + "/unavailable", status=503)


def test_a_redirect_is_not_followed(http: str) -> None:
    """To a login page of something else, perhaps."""
    unhealthy(http + "/elsewhere", "answers 302, not 200")


def test_a_page_that_takes_too_long_is_not(http: str) -> None:
    unhealthy(http + "/slow", "does not answer", timeout_seconds=0.2)


def test_nobody_there_is_not_healthy() -> None:
    unhealthy(f"http://127.0.0.1:{free_port()}{PAGE}", "does not answer")


def test_a_name_that_nobody_knows_is_not_healthy() -> None:
    unhealthy(f"http://application.invalid{PAGE}", "does not answer")


def test_something_else_than_http_is_not_healthy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def serve() -> None:
            connection, _ = other.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"220 mail.example ESMTP\r\n" + MARKER.encode())

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            unhealthy(f"http://127.0.0.1:{other.getsockname()[1]}/", "does not answer")
        finally:
            thread.join()


def test_over_tls_by_the_authority_that_the_target_names(https: str, authority: Authority) -> None:
    check(https + PAGE, ca=authority.pem)


@pytest.mark.parametrize("ca", ["system", Authority("somebody else").pem])
def test_no_other_authority_is_believed(https: str, ca: str) -> None:
    unhealthy(https + PAGE, "does not answer", ca=ca)


def test_a_certificate_of_another_host_is_not_believed(https: str, authority: Authority) -> None:
    """127.1 is 127.0.0.1 to the network and another name to the certificate."""
    unhealthy(https.replace("127.0.0.1", "127.1") + PAGE, "does not answer", ca=authority.pem)


def test_a_server_without_tls_does_not_do_where_tls_was_asked_for(http: str, authority: Authority) -> None:
    unhealthy(http.replace("http:", "https:") + PAGE, "does not answer", ca=authority.pem)
