"""What a person may get wrong of an application behind a proxy: refused by name with the way out, before anything is touched."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from rotation.core.errors import ConsumerDiffers, RotationError, SecretInvalid, SourceRefused
from rotation.core.model import SecretText, Slot
from rotation.steps.flip_slot import flip_slot
from rotation.steps.read_slots import read_slots

from tests.worlds.proxied import PROXIES, ApplicationSecret, ProxiedWorld
from tests.worlds.run import Run
from tests.worlds.world import USERS, MemoryWorld

Break = Callable[[ProxiedWorld], None]


def record(**changes: Any) -> Break:
    """A person puts the record with these fields of slot B, or of its own, changed."""

    def act(world: ProxiedWorld) -> None:
        raw = json.loads(world.current.text().reveal())
        own = {key: value for key, value in changes.items() if key in raw or key == "turns"}
        raw["B"] |= {key: value for key, value in changes.items() if key not in own}
        world.slots.put("a person's", SecretText(json.dumps(raw | own)))

    return act


def proxy_secret(slot: Slot, username: str) -> Break:
    """A person puts another user's name into a proxy secret; one that is not there yet comes to the others."""

    def act(world: ProxiedWorld) -> None:
        text = SecretText(json.dumps({"username": username, "password": "canary-of-somebody"}))
        if slot is Slot.C:
            world.proxies.append(ApplicationSecret(PROXIES[Slot.A].replace("proxy-A", "proxy-C"), text, now=world.now))
        else:
            world.proxies[[Slot.A, Slot.B].index(slot)].put("a person's", text)

    return act


WRONG: dict[str, tuple[Break, type[RotationError], str]] = {
    "a ring whose names repeat": (
        record(username=USERS[Slot.A]), SecretInvalid, "slots A and B name the same user: give each slot a user of its own",
    ),
    "a ring with an empty name": (record(username=""), SecretInvalid, "B: field username is missing or empty"),
    "a ring with a blank name": (record(username="  "), SecretInvalid, "B: field username is missing or empty"),
    "a port that is text": (record(port="mysql"), SecretInvalid, "B: field port is not a port number"),
    "two values of one user behind a proxy": (
        record(turns="values", username=USERS[Slot.A]), SecretInvalid, "Name a second user in slot B, and take the key turns out",
    ),
    "a proxy secret of nobody": (
        proxy_secret(Slot.C, "somebody"), ConsumerDiffers, "names somebody, who takes no turns .*: take it out of the target",
    ),
    "a user without a proxy secret": (
        proxy_secret(Slot.B, "somebody"), ConsumerDiffers, "none names openemr_b: give each user exactly one",
    ),
    "a user with two proxy secrets": (
        proxy_secret(Slot.B, USERS[Slot.A]), ConsumerDiffers, r"2 \(.*\) names openemr_a: give each user exactly one",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("act", "error", "said"), WRONG.values(), ids=WRONG)
def test_it_is_refused_with_the_way_out_and_nothing_is_touched(act: Break, error: type[RotationError], said: str) -> None:
    world = ProxiedWorld()
    act(world)
    before = (world.slots.labels(), world.application.labels(), [one.labels() for one in world.proxies])
    with pytest.raises(error, match=said):
        Run(world).ask(read_slots)
    assert world.journal.writes == []
    assert (world.slots.labels(), world.application.labels(), [one.labels() for one in world.proxies]) == before


def test_one_user_on_a_server_that_keeps_one_password_is_refused_before_anything_is_touched() -> None:
    world = MemoryWorld(two_values=True, dual_passwords=False)
    with pytest.raises(SourceRefused, match=r"keeps one password a user, .*: name a second user in slot B"):
        Run(world).read_slots()
    assert world.journal.writes == []


def test_a_run_that_is_to_finish_what_has_flipped_is_not_held_up_by_it() -> None:
    """Forward is the only way then, and whoever puts the proxy right is waited for there."""
    world = ProxiedWorld()
    Run(world, "first").to_publish().ask(flip_slot)
    proxy_secret(Slot.C, "somebody")(world)
    assert Run(world, "second").ask(read_slots)["action"] == "retire"
