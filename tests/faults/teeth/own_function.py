"""What a place that only a function of the user's own reaches is safe by, left out."""

from typing import Any

from rotation.consumers.lambda_function.adapter import LambdaPlace

from tests.faults.teeth.mutation import Mutation, replaced

ALONE, INTERRUPTED, BACK = "function", "function, an interrupted flip", "function, B does not work"
ADAPTER = "rotation.consumers.lambda_function.adapter.LambdaPlace"
FUNCTION = "tests.worlds.own_function.OwnFunction"


def compares_nothing(*_: Any) -> bool:
    return False


def takes_the_answer_for_it(self: LambdaPlace, version: str, held: str | None, credential: Any, mark: Any) -> None:
    """A call that got no answer has done nothing: it is not looked for."""
    more = {"rotation": mark.text, "expects": held, "not_after": self._deadline()}
    self._function.ask("put", self._request("put", version, **more), credential.password)


def everybody_at_once(*_: Any) -> str:
    return ""


def reads_what_is_current(self: LambdaPlace) -> Any:
    """As if the function held what the secret says."""
    return self._secret.read()


OWN_FUNCTION = [
    Mutation("a function: it overwrites what came meanwhile", replaced(f"{FUNCTION}.conflicts", compares_nothing), (ALONE, BACK)),
    Mutation("a function: not all have it, and the old one goes", replaced(f"{ADAPTER}.everybody", everybody_at_once), (ALONE,)),
    Mutation(
        "a function: the way back closes nothing",
        replaced("rotation.consumers.published.PublishedSecret._put_before", lambda *_: True),
        (ALONE, BACK, INTERRUPTED),
    ),
    Mutation(
        "a function: the secret is read, and not what it holds", replaced(f"{ADAPTER}.read", reads_what_is_current), (ALONE, BACK)
    ),
]
