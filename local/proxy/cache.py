"""What the proxy knows of the secrets: what they held when it last looked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Users = Mapping[str, str]
"""Each user's password."""
Look = Callable[[], Users]
"""What the secrets hold now. Any error means that they cannot be read."""


def in_secrets_manager(client: Any, secret_ids: Sequence[str]) -> Look:
    """Of each secret what AWSCURRENT holds. One that RDS Proxy could not use is left out: its user does not get in."""

    def look() -> Users:
        texts = [client.get_secret_value(SecretId=one).get("SecretString") for one in secret_ids]
        return dict(pair for text in texts for pair in _user(text))

    return look


def _user(text: str | None) -> list[tuple[str, str]]:
    try:
        held = json.loads(text or "")
        return [(str(held["username"]), str(held["password"]))]
    except (ValueError, KeyError, TypeError):
        return []


class Cache:
    """Looks every so many seconds. `learned` is called with what is new; while the secrets cannot be read, the old is kept."""

    def __init__(self, look: Look, every: float, learned: Callable[[Users], None]) -> None:
        self.known: Users = {}
        self._look = look
        self._every = every
        self._learned = learned
        self._one_at_a_time = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def refresh(self) -> None:
        """Now."""
        with self._one_at_a_time:
            found = dict(self._look())
            if found != self.known:
                self._learned(found)
                self.known = found

    def start(self) -> None:
        """Returns when it has looked for the first time."""
        self._ending.clear()
        self._try()
        self._thread = threading.Thread(target=self._go_on, name="proxy's look at the secrets", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """And forget."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.known = {}

    def _go_on(self) -> None:
        while not self._ending.wait(self._every):
            self._try()

    def _try(self) -> None:
        try:
            self.refresh()
        except Exception as error:  # noqa: BLE001 - whatever it is, a proxy goes on with what it knows
            print(f"proxy: the secrets could not be read: {type(error).__name__}", flush=True)
