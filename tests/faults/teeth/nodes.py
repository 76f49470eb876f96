"""The rules of several nodes that have users of their own, left out."""

from typing import Any

from rotation.sources.redis.adapter import EveryNode, Redis

from tests.faults.teeth.mutation import Mutation, replaced

SCENARIOS = ("two values on two nodes of Redis",)
_ADAPTER, _SESSION = "rotation.sources.redis.adapter", "rotation.sources.redis.node.RedisSession"


def given_to_the_first_alone(self: EveryNode, username: str, password: Any, *, retain: bool) -> None:
    self._nodes[0].set_password(username, password, retain=retain)


def taken_from_the_first_alone(self: EveryNode, username: str, keep: Any) -> None:
    self._nodes[0].discard_old_password(username, keep)


def asked_of_the_first_alone(self: EveryNode, *given: Any) -> bool:
    return self._nodes[0].needs_retain(*given)


def who_logs_in_somewhere(self: Redis, credential: Any) -> bool:
    return any(self._takers(credential))


def not_saved(_: Any) -> None: ...


NODES = [
    Mutation(
        "nodes: the new password is given to the first alone",
        replaced(f"{_ADAPTER}.EveryNode.set_password", given_to_the_first_alone),
        SCENARIOS,
    ),
    Mutation(
        "nodes: the old password is taken from the first alone",
        replaced(f"{_ADAPTER}.EveryNode.discard_old_password", taken_from_the_first_alone),
        SCENARIOS,
    ),
    Mutation(
        "nodes: only the first is asked what it has",
        replaced(f"{_ADAPTER}.EveryNode.needs_retain", asked_of_the_first_alone),
        SCENARIOS,
    ),
    Mutation("nodes: who logs in somewhere logs in", replaced(f"{_ADAPTER}.Redis.logs_in", who_logs_in_somewhere), SCENARIOS),
    Mutation("nodes: nothing is saved", replaced(f"{_SESSION}.save", not_saved), SCENARIOS),
]
