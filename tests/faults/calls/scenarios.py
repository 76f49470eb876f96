"""What a rotation may find when it begins."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rotation.core.errors import AppUnhealthy
from rotation.core.model import Credential, SecretText, Slot

from tests.faults.calls import secrets_manager
from tests.faults.calls.by_hand import (
    another_handed_in_again_and_again,
    another_handed_in_late,
    back_and_kept,
    handed_in_by_hand,
    none_handed_in,
    refused_after_the_rest,
    reminded_of_the_old,
    waits_for_a_key,
    whatever_came_of_both,
)
from tests.faults.calls.in_a_swarm import (
    in_a_swarm,
    in_a_swarm_in_a_ring_of_three,
    in_a_swarm_with_one_restart,
    in_a_swarm_with_two_restarts,
)
from tests.faults.calls.keyed import (
    acme_certificates,
    certificates,
    described_keys,
    first_rotation_of_keys,
    keys,
    keys_kept_in_next,
    keys_of_a_person,
    keys_seen_late,
    keys_with_a_job,
    named_keys,
    named_keys_seen_late,
    one_key_is_left,
    refused_with_its_name,
)
from tests.faults.calls.machinery import LeftLying
from tests.faults.calls.nodes import rests_on_every_node, two_nodes
from tests.faults.calls.own_function import (
    put_by_a_function,
    put_by_a_function_from_a_former_user,
    put_by_a_function_without_dual_passwords,
)
from tests.faults.calls.proxied import (
    behind_a_proxy,
    behind_a_proxy_in_a_ring_of_three,
    behind_a_proxy_of_mysql,
    behind_a_proxy_with_much_left_wrong,
    not_finished_in_time,
    rotated_by_secrets_manager,
    rotated_stubbornly,
    rotated_to_the_version,
)
from tests.faults.calls.signing import (
    given_up,
    kept_for_the_next_run,
    rests_in_the_jwks,
    signs_tokens,
    where_the_new_key_does_not_work,
    whose_tokens_are_given_up,
)
from tests.faults.calls.vaulted import in_a_vault, in_a_vault_from_a_former_user
from tests.faults.calls.wordpress import (
    on_instances,
    on_instances_as_the_admin,
    on_instances_in_a_ring_of_three,
    on_instances_rotated_by_secrets_manager,
    on_instances_rotated_stubbornly,
    on_instances_two_values,
    where_the_first_does_not_show_its_page,
    with_a_slow_agent,
    with_one_on_the_other_slot,
    with_slow_boots,
)
from tests.faults.calls.workloads import (
    in_pods,
    in_pods_from_a_former_user,
    in_pods_that_were_not_restarted,
    in_pods_two_values,
    in_pods_where_b_does_not_work,
    in_pods_without_dual_passwords,
    in_slow_pods,
    in_slow_pods_two_values,
)
from tests.faults.laws import instant, published
from tests.faults.laws.rest import at_rest
from tests.faults.laws.violation import Violation
from tests.worlds.asl import Place
from tests.worlds.behind_proxy import ProxiedWorld
from tests.worlds.by_hand import ByHandWorld
from tests.worlds.in_a_swarm import SwarmWorld
from tests.worlds.keyed import FIRST, KeyedWorld
from tests.worlds.living import LivingWorld
from tests.worlds.own_function import FunctionWorld
from tests.worlds.vaulted import VaultWorld
from tests.worlds.world import (
    ADMIN,
    ADMIN_PASSWORD,
    FORMER,
    FORMER_PASSWORD,
    LONGER,
    PASSWORDS,
    RING,
    USERS,
    credential,
    fields,
    login,
)

JOB_SECONDS = 60.0
Rest = Callable[[LivingWorld, Place, Credential], None]


@dataclass(frozen=True)
class Scenario:
    """A world to begin in, and what is asked of it."""

    world: Callable[[], LivingWorld]
    stopped_at: str = ""
    """The state before which a first run was stopped in it."""
    first_mode: str = "rotate"
    """Of that first run."""
    mode: str = "rotate"
    late_at: str = ""
    """The state before which somebody's call is left lying (`late`), that acts some time after."""
    late: Callable[[Any], LeftLying] = secrets_manager.left_lying
    rest: Rest = at_rest
    """What must be so after one clean run."""

    def begun(self) -> LivingWorld:
        """Its world, as if it had been so for long."""
        world = self.world()
        world.as_for_long()
        instant.begin(world)
        return world


