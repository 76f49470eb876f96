"""What a service does with a key: a call of its provider's API, or one of AWS that is signed with it.

To open a connection is to take a key, and to go on with it as long as the connection lives."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from local.keys.user import signed_by
from local.login import Login
from local.provider.application import Caller
from local.shop.databases import CONNECT, Place, Session
from local.shop.stack import SHOWN

API_KEY, ACCESS_KEY = "http-api-key", "iam-access-key"


class Refused(Exception):
    """The provider does not take the key."""


@dataclass(frozen=True)
class Keyed:
    """A key that a service goes on with."""

    call: Callable[[], bool]

    def name(self) -> str:
        if not self.call():
            raise Refused
        return SHOWN

    def close(self) -> None:
        """Connections are the caller's, or the driver's."""


class Api:
    """The provider's. `database` of the place: the description's try."""

    def __init__(self, place: Place) -> None:
        tls = ssl.create_default_context(cadata=place.ca_pem)
        self._caller = Caller(json.loads(place.database), f"{place.host}:{place.port}", tls)

    def __call__(self, login: Login) -> Session:
        return Keyed(lambda: self._caller.taken({"id": login.username, "secret": login.password}))

    def close(self) -> None:
        """The connections that it keeps for all keys."""
        self._caller.close()


def cloud(place: Place) -> Callable[[Login], Session]:
    """`host` of the place: AWS, `database`: the region."""

    @lru_cache(maxsize=8)
    def client(username: str, password: str) -> Any:
        return signed_by(place.host, place.database, Login(username, password))

    return lambda login: Keyed(lambda: bool(client(login.username, login.password).get_caller_identity()))


OPEN = {**CONNECT, API_KEY: Api, ACCESS_KEY: cloud}
"""By the kind of what is asked."""
