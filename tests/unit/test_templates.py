"""What templates render they read back, whatever the password; what could not be read back is refused, with the way out."""

import base64
import json
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rotation.core.errors import RotationError, SecretInvalid, TargetInvalid
from rotation.core.fields import LOGIN, PARTS, WRITINGS, Field, Values
from rotation.core.model import Password, SecretText
from rotation.core.templates import Templates, parse

URL = "postgresql://{username}:{password|url}@{host}:{port}/{dbname}"
NASTY = ": / @ % { } \" \\ ' {password} %41 \\u0041 é 漢 🔑 + & = ;"
CANARY = "canary-7:/@"
PLACE = {"username": "app_a", "host": "db.example", "port": "5432", "dbname": "clinic"}

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
names = st.from_regex(r"[A-Za-z0-9_.~$é-]+", fullmatch=True)
any_values = st.builds(
    lambda password, username, host, port, dbname: values(
        password, username=username, host=host, port=str(port), dbname=dbname
    ),
    texts, names, st.from_regex(r"[a-z0-9_.-]+", fullmatch=True), st.integers(1, 65535), names,
)  # fmt: skip
whole = [name for name in LOGIN if name not in PARTS["password"]]
fields = st.sampled_from([f"{{{name}{way}}}" for name in whole for way in ("", *(f"|{one}" for one in WRITINGS if one != "pem"))])
"""Any value may be written in any of these ways; only a key that signs as PEM (test_signing_keys.py), only a certificate in parts
(test_certificates.py)."""
separators = st.sampled_from([*":/@ \"'%\\=&;!a0.+\n", "{{", "}}", "%41", '": "', "?x=", "://"])
any_template = st.lists(st.tuples(separators, fields), max_size=4).flatmap(
    lambda pairs: st.sampled_from(["", "{username}"]).flatmap(
        lambda first: separators.map(lambda last: first + "".join(literal + name for literal, name in pairs) + last)
    )
)


def values(password: str = CANARY, **plain: str) -> Values:
    return Values(PLACE | plain, {"password": Password(password)})


def one(text: str) -> Templates:
    return parse({"key": text})


def there_and_back(templates: Templates, given: Values) -> None:
    found = templates.read(templates.render(given))
    assert found.plain | found.secret == {name: (given.plain | given.secret)[name] for name in templates.fields}


@contextmanager
def refused(kind: type[RotationError], *words: str) -> Iterator[None]:
    """By that error, which says these words, and shows nothing of a value, also in the errors that led to it."""
    with pytest.raises(kind) as caught:
        yield
    assert [word for word in words if word not in str(caught.value)] == []
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__context__)
    assert CANARY not in shown
    assert "canary" not in str(caught.value)


# There and back


@pytest.mark.parametrize(
    "texts",
    [
        {"mysql-user": "{username}", "mysql-password": "{password}", "mysql-host": "{host}", "mysql-database": "{dbname}"},
        {"DATABASE_URL": URL},
        {"url": "jdbc:postgresql://{host}:{port}/{dbname}?user={username|url}&password={password|url}&ssl=true"},
        {"config.json": '{{"user": "{username|json}", "password": "{password|json}", "db": {{"host": "{host}", "port": {port}}}}}'},
        {"password": "{password}", "url": URL, "engine": "postgres"},
        {"auth": "Basic {password|base64}\n"},
        {"pgpass": "{host}:{port}:{dbname}:{username}:{password}"},
    ],
    ids=lambda texts: next(iter(texts)),
)
@given(given=any_values)
@example(given=values(NASTY))
def test_what_is_rendered_is_read_back_whatever_the_password(texts: dict[str, str], given: Values) -> None:
    there_and_back(parse(texts), given)


@given(template=any_template, given=any_values)
@example(template="{password|url}'{username}", given=values("it's"))
def test_every_template_that_is_not_refused_can_be_read_back(template: str, given: Values) -> None:
    try:
        templates = parse({"key": template, "password": "{password}"})
    except TargetInvalid:
        return
    there_and_back(templates, given)


@given(username=texts, password=texts)
def test_escaped_fields_may_hold_anything_and_urls_mean_the_same_to_others(username: str, password: str) -> None:
    templates = one("postgresql://{username|url}:{password|url}@{host}:{port}/{dbname}")
    split = urlsplit(templates.render(values(password, username=username))["key"].reveal())
    assert (unquote(split.username or ""), unquote(split.password or "")) == (username, password)
    assert (split.hostname, split.port, split.path) == ("db.example", 5432, "/clinic")


