"""What a path of a Vault is safe by, left out."""

from collections.abc import Mapping
from typing import Any

from rotation.vault.server import Answer

from tests.faults.teeth.mutation import Mutation, in_the_machine, replaced, way
from tests.worlds.vault import MemoryVault

ALONE, BOOTSTRAP = "Vault", "Vault, bootstrap"
ADAPTER = "rotation.consumers.vault_kv.adapter.KvPath"


_patch = MemoryVault._patch


def put_over_the_whole(self: MemoryVault, body: Mapping[str, Any]) -> Answer:
    """As a put, and no merge."""
    if body["options"]["cas"] == self.held.current:
        self.held.put(body["data"])
        return Answer(200, {"data": {}})
    return _patch(self, body)


def leaves_copies(states: dict[str, Any]) -> None:
    states["ChooseAdmin"]["Choices"].remove(way(states, "ChooseAdmin", "AimAtWithdrawn"))


def destroys_first(states: dict[str, Any]) -> None:
    """Before the old login is refused; the admin after it."""
    way(states, "IsStillDrained", "DiscardOldPassword")["Next"] = "AimAtWithdrawn"
    way(states, "ChoosePublished", "ChooseAdmin")["Next"] = "DiscardOldPassword"


VAULTED = [
    Mutation(
        "a Vault: what others keep in the path is lost",
        replaced("tests.worlds.vault.MemoryVault._patch", put_over_the_whole),
        (ALONE,),
    ),
    Mutation("a Vault: copies of the withdrawn login are left", in_the_machine(leaves_copies), (ALONE,)),
    Mutation("a Vault: copies are destroyed before the login is refused", in_the_machine(destroys_first), (ALONE,)),
    Mutation("a Vault: a stranger's login is destroyed too", replaced(f"{ADAPTER}._is_stale", lambda *_: True), (BOOTSTRAP,)),
]
