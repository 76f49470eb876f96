"""How an application reads its login from a path: it logs in with a role of its own, which may do nothing else."""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from local.login import Login


@dataclass(frozen=True)
class Access:
    host: str
    port: int
    ca_pem: str
    role_id: str
    secret_id: str
    place: str
    """Mount, `data` and path."""


def keep(file: Path, access: Access) -> None:
    """For the application alone."""
    file.touch(mode=0o600)
    file.write_text(json.dumps(asdict(access)))


class Kept:
    """What the path said last: an application goes on with that while its Vault does not answer."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._last: Login | None = None

    def look(self) -> Login:
        try:
            self._last = look(self._file)
        except (OSError, http.client.HTTPException):
            if self._last is None:
                raise
        return self._last


def look(file: Path) -> Login:
    """The login that the path says now."""
    held = content(file)
    return Login(held["username"], held["password"])


def content(file: Path) -> dict[str, Any]:
    """What the path says now."""
    access = Access(**json.loads(file.read_text()))
    role = {"role_id": access.role_id, "secret_id": access.secret_id}
    token = _asked(access, "POST", "auth/approle/login", role)["auth"]["client_token"]
    held: dict[str, Any] = _asked(access, "GET", access.place, None, token)["data"]["data"]
    return held


def _asked(access: Access, method: str, path: str, body: Any, token: str = "") -> Any:
    context = ssl.create_default_context(cadata=access.ca_pem)
    connection = http.client.HTTPSConnection(access.host, access.port, timeout=5, context=context)
    try:
        connection.request(method, f"/v1/{path}", json.dumps(body) if body else None, {"X-Vault-Token": token} if token else {})
        answer = connection.getresponse()
        if answer.status != 200:
            raise ConnectionError(f"OpenBao answers {answer.status}")
        return json.loads(answer.read())
    finally:
        connection.close()
