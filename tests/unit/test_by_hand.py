"""Keys that people make: what a record says of them, what is decided by it, and what a target may say."""

import json
from typing import Any

import pytest
from rotation.core.by_hand import handed_in, is_withdrawn, reminded, retired, to_revoke, withdrawn
from rotation.core.errors import KeyKnown, KeyNotHandedIn, SecretInvalid, SourceRefused, TargetInvalid
from rotation.core.model import Credential, Labels, Mode, Password, RotationStep, RotationTag, SecretText, Slot
from rotation.core.record import SAID, TRIED, Outstanding, Record
from rotation.core.situation import Action, Facts, Found, decide
from rotation.kinds.plan import plan
from rotation.kinds.target import Target, parse_target
from rotation.ports import Surroundings
from rotation.sources.by_hand.adapter import NOT_SEEN, ByHand, Nobody, make
from rotation.sources.by_hand.kind import KIND

OLD, NEW, OTHER = (Password(f"canary-{name}") for name in ("old", "new", "other"))
EMPTY, TODAY = Password(""), "2026-03-02"


def record(first: Password = OLD, second: Password = EMPTY, active: str = "A", **more: Any) -> Record:
    entries = {
        "A": {"username": "mail", "password": first.reveal(), "id": "sk-1"},
        "B": {"username": "mail", "password": second.reveal()},
    }
    text = json.dumps({"active_slot": active, "turns": "values", **entries, **more})
    return Record.parse(SecretText(text), "record")


def keys(found: tuple[Outstanding, ...]) -> list[str]:
    return [one.key.reveal() for one in found]


# ---- the record


def test_an_entry_may_be_empty_but_not_the_one_in_use() -> None:
    assert record().credential(Slot.B).password.is_empty
    with pytest.raises(SecretInvalid, match="A: field password is missing or empty"):
        record(EMPTY, NEW)


def test_of_two_users_none_may_be_empty() -> None:
    raw = {"active_slot": "A", **{slot: {"username": slot, "password": "" if slot == "B" else "x"} for slot in "AB"}}
    with pytest.raises(SecretInvalid, match="B: field password is missing or empty"):
        Record.parse(SecretText(json.dumps(raw)), "record")


@pytest.mark.parametrize("wrong", [{}, "x", [1], [{"password": "x"}], [{"password": "x", "since": 5}]])
def test_reminders_that_are_none_are_said_to_be(wrong: object) -> None:
    with pytest.raises(SecretInvalid, match="to_withdraw is no list of keys"):
        record(to_withdraw=wrong)


def test_the_key_that_is_left_is_noted_with_the_flip_and_told_once_nothing_uses_it() -> None:
    before = record(second=NEW)
    flip = reminded(before.with_active(Slot.B), [before], Slot.A)
    assert (keys(flip.outstanding), to_revoke(flip)) == (["canary-old"], ())
    after = retired(flip, Slot.A, TODAY)
    assert after.credential(Slot.A).password.is_empty
    assert to_revoke(after) == (Outstanding(OLD, TODAY, "sk-1"),)
    assert after.key_id(Slot.A) == "", "it was the old key's"


def test_a_rollback_leaves_the_key_in_use_no_reminder_that_anybody_is_told_of() -> None:
    before = record(second=NEW)
    back = reminded(before.with_active(Slot.B), [before], Slot.A).with_active(Slot.A)
    assert to_revoke(back) == ()
    assert keys(reminded(back, [back]).outstanding) == []


def test_what_drops_out_of_the_entries_is_noted_once() -> None:
    now = record(OTHER, NEW)
    assert keys(reminded(now, [record(), record()]).outstanding) == ["canary-old"]


def test_what_was_withdrawn_is_not_noted_again() -> None:
    now = withdrawn(
        record(NEW, to_withdraw=[{"password": "canary-old", "since": TODAY}]), [(Outstanding(OLD, TODAY), TRIED)], TODAY, "me"
    )
    assert (now.outstanding, is_withdrawn(now, OLD)) == ((), True)
    assert keys(reminded(now, [record()]).outstanding) == []
    assert "canary-old" not in now.text().reveal()
    assert [(one.by, one.how, one.on) for one in now.withdrawn] == [("me", TRIED, TODAY)]


