"""What an invocation has of the living world behind a proxy: the shipped adapters; each call of a secret is a boundary."""

from collections.abc import Callable, Sequence
from typing import Any

from rotation.aws import secrets_manager
from rotation.consumers.proxy_secret.adapter import ProxySecrets
from rotation.consumers.published import PublishedSecret, RotatedSecret
from rotation.core.model import Credential

from tests.worlds.aws import SecretsManager, answering
from tests.worlds.invocation import Invocation, Port, Store
from tests.worlds.proxied import over
from tests.worlds.read_secrets import ReadSecret
from tests.worlds.secret_rotation import CalledPorts


class ProxiedPorts(CalledPorts):
    """The World of one invocation there."""

    def __init__(self, invocation: Invocation) -> None:
        super().__init__(invocation)
        self._living: Any = invocation.world
        self._clients = Clients(self._living)

    def credentials(self) -> list[Any]:
        return [self.traffic()]

    def traffic(self) -> Any:
        return self._shipped(self._living.application, PublishedSecret)

    @property
    def rotated(self) -> Any:
        return self._shipped(self._living.application, RotatedSecret)

    def credential(self, index: int, username: str) -> Any:
        return self.traffic() if self.target.consumers[index].traffic else self._keeper(username)

    def keepers(self, username: str) -> list[Any]:
        return [self._keeper(username)]

    def check_keepers(self, usernames: Sequence[str]) -> None:
        """All of them are read: one look."""
        self._it.call(Port.SECRETS, "whose the proxy's secrets are", lambda: self._clients.check(usernames))

    def _keeper(self, username: str) -> Any:
        """Which of them it is, is one look."""
        which = self._it.call(Port.SECRETS, f"which is {username}'s", lambda: self._clients.which(username))
        secret = next(one for one in self._living.proxies.values() if one.name == which)
        return self._shipped(secret, PublishedSecret)

    def _shipped(self, secret: ReadSecret, kind: type[PublishedSecret]) -> Any:
        return over(Store(self._it, secret.short, secret), kind)  # type: ignore[arg-type]

    @property
    def endpoint(self) -> "Endpoint":  # type: ignore[override]
        return Endpoint(lambda one: self._it.call(Port.PROXY, f"through {one.username}", lambda: self._living.gets_in(one)))

    def files(self) -> list[Any]:
        return []

    def workloads(self) -> list[Any]:
        return []


class Endpoint:
    """The proxy, as a login through it shows it."""

    name = "the endpoint proxy.example:5432"

    def __init__(self, gets_in: Callable[[Credential], Any]) -> None:
        self._gets_in = gets_in

    def logs_in(self, one: Credential) -> bool:
        return bool(self._gets_in(one))


class Clients:
    """Secrets Manager's client, of all secrets that others read."""

    def __init__(self, world: Any) -> None:
        self._of = {one.name: SecretsManager(one) for one in world.reads_published()}
        self._proxies = [one.name for one in world.proxies.values()]

    def which(self, username: str) -> str:
        """As the shipped adapter finds it."""
        with answering(secrets_manager, self):
            return ProxySecrets(self._proxies).of(username)._store.name

    def check(self, usernames: Sequence[str]) -> None:
        with answering(secrets_manager, self):
            ProxySecrets(self._proxies).check(usernames)

    def describe_secret(self, **given: str) -> Any:
        return self._of[given["SecretId"]].describe_secret(**given)

    def get_secret_value(self, **given: str) -> Any:
        return self._of[given["SecretId"]].get_secret_value(**given)
