"""Every password is long, random and of every class, and nothing that it passes through trips over it."""

import inspect
import math
import re
import secrets
import string
from collections.abc import Callable
from urllib.parse import quote

import pytest
from rotation.core.model import Password
from rotation.core.passwords import (
    ADMIN_ALPHABET,
    ADMIN_LENGTH,
    SLOT_ALPHABET,
    SLOT_LENGTH,
    Choose,
    admin_password,
    bits,
    slot_password,
)

Make = Callable[[Choose], Password]
MANY = 500

KINDS = {"slot": (slot_password, SLOT_ALPHABET, SLOT_LENGTH), "admin": (admin_password, ADMIN_ALPHABET, ADMIN_LENGTH)}
each_kind = pytest.mark.parametrize(("make", "alphabet", "length"), KINDS.values(), ids=KINDS)


@each_kind
def test_a_password_is_of_its_length_and_alphabet(make: Make, alphabet: str, length: int) -> None:
    for _ in range(MANY):
        text = make(secrets.choice).reveal()
        assert len(text) == length
        assert set(text) <= set(alphabet)


@each_kind
def test_it_takes_256_bits_to_guess_even_knowing_what_is_left_out(make: Make, alphabet: str, length: int) -> None:
    """What lacks a class or begins with '-' is drawn again: that takes away less than half of all texts, so less than a bit."""
    classes = (
        string.ascii_uppercase,
        string.ascii_lowercase,
        string.digits,
        set(alphabet) - set(string.ascii_letters + string.digits),
    )
    lacking = sum((1 - len(one) / len(alphabet)) ** length for one in classes) + 1 / len(alphabet)
    assert bits(alphabet, length) + math.log2(1 - lacking) >= 256


@each_kind
def test_no_letter_is_twice_in_the_alphabet(make: Make, alphabet: str, length: int) -> None:
    assert len(set(alphabet)) == len(alphabet)


@each_kind
def test_every_class_that_a_policy_may_ask_for_is_in_it(make: Make, alphabet: str, length: int) -> None:
    for _ in range(MANY):
        assert re.fullmatch(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])(?=.*[^A-Za-z0-9])(?!-).*", make(secrets.choice).reveal())


@each_kind
def test_what_lacks_a_class_is_drawn_again_as_a_whole(make: Make, alphabet: str, length: int) -> None:
    good = ("aB3." * length)[:length]
    drafts = ["a" * length, "A1." * length, "b2_" * length, "cD-" * length, "eF4" * length, "-" + good, good]
    letters = iter("".join(draft[:length] for draft in drafts))
    assert make(lambda _: next(letters)) == Password(good)


@each_kind
def test_chance_is_the_operating_systems(make: Make, alphabet: str, length: int) -> None:
    assert inspect.signature(make).parameters["choose"].default == secrets.choice


def test_every_letter_of_the_alphabet_is_asked_for() -> None:
    asked: set[str] = set()

    def choose(alphabet: str) -> str:
        asked.add(alphabet)
        return secrets.choice(alphabet)

    slot_password(choose)
    admin_password(choose)
    assert asked == {SLOT_ALPHABET, ADMIN_ALPHABET}


def test_rds_takes_it_for_the_master_user() -> None:
    assert 8 <= ADMIN_LENGTH <= 41
    assert not set(ADMIN_ALPHABET) & set("/\"@' ")
    assert ADMIN_ALPHABET.isascii()
    assert ADMIN_ALPHABET.isprintable()
    assert len(ADMIN_ALPHABET) >= 77


@pytest.mark.parametrize("alphabet", [SLOT_ALPHABET, ADMIN_ALPHABET])
def test_nothing_in_it_has_to_be_escaped_in_php_or_ends_a_quote(alphabet: str) -> None:
    assert not set(alphabet) & set("'\"\\$`{}<>&;\0\n\r\t ")


def test_a_slots_password_is_safe_in_urls_and_unquoted_in_a_shell() -> None:
    assert quote(SLOT_ALPHABET, safe="") == SLOT_ALPHABET
    assert re.fullmatch(r"[A-Za-z0-9._-]+", SLOT_ALPHABET)


def test_no_two_are_alike() -> None:
    assert len({slot_password().reveal() for _ in range(MANY)}) == MANY
