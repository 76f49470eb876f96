"""Keys that a provider issues, in turn: what a run finds, what it takes for its own, and what it leaves to people."""

import json
from dataclasses import replace
from typing import Any

import pytest
from rotation.core import keys
from rotation.core.errors import SecretInvalid, TargetInvalid, UnknownKey
from rotation.core.findings import Severity
from rotation.core.model import NO_KEY, Credential, Password, SecretText, Slot
from rotation.core.record import AdminRecord, Record
from rotation.core.seen import Key
from rotation.kinds.apart import own
from rotation.kinds.target import parse_target
from rotation.protocol.probes import probe

from tests.faults.laws import instant
from tests.faults.walk.whole import Walked, walk
from tests.worlds.invocation import known_passwords
from tests.worlds.keyed import FIRST, PERSONS, Issued, KeyedPorts, KeyedWorld, Terms, empty
from tests.worlds.vaulted import DOCUMENT

NEW = "Key-000001"


def rotated(world: KeyedWorld, name: str = "run-1", mode: str = "rotate", **meanwhile: Any) -> Walked:
    """What does not hold when it begins is excused until it does."""
    instant.begin(world, by_hand=True)
    with known_passwords():
        walked = walk(world, meanwhile, name=name, mode=mode)
    world.alive.clear()
    return walked


def there(world: KeyedWorld) -> set[str]:
    return {key.id for key in world.source.kept.there}


def active(world: KeyedWorld) -> Credential:
    return world.current.credential(world.current.active)


def said(key: Credential) -> dict[str, str]:
    return {"username": key.username, "password": key.password.reveal()}


def in_consumer(key: Credential) -> Credential:
    return replace(key, host="db.example", port=3306, dbname="openemr")


def add(world: KeyedWorld, *issued: Issued) -> None:
    world.source.kept = world.source.kept._replace(there=(*world.source.kept.there, *issued))


def test_a_deactivated_key_is_given_to_nobody_although_a_part_of_its_provider_still_takes_it() -> None:
    world = KeyedWorld(Terms(lags=3.0), record={"A": said(FIRST), "B": {"username": NEW, "password": "canary-of-the-next-key"}})
    add(world, Issued(NEW, "canary-of-the-next-key", world.clock - 100.0, ended=world.clock))
    assert world.source.takes(NO_KEY.with_login(NEW, Password("canary-of-the-next-key")))
    walked = rotated(world)
    assert walked.place.state == "NothingChanged"
    assert "LoginRefused" in (walked.place.cause or "")
    assert [one.username for one in world.holdings().values()] == [FIRST.username]


# ---- in turn


def test_each_rotation_uses_a_key_that_nobody_had_before_and_one_is_left() -> None:
    world, used = KeyedWorld(), []
    for number in range(1, 4):
        assert rotated(world, f"run-{number}").place.state == "RotationSucceeded"
        used.append(active(world).username)
        assert there(world) == {used[-1]}
        assert world.held.same_login(active(world))
    assert len({FIRST.username, *used}) == 4


def test_the_first_rotation_finds_the_key_in_use() -> None:
    world = KeyedWorld(record=empty())
    assert rotated(world).place.state == "RotationSucceeded"
    assert there(world) == {NEW}
    assert world.source.refuses(FIRST)


def test_what_a_rollback_leaves_is_taken_by_the_next_rotation() -> None:
    world = KeyedWorld()
    world.health.shows_the_application = False
    assert rotated(world).place.state == "RolledBack"
    assert there(world) == {FIRST.username, NEW}
    world.health.shows_the_application = True
    assert rotated(world, "run-2").place.state == "RotationSucceeded"
    assert there(world) == {NEW}


def test_a_key_that_a_person_deleted_is_replaced() -> None:
    world = KeyedWorld()
    world.person_puts(B={"username": "Key-777777", "password": "canary-of-a-deleted-one"})
    assert rotated(world).place.state == "RotationSucceeded"
    assert there(world) == {NEW}


def test_a_key_that_a_person_deactivated_is_replaced_and_deleted() -> None:
    world = KeyedWorld()
    world.person_puts(B={"username": "Key-777777", "password": "canary-of-a-dead-one"})
    add(world, Issued("Key-777777", "canary-of-a-dead-one", world.clock - 9_000, ended=world.clock - 5_000))
    assert rotated(world).place.state == "RotationSucceeded"
    assert there(world) == {NEW}


