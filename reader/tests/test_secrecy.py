"""No password in what people see: repr, messages, logs, tracebacks with their variables."""

from __future__ import annotations

import io
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from credential_reader import Login, NoneLogsIn, NothingToTry, Reader
from credential_reader.places import Places
from credential_reader.shapes import Shape
from reader.tests.database import Database

CANARIES = ["canary-of-the-first", "canary-of-the-second"]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that is logged, at every level."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    logger = logging.getLogger("credential_reader")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield text
    logger.removeHandler(handler)
    logger.setLevel(before)


@pytest.fixture
def both(mount: Callable[..., None]) -> None:
    mount(postgres_password_v1=CANARIES[0], postgres_password_v2=CANARIES[1])


def assert_secret(text: str) -> None:
    assert text
    assert not [canary for canary in CANARIES if canary in text]


def told(error: BaseException) -> str:
    """As a tool shows it that collects the variables of every frame, and what an error was raised in."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def test_a_login_and_a_reader_as_texts(reader: Reader, both: None, tmp_path: Path) -> None:
    reader.connect(Database(("shop", CANARIES[0])).log_in)
    assert_secret(repr(Login("shop", CANARIES[0])))
    assert_secret(f"{Login('shop', CANARIES[0])}")
    assert_secret(repr(vars(reader)))
    assert_secret(repr(Places("postgres_password", tmp_path, "X").read({}, Shape("shop"))))
    assert repr(reader) == f"Reader('postgres_password', place='{tmp_path}/postgres_password_v1')"


def test_the_log_says_what_was_refused_and_what_is_used(reader: Reader, both: None, log: io.StringIO, tmp_path: Path) -> None:
    reader.connect(Database(("shop", CANARIES[0])).log_in)
    assert log.getvalue().splitlines() == [
        f"postgres_password: the login of {tmp_path}/postgres_password_v2 is refused",
        f"postgres_password: logged in as shop, by {tmp_path}/postgres_password_v1",
    ]
    reader.connect(Database(("shop", CANARIES[0])).log_in)
    assert len(log.getvalue().splitlines()) == 2, "only what is new is told"


def test_all_are_refused_by_a_driver_whose_text_quotes_the_password(reader: Reader, both: None, log: io.StringIO) -> None:
    with pytest.raises(NoneLogsIn) as raised:
        reader.connect(Database().log_in)
    assert raised.value.__context__ is None
    assert raised.value.__cause__ is None
    assert_secret("".join(traceback.format_exception(type(raised.value), raised.value, raised.value.__traceback__)))
    assert_secret(log.getvalue())


def test_the_variables_of_every_frame(reader: Reader, both: None) -> None:
    with pytest.raises(NoneLogsIn) as raised:
        reader.connect(Database().log_in)
    assert_secret(told(raised.value))


UNUSABLE = {
    "no password": json.dumps({"secret": CANARIES[0]}),
    "no text": json.dumps({"password": [CANARIES[0]]}),
    "no UTF-8": CANARIES[0] + "\udcff",
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_what_cannot_be_used(reader: Reader, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    monkeypatch.setenv("POSTGRES_PASSWORD", UNUSABLE[what])
    with pytest.raises(NothingToTry) as raised:
        reader.connect(Database().log_in)
    assert_secret(told(raised.value))


def test_a_login_can_be_made_of_another_and_hides_it_too() -> None:
    assert_secret(repr(replace(Login("shop", CANARIES[0]), username="other")))
