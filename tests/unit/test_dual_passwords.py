"""Which of two passwords is the primary, for hashes that real servers made; nothing is done that destroys the one in use."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha1
from itertools import product

import pytest
from rotation.core.errors import PermanentError, PrimaryUnknown, SecondaryUnknown
from rotation.core.model import Password
from rotation.sources.mysql.dual_passwords import (
    Place,
    Stored,
    has_to_be_discarded,
    has_to_be_retained,
)
from rotation.sources.mysql.hashes import is_of, sha256_crypt

SHA2, NATIVE = "caching_sha2_password", "mysql_native_password"
PRIMARY = "canary-2"

# MySQL 9.7.4 made them: primary, secondary, and the secondary's password. The number is of thousands of rounds, in hexadecimal.
MADE = {
    "5,000 rounds, as MySQL 8": (
        "$A$005$[\nN\\~Wk\x0fbPO\x03.l>\x07i\x0f\x19\x16eqDDG25JMjmMXmSRQmeNSIewedYuLvmWNJec6sixkV/",
        "$A$005$Dk]s\t?%a\x15\"\fyk'{0cNx\x04kv0WFqtpsWMs6yxHNM2EY4pzmRLcr14PELvHrsgB/m6",
        "canary-1",
    ),
    "16,000 rounds": (
        "$A$010$\x1b|(e\x01\x03I\x15?fP\x0c5\x1d:vKF'!wL/RbTlj5mHsvbNk1vgQmBT7EtGjfP2XQQOZ1Y/H9dD",
        "$A$010$y#\n\x02_\x18\x11\x04ru\x01%05\\m\bF\x0f\x11teXoCZHuvc1c1bBQgz5uSe0Unj4ulIvTvOZ3enqCiB.",
        "canary-1",
    ),
    "beyond ASCII": (
        "$A$005$[DE@;\x03PSmY>^\x16z#x\x0b\x15R~TQsl56R9edbqbaPSYuRHAFZDpdhKuypf/3cf6stJeQC",
        "$A$005$)])wZ;s\x01|I*\x7feGZ\".L{'/jHmFUL0Zkcvnc3d13b1AaB4QbtWBLELewdxuNXLwI.",
        "é漢🔑 \\'\"%{}",
    ),
    "the longest": (
        '$A$005$9\x10"\x7fK%\\\x08] %7>:O;V\x039\x0c9mzxzl/WT9iqGzwBSwVTavlSnzQnU20Ghz0Pr1RBmu/',
        "$A$005$.MUE\x04\x1a\x1aG\x1b/<)._czv:^\x052XXUIvRY5pyl/F052yPVXBdG1fWEbuTu8phDnWPz4u2",
        "c" * 256,
    ),
}


def stored(primary: str, secondary: str | None = None, plugin: str = SHA2) -> Stored:
    attributes = {"metadata": {"comment": "x"}} | ({} if secondary is None else {"additional_password": secondary})
    return Stored.of("app@%", plugin, primary, json.dumps(attributes))


def native(password: str) -> str:
    return "*" + sha1(sha1(password.encode()).digest()).hexdigest().upper()  # noqa: S324 - what the plugin does


@contextmanager
def refused(kind: type[PermanentError], *words: str) -> Iterator[None]:
    """By that error, which says these words and shows neither a password nor a hash."""
    with pytest.raises(kind) as caught:
        yield
    assert [word for word in ("app@%", *words) if word not in str(caught.value)] == []
    assert not [one for one in ("canary", "$A$", native("canary-1")) if one in str(caught.value)]
    assert caught.value.__context__ is None  # of a parser, it would carry the text


# The place of a password


@pytest.mark.parametrize(("primary", "secondary", "other"), MADE.values(), ids=MADE)
def test_of_what_mysql_stored_the_place_is_known(primary: str, secondary: str, other: str) -> None:
    account = stored(primary, secondary)
    assert account.place(Password(PRIMARY)) is Place.PRIMARY
    assert account.place(Password(other)) is Place.SECONDARY
    assert account.place(Password(f"{other}x")) is Place.NOWHERE
    assert stored(primary).place(Password(other)) is Place.NOWHERE


# glibc's crypt and openssl passwd -5 made them; their salts are shorter.
@pytest.mark.parametrize(
    ("key", "salt", "rounds", "digest"),
    [
        ("Hello world!", "saltstring", 5000, "5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
        ("Hello world!", "saltstringsaltst", 10000, "3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA"),
    ],
)
def test_sha_crypt_is_that_of_everybody(key: str, salt: str, rounds: int, digest: str) -> None:
    assert sha256_crypt(key.encode(), salt.encode(), rounds) == digest


# MariaDB 10.11's PASSWORD() made them.
@pytest.mark.parametrize(
    ("password", "hashed"),
    [("first-canary-2", "*62B50597ED4F6095060E4C2BAB4383880CEF28DE")],
)
def test_of_a_native_password_the_place_is_known(password: str, hashed: str) -> None:
    account = stored(hashed, native(PRIMARY), NATIVE)
    assert account.place(Password(password)) is Place.PRIMARY
    assert account.place(Password(PRIMARY)) is Place.SECONDARY
    assert account.place(Password(f"{password} ")) is Place.NOWHERE


def test_the_same_password_twice_is_the_primary() -> None:
    assert stored(native("canary-1"), native("canary-1"), NATIVE).place(Password("canary-1")) is Place.PRIMARY


@pytest.mark.parametrize("plugin", [SHA2, NATIVE])
def test_an_account_without_a_password_has_no_password(plugin: str) -> None:
    assert stored("", None, plugin).place(Password("canary-1")) is Place.NOWHERE
    assert is_of(Password(""), "", plugin)


@pytest.mark.parametrize("attributes", [None, "", "{}", '{"metadata": {"additional_password": "x"}}'])
def test_most_accounts_have_no_secondary(attributes: str | None) -> None:
    assert Stored.of("app@%", NATIVE, native("canary-1"), attributes).secondary is None


def test_hashes_do_not_show_themselves() -> None:
    assert "$A$" not in repr(stored(*MADE["16,000 rounds"][:2]))


# What cannot be known


FOREIGN = {
    "another plugin": ("sha256_password", "$5$`\r\x12>r\\\x0bF\x1c,h\x0c\x18yR2WS>H$ZqIKdM0xqZ.M9XbGAoU2eL.3ZyNMobrCnV0ryN1eez8"),
    "a login by the operating system": ("auth_socket", ""),
    "IAM": ("AWSAuthenticationPlugin", "RDS"),
    "another digest": (SHA2, MADE["16,000 rounds"][0].replace("$A$", "$B$")),
    "cut short": (SHA2, MADE["16,000 rounds"][0][:-1]),
    "one byte more": (SHA2, MADE["16,000 rounds"][0] + "x"),
    "native's under the other name": (SHA2, native("canary-1")),
    "sha2's under the other name": (NATIVE, MADE["16,000 rounds"][0]),
    "a native one cut short": (NATIVE, native("canary-1")[:-1]),
    "an old one": (NATIVE, "5d2e19393cc5ef67"),
    "one that nothing matches": (NATIVE, "*THISISNOTAVALIDPASSWORDTHATCANBEUSEDHERE"),
}


@pytest.mark.parametrize(("plugin", "hashed"), FOREIGN.values(), ids=FOREIGN)
def test_an_unknown_plugin_or_form_is_refused_with_the_way_out(plugin: str, hashed: str) -> None:
    with refused(PrimaryUnknown, plugin, SHA2, NATIVE, "take turns"):
        stored(hashed, None, plugin).place(Password("canary-1"))


def test_a_secondary_of_an_unknown_form_is_refused() -> None:
    with refused(PrimaryUnknown):
        stored(native("canary-1"), "canary", NATIVE).place(Password("canary-2"))


@pytest.mark.parametrize(
    "attributes", ["canary", "[]", '"canary"', '{"additional_password": 1}', '{"additional_password": ["canary"]}']
)
def test_attributes_that_cannot_be_read_are_refused(attributes: str) -> None:
    with refused(PrimaryUnknown, "User_attributes"):
        Stored.of("app@%", NATIVE, native("canary-1"), attributes)


def test_a_hash_that_cannot_be_read_is_refused() -> None:
    with refused(PrimaryUnknown, "authentication_string"):
        Stored.of("app@%", NATIVE, None, None)


# What may be done


OLD, NEW, OTHER = "canary-old", "canary-new", "canary-other"
STATES = list(product((OLD, NEW, OTHER), (None, OLD, NEW, OTHER)))
"""Every primary with every secondary."""


def account(primary: str, secondary: str | None) -> Stored:
    return stored(native(primary), None if secondary is None else native(secondary), NATIVE)


def after_retain(state: tuple[str, str | None], new: str) -> tuple[str, str | None]:
    return new, state[0]


def after_discard(state: tuple[str, str | None]) -> tuple[str, str | None]:
    return state[0], None


@pytest.mark.parametrize("state", STATES)
def test_before_retain(state: tuple[str, str | None]) -> None:
    """With the old password in use and a new one to be made."""
    wanted = {(OLD, None): True, (OLD, OLD): True, (OLD, NEW): True, (NEW, OLD): False, (OLD, OTHER): SecondaryUnknown}
    outcome = wanted.get(state, PrimaryUnknown)
    if isinstance(outcome, bool):
        assert has_to_be_retained(account(*state), Password(OLD), Password(NEW)) is outcome
    else:
        with refused(outcome):
            has_to_be_retained(account(*state), Password(OLD), Password(NEW))


@pytest.mark.parametrize("state", STATES)
def test_before_discard(state: tuple[str, str | None]) -> None:
    """With the new password in use and the old one to go."""
    wanted = {(NEW, None): False, (NEW, OLD): True, (NEW, NEW): True, (NEW, OTHER): SecondaryUnknown}
    outcome = wanted.get(state, PrimaryUnknown)
    if isinstance(outcome, bool):
        assert has_to_be_discarded(account(*state), Password(NEW), Password(OLD)) is outcome
    else:
        with refused(outcome):
            has_to_be_discarded(account(*state), Password(NEW), Password(OLD))


@pytest.mark.parametrize("state", STATES)
def test_what_may_be_done_keeps_the_password_in_use_and_loses_none_that_is_not_recorded(state: tuple[str, str | None]) -> None:
    for in_use, new in product((OLD, NEW, OTHER), repeat=2):
        try:
            done = after_retain(state, new) if has_to_be_retained(account(*state), Password(in_use), Password(new)) else state
        except PermanentError:
            continue
        assert {in_use, new} <= set(done)
        assert set(state) - set(done) <= {in_use, new, None}
    for in_use, old in product((OLD, NEW, OTHER), repeat=2):
        try:
            done = after_discard(state) if has_to_be_discarded(account(*state), Password(in_use), Password(old)) else state
        except PermanentError:
            continue
        assert done == (in_use, None)
        assert set(state) - set(done) <= {old, None}


def test_a_refusal_says_what_would_be_destroyed_and_where_the_password_is() -> None:
    with refused(PrimaryUnknown, "secondary", "RETAIN CURRENT PASSWORD"):
        has_to_be_retained(account(OTHER, OLD), Password(OLD), Password(NEW))
    with refused(PrimaryUnknown, "secondary", "DISCARD OLD PASSWORD"):
        has_to_be_discarded(account(OLD, NEW), Password(NEW), Password(OLD))
    with refused(PrimaryUnknown, "none of those", "changed"):
        has_to_be_discarded(account(OTHER, None), Password(NEW), Password(OLD))
    with refused(SecondaryUnknown, "second password", "does not know", "DISCARD OLD PASSWORD"):
        has_to_be_retained(account(OLD, OTHER), Password(OLD), Password(NEW))
