"""What the steps rely on in a secret: the same tests on the adapter over a strict Secrets Manager and on both that stand in for it.

Faults on the wire, and what becomes of twins at the same moment, are in test_secret_store; AWS's own rules in test_secret_labels.
"""

import uuid
from collections.abc import Callable
from typing import Protocol

import pytest
from rotation.aws.secrets_manager import SecretsManagerStore
from rotation.core.errors import SecretVersionMissing
from rotation.core.model import CURRENT, LAST, PENDING, STAGING, Labels, SecretText, Version
from rotation.ports import SecretStore

from local import secret_labels
from local.aws import LocalAws
from tests.worlds.invocation import Invocation, Ports
from tests.worlds.living import LivingWorld
from tests.worlds.world import MemoryWorld, Secret

FIRST, SECOND = '{"text": "first"}', '{"text": "second"}'


class Here(Protocol):
    """A secret with its operator."""

    store: SecretStore
    first: str
    """The version that was there from the beginning, which says FIRST."""

    def put(self, text: str, label: str | None = None) -> str:
        """PutSecretValue; without a label it moves AWSCURRENT."""

    def holder(self, label: str) -> str | None: ...


class OnAws:
    """The adapter."""

    def __init__(self, aws: LocalAws) -> None:
        self._operator = aws.client("secretsmanager")
        self.first = version()
        created = self._operator.create_secret(Name=f"store-{version()}", SecretString=FIRST, ClientRequestToken=self.first)
        self.store: SecretStore = SecretsManagerStore(created["ARN"])

    def put(self, text: str, label: str | None = None) -> str:
        token = version()
        stages = {"VersionStages": [label]} if label else {}
        self._operator.put_secret_value(SecretId=self.store.name, ClientRequestToken=token, SecretString=text, **stages)
        return token

    def holder(self, label: str) -> str | None:
        versions = self._operator.describe_secret(SecretId=self.store.name)["VersionIdsToStages"]
        return next((one for one, labels in versions.items() if label in labels), None)


class InMemory:
    """`store` is the secret itself, or leads to it."""

    def __init__(self, secret: Secret, store: SecretStore) -> None:
        self._secret, self.store = secret, store
        self.first = version()
        secret.versions.clear()
        secret.put(self.first, SecretText(FIRST))

    def put(self, text: str, label: str | None = None) -> str:
        token = version()
        self._secret.put(token, SecretText(text), [label] if label else None)
        return token

    def holder(self, label: str) -> str | None:
        return secret_labels.holder_of(self._secret.versions, label)


def version() -> str:
    return str(uuid.uuid4())


def recorded(name: str) -> InMemory:
    """Of the living world, through the ports of an invocation."""
    world = LivingWorld()
    ports = Ports(Invocation(world, "read_slots", {"execution": {"id": "arn"}}, "test"))
    return InMemory(world.slots, ports.slots) if name == "slots" else InMemory(world.admin, ports.admin)


@pytest.fixture(params=["AWS", "small world", "living world: slots", "living world: admin"])
def here(request: pytest.FixtureRequest, adapters_use: Callable[[LocalAws], None]) -> Here:
    kind, _, secret = str(request.param).partition(": ")
    if kind == "AWS":
        aws = request.getfixturevalue("aws")
        adapters_use(aws)
        return OnAws(aws)
    if kind == "living world":
        return recorded(secret)
    world = MemoryWorld()
    return InMemory(world.slots, world.slots)


@pytest.fixture
def store(here: Here) -> SecretStore:
    return here.store


# Reading


def test_labels_are_those_that_mean_something(here: Here, store: SecretStore) -> None:
    assert store.labels() == Labels(current=here.first)
    pending = here.put(SECOND, PENDING)
    second = here.put(SECOND)
    assert store.labels() == Labels(current=second, pending=pending, previous=here.first)
    here.put(SECOND, STAGING)
    assert store.labels() == Labels(current=second, pending=pending, previous=here.first)


def test_a_label_leads_to_its_version_with_what_that_says_and_what_else_it_carries(here: Here, store: SecretStore) -> None:
    assert store.pending() is None
    assert store.current() == Version(here.first, SecretText(FIRST), frozenset({CURRENT}))
    pending = here.put(SECOND, PENDING)
    assert store.pending() == Version(pending, SecretText(SECOND), frozenset({PENDING}))
    assert store.swap(CURRENT, to=pending, removed_from=here.first)
    assert store.pending() == store.current() == Version(pending, SecretText(SECOND), frozenset({CURRENT, PENDING}))


def test_a_version_is_read_by_id_whatever_is_current(here: Here, store: SecretStore) -> None:
    second = here.put(SECOND)
    assert (store.read(second).reveal(), store.read(here.first).reveal()) == (SECOND, FIRST)


def test_a_version_without_a_label_is_still_there(here: Here, store: SecretStore) -> None:
    """A retired intent's passwords may still be looked for."""
    pending = here.put(SECOND, PENDING)
    assert store.swap(PENDING, to=None, removed_from=pending)
    assert store.read(pending).reveal() == SECOND


