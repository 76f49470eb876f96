"""Both secrets keep what people wrote in them, and a wrong one is refused by the name of its field."""

import json
from typing import Any

import pytest
from rotation.core.errors import SecretInvalid
from rotation.core.model import PREVIOUS, Credential, Password, RotationStep, RotationTag, SecretText, Slot
from rotation.core.record import FIELDS, AdminRecord, Record

from tests.worlds.world import RING

ADMIN = {"username": "openemr", "password": "admin-canary", "host": "db", "port": "3306", "dbname": "openemr"}
TAG = RotationTag("2026-01", "arn:execution", RotationStep.RETIRE, "v0")
PREVIOUS_LOGIN = Credential("openemr", Password("po"), "db", 3306, "openemr")


def slot(letter: str, **changes: Any) -> dict[str, Any]:
    return {"username": f"openemr_{letter}", "password": f"p{letter}", "host": "db", "port": "3306", "dbname": "openemr"} | changes


def raw(**changes: Any) -> dict[str, Any]:
    return {"active_slot": "A", "A": slot("a"), "B": slot("b")} | changes


def parse(document: Any) -> Record:
    return Record.parse(SecretText(json.dumps(document)), "slots")


def stored(record: Record | AdminRecord) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(record.text().reveal())
    return document


CHANGES = {
    "active": lambda record: record.with_active(Slot.B),
    "password": lambda record: record.with_password(Slot.B, Password("new")),
    "previous": lambda record: record.with_previous(PREVIOUS_LOGIN),
    "no previous": lambda record: record.with_previous(None),
    "tag": lambda record: record.with_tag(TAG),
    "no tag": lambda record: record.without_tag(),
}
each_change = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)


def test_a_secret_as_the_operator_wrote_it_is_read() -> None:
    record = parse(raw(active_slot="B"))
    assert record.active is Slot.B
    assert record.credential(Slot.A) == Credential("openemr_a", Password("pa"), "db", 3306, "openemr")
    assert (record.tag, record.previous) == (None, None)


@pytest.mark.parametrize("port", [1, 3306, 65535])
def test_a_port_may_be_a_number_or_its_text(port: int) -> None:
    record = parse(raw(A=slot("a", port=port), B=slot("b", port=str(port))))
    assert [record.credential(each).port for each in RING] == [port, port]


def test_a_password_that_somebody_wrote_as_a_number_is_its_text() -> None:
    assert parse(raw(A=slot("a", password=12345))).credential(Slot.A).password.reveal() == "12345"


@each_change
def test_unknown_keys_survive_every_write(change: Any) -> None:
    unknown = {"note": {"nested": [1, None, {"x": "\u00e9"}]}, "engine": "mysql", "false": False, "zero": 0, "empty": ""}
    record = parse(raw(A=slot("a", engine="mysql", tags=[]), B=slot("b", note="keep"), **unknown))
    after = stored(change(record))
    assert {key: after[key] for key in unknown} == unknown
    assert (after["A"]["engine"], after["A"]["tags"], after["B"]["note"]) == ("mysql", [], "keep")


@each_change
def test_an_unknown_key_that_holds_null_survives_too(change: Any) -> None:
    assert "note" in stored(change(parse(raw(note=None))))


@each_change
def test_a_change_leaves_the_record_it_was_made_from_as_it_was(change: Any) -> None:
    record = parse(raw(previous=slot("c"), rotation={"id": "x"}))
    before = stored(record)
    change(record)
    assert stored(record) == before


def test_a_change_concerns_nothing_else() -> None:
    record = parse(raw())
    assert stored(record.with_active(Slot.B)) == raw(active_slot="B")
    assert stored(record.with_password(Slot.B, Password("new"))) == raw(B=slot("b", password="new"))
    assert stored(record.with_tag(TAG).without_tag()) == raw()
    assert stored(record.with_previous(PREVIOUS_LOGIN).with_previous(None)) == raw()


def test_previous_is_read_back_as_it_was_written() -> None:
    record = parse(stored(parse(raw()).with_previous(PREVIOUS_LOGIN)))
    assert record.previous == record.credential(PREVIOUS) == PREVIOUS_LOGIN


def test_a_tag_is_read_back_as_it_was_written() -> None:
    assert parse(stored(parse(raw()).with_tag(TAG))).tag == TAG