def test_one_that_the_provider_lists_and_never_takes_is_left_to_people() -> None:
    world = KeyedWorld()
    world.person_puts(B={"username": "Key-777777", "password": "canary-of-another-secret"})
    add(world, Issued("Key-777777", "canary-of-its-secret", world.clock - 9_000))
    walked = rotated(world)
    assert walked.place.state == "NothingChanged"
    assert "LoginRefused" in str(walked.place.cause)
    assert there(world) == {FIRST.username, "Key-777777"}


def test_an_application_that_is_down_gets_another_key() -> None:
    world = KeyedWorld()
    world.source.delete(None, FIRST.username)
    assert rotated(world).place.state == "RotationSucceeded"
    assert there(world) == {NEW}
    assert world.accepts(world.held)


def test_a_key_that_a_person_made_and_published_is_adopted_where_the_recorded_one_is_refused() -> None:
    world = KeyedWorld()
    world.source.delete(None, FIRST.username)
    add(world, Issued(PERSONS.username, PERSONS.password.reveal(), world.clock - 9_000))
    world.application_uses(in_consumer(PERSONS))
    assert rotated(world).place.state == "RotationSucceeded"
    assert there(world) == {NEW}


# ---- whose key it is


def test_a_person_s_key_in_use_beside_a_recorded_one_that_works_is_refused() -> None:
    world = KeyedWorld(persons=True)
    world.application_uses(in_consumer(PERSONS))
    walked = rotated(world)
    assert walked.place.state == "RotationRefused"
    assert f"the application uses {PERSONS.username}, which the record does not know" in str(walked.place.cause)
    assert there(world) == {FIRST.username, PERSONS.username}


def test_without_dedicated_a_key_made_since_the_claim_is_left_and_the_way_out_is_said() -> None:
    world = KeyedWorld(Terms(dedicated=False))
    made = Issued("Key-888888", "canary-of-somebody", world.clock)
    walked = rotated(world, sync_users=lambda: add(world, made))
    assert walked.place.state == "NothingChanged"
    assert "dedicated: true, if nobody else" in str(walked.place.cause)
    assert there(world) == {FIRST.username, "Key-888888"}


def test_an_intent_that_is_replaced_launders_nothing() -> None:
    """What was there before a run that died is a person's still, and what it issued and lost is still ours."""
    world = KeyedWorld(Terms(limit=None))
    lost = Issued("Key-888888", "canary-of-a-lost-one", world.clock)
    world.source.deactivate = refused  # type: ignore[method-assign]
    with known_passwords():
        walked = walk(world, {"sync_users": lambda: add(world, lost)}, name="run-1")
    assert walked.place.state == "NothingChanged"
    del world.source.deactivate  # type: ignore[method-assign]
    world.alive.clear()
    world.person_puts(note="a person was here")
    assert rotated(world, "run-2").place.state == "RotationSucceeded"
    assert there(world) == {active(world).username}


def refused(*_: object) -> bool:
    from rotation.core.errors import SourceRefused

    raise SourceRefused("not now")


PROVIDED = keys.Provided((), 2, named=False, dedicated=True, mark="m")


def test_what_was_there_is_said_by_the_first_intent_of_those_that_follow_each_other() -> None:
    known, stranger, lost = (Key(one, 1.0, None, True, "") for one in ("Key-1", "Key-2", "Key-3"))
    record = of_keys(A={"username": "Key-1", "password": "p"})
    with pytest.raises(UnknownKey, match="Key-2"):
        claimed(PROVIDED._replace(keys=(known, stranger), limit=None), record)
    ours = claimed(PROVIDED._replace(keys=(known, lost), limit=None), record, record.with_there({"Key-1"}))
    assert (ours.there, ours.withdrawing) == ({"Key-1"}, ("Key-3",))
    with pytest.raises(UnknownKey, match="Key-2"):
        claimed(PROVIDED._replace(keys=(known, stranger), limit=None), record, record.with_there({"Key-1", "Key-2"}))


def test_where_there_was_no_key_at_all_every_one_since_is_ours() -> None:
    record, lost = of_keys(), Key("Key-3", 1.0, None, True, "")
    assert claimed(PROVIDED._replace(keys=(lost,)), record, record.with_there(())).withdrawing == ("Key-3",)


