"""A version's text is asked for once in a call of a function; where the labels are, each time."""

import pytest
from rotation.core.errors import SecretVersionMissing
from rotation.core.model import CURRENT, PENDING, SecretText
from rotation.protocol.remembering import Remembering

from tests.worlds.secrets import InMemorySecret

FIRST, SECOND = SecretText("first"), SecretText("second")


class Asked(InMemorySecret):
    """It counts."""

    def __init__(self) -> None:
        self.reads: list[str] = []
        super().__init__("slots", FIRST)

    def read(self, version: str) -> SecretText:
        self.reads.append(version)
        return super().read(version)


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def store(asked: Asked) -> Remembering:
    return Remembering(asked)


def test_a_text_is_read_once(asked: Asked, store: Remembering) -> None:
    assert store.read("v0") == store.read("v0") == FIRST
    assert asked.reads == ["v0"]


@pytest.mark.parametrize("label", [CURRENT, PENDING])
def test_one_that_a_label_led_to_is_not_read_again(asked: Asked, store: Remembering, label: str) -> None:
    asked.put("v1", SECOND, [label])
    found = store.current() if label == CURRENT else store.pending()
    assert found is not None
    asked.reads.clear()
    assert store.read(found.id) == SECOND
    assert asked.reads == []


def test_nor_one_that_was_read_back(asked: Asked, store: Remembering) -> None:
    assert store.put_once("v1", SECOND) == SECOND
    asked.reads.clear()
    assert store.read("v1") == SECOND
    assert asked.reads == []


def test_what_is_put_is_what_is_stored_however_often_it_was_read(asked: Asked, store: Remembering) -> None:
    store.read("v0")
    assert store.put_once("v0", SECOND) == FIRST


def test_a_version_that_was_not_there_is_looked_for_again(asked: Asked, store: Remembering) -> None:
    with pytest.raises(SecretVersionMissing):
        store.read("v1")
    asked.put("v1", SECOND, [PENDING])
    assert store.read("v1") == SECOND


def test_labels_are_looked_at_each_time(asked: Asked, store: Remembering) -> None:
    assert (store.labels().pending, store.pending(), store.current().id) == (None, None, "v0")
    asked.put("v1", SECOND, [PENDING])
    assert store.labels().pending == "v1"
    assert store.swap(CURRENT, to="v1", removed_from="v0")
    found = store.pending()
    assert found is not None
    assert (found.id, found.labels, store.current().id) == ("v1", {CURRENT, PENDING}, "v1")