@pytest.mark.parametrize("rotation", [None, "x", [], {}, {"id": "x"}, {"id": "x", "owner": "y", "step": "dance", "from": "z"}])
def test_a_tag_that_is_not_ours_is_none(rotation: object) -> None:
    assert parse(raw(rotation=rotation)).tag is None


def test_the_same_content_is_the_same_whoever_wrote_it_and_in_whatever_order() -> None:
    record = parse(raw(note=1))
    reordered = parse({"note": 1, "B": dict(reversed(slot("b").items())), "A": slot("a"), "active_slot": "A"})
    assert record.with_tag(TAG).same_content(reordered)


@each_change
def test_another_content_is_told_apart(change: Any) -> None:
    record = parse(raw())
    after = change(record)
    assert record.same_content(after) == (stored(record.without_tag()) == stored(after.without_tag()))


WRONG: dict[str, tuple[Any, str]] = {
    "a list": ([], "is not a JSON object"),
    "a text": ("x", "is not a JSON object"),
    "null": (None, "is not a JSON object"),
    "no pointer": ({k: v for k, v in raw().items() if k != "active_slot"}, "active_slot is neither A nor B"),
    "a pointer in small letters": (raw(active_slot="a"), "active_slot is neither A nor B"),
    "a pointer that is a list": (raw(active_slot=["A"]), "active_slot is neither A nor B"),
    "no slot B": ({k: v for k, v in raw().items() if k != "B"}, "B is missing"),
    "a slot that is a text": (raw(B="openemr_b"), "B is missing or not an object"),
    "one user for both": (raw(B=slot("a")), "name the same user"),
    "a port that is no number": (raw(A=slot("a", port="mysql")), "A: field port is not a port number"),
    "a previous that is a text": (raw(previous="openemr"), "previous is missing or not an object"),
    "a previous without its password": (raw(previous=slot("c", password="")), "previous: field password"),
    **{f"slot B without {name}": (raw(B={k: v for k, v in slot("b").items() if k != name}), f"B: field {name}") for name in FIELDS},
    **{f"slot A with an empty {name}": (raw(A=slot("a", **{name: ""})), f"A: field {name}") for name in FIELDS},
    **{f"slot A with null as {name}": (raw(A=slot("a", **{name: None})), f"A: field {name}") for name in FIELDS},
    **{f"slot A with a list as {name}": (raw(A=slot("a", **{name: ["x"]})), f"A: field {name}") for name in FIELDS},
}


@pytest.mark.parametrize(("document", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_slot_secret_is_refused_by_the_name_of_its_field(document: Any, message: str) -> None:
    with pytest.raises(SecretInvalid, match=r"^secret slots") as caught:
        parse(document)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [{"password": True}, {"port": True}, {"port": 0}, {"port": -1}, {"port": 65536}, {"port": "3_306"}, {"port": "\u0663"}],
)
def test_a_value_of_the_wrong_kind_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(SecretInvalid):
        parse(raw(A=slot("a", **changes)))


@pytest.mark.parametrize("text", ["", "{", "canary", '{"password": "canary"'])
def test_a_secret_that_is_not_json_is_not_quoted(text: str) -> None:
    with pytest.raises(SecretInvalid, match=r"^secret slots is not JSON$"):
        Record.parse(SecretText(text), "slots")


@pytest.mark.parametrize("name", FIELDS)
def test_a_wrong_admin_secret_is_refused_by_the_name_of_its_field(name: str) -> None:
    with pytest.raises(SecretInvalid, match=f"^secret admin: the admin secret: field {name}") as caught:
        AdminRecord.parse(SecretText(json.dumps(ADMIN | {name: ""})), "admin")
    assert "canary" not in str(caught.value)


def test_the_admin_keeps_what_rds_wrote_beside_the_login() -> None:
    record = AdminRecord.parse(SecretText(json.dumps(ADMIN | {"engine": "mysql", "dbClusterIdentifier": "c"})), "admin")
    after = stored(record.with_password(Password("new")).with_tag(TAG))
    assert after.pop("rotation")["owner"] == TAG.owner
    assert after == ADMIN | {"engine": "mysql", "dbClusterIdentifier": "c", "password": "new"}
