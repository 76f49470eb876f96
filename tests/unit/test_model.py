"""The words of the domain: a password that shows itself nowhere, credentials, slots."""

import copy
import json
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest
from rotation.core.model import Credential, Labels, Mode, Password, SecretText, Slot, Terms
from rotation.core.record import AdminRecord, Record
from rotation.core.situation import Facts, Found, decide

CANARY = "canary-7Q"
CREDENTIAL = Credential("openemr_a", Password(CANARY), "db", 3306, "openemr")
LOGIN = {"username": "openemr_a", "password": CANARY, "host": "db", "port": "3306", "dbname": "openemr"}
RECORD = Record({"active_slot": "A", "A": LOGIN, "B": LOGIN | {"username": "openemr_b"}, "previous": LOGIN | {"username": "o"}})
FACTS = Facts(
    rotation_id="r",
    labels=Labels("v0"),
    current=RECORD,
    pending=RECORD,
    owner_alive=False,
    file=Found(CREDENTIAL, logs_in=True),
    others=(Found(CREDENTIAL, logs_in=True),),
    accepted={Slot.A: Password(CANARY), Slot.B: None},
    admin=CREDENTIAL,
)

CONFIDENTIAL: dict[str, Any] = {
    "Password": Password(CANARY),
    "SecretText": SecretText(json.dumps(LOGIN)),
    "Credential": CREDENTIAL,
    "Record": RECORD,
    "AdminRecord": AdminRecord(LOGIN),
    "Found": Found(CREDENTIAL, logs_in=True),
    "Facts": FACTS,
    "Decision": decide(FACTS),
}


def logged(thing: object) -> str:
    record = logging.LogRecord("x", logging.INFO, "x", 1, "%s %r", (thing, thing), None)
    return logging.Formatter("%(message)s %(args)s").format(record)


def traced(thing: object) -> str:
    """As the worst of tracebacks prints it: with every local variable."""
    try:
        raise ValueError(thing)  # noqa: TRY301
    except ValueError as error:
        return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


WAYS: dict[str, Callable[[Any], object]] = {
    "str": str,
    "repr": repr,
    "ascii": ascii,
    "f-string": lambda thing: f"{thing} {thing!r} {thing!s}",
    "format": "{0} {0!r}".format,
    "percent": lambda thing: "%s %r" % (thing, thing),  # noqa: UP031
    "in a list": lambda thing: str([thing]),
    "in a dict": lambda thing: str({"x": thing}),
    "pprint": pprint.pformat,
    "log": logged,
    "traceback": traced,
    "json": json.dumps,
    "json, the default that our logger has": lambda thing: json.dumps(thing, default=str),
    "json, the default that others have": lambda thing: json.dumps(thing, default=vars),
    "asdict": lambda thing: str(asdict(thing)),
    "dir": lambda thing: str(dir(thing)),
    "pickle": lambda thing: b"".join(pickle.dumps(thing, protocol) for protocol in range(6)).decode("latin-1"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", CONFIDENTIAL)
def test_no_password_shows_itself(name: str, way: str) -> None:
    try:
        shown = str(WAYS[way](CONFIDENTIAL[name]))
    except (TypeError, AttributeError) as error:
        shown = str(error)
    assert CANARY not in shown


def test_the_ways_above_do_show_what_is_not_confidential() -> None:
    """Else the test above could not fail."""
    for way, show in WAYS.items():
        if way not in ("dir", "asdict", "json, the default that others have"):
            assert CANARY in str(show(CANARY)), way
    assert CANARY in str(asdict(Labels(CANARY)))
    assert CANARY in json.dumps(Labels(CANARY), default=vars)


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_password_is_not_copied_out(make: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="not to be pickled"):
        make(Password(CANARY))


def test_a_password_gives_its_value_to_whoever_asks_for_it_visibly() -> None:
    assert (Password(CANARY).reveal(), SecretText(CANARY).reveal()) == (CANARY, CANARY)


def test_passwords_are_equal_by_value_and_nothing_else_equals_one() -> None:
    assert Password("\u00e9") == Password("\u00e9")
    assert Password("a") != Password("b")
    assert Password("a") != "a"
    assert len({Password("a"), Password("a"), Password("b")}) == 2


def test_the_same_login_is_the_same_user_and_password_wherever_it_points() -> None:
    assert CREDENTIAL.same_login(replace(CREDENTIAL, host="reader", port=None, dbname="x"))
    assert not CREDENTIAL.same_login(replace(CREDENTIAL, password=Password("other")))
    assert not CREDENTIAL.same_login(replace(CREDENTIAL, username="openemr_b"))
    assert not CREDENTIAL.same_login(None)


def test_a_port_that_a_consumer_does_not_say_is_the_others() -> None:
    silent = replace(CREDENTIAL, port=None)
    assert silent.at_port_of(replace(CREDENTIAL, port=3307)).port == 3307
    assert CREDENTIAL.at_port_of(replace(CREDENTIAL, port=3307)).port == 3306


def test_only_a_revocation_goes_beyond_a_rotation() -> None:
    assert {mode for mode in Mode if mode.terms != Terms()} == {Mode.REVOKE}
