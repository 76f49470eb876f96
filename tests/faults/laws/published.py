"""What must hold of the secrets that others read: the application's, and those of a proxy."""

from tests.faults.laws.violation import Violation
from tests.worlds.behind_proxy import ProxiedWorld
from tests.worlds.living import LivingWorld
from tests.worlds.proxied import OTHERS
from tests.worlds.vaulted import VaultWorld
from tests.worlds.wordpress import WordPressWorld
from tests.worlds.world import USERS


def check(world: LivingWorld) -> None:
    """At every instant: what is not ours stays as it is."""
    for secret in world.reads_published():
        for content in secret.contents():
            if {key: value for key, value in content.items() if key not in ("username", "password")} != OTHERS:
                raise Violation("lost-update", f"{secret.short}: a key of somebody else was changed")
    if isinstance(world, VaultWorld):
        for content in world.vault.held.readable.values():
            if {key: value for key, value in content.items() if key not in ("username", "password")} != OTHERS:
                raise Violation("lost-update", "the Vault's path: a key of somebody else was changed")


def at_rest(world: LivingWorld) -> dict[str, bool]:
    """After one clean run: what would be wrong, and whether it is right."""
    if isinstance(world, VaultWorld):
        stale = [one for one in world.vault.older() if one.username in USERS.values() and not world.accepts(one)]
        return {"a copy of a withdrawn login is left in the Vault": not stale}
    if not isinstance(world, ProxiedWorld | WordPressWorld):
        return {}
    labels = world.application.labels()
    rotates = {"Secrets Manager can rotate no more: AWSPENDING is left": labels.pending in (None, labels.current)}
    return {**_behind_the_proxy(world), **rotates} if isinstance(world, ProxiedWorld) else rotates


def _behind_the_proxy(world: ProxiedWorld) -> dict[str, bool]:
    current = world.current
    users = [current.credential(slot) for slot in current.ring]
    return {
        "a proxy secret does not hold its user's password": all(world.proxies[one.username].held.same_login(one) for one in users),
        "a user does not get in through the proxy": all(world.gets_in(one) for one in users),
    }
