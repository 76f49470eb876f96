"""Free ports for servers that must be told theirs."""

from __future__ import annotations

import random
import socket

# Below the range that the kernel gives to outgoing connections: under load those would take a port
# between our look and the server's bind.
RANGE = range(20_000, 32_000)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    while True:
        port = random.choice(RANGE)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
