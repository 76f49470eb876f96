"""What a credential is called where it can be seen: by its user or id; a further value of the same user by its number."""

from __future__ import annotations

import threading

from local.login import Login


class Names:
    """Values are numbered in the order in which they are met."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._met: dict[str, list[str]] = {}

    def of(self, login: Login) -> str:
        with self._lock:
            met = self._met.setdefault(login.username, [])
            if login.password not in met:
                met.append(login.password)
            number = met.index(login.password) + 1
        return login.username if number == 1 else f"{login.username}, value {number}"
