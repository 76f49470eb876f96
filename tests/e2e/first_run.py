"""The world that a first rotation meets, as openemr-on-eks' Terraform and OpenEMR's installation leave it."""

from __future__ import annotations

from typing import Any

from tests.e2e.hands import PLACEHOLDER, Kubernetes, move_traffic, put_slots, sql
from tests.e2e.rotations import Rotations


def as_terraform_leaves_it(rotations: Rotations) -> None:
    """The application on the admin's login, in sqlconf.php and in the Kubernetes Secret; two slots with a placeholder for
    a password; no such users in the database. The requests go on meanwhile."""
    admin = rotations.admin
    move_traffic(rotations, admin)
    Kubernetes(rotations.stack).set_secret(admin)

    def change(slots: dict[str, Any]) -> None:
        slots["active_slot"] = "A"
        for slot in ("A", "B"):
            slots[slot]["password"] = PLACEHOLDER

    put_slots(rotations, change)
    for user in ("openemr_a", "openemr_b"):
        sql(rotations.stack, "DROP USER %s@'%%'", user)
