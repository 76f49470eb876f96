"""A server of a test takes as many clients at once as come."""

import socket
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler

from tests.worlds.server import Server

CLIENTS = 200


def test_clients_that_come_while_it_is_busy_are_kept_waiting_and_not_forgotten() -> None:
    """It takes nobody yet: so all of them wait."""
    with ExitStack() as stack:
        server = stack.enter_context(Server(("127.0.0.1", 0), BaseHTTPRequestHandler))
        for _ in range(CLIENTS):
            stack.enter_context(socket.create_connection(server.server_address[:2], timeout=0.5))
