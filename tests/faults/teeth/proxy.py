"""What an application behind a proxy, and Secrets Manager's own rotation, are safe by, left out."""

import json
from typing import Any

from rotation.core.errors import ConsumerDiffers
from rotation.core.model import CURRENT, SecretText
from rotation.core.rollout import Progress
from rotation.steps import publish as publishing
from rotation.steps import read_slots as reading

from local import secret_labels as aws
from tests.faults.teeth.mutation import STEPS, Mutation, in_the_machine, replaced, way
from tests.worlds.invocation import Port
from tests.worlds.proxied_ports import Clients

PROXY, LEFT = "behind a proxy", "behind a proxy, with much left wrong"
BY_SECRETS_MANAGER, LATE = "rotated by Secrets Manager", "finishSecret comes late"


def proxy_secret_left_as_it_is(world: Any, request: Any) -> dict[str, Any]:
    if world.target.consumers[request.consumer].traffic:
        return _publish(world, request)
    return {"changed": False, "began": world.now(), "status": str(Progress.COMPLETE), "wait_seconds": 0}


_publish = publishing.publish


def does_not_wait_for_the_proxy(world: Any, request: Any) -> dict[str, Any]:
    return {"began": request.publish_began, "status": str(Progress.COMPLETE), "wait_seconds": 0}


def another_users(self: Any, username: str) -> str:
    return next(one for one in self._proxies if one != _which(self, username))


_which = Clients.which


def retires_without_telling_the_proxy(states: dict[str, Any]) -> None:
    way(states, "WasOldSlotAltered", "AimAtOldUser")["Next"] = "CheckStillDrained"


def retires_at_once(states: dict[str, Any]) -> None:
    way(states, "ChooseWork", "OverlapWindow")["Next"] = "CheckDrained"


def moved_from_wherever_it_is(self: Any, version: str, removed_from: str) -> bool:
    store, secret = self._store, self._store._secret

    def move() -> Any:
        return secret.swap(CURRENT, to=version, removed_from=aws.holder_of(secret.versions, CURRENT))

    return bool(store._it.call(Port.SECRETS, f"swap {CURRENT} of {store.name}", move))


def put_over_the_whole(self: Any, credential: Any, mark: Any) -> bool:
    """As if nothing else were in it."""
    labels = self._store.labels()
    if self.read().same_login(credential):
        return False
    version = self._version(labels.current, mark)
    login = {"username": credential.username, "password": credential.password.reveal()}
    self._store.put_once(version, SecretText(json.dumps(login)))
    return bool(self._store.swap(CURRENT, to=version, removed_from=labels.current))


def without_the_cache(world: Any, request: Any) -> dict[str, Any]:
    return {**_read_slots(world, request), "overlap_seconds": 0}


_read_slots = reading.read_slots


def made_current_unproven(world: Any, call: Any, run: Any) -> None:
    secret = world.rotated
    current = secret.labels().current
    if not secret.make_current(call.token, removed_from=current):
        raise ConsumerDiffers("another version became current")


PROXIED = [
    Mutation("a proxy: its secret is not written", replaced(f"{STEPS}.publish.publish", proxy_secret_left_as_it_is), (PROXY,)),
    Mutation(
        "a proxy: published before the login through it works",
        replaced(f"{STEPS}.check_login.check_login", does_not_wait_for_the_proxy),
        (LEFT,),
    ),
    Mutation("a proxy: its secrets are swapped", replaced("tests.worlds.proxied_ports.Clients.which", another_users), (PROXY,)),
    Mutation(
        "a proxy: it is not told of the retired user's new password",
        in_the_machine(retires_without_telling_the_proxy),
        (PROXY,),
    ),
    Mutation(
        "a proxy: the application's cache is not waited for",
        replaced(f"{STEPS}.read_slots.read_slots", without_the_cache),
        (PROXY,),
    ),
    Mutation(
        "a proxy: nor by whoever finishes an older retirement",
        in_the_machine(retires_at_once),
        (PROXY,),
        strike_at="FlipSlot",
    ),
    Mutation(
        "what others keep in the application's secret is lost",
        replaced("rotation.consumers.published.PublishedSecret.publish", put_over_the_whole),
        (PROXY,),
    ),
    Mutation(
        "a version that Secrets Manager refused to rotate to is left",
        replaced(f"{STEPS}.release_rotation.refused_version", lambda *_: None),
        (LEFT,),
    ),
    Mutation(
        "finishSecret moves AWSCURRENT from wherever it is",
        replaced("rotation.consumers.published.RotatedSecret.make_current", moved_from_wherever_it_is),
        (LATE,),
    ),
    Mutation(
        "finishSecret does not ask what the run awaits",
        replaced(f"{STEPS}.rotate_secret._make_current", made_current_unproven),
        (BY_SECRETS_MANAGER, LATE),
    ),
    Mutation(
        "the run puts the application's secret while Secrets Manager rotates it",
        replaced(f"{STEPS}.publish._is_secrets_managers", lambda *_: False),
        (BY_SECRETS_MANAGER,),
    ),
]
