"""The lock and the write-ahead log: what is stored is what is used, and nobody acts on an intent that is not his."""

import json
import uuid
from collections.abc import Callable
from itertools import permutations

import pytest
from rotation.core.errors import RotationSuperseded, SecretVersionMissing, SituationChanged
from rotation.core.model import (
    CURRENT,
    LAST,
    PENDING,
    STAGING,
    Direction,
    Labels,
    Password,
    RotationStep,
    RotationTag,
    SecretText,
    Slot,
)
from rotation.core.record import Record
from rotation.protocol.intents import (
    ATTEMPTS,
    confirm,
    confirm_again,
    confirm_forward,
    offers,
    put_meant,
    read_record,
    version_id,
    write_ahead,
)

from tests.worlds.secrets import InMemorySecret

ME, OTHER = "arn:execution:me", "arn:execution:other"
V0, MINE, THEIRS, EDIT = "v0", "v-mine", "v-theirs", "v-edit"


def record(active: str = "A", a: str = "pa", b: str = "pb", *, owner: str | None = None, made_from: str = V0) -> Record:
    slots = {
        slot: {"username": f"openemr_{slot.lower()}", "password": password, "host": "db", "port": "3306", "dbname": "openemr"}
        for slot, password in (("A", a), ("B", b))
    }
    made = Record({"active_slot": active, **slots})
    return made.with_tag(RotationTag("r", owner, RotationStep.FLIP, made_from)) if owner else made


FLIP = record("B", owner=ME)


@pytest.fixture
def store() -> InMemorySecret:
    return InMemorySecret("slots", record().text(), version=V0)


@pytest.fixture
def claimed(store: InMemorySecret) -> InMemorySecret:
    write_ahead(store, MINE, FLIP, None)
    return store


# ---- the id of a version ---------------------------------------------------------------------------------------------------


def test_the_same_act_has_the_same_version_and_secrets_manager_takes_it() -> None:
    version = version_id("slots", V0, ME, "flip")
    assert version == version_id("slots", V0, ME, "flip", 0)
    assert str(uuid.UUID(version)) == version
    assert 32 <= len(version) <= 64


def test_every_part_makes_it_another_version() -> None:
    """The execution too: two of them may share a rotation id; and what it was made from: execution names come back."""
    base = ("slots", V0, ME, "flip", 0)
    others = [("x", *base[1:]), (base[0], "x", *base[2:]), (*base[:2], "x", *base[3:]), (*base[:3], "x", 0), (*base[:4], 1)]
    assert len({version_id(*parts) for parts in [base, *others]}) == 6


def test_no_two_parts_can_be_mistaken_for_each_other() -> None:
    assert len({version_id(*parts, attempt=0) for parts in permutations(("a", "b", "ab", ""))}) == 24


def test_a_version_id_is_the_same_in_every_release() -> None:
    """A new release that computes another would not find what the one before it wrote."""
    assert version_id("slots", "v0", "arn:execution:me", "retire", 2) == "ce7ea4ff-9d78-5345-bffa-92c186d800b9"


# ---- write ahead -----------------------------------------------------------------------------------------------------------


def test_an_intent_is_stored_and_holds_pending_and_nothing_else_moved(store: InMemorySecret) -> None:
    stored = write_ahead(store, MINE, FLIP, None)
    assert stored.text() == FLIP.text() == store.read(MINE)
    assert store.labels() == Labels(V0, MINE, None)


def test_a_put_on_its_way_is_on_neither_current_nor_pending(store: InMemorySecret) -> None:
    store.put_once(MINE, FLIP.text())
    assert store.labels() == Labels(V0)


def test_a_repeated_step_uses_the_password_that_it_stored_first(store: InMemorySecret) -> None:
    write_ahead(store, MINE, record("B", b="first", owner=ME), None)
    again = write_ahead(store, MINE, record("B", b="second", owner=ME), None)
    assert again.credential(Slot.B).password == Password("first")
    assert store.labels().pending == MINE


def test_a_step_that_died_between_put_and_swap_goes_on_with_what_it_put(store: InMemorySecret) -> None:
    store.put_once(MINE, record("B", b="first", owner=ME).text())
    assert write_ahead(store, MINE, record("B", b="second", owner=ME), None).credential(Slot.B).password == Password("first")


def test_what_is_meant_is_put_under_the_first_version_that_is_free_or_says_so(store: InMemorySecret) -> None:
    """An earlier try put something else under the first; what is stored stays."""
    store.put_once("v-1", record("A", owner=ME).text())
    for _ in range(2):
        assert put_meant(store, ["v-1", "v-2", "v-3"], FLIP, FLIP.same_content) == "v-2"
    assert read_record(store, "v-2").text() == FLIP.text()
    assert "v-3" not in store.versions
    assert store.labels() == Labels(V0), "and nothing is claimed by that"


