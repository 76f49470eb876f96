"""The service under load: each of its workers reads the key, goes on with it for a while, and signs each call of AWS with it.

None is tried again. Half of them read the Vault's path, half the secret of Secrets Manager.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from typing import Any

from local.keys.stack import PATH, KeysInVault, key_in
from local.login import Login
from local.shop.connections import Known
from local.vault.compare import Clients, Tried
from local.vault.policies import MOUNT

WORKERS = 8
LOGS_IN_SECONDS = 120.0
"""Well before a token of the Vault ends."""


class Service:
    """`with Service(stack, rate) as service:` it calls."""

    def __init__(self, stack: KeysInVault, rate: float, keeps: float) -> None:
        self._open = ExitStack()
        reads = [_in_path(stack, self._open) if number % 2 else _in_secret(stack) for number in range(WORKERS)]
        self.clients = Clients(reads, _calls(stack), rate, keeps)

    def __enter__(self) -> Service:
        self.clients.__enter__()
        return self

    def __exit__(self, *given: object) -> None:
        self.clients.__exit__(*given)
        self._open.close()

    @property
    def calls(self) -> list[Tried]:
        """All so far."""
        return list(self.clients.tried)

    def failed(self) -> list[str]:
        """Why."""
        return [one.reason for one in self.calls if one.reason]


def _calls(stack: KeysInVault) -> Callable[[Login], None]:
    @cache
    def signed_by(username: str, password: str) -> Any:
        return stack.user.signed_by(Login(username, password))

    return lambda key: signed_by(key.username, key.password).get_caller_identity()


def _in_secret(stack: KeysInVault) -> Callable[[], Login]:
    return lambda: stack.used


def _in_path(stack: KeysInVault, ended: ExitStack) -> Callable[[], Login]:
    """Over a connection that is kept."""
    vault, token = stack.vault, Known(lambda: Login("", stack.reads_as_service()), LOGS_IN_SECONDS)
    tls = ssl.create_default_context(cadata=vault.ca_pem)
    connection = http.client.HTTPSConnection(vault.host, vault.port, timeout=5, context=tls)
    ended.callback(connection.close)

    def read() -> Login:
        connection.request("GET", f"/v1/{MOUNT}/data/{PATH}", headers={"X-Vault-Token": token.read().password})
        return key_in(json.loads(connection.getresponse().read())["data"]["data"])

    return read
