"""What a file says, read as it was meant."""

from __future__ import annotations

import json

import pytest

from credential_reader.shapes import Login, Shape, Unusable

SHAPE = Shape("shop")


@pytest.mark.parametrize(
    ("text", "password"),
    [
        ("plain", "plain"),
        ("with its line end\n", "with its line end"),
        ("with its line end\r\n", "with its line end"),
        ("one is an editor's, two are not\n\n", "one is an editor's, two are not\n"),
        (" blanks belong to it ", " blanks belong to it "),
        ("ends in a carriage return\r", "ends in a carriage return\r"),
        ("12345", "12345"),
        ("null", "null"),
        ('"quoted"', '"quoted"'),
        ("[1]", "[1]"),
        ("{not a document", "{not a document"),
        ("[" * 100_000, "[" * 100_000),
        ("1" * 5_000, "1" * 5_000),
        ("/ @ % { } \" \\ ' é 漢", "/ @ % { } \" \\ ' é 漢"),
    ],
)
def test_a_bare_password(text: str, password: str) -> None:
    assert SHAPE.login(text) == Login("shop", password)


@pytest.mark.parametrize(
    ("document", "login"),
    [
        ({"username": "shop_b", "password": "p"}, Login("shop_b", "p")),
        ({"username": "shop_b", "password": "p\n"}, Login("shop_b", "p\n")),
        ({"password": "p", "host": "db"}, Login("shop", "p")),
    ],
)
@pytest.mark.parametrize("end", ["", "\n"])
def test_a_document(document: dict[str, str], login: Login, end: str) -> None:
    assert SHAPE.login(json.dumps(document, indent=2) + end) == login


def test_a_document_with_keys_of_its_own() -> None:
    shape = Shape("", "user", "pass")
    assert shape.login('{"user": "shop_b", "pass": "p", "password": "other"}') == Login("shop_b", "p")


@pytest.mark.parametrize(
    ("shape", "text", "why"),
    [
        (SHAPE, "", "empty"),
        (SHAPE, "\n", "empty"),
        (SHAPE, '{"password": ""}', "empty"),
        (SHAPE, "{}", "without the key 'password'"),
        (SHAPE, '{"Password": "p"}', "without the key 'password'"),
        (SHAPE, '{"password": 7}', "not a text"),
        (SHAPE, '{"username": null, "password": "p"}', "not a text"),
        (SHAPE, '{"username": "", "password": "p"}', "no user name"),
        (SHAPE, '{"password": "\\ud800"}', "not UTF-8"),
        (SHAPE, "\udcff", "not UTF-8"),
        (Shape(), "p", "no user name"),
        (Shape(), '{"password": "p"}', "no user name"),
    ],
)
def test_what_cannot_be_used_says_why(shape: Shape, text: str, why: str) -> None:
    with pytest.raises(Unusable, match=why):
        shape.login(text)