def test_where_every_version_says_something_else_nothing_is_meant(store: InMemorySecret) -> None:
    store.put_once("v-1", record("A", owner=ME).text())
    with pytest.raises(SituationChanged, match=r"^slots: "):
        put_meant(store, ["v-1"], FLIP, FLIP.same_content)


def test_of_two_that_saw_nothing_pending_one_claims(claimed: InMemorySecret) -> None:
    with pytest.raises(RotationSuperseded, match=r"^slots: "):
        write_ahead(claimed, THEIRS, record("B", owner=OTHER), None)
    assert claimed.labels() == Labels(V0, MINE, None)


def test_of_two_that_adopt_a_dead_runs_intent_one_gets_it(claimed: InMemorySecret) -> None:
    write_ahead(claimed, THEIRS, record("B", owner=OTHER), MINE)
    with pytest.raises(RotationSuperseded):
        write_ahead(claimed, "v-third", record("B", owner="third"), MINE)
    assert claimed.labels().pending == THEIRS


def test_an_intent_that_is_released_meanwhile_is_not_taken(claimed: InMemorySecret) -> None:
    """Its rotation is finished: what was seen is no longer so."""
    claimed.swap(PENDING, to=None, removed_from=MINE)
    with pytest.raises(RotationSuperseded):
        write_ahead(claimed, THEIRS, record("B", owner=OTHER), MINE)
    assert claimed.labels().pending is None


# ---- the fence ---------------------------------------------------------------------------------------------------------------


def test_an_intent_that_holds_pending_is_confirmed_with_what_it_says(claimed: InMemorySecret) -> None:
    assert confirm(claimed, MINE).text() == FLIP.text()
    confirmed, current = confirm_forward(claimed, MINE)
    assert (confirmed.text(), current) == (FLIP.text(), V0)


@pytest.mark.parametrize("direction", Direction)
def test_the_stale_intent_of_a_run_that_was_taken_over_is_not(claimed: InMemorySecret, direction: Direction) -> None:
    write_ahead(claimed, THEIRS, record("B", owner=OTHER), MINE)
    with pytest.raises(RotationSuperseded, match="no longer on version v-mine"):
        confirm(claimed, MINE, direction)
    with pytest.raises(RotationSuperseded, match="no longer on version v-mine"):
        confirm_again(claimed, MINE, FLIP)
    confirm(claimed, THEIRS, direction)


@pytest.mark.parametrize("direction", Direction)
def test_nor_is_one_that_was_released(claimed: InMemorySecret, direction: Direction) -> None:
    claimed.swap(PENDING, to=None, removed_from=MINE)
    with pytest.raises(RotationSuperseded):
        confirm(claimed, MINE, direction)
    with pytest.raises(RotationSuperseded):
        confirm_again(claimed, MINE, FLIP)


def test_nor_going_forward_one_beside_a_secret_that_a_person_put(claimed: InMemorySecret) -> None:
    claimed.put(EDIT, record(a="theirs").text())
    with pytest.raises(RotationSuperseded, match="another version became current"):
        confirm(claimed, MINE)
    with pytest.raises(RotationSuperseded, match="another version became current"):
        confirm_again(claimed, MINE, FLIP)


def test_going_back_goes_on_beside_it(claimed: InMemorySecret) -> None:
    """A restore has itself moved AWSCURRENT when it closed the flip."""
    claimed.put(EDIT, record(a="theirs").text())
    confirm(claimed, MINE, Direction.RESTORE)


def test_an_intent_that_became_current_is_still_ours(claimed: InMemorySecret) -> None:
    claimed.swap(CURRENT, to=MINE, removed_from=V0)
    assert confirm_forward(claimed, MINE)[1] == MINE
    confirm_again(claimed, MINE, FLIP)


def test_an_adopted_intent_is_still_ours_when_the_flip_of_the_dead_run_lands_late(claimed: InMemorySecret) -> None:
    """The same content under the id that the dead run knew."""
    write_ahead(claimed, THEIRS, record("B", owner=OTHER), MINE)
    claimed.swap(CURRENT, to=MINE, removed_from=V0)
    confirmed, current = confirm_forward(claimed, THEIRS)
    assert current == MINE
    confirm_again(claimed, THEIRS, confirmed)


def test_an_intent_without_a_tag_is_nobodys(store: InMemorySecret) -> None:
    write_ahead(store, MINE, record("B"), None)
    with pytest.raises(RotationSuperseded):
        confirm(store, MINE)


def test_a_record_is_read_by_its_version(claimed: InMemorySecret) -> None:
    assert [read_record(claimed, version).active for version in (V0, MINE)] == [Slot.A, Slot.B]
    with pytest.raises(SecretVersionMissing):
        read_record(claimed, "v-none")


