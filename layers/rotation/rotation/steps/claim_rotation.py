"""ClaimRotation: write the intent ahead and take AWSPENDING, from the labels that ReadSlots saw."""

from typing import Any

from rotation.core.errors import RotationAlreadyRunning, RotationSuperseded, SituationChanged
from rotation.core.model import CURRENT, Credential, RotationStep
from rotation.core.passwords import slot_password
from rotation.core.record import AdminRecord
from rotation.core.situation import Decision, Facts, decide, intent
from rotation.ports import World
from rotation.protocol.intents import confirm, version_id, write_ahead
from rotation.protocol.request import Claim, Request
from rotation.protocol.survey import survey


def claim_rotation(world: World, request: Request) -> dict[str, Any]:
    """The claim. Asked again by the same execution, it finds its own version and goes on from there."""
    seen = request.situation["labels"]
    # A revocation may look again and decide otherwise: what it put at first, beside another intent, is not what it then means.
    # (A retirement keeps the password that it finds recorded, and its version is RotateOldSlot's first.)
    own = {
        step: version_id(world.slots.name, seen["current"], request.owner, step, which)
        for step, which in ((RotationStep.FLIP, seen["pending"] or 0), (RotationStep.RETIRE, 0))
    }
    facts = survey(world, request.rotation_id, request.owner)
    held = next((version for version in own.values() if version == facts.labels.pending), None)
    version = held or _claim(world, request, facts, own)
    if facts.admin is not None:
        _adopt_admin(world, request, facts.admin, version)
    return Claim(version).as_dict()


def _claim(world: World, request: Request, facts: Facts, own: dict[RotationStep, str]) -> str:
    decision = decide(facts, request.mode)
    _check_unchanged(world, request, facts, decision)
    version = own[decision.step]
    record = intent(decision, request.owner, facts.labels.current, slot_password)
    try:
        write_ahead(world.slots, version, record, facts.labels.pending)
    except RotationSuperseded:
        raise RotationAlreadyRunning(f"{world.target.name}: another execution claimed the rotation at the same moment") from None
    return version


def _check_unchanged(world: World, request: Request, facts: Facts, decision: Decision) -> None:
    same_labels = request.situation["labels"] == {"current": facts.labels.current, "pending": facts.labels.pending}
    same_decision = decision.summary.items() <= dict(request.situation).items()
    if not (same_labels and same_decision):
        raise SituationChanged(f"{world.target.name}: the situation changed after ReadSlots, now: {decision.reason}")


def _adopt_admin(world: World, request: Request, admin: Credential, claimed: str) -> None:
    """Drift of the admin secret: a password that only a consumer still knew, or only the version before the current one, is
    recorded as current, so that every later step finds it and nothing that is accepted goes unrecorded."""
    store = world.admin
    labels = store.labels()
    versions = [version for version in (labels.current, labels.pending) if version]
    recorded = [AdminRecord.parse(store.read(version), store.name) for version in versions]
    if any(admin.same_login(record.credential) for record in recorded):
        return
    # A dead run's RotateAdmin may have acted late, after the survey: then what it recorded is right, and what we know is about
    # to be discarded.
    if any(world.source.logs_in(record.credential) for record in recorded) or not world.source.logs_in(admin):
        return
    confirm(world.slots, claimed)
    version = version_id(store.name, labels.current, request.owner, "adopt")
    store.put_once(version, recorded[0].with_password(admin.password).without_tag().text())
    if not store.swap(CURRENT, to=version, removed_from=labels.current):
        raise RotationSuperseded(f"{store.name}: another version became current while this run was claiming")
