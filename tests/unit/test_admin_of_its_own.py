"""An admin as a target of its own: two admins take turns, and what the others know as the admin's secret is what is published."""

from dataclasses import replace
from typing import Any

import pytest
from rotation.consumers.published import PublishedSecret
from rotation.core.model import Slot
from rotation.ports import CredentialConsumer, ProtectedFile, Workload
from rotation.steps.discard_old_password import discard_old_password
from rotation.steps.flip_slot import flip_slot
from rotation.steps.publish import publish
from rotation.steps.release_rotation import release_rotation
from rotation.steps.rotate_admin import rotate_admin
from rotation.steps.validate_app import validate_app

from tests.worlds.database import Account
from tests.worlds.proxied import over
from tests.worlds.run import Run
from tests.worlds.world import ADMIN, ADMIN_PASSWORD, MemoryWorld, Secret, credential, fields

ADMINS = {Slot.A: credential("admin_a", "canary-of-admin-a"), Slot.B: credential("admin_b", "canary-of-admin-b")}


class Shop(MemoryWorld):
    """Any application of them; its admin is another target's."""

    def __init__(self) -> None:
        super().__init__()
        self.target = replace(self.target, rotates_admin=False)
        self.admin = Secret("admin", dict(fields(ADMINS[Slot.A])), self.journal, self._now)
        self.source.accounts |= {one.username: Account(one.password.reveal()) for one in ADMINS.values()}


class Admins(MemoryWorld):
    """The two admins of the same server; the master user alters them."""

    def __init__(self, shop: Shop) -> None:
        super().__init__()
        self.source, self._published = shop.source, shop.admin
        self.slots = Secret(
            "admins", {"active_slot": "A", **{slot: fields(one) for slot, one in ADMINS.items()}}, self.journal, self._now
        )
        self.admin = Secret("master", dict(fields(credential(ADMIN, ADMIN_PASSWORD))), self.journal, self._now)

    def credentials(self) -> list[CredentialConsumer]:
        return [self.traffic()]

    def credential(self, index: int, username: str = "") -> Any:
        return self.traffic()

    def traffic(self) -> Any:
        return over(self._published, PublishedSecret)

    def files(self) -> list[ProtectedFile]:
        return []

    def workloads(self) -> list[Workload]:
        return []


STAGES = ("before", "published", "flipped", "altered", "discarded", "at the end")


@pytest.mark.parametrize("stage", STAGES)
def test_while_the_admins_change_turns_the_others_rotate(stage: str) -> None:
    shop = Shop()
    admins = Admins(shop)
    run = Run(admins, "admins")

    def now(at: str) -> None:
        if at == stage:
            before = set(shop.admin.versions)
            Run(shop, "shop").to_end()
            assert set(shop.admin.versions) == before, "what it only reads"

    now("before")
    run.to_publish().ask(publish, consumer={"index": 0})
    now("published")
    run.ask(validate_app)
    run.ask(flip_slot)
    now("flipped")
    run.drain()
    run.rotate_old_slot()
    now("altered")
    run.drain()
    run.ask(discard_old_password)
    now("discarded")
    run.ask(rotate_admin)
    run.ask(release_rotation)
    now("at the end")
    assert shop.current_admin.credential.same_login(admins.current.credential(Slot.B))
    assert not shop.accepts(ADMINS[Slot.A])
    assert shop.current.active is Slot.B, "it has rotated"
