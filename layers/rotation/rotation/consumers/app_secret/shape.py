"""An application's secret as other tools write it: who takes turns, where the database is, which secrets its proxy has. Pure.

    a script's   rotation_type, rotation_usernames, proxy_secret_ids, database_host, database_port, database_name
    AWS's own    engine, host, port, dbname

both with username and password, and with any other keys. What is wrong is said by the key alone: no value is shown.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rotation.core.errors import SecretInvalid
from rotation.core.model import Credential, Password, SecretText, Slot

ROTATION_TYPES = ("AWS RDS",)
SCRIPTS_OWN = ("rotation_type", "rotation_usernames", "proxy_secret_ids", "database_host", "database_port", "database_name")


@dataclass(frozen=True)
class Application:
    """What the secret says."""

    login: Credential
    """What the application uses now; its place is the database's."""
    users: tuple[str, ...]
    """Who takes turns; its own user alone where the secret names none."""
    proxies: tuple[str, ...]
    """Of the proxy's secrets, as they are named there."""
    engine: str
    """Of the database; empty where the secret does not say."""


def read(text: SecretText, secret: str, default_port: int) -> Application:
    """SecretInvalid, naming the key and the way out, where it says no such thing."""
    try:
        raw = json.loads(text.reveal())
    except ValueError:
        raw = None
    if not isinstance(raw, dict):
        raise SecretInvalid(f"secret {secret} is not a JSON object: put username, password and where the database is")
    try:
        return _application(raw, default_port)
    except SecretInvalid as error:
        raise SecretInvalid(f"secret {secret}: {error}") from None


def _application(raw: Mapping[str, Any], default_port: int) -> Application:
    if "rotation_type" in raw and raw["rotation_type"] not in ROTATION_TYPES:
        raise SecretInvalid(f"rotation_type is unknown: {' or '.join(map(repr, ROTATION_TYPES))} is what it may say")
    host, port, dbname = ("database_host", "database_port", "database_name") if _is_scripts(raw) else ("host", "port", "dbname")
    place = (_text(raw, host), _port(raw, port, default_port), _text(raw, dbname))
    login = Credential(_text(raw, "username"), Password(_text(raw, "password")), *place)
    users = _users(raw, login.username)
    return Application(login, users, _list(raw, "proxy_secret_ids"), str(raw.get("engine", "")))


def _is_scripts(raw: Mapping[str, Any]) -> bool:
    return any(key in raw for key in SCRIPTS_OWN)


def _users(raw: Mapping[str, Any], username: str) -> tuple[str, ...]:
    users = _list(raw, "rotation_usernames") or (username,)
    if username not in users:
        raise SecretInvalid("rotation_usernames does not name the user of username: name it there too")
    if len(users) > len(Slot):
        raise SecretInvalid(f"rotation_usernames names {len(users)} users: {len(Slot)} take turns at most")
    return users


def _list(raw: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Of different names, none of them empty; an empty one where the key is not there."""
    found = raw.get(key) or []
    if not isinstance(found, list) or not all(isinstance(one, str) and one.strip() for one in found):
        raise SecretInvalid(f"{key} is no list of names, or one of them is empty: write each as a text")
    twice = [place for place, one in enumerate(found) if one in found[:place]]
    if twice:
        raise SecretInvalid(f"{key}[{twice[0]}] is there before: name each once")
    return tuple(found)


def _text(raw: Mapping[str, Any], key: str) -> str:
    if not isinstance(raw.get(key), str) or not raw[key].strip():
        raise SecretInvalid(f"{key} is missing, empty or no text: put it there")
    return str(raw[key])


def _port(raw: Mapping[str, Any], key: str, default: int) -> int:
    given = str(raw.get(key, default))
    if not (given.isascii() and given.isdigit() and 0 < int(given) < 65536):
        raise SecretInvalid(f"{key} is no port: write a number from 1 to 65535")
    return int(given)
