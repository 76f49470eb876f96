"""A proxy's secrets: the one that names a user holds the password that this user has now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rotation.consumers.published import PublishedSecret
from rotation.core.errors import ConsumerDiffers
from rotation.core.model import Credential

if TYPE_CHECKING:
    from rotation.kinds.kind import Settings
    from rotation.ports import Surroundings

Held = list[tuple[PublishedSecret, Credential]]


def make(settings: Settings, _: Surroundings) -> ProxySecrets:
    """As the target names them."""
    return ProxySecrets(settings["secrets"])


class ProxySecrets:
    """All of one proxy."""

    def __init__(self, arns: Sequence[str]) -> None:
        self._secrets = [PublishedSecret(arn) for arn in arns]

    def of(self, username: str) -> PublishedSecret:
        """That user's. Two are as wrong as none: the proxy would take either."""
        return _only(self._held(), username)

    def check(self, usernames: Sequence[str]) -> None:
        """Each of these users has exactly one, and nobody else has any: whom that one lets in, no rotation would ever change."""
        held = self._held()
        for username in usernames:
            _only(held, username)
        for secret, credential in held:
            if credential.username not in usernames:
                raise ConsumerDiffers(
                    f"the proxy's {secret.name} names {credential.username}, who takes no turns ({', '.join(usernames)} do):"
                    " take it out of the target, or correct its username"
                )

    def _held(self) -> Held:
        return [(one, one.read()) for one in self._secrets]


def _only(held: Held, username: str) -> PublishedSecret:
    found = [one for one, credential in held if credential.username == username]
    if len(found) != 1:
        said = "none" if not found else f"{len(found)} ({', '.join(one.name for one in found)})"
        raise ConsumerDiffers(f"of the {len(held)} proxy secrets {said} names {username}: give each user exactly one")
    return found[0]
