"""A part of `make faults`, quick enough for every day: see tests/faults."""

from dataclasses import replace

import pytest

from tests.faults.calls.kinds import Kind
from tests.faults.calls.scenarios import SCENARIOS
from tests.faults.jobs import JOBS, SELDOM, Job, carry_out
from tests.faults.teeth.hunt import hunt
from tests.faults.teeth.mutation import Mutation, several
from tests.faults.teeth.mutations import MUTATIONS
from tests.faults.teeth.peers import PEERS

ONLY_A_WORLD = ("13 less patience than a rollout takes",)
"""The fault is the world's."""


@pytest.mark.parametrize("job", JOBS["quick"](), ids=lambda job: job.name)
def test_nothing_is_lost_and_what_was_put_back_is_caught(job: Job) -> None:
    done = carry_out(job)
    assert done.well, done.words


def test_there_is_a_mutation_for_each_fault_of_the_best_known_tool_and_more_than_twelve_of_our_own() -> None:
    assert [int(one.name.split()[0]) for one in PEERS] == list(range(1, 16))
    assert len(MUTATIONS) - len(PEERS) >= 12
    assert len({one.name for one in MUTATIONS}) == len(MUTATIONS)


def test_every_mutation_finds_the_place_that_it_changes() -> None:
    for mutation in MUTATIONS:
        with mutation.apply():
            pass


CHANGED_WORLDS = [one for one in MUTATIONS if (one.world is not Mutation.world or one.check) and one.name not in ONLY_A_WORLD]


@pytest.mark.parametrize("mutation", CHANGED_WORLDS, ids=lambda one: one.name)
def test_what_finds_a_mutation_finds_nothing_without_it(mutation: Mutation) -> None:
    """The world in which it is looked for, and what looks for it, are well by themselves."""
    assert hunt(replace(mutation, apply=several(), strike_at="nowhere", rivals=False)) is None


def test_every_scenario_and_every_kind_of_fault_that_was_asked_for_is_there() -> None:
    asked = ("from A", "from B", "bootstrap", "drifted slot", "drifted admin", "interrupted flip", "interrupted retirement")
    assert {*asked, "undiscarded password"} <= set(SCENARIOS)
    assert len(Kind) >= 10
    assert {job.name for job in JOBS["all"]() if job.kind == "single"} == set(SCENARIOS)
    assert {job.name for job in JOBS["single"]() if job.kind == "single"} == set(SCENARIOS) - set(SELDOM)
