"""ClaimRotation: write down what is going to be done, and take the label AWSPENDING, from the labels that ReadSlots saw.

A version's text never changes, and its id follows from who writes it and from what: a call that is repeated finds what it put.
But a person may have edited sqlconf.php or a password between the two calls, and then what was put is not what is decided now:
it names the other slot, or a password that is refused. So what is stored is compared with the decision, and where they differ
the intent is put under the next id. To refuse instead would not do: a revocation looks again and comes to the same id, each time.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from rotation.core.errors import RotationAlreadyRunning, RotationSuperseded, SituationChanged
from rotation.core.model import CURRENT, Credential, RotationStep
from rotation.core.record import AdminRecord, Record
from rotation.core.situation import Action, Decision, Facts, decide, intent
from rotation.protocol.intents import ATTEMPTS, confirm, put_meant, take, version_id
from rotation.protocol.request import Claim, Request
from rotation.protocol.survey import survey

if TYPE_CHECKING:
    from rotation.ports import World

Own = dict[RotationStep, list[str]]


def claim_rotation(world: World, request: Request) -> dict[str, Any]:
    """The claim. Asked again by the same execution, it finds its own version and goes on from there."""
    own = _own_versions(world.slots.name, request)
    facts = survey(world, request.rotation_id, request.owner, admin=bool(request.situation["admin_drifted"]))
    held = next((version for versions in own.values() for version in versions if version == facts.labels.pending), None)
    version = held or _claim(world, request, facts, own)
    if facts.admin is not None and facts.admin_drifted is not None:
        _adopt_admin(world, request, facts.admin, facts.admin_drifted, version)
    return Claim(version).as_dict()


def _own_versions(secret: str, request: Request) -> Own:
    """A revocation may look again beside another intent: that makes it another act. (A retirement keeps the password that it finds
    recorded, and its versions are RotateOldSlot's.)"""
    seen = request.situation["labels"]
    beside = seen["pending"] or 0
    attempts: dict[RotationStep, list[int | str]] = {
        RotationStep.FLIP: [beside, *(f"{beside} {n}" for n in range(1, ATTEMPTS))],
        RotationStep.RETIRE: [*range(ATTEMPTS)],
    }
    return {step: [version_id(secret, seen["current"], request.owner, step, n) for n in which] for step, which in attempts.items()}


def _claim(world: World, request: Request, facts: Facts, own: Own) -> str:
    decision = decide(facts, request.mode)
    _check_unchanged(world, request, facts, decision)
    record = intent(decision, request.owner, facts.labels.current, world.target.source.make)
    if facts.by_hand:
        from rotation.core.by_hand import reminded

        before = [one for one in (facts.pending, facts.current, record) if one]
        record = reminded(record, before, decision.leaves if decision.action is Action.PUBLISH else None)
    version = put_meant(world.slots, own[decision.step], record, partial(_means, decision, record))
    try:
        take(world.slots, version, facts.labels.pending)
    except RotationSuperseded:
        raise RotationAlreadyRunning(f"{world.target.name}: another execution claimed the rotation at the same moment") from None
    return version


def _means(decision: Decision, record: Record, stored: Record) -> bool:
    """A password that is to be made is the one that was made first."""
    made = stored.credential(decision.slot).password
    if decision.new_password and made != decision.record.credential(decision.slot).password:
        record = record.with_password(decision.slot, made)
    return stored.tag == record.tag and stored.same_content(record)


def _check_unchanged(world: World, request: Request, facts: Facts, decision: Decision) -> None:
    same_labels = request.situation["labels"] == {"current": facts.labels.current, "pending": facts.labels.pending}
    same_decision = decision.summary.items() <= dict(request.situation).items()
    if same_labels and same_decision:
        return
    if world.slots.labels().pending not in (facts.labels.pending, None):
        raise RotationAlreadyRunning(f"{world.target.name}: another execution claimed the rotation while this one looked")
    raise SituationChanged(f"{world.target.name}: the situation changed after ReadSlots, now: {decision.reason}")


def _adopt_admin(world: World, request: Request, admin: Credential, drifted: str, claimed: str) -> None:
    """Drift of the admin secret: a password that only a consumer still knew, or only the version before the current one, is
    recorded as current, so that every later step finds it and nothing that is accepted goes unrecorded. What was refused is not
    tried again: whoever made something else current since the survey is found by the swap."""
    store = world.admin
    if not world.source.logs_in(admin):
        return  # a dead run's RotateAdmin acted late, after the survey: what it recorded is right
    confirm(world.slots, claimed)
    record = AdminRecord.parse(store.read(drifted), store.name).with_password(admin.password).without_tag()
    own = [version_id(store.name, drifted, request.owner, "adopt", n) for n in range(ATTEMPTS)]
    version = put_meant(store, own, record, record.same_content)
    if not store.swap(CURRENT, to=version, removed_from=drifted):
        raise RotationSuperseded(f"{store.name}: another version became current while this run was claiming")