def test_only_so_many_are_known_again() -> None:
    now = record()
    for number in range(60):
        now = withdrawn(now, [(Outstanding(Password(f"canary-{number}"), TODAY), SAID)], TODAY, "me")
    assert len(now.withdrawn) == 50
    assert is_withdrawn(now, Password("canary-59"))


def test_a_new_key_becomes_the_next_one() -> None:
    now = handed_in(record(), NEW, "sk-2", replace=False)
    assert (now.credential(Slot.B).password, now.key_id(Slot.B), now.active) == (NEW, "sk-2", Slot.A)


@pytest.mark.parametrize(
    ("now", "key"),
    [
        (record(), OLD),
        (record(second=NEW), NEW),
        (record(second=OTHER), NEW),
        (record(to_withdraw=[{"password": "canary-new", "since": ""}]), NEW),
        (record(second=NEW, to_withdraw=[{"password": "canary-other", "since": TODAY}]), OTHER),
    ],
)
def test_what_is_no_new_one_is_refused_without_a_word_of_it(now: Record, key: Password) -> None:
    with pytest.raises(KeyKnown) as raised:
        handed_in(now, key, "", replace=False)
    assert "canary" not in str(raised.value)


# ---- what is decided


def facts(current: Record, *, refused: tuple[Password, ...] = (), pending: Record | None = None, holds: Password = OLD) -> Facts:
    def works(key: Password) -> bool:
        return not key.is_empty and key not in refused

    slots = {slot: current.credential(slot).password for slot in current.ring}
    return Facts(
        rotation_id="run",
        labels=Labels("v0", "v1" if pending else None),
        current=current,
        pending=pending,
        owner_alive=False,
        file=Found(Credential("mail", holds, "", None, ""), works(holds)),
        others=(),
        accepted={slot: key if works(key) else None for slot, key in slots.items()},
        by_hand=True,
    )


def test_with_a_next_key_the_application_goes_to_it() -> None:
    decision = decide(facts(record(second=NEW)))
    assert (decision.action, decision.slot, decision.new_password) == (Action.PUBLISH, Slot.B, False)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (facts(record()), "no new key of mail was handed in"),
        (facts(record(second=NEW), refused=(NEW,)), "is refused where it is tried"),
        (facts(record(second=NEW, to_withdraw=[{"password": "canary-new", "since": ""}])), "was in use before"),
    ],
)
def test_without_a_key_that_is_new_and_works_it_refuses(found: Facts, said: str) -> None:
    with pytest.raises(KeyNotHandedIn, match=said):
        decide(found)


def test_an_old_key_is_better_than_none() -> None:
    """The one in use was revoked by mistake."""
    current = record(NEW, OLD, to_withdraw=[{"password": "canary-old", "since": ""}])
    assert decide(facts(current, refused=(NEW,), holds=NEW)).slot is Slot.B


def test_a_revocation_is_for_people() -> None:
    with pytest.raises(KeyNotHandedIn, match="only a person can"):
        decide(facts(record(second=NEW)), Mode.REVOKE)


@pytest.mark.parametrize(("holds", "action"), [(OLD, Action.RELEASE), (NEW, Action.RESTORE)])
def test_a_flip_to_a_key_that_is_refused_by_now_is_given_up(holds: Password, action: Action) -> None:
    current = record(second=NEW)
    pending = current.with_active(Slot.B).with_tag(RotationTag("dead", "arn", RotationStep.FLIP, "v0"))
    assert decide(facts(current, refused=(NEW,), pending=pending, holds=holds)).action is action


# ---- the target

TRY = {"url": "https://api.mail.example/v1/account"}


