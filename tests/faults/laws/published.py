"""What must hold of the secrets that others read: the application's, and those of a proxy."""

from rotation.consumers.swarm.spec import environment, mounted
from rotation.consumers.swarm.versions import VERSION

from tests.faults.laws.violation import Violation
from tests.worlds.behind_proxy import ProxiedWorld
from tests.worlds.by_hand import ByHandWorld, reminders
from tests.worlds.in_a_swarm import SwarmWorld
from tests.worlds.living import LivingWorld
from tests.worlds.proxied import OTHERS
from tests.worlds.vaulted import VaultWorld
from tests.worlds.wordpress import WordPressWorld
from tests.worlds.workloads import PodsWorld
from tests.worlds.world import ADMIN, FORMER

OUTSIDERS = (ADMIN, FORMER)
"""Whose copies are left to them."""


def check(world: LivingWorld) -> None:
    """At every instant: what is not ours stays as it is."""
    for secret in world.reads_published():
        for content in secret.contents():
            if {key: value for key, value in content.items() if key not in ("username", "password")} != OTHERS:
                raise Violation("lost-update", f"{secret.short}: a key of somebody else was changed")
    if isinstance(world, ByHandWorld):
        by_hand(world)
    if isinstance(world, VaultWorld):
        for content in world.vault.held.readable.values():
            if {key: value for key, value in content.items() if key not in ("username", "password")} != OTHERS:
                raise Violation("lost-update", "the Vault's path: a key of somebody else was changed")


def by_hand(world: ByHandWorld) -> None:
    """Nothing is recorded that no provider issued, and nothing is to be revoked that the application goes on with."""
    for record in world.recorded():
        keys = {record.credential(slot).password.reveal() for slot in record.ring} | {
            one.key.reveal() for one in record.outstanding
        }
        if keys - world.issued - {""}:
            raise Violation("issued", "a key is recorded that no provider issued")
    told = reminders(world)
    for place, one in world.holdings().items():
        if one.password.reveal() in told:
            raise Violation("reminder", f"people are told to revoke what {place} holds")


def in_a_swarm(world: SwarmWorld, *, rolled_back: bool) -> dict[str, bool]:
    """With one restart a version, that of before, stays until the next rotation; after a failed one secrets that nobody has."""
    spec = world.swarm.service("web").spec["TaskTemplate"]["ContainerSpec"]
    ours = [one["Spec"]["Name"] for one in world.swarm.secrets.values() if VERSION in one["Spec"]["Labels"]]
    files, one_more = [one.name for one in mounted(spec)], world.restarts == 1
    return {
        "Secrets Manager can rotate no more: AWSPENDING is left": world.application.labels().pending is None,
        f"files are left: {', '.join(files)}": len(files) <= (4 if one_more else 2),
        f"secrets are left: {', '.join(ours)}": rolled_back or len(ours) <= (4 if one_more else 2),
        "the service has a file for what comes next": one_more or not [one for one in environment(spec) if one.endswith("_NEW")],
        "tasks of before are still there": len(world.swarm.running("web")) == 2,
    }


def at_rest(world: LivingWorld, *, rolled_back: bool = False, by_hand: bool = False) -> dict[str, bool]:
    """After one clean run: what would be wrong, and whether it is right. `by_hand`: people put the record in the middle of one."""
    if isinstance(world, VaultWorld):
        stale = [one for one in world.vault.older() if one.username not in OUTSIDERS and not world.accepts(one)]
        return {"a copy of a withdrawn login is left in the Vault": by_hand or not stale, **_in_pods(world)}
    if isinstance(world, SwarmWorld):
        return in_a_swarm(world, rolled_back=rolled_back)
    if not isinstance(world, ProxiedWorld | WordPressWorld):
        return {}
    labels = world.application.labels()
    rotates = {"Secrets Manager can rotate no more: AWSPENDING is left": labels.pending in (None, labels.current)}
    return {**_behind_the_proxy(world), **rotates} if isinstance(world, ProxiedWorld) else rotates


def _in_pods(world: VaultWorld) -> dict[str, bool]:
    """Who was started before is gone."""
    if not isinstance(world, PodsWorld):
        return {}
    return {"a pod runs with another login": all(one.same_login(world.held) for one in world.pods.environments)}


def _behind_the_proxy(world: ProxiedWorld) -> dict[str, bool]:
    current = world.current
    users = [current.credential(slot) for slot in current.ring]
    return {
        "a proxy secret does not hold its user's password": all(world.proxies[one.username].held.same_login(one) for one in users),
        "a user does not get in through the proxy": all(world.gets_in(one) for one in users),
    }
