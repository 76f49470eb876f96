"""A proxy's secrets: the one that names a user holds the password that this user has now."""

from collections.abc import Sequence

from rotation.consumers.published import PublishedSecret
from rotation.core.errors import ConsumerDiffers
from rotation.core.model import Credential
from rotation.kinds.kind import Settings
from rotation.ports import Surroundings


def make(settings: Settings, _: Surroundings) -> "ProxySecrets":
    """As the target names them."""
    return ProxySecrets(settings["secrets"])


class ProxySecrets:
    """All of one proxy."""

    def __init__(self, arns: Sequence[str]) -> None:
        self._arns = arns

    def of(self, username: str) -> PublishedSecret:
        """That user's. Two are as wrong as none: the proxy would take either."""
        held: list[tuple[PublishedSecret, Credential]] = [(one, one.read()) for one in map(PublishedSecret, self._arns)]
        found = [one for one, credential in held if credential.username == username]
        if len(found) != 1:
            said = "none" if not found else f"{len(found)} ({', '.join(one.name for one in found)})"
            raise ConsumerDiffers(f"of the {len(self._arns)} proxy secrets {said} names {username}: give each user exactly one")
        return found[0]