# ---- a new password only after a definite refusal ----------------------------------------------------------------------------

OWN = [f"v-own-{attempt}" for attempt in range(ATTEMPTS)]


def offered(store: InMemorySecret, held: str | None, *, take: int, make: Callable[[int], Record]) -> list[tuple[str, str]]:
    """Version and password of A for as many offers as the database refuses, and the one that it takes."""
    found = offers(store, OWN, held, lambda version: read_record(store, version), make)
    return [(version, made.credential(Slot.A).password.reveal()) for version, made in (next(found) for _ in range(take))]


def fresh(attempt: int) -> Record:
    return record("B", a=f"new-{attempt}", owner=ME)


def test_nothing_is_offered_before_it_is_stored_and_held(claimed: InMemorySecret) -> None:
    assert offered(claimed, MINE, take=1, make=fresh) == [(OWN[0], "new-0")]
    assert read_record(claimed, OWN[0]).text() == fresh(0).text()
    assert claimed.labels() == Labels(V0, OWN[0], None)


def test_a_repeated_step_offers_what_it_offered_before(claimed: InMemorySecret) -> None:
    offered(claimed, MINE, take=2, make=fresh)
    again = offered(claimed, OWN[1], take=2, make=lambda attempt: record("B", a=f"other-{attempt}", owner=ME))
    assert again == [(OWN[1], "new-1"), (OWN[2], "other-2")]


def test_each_refusal_brings_one_more_and_then_no_more(claimed: InMemorySecret) -> None:
    assert offered(claimed, MINE, take=ATTEMPTS, make=fresh) == [(OWN[n], f"new-{n}") for n in range(ATTEMPTS)]
    assert list(offers(claimed, OWN, OWN[-1], lambda version: read_record(claimed, version), fresh))[1:] == []


def test_what_was_put_but_not_held_is_offered_as_it_was_put(claimed: InMemorySecret) -> None:
    claimed.put_once(OWN[0], record("B", a="put-before-the-crash", owner=ME).text())
    assert offered(claimed, MINE, take=1, make=fresh) == [(OWN[0], "put-before-the-crash")]


def test_nothing_more_is_offered_once_somebody_else_holds_it(claimed: InMemorySecret) -> None:
    found = offers(claimed, OWN, MINE, lambda version: read_record(claimed, version), fresh)
    next(found)
    claimed.swap(PENDING, to=V0, removed_from=OWN[0])
    with pytest.raises(RotationSuperseded):
        next(found)


def test_the_admins_first_intent_is_taken_from_nothing_pending(store: InMemorySecret) -> None:
    assert offered(store, None, take=1, make=fresh) == [(OWN[0], "new-0")]


# ---- the secret in memory is as strict as AWS ----------------------------------------------------------------------------------


def test_a_swap_moves_only_what_is_where_it_was_seen(claimed: InMemorySecret) -> None:
    assert not claimed.swap(CURRENT, to=MINE, removed_from="v-mine")
    assert not claimed.swap(CURRENT, to=MINE, removed_from=None)
    assert claimed.labels() == Labels(V0, MINE, None)
    assert claimed.swap(CURRENT, to=MINE, removed_from=V0)
    assert claimed.labels() == Labels(MINE, MINE, V0)


def test_a_swap_that_was_done_before_is_done(claimed: InMemorySecret) -> None:
    assert claimed.swap(PENDING, to=MINE, removed_from=V0)
    assert claimed.swap(PENDING, to=None, removed_from=MINE)
    assert claimed.swap(PENDING, to=None, removed_from=MINE)


def test_a_version_keeps_what_was_put_first(store: InMemorySecret) -> None:
    assert store.put_once(MINE, SecretText("first")) == store.put_once(MINE, SecretText("second")) == SecretText("first")


def test_only_one_version_carries_the_label_that_means_nothing(store: InMemorySecret) -> None:
    for version in OWN:
        store.put_once(version, SecretText(version))
    labels = [version for version, stored in store.versions.items() if STAGING in stored["version_stages"]]
    assert labels == [OWN[-1]]


def test_a_persons_put_moves_current_and_leaves_what_was_pending(claimed: InMemorySecret) -> None:
    claimed.put(EDIT, SecretText(json.dumps({})))
    assert claimed.labels() == Labels(EDIT, MINE, V0)
    assert LAST in claimed.versions[V0]["version_stages"]


def test_an_age_is_counted_from_the_put() -> None:
    now = [100.0]
    store = InMemorySecret("slots", SecretText("x"), now=lambda: now[0])
    now[0] = 130.0
    assert store.age_seconds("v0") == 30.0