@given(password=texts)
def test_json_and_base64_mean_the_same_to_others(password: str) -> None:
    rendered = parse({"json": '{{"p": "{password|json}"}}', "base64": "{password|base64}"}).render(values(password))
    assert json.loads(rendered["json"].reveal()) == {"p": password}
    assert base64.b64decode(rendered["base64"].reveal(), validate=True).decode() == password


@given(password=texts)
def test_what_others_escaped_in_their_way_is_read_too(password: str) -> None:
    """encodeURIComponent of JavaScript; JSON in ASCII."""
    templates = parse({"url": "x:{password|url}@y", "json": '"{password|json}"'})
    url = quote(password, safe="!'()*")
    found = templates.read({"url": Password(f"x:{url}@y"), "json": Password(json.dumps(password))})
    assert found.secret["password"].reveal() == password


def test_a_brace_that_is_written_twice_is_a_brace() -> None:
    assert one("{{{password}").render(values("x"))["key"].reveal() == "{x"
    assert one("}}{{password}} {password}").render(values("x"))["key"].reveal() == "}{password} x"


def test_values_are_no_templates() -> None:
    assert one("{password}").render(values("{username}"))["key"].reveal() == "{username}"


def test_what_is_rendered_hides_itself() -> None:
    rendered = parse({"user": "{username}", "password": "{password}"}).render(values())
    assert all(type(text) is SecretText for text in rendered.values())
    assert "canary" not in repr(rendered) + repr(values()) + repr(one("canary{password}"))


def test_keys_that_no_template_names_are_left_alone() -> None:
    found = one("{password}").read({"key": Password("x"), "other": Password("y")})
    assert found == Values({}, {"password": Password("x")})


def test_other_fields_than_a_login_s_are_as_good() -> None:
    keys = {"kid": Field("[a-z0-9]"), "key": Field(r"(?s:.)", secret=True)}
    given = Values({"kid": "k1"}, {"key": Password("-----BEGIN\nEND-----\n")})
    there_and_back(parse({"jwk": '{{"kid": "{kid}", "pem": "{key|json}"}}'}, keys), given)


# Refused when it is parsed


AMBIGUOUS = {
    "the password ends at an @, and may hold one": ("{username}:{password}@{host}", ["password", "'@'", "{password|url}"]),
    "a quote": ("'{password}'", ["password", '"\'"', "{password|url}"]),
    "an escaped password, and an escape after it": ("{password|url}%41{host}", ["password", "'%'", "Write {password|base64}"]),
    "a letter": ("{password|base64}x", ["password", "'x'"]),
    "a name may hold a dot": ("{username}.{password}", ["username", "'.'"]),
    "digits": ("{port}0{password}", ["port", "'0'"]),
    "a backslash in JSON": ("{password|json}\\", ["password", "{password|url}"]),
    "nothing between two fields": ("{username}{password}", ["{username}", "{password}", "separator"]),
    "nothing between two escaped fields": ("{username|url}{password|url}", ["{username}", "{password}", "separator"]),
}


