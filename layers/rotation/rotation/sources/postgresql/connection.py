"""One connection: TLS before a word is said, statements by name and value, and our own errors in place of the driver's."""

from __future__ import annotations

import re
import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from secrets import token_bytes
from typing import TYPE_CHECKING, Any

import pg8000.native
from pg8000.native import literal
from scramp import ScramException

from rotation.core.errors import PasswordRejected, RotationError, SourceRefused, SourceUnreachable, SourceUntrusted
from rotation.sources.other import way_out
from rotation.sources.postgresql.scram import SALT_BYTES, prepared, verifier
from rotation.sources.postgresql.sqlstates import named

if TYPE_CHECKING:
    from rotation.core.model import Credential, Password

DEFAULT_PORT = 5432
CONNECT_SECONDS = 5
STATEMENT_SECONDS = 10
NAME = "credential-rotation"
_PROTOCOL, _ASK_FOR_TLS = 196608, 80877103

Rows = list[list[Any]]


class Connection:
    """Open until it is closed; each statement is a transaction of its own unless `all_or_nothing`."""

    def __init__(self, credential: Credential, context: ssl.SSLContext) -> None:
        self._host = credential.host
        password = prepared(credential.password) if credential.password.reveal() else ""
        with _named(self._host):
            secure = _secure(credential.host, credential.port or DEFAULT_PORT, context)
            self.tls = secure.version() or ""
            try:
                self._session = pg8000.native.Connection(
                    credential.username,
                    password=password,
                    database=credential.dbname,
                    application_name=NAME,
                    sock=secure,
                    ssl_context=False,  # it is done
                )
            except BaseException:
                secure.close()
                raise

    @property
    def major(self) -> int:
        """The server's version."""
        found = re.match(r"\d+", self._session.parameter_statuses.get("server_version", ""))
        return int(found.group()) if found else 0

    def run(self, statement: str, **values: object) -> Rows:
        """Values only where the grammar takes them: most of what is about users does not."""
        with _named(self._host):
            rows: Rows | None = self._session.run(statement, **values)
        return rows or []

    def value(self, statement: str, **values: object) -> Any:
        return self.run(statement, **values)[0][0]

    def give_password(self, statement: str, password: Password) -> None:
        """`statement` ends where the password would follow. What refuses a value there is the server's password policy."""
        complete = f"{statement} {literal(verifier(password, token_bytes(SALT_BYTES)))}"
        with _named(self._host, refused=PasswordRejected):
            self._session.run(complete)

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        self.run("BEGIN")
        try:
            yield
        except BaseException:
            with suppress(RotationError):
                self.run("ROLLBACK")
            raise
        self.run("COMMIT")

    def close(self) -> None:
        with suppress(pg8000.native.Error, OSError):
            self._session.close()


def takes_plain_text(credential: Credential) -> bool:
    """Whether the server would ask that user for a password without TLS. Only the name is said."""
    said = struct.pack("!i", _PROTOCOL) + b"".join(
        f"{key}\0{value}\0".encode() for key, value in (("user", credential.username), ("database", credential.dbname))
    )
    with _named(credential.host), _plain(credential.host, credential.port or DEFAULT_PORT) as plain:
        plain.sendall(struct.pack("!i", len(said) + 5) + said + b"\0")
        return plain.recv(1) == b"R"


def _plain(host: str, port: int) -> socket.socket:
    plain = socket.create_connection((host, port), CONNECT_SECONDS)
    plain.settimeout(STATEMENT_SECONDS)
    return plain


def _secure(host: str, port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    """The driver goes on in plain text unless told not to, and takes a server that hangs up for one without TLS."""
    with _plain(host, port) as plain:
        plain.sendall(struct.pack("!ii", 8, _ASK_FOR_TLS))
        answer = plain.recv(1)
        if answer == b"N":
            raise SourceUntrusted(f"{host} offers no TLS")
        if answer in (b"", b"E"):
            raise SourceUnreachable(f"{host} hung up, or takes no connection now")
        if answer != b"S":
            raise SourceRefused(way_out(host, "something else", "PostgreSQL"))
        try:
            return context.wrap_socket(plain, server_hostname=host)  # takes the socket over
        except ssl.SSLEOFError:
            raise SourceUnreachable(f"{host} hung up") from None
        except ssl.SSLError:
            raise SourceUntrusted(f"{host}: its certificate is not trusted by source.ca, or is for another host name") from None


@contextmanager
def _named(host: str, refused: type[RotationError] = SourceRefused) -> Iterator[None]:
    """Our own errors in place of the driver's; the text stays behind. `refused`: what a value that is not taken means."""
    try:
        yield
    except ScramException:
        raise SourceUntrusted(f"{host} did not prove that it knows the password") from None
    except (pg8000.native.Error, OSError) as error:
        raise _error(error, host, refused) from None


def _error(error: BaseException, host: str, refused: type[RotationError]) -> RotationError:
    """What the server said may have been followed by the loss of the connection, and that is then what the driver raises."""
    seen: BaseException | None = error
    while isinstance(seen, (pg8000.native.Error, OSError)):
        if isinstance(seen, pg8000.native.DatabaseError):
            told = seen.args[0]
            return named(told["C"], told.get("R", ""), host, refused)
        seen = seen.__cause__ or seen.__context__
    return SourceUnreachable(f"{host} could not be reached, or the connection was lost ({type(error).__name__})")
