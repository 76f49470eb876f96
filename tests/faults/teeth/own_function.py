"""What a place that only a function of the user's own reaches is safe by, left out."""

from typing import Any

from rotation.consumers.lambda_function.adapter import LambdaPlace

from tests.faults.teeth.mutation import Mutation, replaced

ALONE, BACK = "function", "function, B does not work"
ADAPTER = "rotation.consumers.lambda_function.adapter.LambdaPlace"
FUNCTION = "tests.worlds.own_function.OwnFunction"


def compares_nothing(*_: Any) -> bool:
    return False


_give = LambdaPlace._give


def looks_anew(self: LambdaPlace, version: str, _: str | None, credential: Any, mark: Any) -> None:
    """What is to be there before is asked for right before the put, when the version was made already."""
    _give(self, version, self._holds(version).version, credential, mark)


def everybody_at_once(*_: Any) -> str:
    return ""


OWN_FUNCTION = [
    Mutation("a function: it overwrites what came meanwhile", replaced(f"{FUNCTION}.conflicts", compares_nothing), (ALONE, BACK)),
    Mutation("a function: what it expects is looked up anew", replaced(f"{ADAPTER}._give", looks_anew), (ALONE, BACK)),
    Mutation(
        "a function: not all have it, and the old one goes",
        replaced(f"{ADAPTER}.everybody", everybody_at_once),
        ("function, no dual passwords",),
    ),
]
