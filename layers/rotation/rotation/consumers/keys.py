"""The keys that a consumer writes, each a template over the fields of a login, as a target names them, and what such a place says
of itself. Pure.

Templates are imported when one is first needed: every function parses the target, and few of them write or read a login.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from rotation.core.errors import ConsumerDiffers, SecretInvalid, TargetInvalid
from rotation.core.model import Credential, Password, SecretText

if TYPE_CHECKING:
    from rotation.core.fields import Values
    from rotation.kinds.kind import Settings

KEYS: dict[str, Any] = {
    "description": "What to write, by key: templates over username, password, host, port and dbname, or certificate and key. Every"
    " other key is kept",
    "type": "object",
    "minProperties": 1,
    "propertyNames": {"pattern": "^[-._a-zA-Z0-9]+$"},
    "additionalProperties": {"type": "string"},
}
LOGIN = {"username": "{username}", "password": "{password}"}
"""It says who, and leaves where to the record."""
CACHE_SECONDS: dict[str, Any] = {
    "description": "How long the application may go on with what it has read; both logins work for at least as long",
    "type": "integer",
    "minimum": 0,
    "maximum": 172800,
}
"""Of whatever an application reads its login from by itself."""


class Keys:
    """Of one consumer: a login rendered into its texts, and read back from them."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """TargetInvalid, naming the key and the way out, where what is written could not be read back."""
        from rotation.core import templates
        from rotation.core.fields import PARTS

        self._templates = templates.parse(texts)
        self.names = tuple(texts)
        self._parts = not self._templates.fields.isdisjoint(PARTS["password"])
        self.says_user = bool({"username", "certificate"} & self._templates.fields)

    def render(self, credential: Credential) -> dict[str, SecretText]:
        """TargetInvalid where a value has no place in its template."""
        from rotation.core.fields import Values

        plain = {"username": credential.username, "host": credential.host, "dbname": credential.dbname}
        port = {} if credential.port is None else {"port": str(credential.port)}
        secret = {"password": credential.password}
        if self._parts:
            from rotation.core.certificate import parts

            with suppress(ValueError):  # what is no certificate has no such fields
                plain["certificate"], secret["key"] = parts(credential.password)
        return self._templates.render(Values(plain | port, secret))

    def read(self, texts: Mapping[str, Password]) -> Credential:
        """What no template writes is left to the record. SecretInvalid where a text is not what its template renders; ValueError
        where its port is no number."""
        values = self._templates.read(texts)
        plain = values.plain
        port = int(plain["port"]) if "port" in plain else None
        username, host, dbname = (plain.get(field, "") for field in ("username", "host", "dbname"))
        number, password = _joined(values) if self._parts else ("", values.secret["password"])
        return Credential(username or number, password, host, port, dbname)

    def check(self, place: str, content: Mapping[str, Any]) -> None:
        """ConsumerDiffers, naming the place and the key alone, where one is not there as a text."""
        for key in self.names:
            if not isinstance(content.get(key), str) or not content[key]:
                raise ConsumerDiffers(f"{place}: key {key} is missing, empty or no text")

    def held(self, place: str, content: Mapping[str, Any]) -> Credential:
        """The login in what a place holds. ConsumerDiffers, without any value of it, where it is none of ours."""
        self.check(place, content)
        try:
            return self.read({key: SecretText(content[key]) for key in self.names})
        except SecretInvalid as error:
            raise ConsumerDiffers(f"{place}: {error}") from None
        except ValueError:
            raise ConsumerDiffers(f"{place}: the port in it is no number") from None


def _joined(values: Values) -> tuple[str, Password]:
    """A certificate's serial number, and it with its key, from wherever they are written."""
    from rotation.core.certificate import bundle, parts, serial

    whole = values.secret.get("password")
    try:
        certificate, key = parts(whole) if whole is not None else ("", Password(""))
        joined = bundle(values.plain.get("certificate", certificate), values.secret.get("key", key))
        if whole is not None and joined != bundle(certificate, key):
            raise SecretInvalid("holds two certificates or two keys. Let all hold the one that works")
        return serial(joined.reveal()), joined
    except ValueError:
        raise SecretInvalid("holds no certificate with its private key, each in PEM") from None


def named(settings: Settings) -> str:
    """What is written, for a plan."""
    return ", ".join(settings["keys"]) if "keys" in settings else "username and password"


def written(place: str, settings: Settings, where: str, otherwise: Mapping[str, str] = LOGIN) -> Iterator[tuple[str, str]]:
    """Each key of a place, after the setting that names it: `keys`, or else `where`, which names the place."""
    field = "keys" if "keys" in settings else where
    yield from ((field, f"key {key} of {place}") for key in settings.get("keys", otherwise))


def check(settings: Settings) -> None:
    """TargetInvalid, naming the field, where the target's own keys cannot be read back. Whether they have to say whose secret
    it is, the source knows (`says_user`)."""
    if "keys" in settings:
        parsed("keys", settings["keys"], says_user=False)


def says_user(settings: Settings) -> bool:
    """Whether the target's own keys say whose secret it is: of a key that has one name for good, they need not."""
    return "keys" not in settings or Keys(settings["keys"]).says_user


def fits(settings: Settings, credential: Credential) -> None:
    """TargetInvalid, naming the field, where a value of the login has no place in the target's own keys."""
    if "keys" in settings:
        rendered("keys", settings["keys"], credential)


def rendered(field: str, texts: Mapping[str, str], credential: Credential) -> None:
    """As that field of the settings says it."""
    try:
        Keys(texts).render(credential)
    except TargetInvalid as error:
        raise TargetInvalid(f"{field}: {error}") from None


def parsed(field: str, texts: Mapping[str, str], *, says_user: bool = True) -> Keys:
    """As that field of the settings says it. `says_user`: it has to say whose secret it is."""
    try:
        found = Keys(texts)
    except TargetInvalid as error:
        raise TargetInvalid(f"{field}: {error}") from None
    if says_user and not found.says_user:
        raise TargetInvalid(
            f"{field}: no template of {', '.join(texts)} writes {{username}}. One has to: it says whose credential this is"
        )
    return found