def from_a() -> LivingWorld:
    return LivingWorld()


def from_b() -> LivingWorld:
    return LivingWorld(active=Slot.B)


def ring_of_three() -> LivingWorld:
    return LivingWorld(ring=LONGER, active=Slot.C)


def two_values() -> LivingWorld:
    """Two passwords of one user: the second has never been set."""
    return LivingWorld(two_values=True)


def bootstrap() -> LivingWorld:
    """The application uses neither slot, and the secret holds what Terraform put there."""
    world = LivingWorld()
    world.application_uses(credential(FORMER, FORMER_PASSWORD))
    for slot in RING:
        del world.source.accounts[USERS[slot]]
    return world


def bootstrap_from_the_admin() -> LivingWorld:
    """The application works as the admin, whose password only sqlconf.php still knows."""
    world = bootstrap()
    world.source.accounts[ADMIN].password = "canary-of-master-driftedM"
    world.application_uses(credential(ADMIN, "canary-of-master-driftedM"))
    return world


def drifted_active() -> LivingWorld:
    """The application's password is not the one in the secret."""
    world = LivingWorld()
    world.account(Slot.A).password = "canary-of-a-drifted"
    world.application_uses(credential(USERS[Slot.A], "canary-of-a-drifted"))
    return world


def drifted_standby() -> LivingWorld:
    """Nobody knows the standby's password."""
    world = LivingWorld()
    world.account(Slot.B).password = "canary-of-b-drifted"
    return world


def drifted_admin() -> LivingWorld:
    """Somebody put the admin secret with a wrong password; the one before it logs in."""
    world = LivingWorld()
    theirs = fields(credential(ADMIN, "canary-of-master-never-set"))
    world.admin.put("theirs", SecretText(json.dumps(theirs)))
    return world


def without_dual_passwords() -> LivingWorld:
    return LivingWorld(dual_passwords=False)


def without_login_counts() -> LivingWorld:
    return LivingWorld(counts_logins=False)


def with_a_leftover() -> LivingWorld:
    """An older password of the active user still works, and no version knows it."""
    world = LivingWorld()
    world.account(Slot.A).old = "canary-of-a-leftover"
    return world


def with_slow_pods() -> LivingWorld:
    """The controller is busy: even to see a change takes it longer than the quiet period, and a rollout longer still."""
    world = LivingWorld()
    world.pods.observed_seconds, world.pods.rolled_seconds = 25.0, 30.0
    return world


def with_a_job() -> LivingWorld:
    """Something that nobody thought of goes on with the old login for longer than a rotation takes, and keeps no session."""
    world = LivingWorld()
    world.job = (world.clock + JOB_SECONDS, login(Slot.A))
    return world


def with_a_report_on_a_reader() -> LivingWorld:
    """Somebody reads from a reader for longer than a rotation takes, in one session that the writer knows nothing of."""
    world = with_a_job()
    world.job_on_a_reader = True
    return world


def with_odd_characters() -> LivingWorld:
    """The standby's password holds what trips over in templates and quotes."""
    world, odd = LivingWorld(), r"canary-\1-\g<1>-$x'-\\"
    world.account(Slot.B).password = odd
    content = json.loads(world.slots.versions["v0"]["secret_string"])
    content["B"]["password"] = odd
    world.slots.versions["v0"]["secret_string"] = json.dumps(content)
    return world


def where_b_does_not_work() -> LivingWorld:
    """The application shows an error to its users as soon as it works as slot B."""
    return _unhealthy_as_b(LivingWorld())


def _unhealthy_as_b(world: LivingWorld) -> LivingWorld:
    def check() -> None:
        if world.held.username not in (USERS[Slot.A], FIRST.username):
            raise AppUnhealthy("the page does not show the application")

    world.health.check = check  # type: ignore[method-assign]
    return world


def in_a_swarm_where_b_does_not_work() -> LivingWorld:
    return _unhealthy_as_b(SwarmWorld())


def behind_a_proxy_where_b_does_not_work() -> LivingWorld:
    return _unhealthy_as_b(ProxiedWorld())


def in_a_vault_where_b_does_not_work() -> LivingWorld:
    return _unhealthy_as_b(VaultWorld())


def put_by_a_function_where_b_does_not_work() -> LivingWorld:
    return _unhealthy_as_b(FunctionWorld())


