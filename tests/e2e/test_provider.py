"""Keys of a provider on the local stack, under load: no call fails, the old key is refused, a key that was lost is gone, one of a
person's is left, and no key is anywhere but in its header, in the provider's log neither."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.faults import SecretFault
from local.load import Load
from local.provider.application import SHOWN
from local.provider.stack import Mailer
from local.running import NAME
from local.shop.stack import Pace
from tests.e2e.issued import RATE, ProviderTurns
from tests.e2e.last_looks import check
from tests.e2e.terminal import Terminal
from tests.whole import only_in_the_whole, only_with_more, whole

PACE = Pace(quiet_seconds=1, cache_seconds=1)


@pytest.fixture(scope="module")
def mailer() -> Iterator[Mailer]:
    with Mailer(PACE, lag_seconds=0.5) as mailer:
        yield mailer
        check(mailer)
        assert mailer.provider.requests("try"), "it was searched too"


@pytest.fixture(scope="module")
def under_load(mailer: Mailer) -> Iterator[ProviderTurns]:
    with Load(mailer.page, RATE, marker=SHOWN) as load:
        yield ProviderTurns(mailer, load)


@pytest.fixture
def turns(under_load: ProviderTurns, request: pytest.FixtureRequest) -> Iterator[ProviderTurns]:
    with under_load.undisturbed(request, "provider") as turns:
        yield turns


def test_a_rotation_ends_on_another_key_and_the_old_one_is_refused(mailer: Mailer, turns: ProviderTurns) -> None:
    before = len(mailer.provider.requests("issue"))
    turns.assert_rotates()
    (issued,) = mailer.provider.requests("issue")[before:]
    assert '"scopes": ["mail.send"]' in issued["body"]


@only_in_the_whole
def test_ten_in_a_row(mailer: Mailer, turns: ProviderTurns) -> None:
    """Never two keys of ours at rest, and a person's is there to the end."""
    for _ in range(10):
        turns.assert_rotates()
        assert len(turns.issued()) == 1


@only_with_more
def test_a_key_that_was_issued_and_lost_is_gone_after_the_next_run(mailer: Mailer, turns: ProviderTurns) -> None:
    """The provider issued it, and its answer never came."""
    mailer.provider.break_next("issue", "silent")
    turns.assert_rotates()
    assert len(turns.issued()) == 1


@only_in_the_whole
def test_a_key_that_was_issued_and_not_stored_is_gone_after_the_next_run(mailer: Mailer, turns: ProviderTurns) -> None:
    """The call died between the two, as far as the record knows."""
    before = turns.issued()
    record, caller = mailer.parameters["SlotSecretArn"], mailer.function("SyncUsers")
    denied = SecretFault("PutSecretValue", "AccessDeniedException", secret=record, caller=caller)
    mailer.aws.refuse(denied)
    run = turns.run()
    assert run.outcome == "NothingChanged", run.cause
    (lost,) = turns.issued() - before
    assert lost not in turns.recorded()
    turns.assert_rotates()
    assert lost not in mailer.provider.keys
    assert len(turns.issued()) == 1


@only_in_the_whole
def test_one_that_fails_is_rolled_back_and_its_key_is_used_next(turns: ProviderTurns) -> None:
    turns.assert_turns_back_and_takes_it_again()


@only_in_the_whole
def test_verify_finds_all_in_order_and_writes_nothing(mailer: Mailer, turns: ProviderTurns) -> None:
    before = set(mailer.provider.keys)
    run = turns.run(mode="verify")
    assert run.outcome == "Verified", run.cause
    assert set(mailer.provider.keys) == before


BAD = {
    "html": "no JSON, as of a page for people",
    "redirect": "no redirect is followed",
    "huge": "answers with more than",
    "error": "no list of keys at /result",
}


@only_with_more
@pytest.mark.parametrize("kind", [kind if kind == "html" else whole(kind, id=kind) for kind in BAD])
def test_an_answer_that_is_none_is_a_clear_end_and_nothing_is_touched(mailer: Mailer, turns: ProviderTurns, kind: str) -> None:
    before, used = dict(mailer.provider.keys), mailer.used
    mailer.provider.break_next("list", kind, times=20)
    run = turns.run()
    mailer.provider.faults.clear()
    assert run.outcome == "RotationRefused", run.cause
    assert BAD[kind] in run.cause
    assert mailer.provider.keys == before
    assert mailer.used == used


@only_in_the_whole
def test_an_admin_whose_key_was_withdrawn_is_a_clear_end(mailer: Mailer, turns: ProviderTurns) -> None:
    kept, mailer.provider.admin = mailer.provider.admin, ("somebody", "else")
    try:
        run = turns.run()
    finally:
        mailer.provider.admin = kept
    assert run.outcome == "RotationRefused", run.cause
    assert "AdminLoginUnknown" in run.cause


@only_with_more
def test_a_person_has_the_description_tried(mailer: Mailer, turns: ProviderTurns, tmp_path: Path) -> None:
    """And the dry run says what the provider cannot."""
    before = set(mailer.provider.keys)
    typed = Terminal(mailer, tmp_path).type("rotation targets check mailer --try")
    said = typed.communicate(timeout=60)[0]
    assert typed.returncode == 0, said
    assert "ok       try.accepted: the key in use is taken" in said
    assert "ok       try.refused: a key that nobody issued is refused" in said
    assert set(mailer.provider.keys) == before
    typed = Terminal(mailer, tmp_path).type("rotation start --mode dry-run --follow")
    said = typed.communicate(timeout=60)[0]
    assert "SendGrid deactivates no key" in said


@only_with_more
def test_a_host_that_the_stack_does_not_name_is_not_asked(mailer: Mailer, turns: ProviderTurns) -> None:
    """By a document that was put past the command."""
    name = f"/{NAME}/targets/{mailer.target}"
    parameters = mailer.aws.client("ssm")
    stored = parameters.get_parameter(Name=name)["Parameter"]["Value"]
    document = json.loads(stored)
    with mailer.another() as (host, ca, provider):
        document["source"] |= {"description": {**document["source"]["description"], "host": host}, "ca": ca}
        parameters.put_parameter(Name=name, Value=json.dumps(document), Type="String", Overwrite=True)
        try:
            run = turns.run()
        finally:
            parameters.put_parameter(Name=name, Value=stored, Type="String", Overwrite=True)
        assert run.outcome == "RotationRefused", run.cause
        assert "ApiHosts" in run.cause
        assert provider.log == []


@only_in_the_whole
def test_it_is_the_same_after_a_day_of_trouble(mailer: Mailer, turns: ProviderTurns) -> None:
    """Throttled, failing and slow in the middle of it: each is tried again by the machine."""
    for what, kind in (("list", "429"), ("issue", "500"), ("issue", "after"), ("delete", "after"), ("delete", "429")):
        mailer.provider.break_next(what, kind)
    turns.assert_rotates()