@pytest.mark.parametrize(("text", "words"), AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_what_could_be_read_in_two_ways_is_refused(text: str, words: list[str]) -> None:
    with refused(TargetInvalid, "template key", *words):
        one(text)


def refusal(template: str) -> str:
    try:
        one(template)
    except TargetInvalid as error:
        return str(error)
    return ""


@given(template=any_template)
def test_the_way_out_that_is_named_is_one(template: str) -> None:
    """Written so, the field is not refused any more for what follows it."""
    found = re.search(r"key: (\w+) may itself hold (.+) that follows it\. Write (.+)", refusal(template))
    for way in found[3].split(" or ") if found else ():
        written = re.sub(rf"\{{{found[1]}(\|\w+)?\}}", way, template)
        assert f"key: {found[1]} may itself hold {found[2]} that" not in refusal(written)


UNKNOWN = {
    "a field that is none": "user={user} {password}",
    "a field with spaces": "{ password }",
    "no name": "{}{password}",
    "the template of another tool": "${{{password}}} {$password}",
    "another case": "{Password}",
}


@pytest.mark.parametrize("text", UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_field_is_refused_and_the_known_ones_are_named(text: str) -> None:
    with refused(TargetInvalid, "template key", "unknown", *(f"{{{name}}}" for name in LOGIN), "twice"):
        one(text)


@pytest.mark.parametrize("text", ["{password|shell}", "{password|}", "{password|url|json}", "{password| url}"])
def test_an_unknown_way_to_write_is_refused_and_the_known_ones_are_named(text: str) -> None:
    with refused(TargetInvalid, "template key", "password", *WRITINGS):
        one(text)


@pytest.mark.parametrize(("text", "character"), [("{", 1), ("}", 1), ("x{password", 2), ("{password}}", 11), ("{{{password}}", 13)])
def test_a_brace_alone_is_refused_and_it_is_said_where(text: str, character: int) -> None:
    with refused(TargetInvalid, "template key", f"character {character} ", "twice"):
        one(text)


@pytest.mark.parametrize("texts", [{}, {"a": "{username}", "b": "x"}, {"a": "{{password}}", "b": ""}])
def test_templates_that_write_no_password_are_refused(texts: dict[str, str]) -> None:
    with refused(TargetInvalid, *texts, "{password}"):
        parse(texts)


@pytest.mark.parametrize(
    "text", ["postgres://app:canary-7:/@x", "{canary-7:/@}{password}", "{password|canary-7:/@}", "canary{password}x"]
)
def test_a_password_in_the_place_of_a_field_is_not_shown(text: str) -> None:
    with refused(TargetInvalid, "key"):
        one(text)


# Refused when it is rendered


@pytest.mark.parametrize(
    ("name", "value"), [("username", "app@corp"), ("host", "::1"), ("port", "x"), ("dbname", "a/b"), ("dbname", "")]
)
def test_a_value_that_has_no_place_there_is_refused(name: str, value: str) -> None:
    with refused(TargetInvalid, "template key", name):
        one(f"{URL}?x").render(values(**{name: value}))


def test_a_name_that_stands_alone_may_hold_anything() -> None:
    there_and_back(parse({"user": "{username}", "password": "{password}"}), values(username="app@corp"))


@pytest.mark.parametrize("text", ["{password}", "{password|url}", "{password|json}", "{password|base64}"])
@pytest.mark.parametrize("password", ["", "canary\udc80"])
def test_a_password_that_is_empty_or_no_text_is_refused(text: str, password: str) -> None:
    with refused(TargetInvalid, "template key", "password"):
        one(text).render(values(password))


def test_a_value_that_is_not_there_is_named() -> None:
    with refused(TargetInvalid, "template key", "port"):
        one(URL).render(Values({"username": "a", "host": "b", "dbname": "c"}, {"password": Password(CANARY)}))


# Refused when it is read


FOREIGN = {
    "another text": (URL, f"mysql://a:{CANARY}@b:1/c"),
    "more behind it": ("{password|url};", "canary;x"),
    "a line more": ("x{password|url}", "xcanary\n"),
    "an escape that is none": ("{password|url}", "canary%4"),
    "a plus, a space to some": ("{password|url}", "canary+"),
    "escapes that are no UTF-8": ("{password|url}", "canary%80"),
    "no base64": ("{password|base64}", "canary="),
    "base64 and more": ("{password|base64}", "Y2Fu=YXJ5"),
    "base64 that is no UTF-8": ("{password|base64}", "gA=="),
    "a JSON escape that is none": ('"{password|json}"', '"canary\\x"'),
    "half a character in JSON": ('"{password|json}"', '"canary\\ud800"'),
    "a raw line end in JSON": ('"{password|json}"', '"canary\n"'),
    "empty": ("{password|url}", ""),
    "empty between": ("x{password|url};", "x;"),
}


@pytest.mark.parametrize(("template", "text"), FOREIGN.values(), ids=FOREIGN)
def test_a_text_that_is_not_of_the_template_is_refused(template: str, text: str) -> None:
    with refused(SecretInvalid, "key", "template"):
        one(template).read({"key": SecretText(text)})


def test_an_empty_text_that_is_one_value_alone_is_a_login_that_does_not_work() -> None:
    """It is not misread, and the next rotation writes it. To write an empty value is refused all the same."""
    assert one("{password}").read({"key": Password("")}).secret == {"password": Password("")}


def test_a_key_that_is_missing_is_named() -> None:
    with refused(SecretInvalid, "key is missing"):
        one("{password}").read({"other": SecretText(CANARY)})


def test_two_texts_that_say_different_passwords_are_named() -> None:
    with refused(SecretInvalid, "first", "second", "password"):
        parse({"first": "{password}", "second": "x:{password|url}"}).read(
            {"first": Password("canary-1"), "second": Password("x:canary-2")}
        )


def test_two_places_of_one_text_that_say_different_users_are_refused() -> None:
    with refused(SecretInvalid, "key", "username"):
        one("{username} {username} {password}").read({"key": Password(f"a b {CANARY}")})
