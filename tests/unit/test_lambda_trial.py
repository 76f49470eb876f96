"""`rotation targets check --try`, of a function of one's own: what is said of one that keeps the contract, and of others."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from rotation.consumers.lambda_function import contract
from rotation.consumers.lambda_function.trial import MISSING, Trial
from rotation.core.errors import SecretDenied
from rotation.core.findings import Severity
from rotation.core.model import Password, SecretText

from tests.conformance.consumers import CANARY

CURRENT = "11111111-2222-4333-8444-555555555555"
OLDER = "11111111-2222-4333-8444-666666666666"
PASSWORD = Password(f"{CANARY}-of-what-is-current")
NOW, AGES = "2026-01-01T00:00:00Z", 1_767_225_600.0


class Careful:
    """It keeps the contract, over a place that compares."""

    name, timeout_seconds = "function put-crm:live", 10

    def __init__(self, held: str | None = CURRENT) -> None:
        self.first = self.held = held
        self.versions = {CURRENT, OLDER}
        self.wrote: list[str] = []

    def ask(self, verb: str, request: Mapping[str, Any], never: Password | None = None) -> dict[str, Any]:
        assert contract.fits(contract.REQUEST, dict(request)) == ""
        answer = {"contract": 1, **getattr(self, verb)(request)}
        return contract.parse(self.name, verb, SecretText(json.dumps(answer)), never)

    def holds(self, _: Mapping[str, Any]) -> dict[str, Any]:
        return {"version": self.held, "settled": True}

    def check(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return {"compares": True} if request["version"] in self.versions else {"refused": "unreadable"}

    def put(self, request: Mapping[str, Any]) -> dict[str, Any]:
        refused = self.refuses(request)
        return {"refused": refused} if refused else self.write(request)

    def refuses(self, request: Mapping[str, Any]) -> str:
        if request["version"] == self.held:
            return ""
        if request["expects"] != self.held:
            return "conflict"
        if request["version"] not in self.versions:
            return "unreadable"
        return "late" if request["not_after"] < NOW else ""

    def write(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if request["version"] != self.held:
            self.held = request["version"]
            self.wrote.append(request["version"])
        return {"version": request["version"]}


class HoldsWhatItIsAsked(Careful):
    def holds(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.asked = getattr(self, "asked", 0) + 1
        return {"version": (CURRENT, OLDER)[self.asked % 2], "settled": True}


class ReadsNothing(Careful):
    def check(self, _: Mapping[str, Any]) -> dict[str, Any]:
        return {"compares": True}


class ChecksByPutting(Careful):
    def check(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.held = OLDER
        return super().check(request)


class ComparesFirst(Careful):
    def refuses(self, request: Mapping[str, Any]) -> str:
        return "conflict" if request["expects"] != self.held else super().refuses(request)


class PutsWhatIsNot(Careful):
    def refuses(self, request: Mapping[str, Any]) -> str:
        return "" if request["version"] == MISSING else super().refuses(request)


class Overwrites(Careful):
    def refuses(self, request: Mapping[str, Any]) -> str:
        return super().refuses({**request, "expects": self.held})


class ComesLate(Careful):
    def refuses(self, request: Mapping[str, Any]) -> str:
        return super().refuses({**request, "not_after": NOW})


class SaysSo(Careful):
    def write(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return {"version": request["version"]}


class OnlyForward(Careful):
    def refuses(self, request: Mapping[str, Any]) -> str:
        return "rejected" if request["version"] == self.first != self.held else super().refuses(request)


class Tells(Careful):
    def write(self, request: Mapping[str, Any]) -> dict[str, Any]:
        return {**super().write(request), "note": PASSWORD.reveal()}


class Raises(Careful):
    def holds(self, _: Mapping[str, Any]) -> dict[str, Any]:
        raise contract.failed(self.name, "holds", SecretText('{"errorType": "KeyError"}'))


def tried(function: Careful, *, denied: bool = False) -> dict[str, tuple[Severity, str]]:
    """The worst of each part."""

    def copy(version: str) -> Password:
        if denied:
            raise SecretDenied("secretsmanager:PutSecretValue is not permitted")
        function.versions.add(version)
        return PASSWORD

    found = list(Trial(function, "crm", "arn:aws:secretsmanager:::secret:crm", CURRENT, lambda: AGES).look(copy))
    assert CANARY not in json.dumps([one.as_dict() for one in found])
    worst: dict[str, tuple[Severity, str]] = {}
    for one in sorted(found, key=lambda one: list(Severity).index(one.severity)):
        worst.setdefault(one.what, (one.severity, one.found))
    return worst


def test_one_that_keeps_the_contract_passes_and_holds_what_it_held() -> None:
    function = Careful()
    said = tried(function)
    assert {how for how, _ in said.values()} == {Severity.OK}
    assert len(said) == 7
    assert function.held == CURRENT
    assert function.versions >= set(function.wrote), "only what is current, or a copy of it, is put"
    assert OLDER not in function.wrote


WRONG: dict[type[Careful], tuple[str, str]] = {
    HoldsWhatItIsAsked: ("holds", "names two versions"),
    ReadsNothing: ("check", "can read a version that does not exist"),
    ChecksByPutting: ("check", "holds another version than before"),
    ComparesFirst: ("put of what it holds", "with expects of another version, it fails"),
    PutsWhatIsNot: ("put of a version that does not exist", "says that it has put it"),
    Overwrites: ("put with expects of another version", "puts it all the same"),
    ComesLate: ("put after its time", "puts it all the same"),
    SaysSo: ("put of another version", "names another when asked"),
    OnlyForward: ("put of another version", "does not go back"),
    Tells: ("put of another version", "ConsumerFunctionLeaks"),
    Raises: ("holds", "(KeyError)"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_one_that_does_not_is_told_what_it_does_wrong(kind: type[Careful]) -> None:
    what, said = WRONG[kind]
    how, found = tried(kind())[what]
    assert how is Severity.FAILED
    assert said in found


def test_nothing_is_put_where_there_is_nothing_or_something_older() -> None:
    empty, behind = Careful(None), Careful(OLDER)
    assert tried(empty)["holds"][0] is Severity.FAILED
    said = tried(behind)
    assert (said["holds"][0], said["put of another version"][0]) == (Severity.WARNING, Severity.SKIPPED)
    assert empty.wrote == behind.wrote == []


def test_who_may_not_write_the_secret_gets_the_rest() -> None:
    said = tried(Careful(), denied=True)
    assert said.pop("put of another version")[0] is Severity.SKIPPED
    assert {how for how, _ in said.values()} == {Severity.OK}
