"""The rules of signing keys and of who verifies with a JWKS, left out."""

from typing import Any

from rotation.core.drain import after
from rotation.core.jwk import Jwk, KeySet, verifying
from rotation.core.model import Password
from rotation.protocol.settling import KNOWN

from tests.faults.teeth.mutation import STEPS, Mutation, replaced
from tests.worlds.jwks import DOCUMENT, Seen

SCENARIOS = ("signing keys", "signing keys, an interrupted flip", "signing keys, an undiscarded key")
_SET = "rotation.core.jwk.KeySet"


def waits_for_nobody(*_: Any) -> dict[str, Any]:
    return KNOWN


def others_are_dropped(self: KeySet, key: Jwk) -> KeySet:
    kept = _without(self, key)
    return KeySet({"keys": [one for one in kept.keys if one.get("kty") == key["kty"]]})


def takes_the_place_of_the_others(self: KeySet, key: Jwk) -> KeySet:
    others = [one for one in self.keys if one.get("kty") != key["kty"]]
    return self if self.find(key) else KeySet({"keys": [*others, verifying(key)]})


def put_whatever_is_there(self: Seen, text: Password, _: Any) -> None:
    self._database.put(text, self._database.jwks.get())


def after_the_quiet_period_alone(look: Any, before: Any, now: float, _: int, *more: int) -> Any:
    return _after(look, before, now, DOCUMENT["drain"]["quiet_seconds"], *more)


def nothing_is_taken_out(self: Any, username: str, keep: Any) -> None: ...


_without, _after = KeySet.without, after

KEYS = [
    Mutation(
        "keys: signed with before every verifier knows it", replaced(f"{STEPS}.sync_users.settled", waits_for_nobody), SCENARIOS
    ),
    Mutation(
        "keys: proven before every verifier has read anew",
        replaced(f"{STEPS}.discard_old_password.settled", waits_for_nobody),
        SCENARIOS,
    ),
    Mutation(
        "keys: taken out while its tokens live", replaced(f"{STEPS}.check_drained.after", after_the_quiet_period_alone), SCENARIOS
    ),
    Mutation("keys: others' keys are dropped", replaced(f"{_SET}.without", others_are_dropped), SCENARIOS),
    Mutation(
        "keys: the new one takes the place of the old one", replaced(f"{_SET}.with_key", takes_the_place_of_the_others), SCENARIOS
    ),
    Mutation("keys: put whatever is there by now", replaced("tests.worlds.jwks.Seen.put", put_whatever_is_there), SCENARIOS),
    Mutation(
        "keys: nothing is taken out",
        replaced("rotation.sources.signing_key.adapter.Session.discard_old_password", nothing_is_taken_out),
        SCENARIOS,
    ),
]
