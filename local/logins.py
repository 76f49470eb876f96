"""New logins at a fixed rate, each with what sqlconf.php says, none tried again: what the application does, without its pages.

Every other client has PHP's opcache: it looks at the file again when what it knows is two seconds old, and logs in with that
until then. Open loop, as in load.py: a slow login does not make the next one wait.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import pymysql
from rotation.consumers.sqlconf import text as sqlconf
from rotation.core.errors import RotationError
from rotation.core.model import Credential

CLIENTS = 24
"""With 200 logins/s each has 120 ms for one; some 3 are usual, 20 on a busy machine."""
OPCACHE_SECONDS = 2.0
"""opcache.revalidate_freq: how old what a client logs in with may be."""
TIMEOUT = 5  # seconds; what a user would call "it hangs"
DEFAULT_PORT = 3306
DENIED = "1045"
LogIn = Callable[[Credential], object]


class Reader:
    """sqlconf.php as one PHP process has it."""

    def __init__(self, path: Path, keeps_seconds: float) -> None:
        self._path, self._keeps = path, keeps_seconds
        self._known: Credential | None = None
        self._looked = 0.0

    def read(self) -> Credential:
        now = time.monotonic()
        if self._known is None or now - self._looked >= self._keeps:
            self._known, self._looked = sqlconf.read(self._path.read_bytes()), now
        return self._known


class NewSession:
    """As the application: TLS, chain and host name verified, a session of its own, one statement."""

    def __init__(self, ca_pem: str) -> None:
        self._tls = ssl.create_default_context(cadata=ca_pem)

    def __call__(self, credential: Credential) -> None:
        with (
            pymysql.connect(
                host=credential.host,
                port=credential.port or DEFAULT_PORT,
                user=credential.username,
                password=credential.password.reveal().encode(),
                database=credential.dbname,
                ssl=self._tls,
                autocommit=None,  # left as the server has it, as PHP does
                connect_timeout=TIMEOUT,
                read_timeout=TIMEOUT,
            ) as session,
            session.cursor() as cursor,
        ):
            cursor.execute("SELECT 1")
            cursor.fetchone()


@dataclass(frozen=True)
class Logged:
    """`failures`: MySQL's error number, or another error's name → how often."""

    served: int
    failures: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    slowest: float = 0.0
    """Milliseconds, of those that were served."""

    @property
    def failed(self) -> int:
        return self.failures.total()

    @property
    def all(self) -> int:
        return self.served + self.failed

    @property
    def rate(self) -> float:
        return self.all / self.seconds if self.seconds else 0.0


class Logins:
    """`with Logins(path, log_in, rate) as logins:`; each client is a thread."""

    def __init__(self, path: Path, log_in: LogIn, rate: float, clients: int = CLIENTS) -> None:
        self._log_in, self._rate, self._clients = log_in, rate, clients
        self._served, self._failures, self._slowest = 0, Counter[str](), 0.0
        self._lock, self._stopping = threading.Lock(), threading.Event()
        readers = [Reader(path, OPCACHE_SECONDS if number % 2 else 0.0) for number in range(clients)]
        self._threads = [
            threading.Thread(target=self._run, args=(number, reader), daemon=True, name=f"login-{number}")
            for number, reader in enumerate(readers)
        ]

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> Logged:
        """Begin no more and wait for those under way."""
        self._stopping.set()
        logged = self.results()
        for thread in self._threads:
            thread.join()
        return Logged(self._served, Counter(self._failures), logged.seconds, self._slowest)

    def results(self) -> Logged:
        """So far."""
        with self._lock:
            return Logged(self._served, Counter(self._failures), time.monotonic() - self._began, self._slowest)

    def _run(self, number: int, reader: Reader) -> None:
        """Due times are counted from the start: a late client makes up for what it missed at once."""
        due = self._began + number / self._rate
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            due += self._clients / self._rate
            self._note(*self._one(reader))

    def _one(self, reader: Reader) -> tuple[str | None, float]:
        """Why it failed, if it did, and how many milliseconds it took."""
        began = time.monotonic()
        try:
            self._log_in(reader.read())
        except pymysql.MySQLError as error:
            return str(error.args[0] if error.args else type(error).__name__), 0.0
        except (OSError, RotationError) as error:
            return type(error).__name__, 0.0
        return None, (time.monotonic() - began) * 1000

    def _note(self, reason: str | None, milliseconds: float) -> None:
        with self._lock:
            if reason is None:
                self._served += 1
                self._slowest = max(self._slowest, milliseconds)
            else:
                self._failures[reason] += 1
