"""What stands for a server and its driver: it takes some logins, refuses all others, and remembers what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from credential_reader import Login


class WrongPassword(Exception):
    """The driver's. Its text quotes the password, as a careless driver's may."""


class Database:
    def __init__(self, *accepted: tuple[str, str]) -> None:
        self.accepted = set(accepted)
        self.asked: list[str] = []
        self.broken: Exception | None = None
        self._lock = threading.Lock()

    def log_in(self, login: Login) -> str:
        with self._lock:
            self.asked.append(login.password)
        if self.broken:
            raise self.broken
        if (login.username, login.password) not in self.accepted:
            raise WrongPassword(f"no entry for {login.username} with {login.password}")
        return f"{login.username} by {login.password}"


def is_wrong_password(error: BaseException) -> bool:
    return isinstance(error, WrongPassword)


def first_file_that_exists(environment: Mapping[str, str], variable: str) -> str:
    """How such a reader is usually written: the old file first, the new one if that is gone, no login tried."""
    for ending in ("_FILE", "_FILE_NEW"):
        path = Path(environment.get(variable + ending, ""))
        if path.is_file():
            return path.read_text().strip()
    return environment.get(variable, "")