def test_what_a_consumer_works_with_is_never_an_orphan() -> None:
    record, theirs = of_keys(A={"username": "Key-1", "password": "p"}), Key("Key-3", 1.0, None, True, "")
    found = PROVIDED._replace(keys=(Key("Key-1", 1.0, None, True, ""), theirs), limit=None)
    with pytest.raises(UnknownKey, match="Key-3"):
        claimed(found, record, record.with_there({"Key-1"}), used=frozenset({"Key-1", "Key-3"}))


def test_nobody_is_refused_the_way_back_because_of_a_key() -> None:
    world = KeyedWorld(persons=True)
    assert rotated(world, mode="resume").place.state == "NothingToResume"
    assert rotated(world, "run-2", "sync-users").place.state == "UsersSynced"


def claimed(provided: keys.Provided, record: Record, pending: Record | None = None, used: frozenset[str] = frozenset()) -> Record:
    """As a rotation claims it, to issue a key for slot B."""
    found = keys.claimed(provided, record, record, pending, used)
    keys.refuse(provided, found, Slot.B, used)
    return found


def test_what_a_replaced_intent_stored_is_taken_over_or_deleted() -> None:
    record = of_keys(A={"username": "Key-1", "password": "p"})
    stored = record.with_key(Slot.B, NO_KEY.with_login("Key-2", Password("q")))
    assert keys.adopted(record, stored).credential(Slot.B).username == "Key-2"
    assert keys.adopted(record, stored.with_key(Slot.B, NO_KEY).with_withdrawing(("Key-2",))).credential(Slot.B).is_none
    full = record.with_key(Slot.B, NO_KEY.with_login("Key-3", Password("r")))
    listed = tuple(Key(one, 1.0, None, True, "") for one in ("Key-1", "Key-2", "Key-3"))
    assert claimed(PROVIDED._replace(keys=listed, limit=None), full, stored).withdrawing == ("Key-2",)


def test_names_are_a_record_s_own() -> None:
    one, other = keys.mark_of("shop", "arn:dev"), keys.mark_of("shop", "arn:prod")
    assert one != other
    assert keys.name_of(one, "2026-01-05T03:00:00Z").startswith(one)
    listed = (Key("1", None, None, True, keys.name_of(one, "x")), Key("2", None, None, True, keys.name_of(other, "x")))
    assert [key.id for key in PROVIDED._replace(keys=listed, named=True, mark=one).unknown()] == ["1"]


def test_a_key_is_told_with_its_age_and_last_use() -> None:
    assert keys.said(Key("AKIA1", 3 * 86_400.0, 7_200.0, False, "")) == "AKIA1 (made 3 days ago, last used 2 hours ago, not active)"
    assert keys.said(Key("AKIA1", None, None, True, "")) == "AKIA1 (no use of it is known)"


# ---- the record and the target


def of_keys(**slots: Any) -> Record:
    return Record.parse(SecretText(json.dumps({"turns": "keys", "active_slot": "A", "A": {}, "B": {}, **slots})), "slots")


@pytest.mark.parametrize(
    ("why", "slots"),
    {
        "slots A and B name the same key AKIA1": {slot: {"username": "AKIA1", "password": f"of {slot}"} for slot in "AB"},
        "A: field password is missing or empty": {"A": {"username": "AKIA1"}},
        "B is missing or not an object": {"B": "AKIA1"},
        "turns is keys: slots A and B take turns, and no more": {"C": {}},
        "withdrawing is no list of keys' ids": {"withdrawing": "AKIA1"},
    }.items(),
)  # fmt: skip
def test_a_record_that_is_none_of_keys_is_refused(why: str, slots: dict[str, Any]) -> None:
    with pytest.raises(SecretInvalid, match=why):
        of_keys(**slots)


def test_what_is_in_a_slot_is_never_to_be_deleted() -> None:
    record = of_keys(A={"username": "AKIA1", "password": "p"})
    assert record.with_withdrawing(("AKIA1", "AKIA2", "AKIA2")).withdrawing == ("AKIA2",)
    assert record.with_withdrawing(()).same_content(record)


def target_of(**changes: Any) -> Any:
    document = {key: value for key, value in DOCUMENT.items() if key != "admin_secret"}
    return {**document, "source": {"kind": "iam-access-key", "user": "shop"}, **changes}


