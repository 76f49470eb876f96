"""ReadSlots: look at everything, change nothing, say what this run is to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rotation.core.errors import RolloutPaused, TrafficElsewhere, WorkloadUnfit
from rotation.core.model import Mode
from rotation.core.situation import Action, Decision, Facts, decide
from rotation.kinds.kind import Holds
from rotation.kinds.plan import overlap_seconds, plan
from rotation.protocol.altering import one_password_only
from rotation.protocol.survey import survey

if TYPE_CHECKING:
    from rotation.kinds.target import Consumer
    from rotation.ports import World
    from rotation.protocol.request import Request


def read_slots(world: World, request: Request) -> dict[str, Any]:
    """The decision and what the machine needs of the target; never a credential."""
    if request.secret_version and (world.target.rotated_secret is None or request.mode is not Mode.ROTATE):
        raise TrafficElsewhere(
            f"{world.target.name}: secret_version is for mode rotate, and for a target whose traffic an app-secret moves"
        )
    outages = _outages(world)
    facts = survey(world, request.rotation_id, request.owner)
    decision = decide(facts, request.mode)
    _refuse_what_would_be_rolled_back(world, facts, decision)
    consumers = [_listed(index, consumer) for index, consumer in enumerate(world.target.consumers)]
    keepers = [one for one, known in zip(consumers, world.target.consumers, strict=True) if _is_told_of_retirement(known)]
    copies = [consumers[index] for index, consumer in enumerate(world.target.consumers) if consumer.forgets]
    return {
        **decision.summary,
        "labels": {"current": facts.labels.current, "pending": facts.labels.pending},
        "admin_drifted": facts.admin_drifted is not None,
        "consumers": consumers,
        "keepers": keepers,
        "has_keepers": bool(keepers),
        "copies": copies,
        "has_copies": bool(copies),
        "rounds": len(decision.record.ring),
        "proof": world.target.source.known.proof,
        "overlap_seconds": overlap_seconds(decision, world.target, request.mode),
        "plan": [*outages, *(_plan(world, facts, decision) if request.mode is Mode.DRY_RUN else [])],
    }


def _refuse_what_would_be_rolled_back(world: World, facts: Facts, decision: Decision) -> None:
    """What can be known before anything is touched: nobody in service with the instances' tag, a service that cannot be updated,
    users without a place of their own at the proxy, a server that keeps one password a user."""
    if decision.action is not Action.PUBLISH:
        return
    if world.fleets():
        from rotation.protocol.fleets import refuse_where_none_serves

        refuse_where_none_serves(world)
    for service in world.services():
        service.refuse_unfit()
    world.check_keepers([facts.current.credential(slot).username for slot in facts.current.ring])
    if facts.current.two_values and facts.admin and not world.source.inspect(facts.admin, ()).dual_passwords:
        raise one_password_only(world, decision.record.credential(decision.slot).username)


def _is_told_of_retirement(consumer: Consumer) -> bool:
    """Who keeps every user's password, and what has the old one beside the new one until it is over."""
    return consumer.known.holds in (Holds.EVERY, Holds.PHASES)


def _listed(index: int, consumer: Consumer) -> dict[str, Any]:
    """What the machine needs of it. Who keeps every user's password is waited for: it may take effect later."""
    kept = consumer.known.holds is Holds.EVERY
    return {"index": index, "kind": consumer.kind, "state": consumer.known.state, "settles": kept}


def _outages(world: World) -> list[dict[str, str]]:
    """What will be down for a while, said before anything is done. A workload that would not restart at all is refused."""
    rollouts = {workload.name: workload.rollout() for workload in world.workloads()}
    for name, rollout in rollouts.items():
        if rollout.paused:
            raise RolloutPaused(f"{world.target.name}: {name} is paused: resume it with kubectl rollout resume")
        if rollout.unfit:
            raise WorkloadUnfit(f"{world.target.name}: {name} {rollout.unfit}")
    said = {name: rollout.outage for name, rollout in rollouts.items() if rollout.outage}
    down = "the application is down while its pods are replaced"
    return [{"state": "RestartApp", "change": f"{name} {outage}: {down}"} for name, outage in said.items()]


def _plan(world: World, facts: Facts, decision: Decision) -> list[dict[str, str]]:
    said = "$config is not 1, so OpenEMR shows its setup and not the application; that is left as it is"
    in_setup = [{"state": "WriteSqlconf", "change": f"{file.name}: {said}"} for file in world.files() if file.in_setup()]
    if world.fleets():
        from rotation.protocol.fleets import planned

        in_setup += planned(world)
    return in_setup + plan(decision, world.target, facts.file.credential.username if facts.file else None)