def by_hand_where_the_new_one_does_not_work() -> LivingWorld:
    """The page shows an error with the new key."""
    world = ByHandWorld()

    def check() -> None:
        if world.held.password.reveal() == PASSWORDS[Slot.B]:
            raise AppUnhealthy("the page does not show the application")

    world.health.check = check  # type: ignore[method-assign]
    return world


def keys_where_b_does_not_work() -> LivingWorld:
    return _unhealthy_as_b(KeyedWorld())


def back_where_it_was(world: LivingWorld, place: Place, began_with: Credential) -> None:
    """After a rollback."""
    wrong = {
        f"the run ended {place.state}: {place.cause}": place.state == "RolledBack",
        "AWSPENDING is held": world.slots.labels().pending is None,
        "a consumer is not where it was": all(one.same_login(began_with) for one in world.holdings().values()),
        **published.at_rest(world, rolled_back=True),
        "what it uses is not current": world.current.credential(world.current.active).same_login(began_with),
    }
    for what, holds in wrong.items():
        if not holds:
            raise Violation("at-rest", what)


def back_and_then_rotated(world: LivingWorld, place: Place, began_with: Credential) -> None:
    """The run that Secrets Manager has started turned back, and the next one is a rotation like any other."""
    rest = back_where_it_was if place.who.given.get("secret_version") else at_rest
    rest(world, place, began_with)


def back_as_long_as_it_is_there(world: LivingWorld, place: Place, began_with: Credential) -> None:
    """The instance whose page is bad."""
    rest = back_where_it_was if any(not one.shows for one in world.fleets()[0].machines) else at_rest  # type: ignore[attr-defined]
    rest(world, place, began_with)


def back_with_the_key_kept(world: LivingWorld, place: Place, began_with: Credential) -> None:
    """Of signing keys."""
    back_where_it_was(world, place, began_with)
    kept_for_the_next_run(world, place)


def revoked(world: LivingWorld, place: Place, began_with: Credential) -> None:
    """Whatever was known before opens nothing any more."""
    at_rest(world, place, began_with, state="Revoked")
    stolen = [*(login(slot) for slot in world.current.ring), credential(ADMIN, ADMIN_PASSWORD)]
    still = [one.username for one in stolen if world.accepts(one)]
    if still:
        raise Violation("at-rest", f"revoked, and still accepted: the first password of {', '.join(still)}")


def keys_revoked(world: LivingWorld, place: Place, began_with: Credential) -> None:
    """Both that it knew are refused."""
    at_rest(world, place, began_with, state="Revoked")


def untouched(_: LivingWorld, place: Place, _began_with: Credential) -> None:
    """After a dry run; the oracle saw to it that it wrote nothing."""
    if place.state != "PlanReported":
        raise Violation("at-rest", f"the run ended {place.state}: {place.cause}")


