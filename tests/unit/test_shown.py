"""What is shown in place of what may not be shown: enough to see what it is, and never the value."""

import json
import pickle
from collections.abc import Callable

import pytest
from rotation.core.errors import SecretInvalid
from rotation.core.model import Password, SecretText
from rotation.core.record import AdminRecord, Record

CANARY = "canary-9c2e"
ENTRY = {"username": "a", "password": CANARY, "host": "db", "port": "3306", "dbname": "d"}
SLOTS = {"active_slot": "A", "A": ENTRY, "B": {**ENTRY, "username": "b"}}

HIDDEN: dict[str, object] = {
    "Password(***)": Password(CANARY),
    "SecretText(***)": SecretText(CANARY),
    "Record(***)": Record(SLOTS),
    "AdminRecord(***)": AdminRecord(ENTRY),
}


@pytest.mark.parametrize(("shown", "hidden"), HIDDEN.items(), ids=HIDDEN)
def test_it_shows_its_kind_and_not_its_value(shown: str, hidden: object) -> None:
    assert [repr(hidden), str(hidden), f"{hidden}", f"{[hidden]}"] == [shown, shown, shown, f"[{shown}]"]


PICKLES = {
    "a Password is not to be pickled": Password(CANARY),
    "a Record is not to be pickled": Record(SLOTS),
    "a AdminRecord is not to be pickled": AdminRecord(ENTRY),
}


@pytest.mark.parametrize(("why", "hidden"), PICKLES.items(), ids=PICKLES)
def test_it_cannot_be_carried_out_in_a_pickle(why: str, hidden: object) -> None:
    with pytest.raises(TypeError, match=f"^{why}$"):
        pickle.dumps(hidden)


def test_passwords_are_told_apart_by_their_hash_too() -> None:
    """A set of a thousand should not be a list."""
    assert hash(Password("one")) == hash(Password("one"))
    assert len({hash(Password(str(number))) for number in range(100)}) > 90


WRONG: dict[str, Callable[[], object]] = {
    "secret s is not JSON": lambda: Record.parse(SecretText("{"), "s"),
    "secret s is not a JSON object": lambda: Record.parse(SecretText("[]"), "s"),
    "secret s: active_slot is neither A nor B": lambda: Record.parse(text({**SLOTS, "active_slot": "C"}), "s"),
    "secret s: B is missing or not an object": lambda: Record.parse(text({**SLOTS, "B": 1}), "s"),
    "secret s: A: field host is missing or empty": lambda: Record.parse(text({**SLOTS, "A": {**ENTRY, "host": ""}}), "s"),
    "secret s: A: field port is not a port number": lambda: Record.parse(text({**SLOTS, "A": {**ENTRY, "port": "x"}}), "s"),
    "secret s: slots A and B name the same user: give each slot a user of its own": lambda: Record.parse(
        text({**SLOTS, "B": ENTRY}), "s"
    ),
    "secret s: the admin secret: field dbname is missing or empty": lambda: AdminRecord.parse(text({**ENTRY, "dbname": None}), "s"),
}


def text(content: object) -> SecretText:
    return SecretText(json.dumps(content))


@pytest.mark.parametrize(("why", "parse"), WRONG.items(), ids=WRONG)
def test_a_wrong_secret_is_refused_by_its_name_and_field(why: str, parse: Callable[[], object]) -> None:
    with pytest.raises(SecretInvalid) as caught:
        parse()
    assert str(caught.value) == why
