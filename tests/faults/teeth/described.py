"""What keys of a described provider are safe by in its adapter, left out."""

from collections.abc import Sequence
from typing import Any

from rotation.core.model import Credential
from rotation.core.seen import Key
from rotation.sources.http_api_key.adapter import HttpApiKeys
from rotation.sources.http_api_key.answers import Answer

from tests.faults.teeth.mutation import Mutation, replaced

HERE = ("keys, of a described provider",)
ADAPTER = "rotation.sources.http_api_key.adapter.HttpApiKeys"

_issue, _keys = HttpApiKeys.issue, HttpApiKeys.keys


def called_otherwise(self: HttpApiKeys, admin: Credential | None, name: str) -> Credential:
    return _issue(self, admin, "made by a rotation")


def the_first_one(self: HttpApiKeys, admin: Credential | None) -> Sequence[Key]:
    return _keys(self, admin)[:1]


def not_sent(self: HttpApiKeys, admin: Credential | None, key: str) -> None:
    """Taken for done."""


def by_the_status_alone(_: Any, answer: Answer, __: Any) -> bool:
    return answer.status != 404


DESCRIBED = [
    Mutation("described keys: a key's name is not ours", replaced(f"{ADAPTER}.issue", called_otherwise), HERE),
    Mutation("described keys: one page of the list is all", replaced(f"{ADAPTER}.keys", the_first_one), HERE),
    Mutation("described keys: a key is not deleted", replaced(f"{ADAPTER}.delete", not_sent), HERE),
    Mutation(
        "described keys: whatever is no 404 takes a key",
        replaced("rotation.sources.http_api_key.answers.accepted", by_the_status_alone),
        HERE,
    ),
]
