"""A database of another kind than the target says: told by how it answers, never by its port."""

import socket
import struct
from contextlib import suppress

SECONDS = 2
_ASK_FOR_TLS = struct.pack("!ii", 8, 80877103)


def answers_as_postgresql(host: str, port: int) -> bool:
    """Asked for TLS as PostgreSQL's clients ask, it says yes or no; whoever is no PostgreSQL says something else, or nothing."""
    with suppress(OSError), socket.create_connection((host, port), SECONDS) as plain:
        plain.settimeout(SECONDS)
        plain.sendall(_ASK_FOR_TLS)
        return plain.recv(1) in (b"S", b"N")
    return False


def way_out(host: str, found: str, expected: str) -> str:
    """What to say of it."""
    return (
        f"{host} is {found}, not {expected}: correct source.kind of the target (parameter SourceKind),"
        " or host and port in the record and the admin's secret"
    )