SCENARIOS = {
    "from A": Scenario(from_a),
    "from B": Scenario(from_b),
    "bootstrap": Scenario(bootstrap),
    "drifted slot": Scenario(drifted_active),
    "drifted admin": Scenario(drifted_admin),
    "interrupted flip": Scenario(from_a, "ValidateApp"),
    "interrupted retirement": Scenario(from_a, "CheckDrained"),
    "undiscarded password": Scenario(from_a, "CheckStillDrained"),
    # beyond what was asked for
    "drifted standby": Scenario(drifted_standby),
    "bootstrap from a drifted admin": Scenario(bootstrap_from_the_admin),
    "no dual passwords": Scenario(without_dual_passwords),
    "no login counts": Scenario(without_login_counts),
    "a leftover password": Scenario(with_a_leftover),
    "interrupted publish": Scenario(from_a, "PatchSecret"),
    "interrupted sync-users": Scenario(bootstrap, "SyncUsers", first_mode="sync-users"),
    "slow pods": Scenario(with_slow_pods),
    "a job with the old login": Scenario(with_a_job),
    "a report on a reader": Scenario(with_a_report_on_a_reader),
    "odd characters": Scenario(with_odd_characters),
    "B does not work": Scenario(where_b_does_not_work, rest=back_where_it_was),
    "a ring of three": Scenario(ring_of_three),
    "an interrupted retirement in a ring of three": Scenario(ring_of_three, "CheckDrained"),
    "two values of one user": Scenario(two_values),
    "an interrupted flip between two values": Scenario(two_values, "ValidateApp"),
    "an undiscarded value": Scenario(two_values, "CheckStillDrained"),
    "two values on two nodes of Redis": Scenario(two_nodes, rest=rests_on_every_node),
    "an interrupted flip on two nodes of Redis": Scenario(two_nodes, "ValidateApp", rest=rests_on_every_node),
    "signing keys": Scenario(signs_tokens, rest=rests_in_the_jwks),
    "signing keys, an interrupted flip": Scenario(signs_tokens, "ValidateApp", rest=rests_in_the_jwks),
    "signing keys, an undiscarded key": Scenario(signs_tokens, "CheckStillDrained", rest=rests_in_the_jwks),
    "signing keys, the new one does not work": Scenario(where_the_new_key_does_not_work, rest=back_with_the_key_kept),
    "signing keys, revocation": Scenario(whose_tokens_are_given_up, mode="revoke", rest=given_up),
    "revocation": Scenario(from_a, mode="revoke", rest=revoked),
    "revocation of an interrupted flip": Scenario(from_a, "ValidateApp", mode="revoke", rest=revoked),
    "a revocation of a ring of three": Scenario(ring_of_three, mode="revoke", rest=revoked),
    "behind a proxy": Scenario(behind_a_proxy),
    "behind a proxy, an interrupted retirement": Scenario(behind_a_proxy, "CheckDrained"),
    "behind a proxy, B does not work": Scenario(behind_a_proxy_where_b_does_not_work, rest=back_where_it_was),
    "behind a proxy, a ring of three": Scenario(behind_a_proxy_in_a_ring_of_three),
    "behind a proxy of MySQL": Scenario(behind_a_proxy_of_mysql),
    "behind a proxy, revocation": Scenario(behind_a_proxy, mode="revoke", rest=revoked),
    "rotated by Secrets Manager": Scenario(rotated_by_secrets_manager, rest=rotated_to_the_version),
    "rotated by Secrets Manager, stubbornly": Scenario(rotated_stubbornly, rest=rotated_to_the_version),
    "finishSecret comes late": Scenario(not_finished_in_time, late_at="CloseFlip", rest=back_and_then_rotated),
    "behind a proxy, with much left wrong": Scenario(behind_a_proxy_with_much_left_wrong),
    "instances": Scenario(on_instances),
    "instances, an interrupted flip": Scenario(on_instances, "ValidateApp"),
    "instances, an interrupted publish": Scenario(on_instances, "PutSecret"),
    "instances, an interrupted retirement": Scenario(on_instances, "CheckDrained"),
    "instances, two values of one user": Scenario(on_instances_two_values),
    "instances, a slow agent": Scenario(with_a_slow_agent),
    "instances, slow boots": Scenario(with_slow_boots),
    "instances, one on the other slot": Scenario(with_one_on_the_other_slot),
    "instances, the first does not show its page": Scenario(
        where_the_first_does_not_show_its_page, rest=back_as_long_as_it_is_there
    ),
    "instances, as the admin": Scenario(on_instances_as_the_admin),
    "instances, a ring of three": Scenario(on_instances_in_a_ring_of_three),
    "instances, revocation": Scenario(on_instances, mode="revoke", rest=revoked),
    "instances, revocation of an interrupted flip": Scenario(on_instances, "ValidateApp", mode="revoke", rest=revoked),
    "instances, rotated by Secrets Manager": Scenario(on_instances_rotated_by_secrets_manager, rest=rotated_to_the_version),
    "instances, rotated by Secrets Manager, stubbornly": Scenario(on_instances_rotated_stubbornly, rest=rotated_to_the_version),
    "Vault": Scenario(in_a_vault),
    "Vault, bootstrap": Scenario(in_a_vault_from_a_former_user),
    "Vault, an interrupted withdrawal": Scenario(in_a_vault, "RotateAdmin"),
    "Vault, B does not work": Scenario(in_a_vault_where_b_does_not_work, rest=back_where_it_was),
    "workloads": Scenario(in_pods),
    "workloads, no dual passwords": Scenario(in_pods_without_dual_passwords),
    "workloads, two values of one user": Scenario(in_pods_two_values),
    "workloads, slow pods": Scenario(in_slow_pods),
    "workloads, slow pods, two values of one user": Scenario(in_slow_pods_two_values),
    "workloads, bootstrap": Scenario(in_pods_from_a_former_user),
    "workloads, an interrupted publish": Scenario(in_pods, "PatchSecret"),
    "workloads, an interrupted restart": Scenario(in_pods, "RestartApp"),
    "workloads, an interrupted flip": Scenario(in_pods, "ValidateApp"),
    "workloads, an interrupted retirement": Scenario(in_pods, "CheckDrained"),
    "workloads, pods that were not restarted": Scenario(in_pods_that_were_not_restarted),
    "workloads, B does not work": Scenario(in_pods_where_b_does_not_work, rest=back_where_it_was),
    "workloads, revocation": Scenario(in_pods, mode="revoke", rest=revoked),
    "function": Scenario(put_by_a_function),
    "function, no dual passwords": Scenario(put_by_a_function_without_dual_passwords),
    "function, bootstrap": Scenario(put_by_a_function_from_a_former_user),
    "function, an interrupted publish": Scenario(put_by_a_function, "PutSecret"),
    "function, an interrupted flip": Scenario(put_by_a_function, "ValidateApp"),
    "function, an interrupted retirement": Scenario(put_by_a_function, "CheckDrained"),
    "function, B does not work": Scenario(put_by_a_function_where_b_does_not_work, rest=back_where_it_was),
    "keys": Scenario(keys, rest=one_key_is_left),
    "keys, the first rotation": Scenario(first_rotation_of_keys, rest=one_key_is_left),
    "keys, seen late": Scenario(keys_seen_late, rest=one_key_is_left),
    "keys, a job with the old one": Scenario(keys_with_a_job, rest=one_key_is_left),
    "keys, with names": Scenario(named_keys, rest=one_key_is_left),
    "keys, with names, seen late": Scenario(named_keys_seen_late, rest=one_key_is_left),
    "keys, of a described provider": Scenario(described_keys, rest=one_key_is_left),
    "keys, certificates of a PKI": Scenario(certificates, rest=one_key_is_left),
    "keys, certificates of a PKI, an interrupted retirement": Scenario(certificates, "CheckDrained", rest=one_key_is_left),
    "keys, acme": Scenario(acme_certificates, rest=one_key_is_left),
    "keys, acme, an interrupted retirement": Scenario(acme_certificates, "CheckDrained", rest=one_key_is_left),
    "keys, acme, revocation": Scenario(acme_certificates, mode="revoke", rest=keys_revoked),
    "keys, one is a person's": Scenario(keys_of_a_person, rest=refused_with_its_name),
    "keys, one is kept of a run that was rolled back": Scenario(keys_kept_in_next, rest=one_key_is_left),
    "keys, an interrupted flip": Scenario(keys, "ValidateApp", rest=one_key_is_left),
    "keys, an interrupted retirement": Scenario(keys, "CheckDrained", rest=one_key_is_left),
    "keys, one is not deleted": Scenario(keys, "CheckStillDrained", rest=one_key_is_left),
    "keys, B does not work": Scenario(keys_where_b_does_not_work, rest=back_where_it_was),
    "keys, revocation": Scenario(keys, mode="revoke", rest=keys_revoked),
    "swarm": Scenario(in_a_swarm),
    "swarm, an interrupted cutover": Scenario(in_a_swarm, "PutSecret"),
    "swarm, an interrupted flip": Scenario(in_a_swarm, "ValidateApp"),
    "swarm, an interrupted retirement": Scenario(in_a_swarm, "CheckDrained"),
    "swarm, B does not work": Scenario(in_a_swarm_where_b_does_not_work, rest=back_where_it_was),
    "swarm, one restart": Scenario(in_a_swarm_with_one_restart),
    "swarm, two restarts": Scenario(in_a_swarm_with_two_restarts),
    "swarm, a ring of three": Scenario(in_a_swarm_in_a_ring_of_three),
    "swarm, revocation": Scenario(in_a_swarm, mode="revoke", rest=revoked),
    "dry run": Scenario(drifted_standby, mode="dry-run", rest=untouched),
    "by hand": Scenario(handed_in_by_hand, rest=reminded_of_the_old),
    "by hand, none handed in": Scenario(none_handed_in, rest=waits_for_a_key),
    "by hand, the new key does not work": Scenario(by_hand_where_the_new_one_does_not_work, rest=back_and_kept),
    "by hand, interrupted retirement": Scenario(handed_in_by_hand, "CheckDrained", rest=refused_after_the_rest),
    "by hand, another key beside the run": Scenario(another_handed_in_late, rest=whatever_came_of_both),
    "by hand, somebody hands in all the while": Scenario(another_handed_in_again_and_again, rest=whatever_came_of_both),
}