def target(*, source: dict[str, Any] | None = None, **more: Any) -> Target:
    reads = {"kind": "app-secret", "secret": "arn:key", "application_cache_seconds": 5, "keys": {"KEY": "{password}"}}
    document = {
        "slot_secret": "arn:record",
        "source": {"kind": "by-hand", **(source if source is not None else {"try": TRY})},
        "consumers": [reads],
        "health": {"url": "https://mail.example/", "marker": "sent"},
        **more,
    }
    return parse_target("mail", json.dumps(document))


def test_it_has_no_admin_and_its_key_may_be_written_alone() -> None:
    made = target()
    assert (made.admin_secret, made.rotates_admin, made.source.make().is_empty) == ("", False, True)
    with pytest.raises(TargetInvalid, match="no template of KEY writes"):
        target(source={"kind": "mysql"}, admin_secret="arn:admin")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"url": "http://api.mail.example/"}, "source.try.url"),
        ({"url": "https://me:key@api.mail.example/"}, "source.try.url"),
        ({**TRY, "value": "Bearer"}, "try.value: it has to say {key} once"),
        ({**TRY, "value": "{key}{key}"}, "try.value: it has to say {key} once"),
        ({**TRY, "works": [200, 401]}, "try.refused: 401 says that a key works already"),
        ({**TRY, "header": "X Key"}, "source.try.header"),
        ({**TRY, "method": "POST"}, "source.try"),
        ({}, "source.try"),
    ],
)
def test_a_try_that_is_none_is_refused_with_its_field(how: dict[str, Any], said: str) -> None:
    with pytest.raises(TargetInvalid) as raised:
        target(source={"try": how})
    assert said in str(raised.value)


def test_an_admin_s_secret_is_one_too_many() -> None:
    with pytest.raises(TargetInvalid, match="admin_secret: a source of kind by-hand needs none"):
        target(admin_secret="arn:admin")


@pytest.mark.parametrize(("hosts", "beyond"), [("none", 1), ("api.mail.example", 0), ("other.example,API.mail.example", 0)])
def test_only_hosts_that_the_stack_names_are_asked(hosts: str, beyond: int) -> None:
    settings = target().source.settings
    assert len(list(KIND.beyond(settings, {"ApiHosts": hosts}))) == beyond
    here = Surroundings("mail", "", api_hosts=frozenset(hosts.lower().split(",")))
    if beyond:
        with pytest.raises(TargetInvalid, match="this stack asks no other host"):
            make(settings, here)
    else:
        make(settings, here)


def test_a_dry_run_says_what_is_left_to_people() -> None:
    steps = {one["state"]: one["change"] for one in plan(decide(facts(record(second=NEW))), target(source={}), "mail")}
    assert "handed in" in steps["SyncUsers"]
    assert "becomes a reminder in arn:record" in steps["RotateOldSlot"]
    assert "only a person can say" in steps["DiscardOldPassword"]
    assert "cannot be tried" in steps["ValidateApp"]
    assert steps["RotateAdmin"] == "nothing: there is no admin"


# ---- nobody is there who would make one


def test_what_cannot_be_tried_is_taken_at_a_person_s_word_and_never_for_refused() -> None:
    source = ByHand({})
    login = Credential("mail", OLD, "", None, "")
    assert (source.logs_in(login), source.refuses(login)) == (True, False)
    assert not source.logs_in(Credential("mail", Password(""), "", None, ""))
    assert source.activity(login, "mail") == NOT_SEEN
    assert source.sessions(login, "mail") == []
    assert source.settles_in() == 0


def test_nothing_is_made_changed_or_revoked() -> None:
    login = Credential("mail", OLD, "", None, "")
    with ByHand({}).as_admin(login) as session:
        assert isinstance(session, Nobody)
        assert (session.needs_retain("mail", OLD, NEW), session.needs_discard("mail", NEW, OLD)) == (False, False)
        for act in (
            lambda: session.create_user(login, login),
            lambda: session.set_password("mail", NEW, retain=True),
            lambda: session.discard_old_password("mail", NEW),
        ):
            with pytest.raises(SourceRefused, match="made and revoked by a person"):
                act()