def test_a_version_that_is_not_there_yet_is_a_matter_of_time(store: SecretStore) -> None:
    for ask in (store.read, store.age_seconds):
        with pytest.raises(SecretVersionMissing):
            ask(version())


def test_a_version_is_as_old_as_it_is(here: Here, store: SecretStore) -> None:
    assert -2 < store.age_seconds(here.put(SECOND)) < 30


# Put once


def test_what_is_put_is_read_back_and_moves_no_label_that_matters(here: Here, store: SecretStore) -> None:
    pending, token = here.put(SECOND, PENDING), version()
    assert store.put_once(token, SecretText(SECOND)).reveal() == SECOND
    assert store.labels() == Labels(here.first, pending)
    assert here.holder(STAGING) == token
    assert store.read(token).reveal() == SECOND


def test_put_twice_gives_the_first_text(store: SecretStore) -> None:
    token = version()
    store.put_once(token, SecretText(FIRST))
    assert store.put_once(token, SecretText(SECOND)).reveal() == FIRST
    assert store.read(token).reveal() == FIRST


def test_one_that_was_put_takes_the_label_of_the_one_before_it(here: Here, store: SecretStore) -> None:
    """What is put and not claimed is soon under no label at all."""
    one, other = version(), version()
    for token in (one, other, one):
        store.put_once(token, SecretText(SECOND))
    assert here.holder(STAGING) == other


# Swap


def test_a_swap_moves_the_label_from_exactly_there(here: Here, store: SecretStore) -> None:
    second = here.put(SECOND, STAGING)
    assert store.swap(CURRENT, to=second, removed_from=here.first)
    assert store.labels() == Labels(current=second, previous=here.first)
    assert here.holder(STAGING) == second


def test_what_was_current_is_previous_there_and_back(here: Here, store: SecretStore) -> None:
    second = here.put(SECOND, STAGING)
    third = here.put(SECOND, PENDING)
    assert store.swap(CURRENT, to=second, removed_from=here.first)
    assert store.swap(CURRENT, to=here.first, removed_from=second)
    assert store.labels() == Labels(here.first, third, second)
    assert store.swap(CURRENT, to=third, removed_from=here.first)
    assert store.labels() == Labels(third, third, here.first)
    assert here.holder(LAST) == here.first


def test_a_swap_repeated_is_still_done(here: Here, store: SecretStore) -> None:
    second = here.put(SECOND, STAGING)
    assert [store.swap(CURRENT, to=second, removed_from=here.first) for _ in range(2)] == [True, True]
    assert store.labels() == Labels(current=second, previous=here.first)


def test_a_label_that_is_elsewhere_stays_there(here: Here, store: SecretStore) -> None:
    theirs, ours = here.put(SECOND, PENDING), here.put(SECOND, STAGING)
    assert not store.swap(PENDING, to=ours, removed_from=here.first)
    assert not store.swap(PENDING, to=ours, removed_from=None)
    assert not store.swap(PENDING, to=None, removed_from=ours)
    assert store.labels().pending == theirs


def test_a_label_that_is_nowhere_is_not_taken_from_somewhere(here: Here, store: SecretStore) -> None:
    ours = here.put(SECOND, STAGING)
    assert not store.swap(PENDING, to=ours, removed_from=here.first)
    assert store.labels().pending is None


def test_a_label_from_nowhere_and_to_nowhere(here: Here, store: SecretStore) -> None:
    ours = here.put(SECOND, STAGING)
    assert store.swap(PENDING, to=ours, removed_from=None)
    assert store.labels().pending == ours
    assert store.swap(PENDING, to=None, removed_from=ours)
    assert store.labels().pending is None
    assert store.swap(PENDING, to=None, removed_from=ours), "let go of already"


def test_what_is_current_may_be_pending_too(here: Here, store: SecretStore) -> None:
    """As the admin's intent is between its swap and its discard, and a slot's between the flip and the release."""
    ours = here.put(SECOND, PENDING)
    assert store.swap(CURRENT, to=ours, removed_from=here.first)
    assert store.labels() == Labels(ours, ours, here.first)
    assert store.swap(PENDING, to=None, removed_from=ours)
    assert store.labels() == Labels(ours, None, here.first)


@pytest.mark.parametrize("label", [CURRENT, PENDING])
def test_a_swap_to_a_version_that_is_not_there_is_no_verdict(here: Here, store: SecretStore, label: str) -> None:
    """Versions are eventually consistent too: a no would be taken for a lost race."""
    before = store.labels()
    with pytest.raises(SecretVersionMissing):
        store.swap(label, to=version(), removed_from=here.holder(label))
    assert store.labels() == before


def test_a_swap_after_somebody_put_a_value_is_a_no(here: Here, store: SecretStore) -> None:
    ours = here.put(SECOND, STAGING)
    theirs = here.put(FIRST)
    assert not store.swap(CURRENT, to=ours, removed_from=here.first)
    assert store.labels() == Labels(theirs, None, here.first)