@pytest.mark.parametrize(
    ("why", "changes"),
    {
        "admin_secret: a source of kind iam-access-key needs none": {"admin_secret": "arn:admin"},
        "rotates_admin: who may issue keys is not rotated with them": {"rotates_admin": True},
        "endpoint: nobody logs in through another place with a key": {"endpoint": {"host": "proxy.example", "port": 3306}},
    }.items(),
)
def test_a_target_of_keys_that_asks_for_what_cannot_be_is_refused(why: str, changes: dict[str, Any]) -> None:
    with pytest.raises(TargetInvalid, match=why):
        parse_target("shop", json.dumps(target_of(**changes)))


def test_a_target_of_keys_needs_no_page_and_a_database_needs_its_admin() -> None:
    target = parse_target("shop", json.dumps({key: value for key, value in target_of().items() if key != "health"}))
    assert (target.health, target.admin_secret, target.rotates_admin) == (None, "", False)
    assert ("source.user", "the access keys of the IAM user shop") in own(target)
    with pytest.raises(TargetInvalid, match="must contain admin_secret"):
        parse_target("shop", json.dumps(target_of(source={"kind": "mysql"})))


@pytest.mark.parametrize("turns", ["users", "values"])
def test_a_record_of_passwords_is_none_for_who_issues_keys(turns: str) -> None:
    world = KeyedWorld()
    login = {"username": "shop", "password": "p", "host": "h", "port": "1", "dbname": "d"}
    other = {**login, "username": "shop" if turns == "values" else "other", "password": "q"}
    world.person_puts(turns=turns, A=login, B=other)
    walked = rotated(world)
    assert walked.place.state == "RotationRefused"
    assert "issues keys: write turns: keys" in str(walked.place.cause)


def test_an_admin_of_a_database_says_where_it_is() -> None:
    key = AdminRecord.parse(SecretText(json.dumps({"username": "u", "password": "p"})), "admin")
    assert key.credential.host == ""
    with pytest.raises(SecretInvalid, match="field host is missing"):
        key.need_place()


# ---- looking only


def found(world: KeyedWorld) -> dict[str, tuple[Severity, str]]:
    from tests.worlds.invocation import Invocation

    it = Invocation(world, "read_slots", {"execution": {"id": "x", "name": "x"}}, "x")
    return {
        one.what: (one.severity, one.found) for one in probe(KeyedPorts(it), "read_slots") if one.what in ("keys", "slot login")
    }


def test_verify_says_how_many_keys_there_are_and_which_are_unknown() -> None:
    assert found(KeyedWorld())["keys"] == (Severity.OK, "it answers, and may be asked for keys; there are 1")
    severity, said = found(KeyedWorld(persons=True))["keys"]
    assert (severity, PERSONS.username in said) == (Severity.FAILED, True)


def test_verify_warns_where_a_lost_key_would_be_left() -> None:
    severity, said = found(KeyedWorld(Terms(dedicated=False)))["keys"]
    assert (severity, "issued and lost" in said) == (Severity.WARNING, True)


def test_a_dry_run_says_what_would_be_issued_and_deleted_and_touches_nothing() -> None:
    world = KeyedWorld()
    walked = rotated(world, mode="dry-run")
    assert walked.place.state == "PlanReported"
    plan = {step["state"]: step["change"] for step in walked.place.frames[0].data["situation"]["plan"]}
    assert plan["SyncUsers"] == "a new key is issued and stored"
    assert plan["RotateOldSlot"] == f"{FIRST.username}: deactivated"
    assert plan["DiscardOldPassword"] == f"{FIRST.username}: deleted, and refused; AWSCURRENT of slots holds one key"
    assert plan["RotateAdmin"] == "nothing: who may issue keys is not rotated with them"
    assert there(world) == {FIRST.username}


def test_mode_sync_users_cannot_give_a_key_its_secret_again() -> None:
    world = KeyedWorld()
    assert rotated(world, mode="sync-users").place.state == "UsersSynced"
    world.source.delete(None, FIRST.username)
    walked = rotated(world, "run-2", "sync-users")
    assert walked.place.state == "NothingChanged"
    assert "mode rotate issues another key" in str(walked.place.cause)


def test_resume_has_nothing_to_do_at_rest() -> None:
    assert rotated(KeyedWorld(), mode="resume").place.state == "NothingToResume"


def test_a_key_that_is_used_all_the_while_is_never_deactivated() -> None:
    world = KeyedWorld()
    world.job = (world.clock + 1e9, FIRST)
    assert rotated(world).place.state == "OldSlotNotRotated"
    assert world.accepts(FIRST)
    assert there(world) == {FIRST.username, NEW}
