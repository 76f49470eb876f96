"""What the saga relies on in a consumer, whatever it is. One suite: ours, what stands in for them, the example's and yours.

A test class of a place that holds a credential takes `Consumer` and the traits that are true of it, and has a fixture `here`:

    class TestOurs(Consumer, SaysWhere, KeepsWhatElseIsThere, Fails, NeverOverwrites): ...

One of what restarts takes `Restarts`; one of machines that are told which version to hold takes `Told`; one of what keeps every
user's password takes `Keeper` besides. Every kind takes `Kind`.

What may be relied upon, and is tested here by these words:

- *Idempotent*: publishing what is there writes nothing; a restart is made once for each mark.
- *Read back*: what was published, byte for byte, whatever the password is made of. What it does not say is left to the record.
- *Kept*: whatever else is in the place, who made it and for whom.
- *Never*: a credential taken from a place that holds something else; a password in an error, or what a driver said of it.
"""

import json
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pytest
from rotation.core.errors import PermanentError, RotationError, TargetInvalid, TransientError
from rotation.core.fleet import DELIVERY_SECONDS, LOOK, NO_VERSION, OWN, WRITE, Status, Telling, to
from rotation.core.model import Credential, Mark, Password
from rotation.core.rollout import Progress, progress
from rotation.kinds import registry
from rotation.kinds.kind import Holds
from rotation.kinds.target import Consumer as Consumed
from rotation.kinds.target import Target, parse_target
from rotation.ports import CredentialConsumer, Fleet, Workload

from local.yaml_text import read_yaml
from tests.until import PATIENCE_SECONDS

CANARY = "canary"
A = Credential("app_a", Password("canary-a-1"), "db.example", 3306, "app")
B = Credential("app_b", Password("canary-b-22"), "db.example", 3306, "app")
"""What is in a place at first is A."""
FORTH, BACK = Mark("run-1.forward"), Mark("run-1.restore", closes=True)
PASSWORDS = {
    "quotes": 'it\'s "a" `x`',
    "backslashes": "a\\1\\g<1>\\\\",
    "what PHP would replace": "$pass {$x} ${y}",
    "what ends a statement": "'; ?> <?php //",
    "what an address is made of": "a:b@c/d?e=f#g%2F+h [i]",
    "beyond ASCII": "pässwörd-€-密码",
    "what formats": "%s {0} %% {{password}}",
    "blanks at the ends": " x ",
}


class Here(Protocol):
    """A place that holds A."""

    consumer: CredentialConsumer
    first: Credential
    second: Credential
    """Two that it may hold: A and B, or two passwords of one user."""


class HereWithOthers(Here, Protocol):
    """Of a place that holds more than a login."""

    def others(self) -> object:
        """All else that is in it."""

    def writes(self) -> object:
        """Another value after each time that somebody wrote it."""


class HereThatFails(Here, Protocol):
    """Of a place that can be spoiled."""

    called: str
    """By what a message names it."""

    def spoil(self) -> None:
        """What is in it holds no login of ours any more, but a text with CANARY."""

    def remove(self) -> None:
        """It is not there any more."""


class HereWithRivals(Here, Protocol):
    """Of a place that can be compared and swapped."""

    theirs: Credential

    def meddled(self) -> AbstractContextManager[None]:
        """Somebody else puts `theirs` between our next look and our next write, once."""


@contextmanager
def refused(kind: type[RotationError], *said: str) -> Iterator[None]:
    """That sort of error, saying so; with no password, and nothing of what a driver said."""
    with pytest.raises(kind) as caught:
        yield
    shown = "".join(traceback.format_exception(caught.value))
    assert [text for text in said if text not in str(caught.value)] == []
    assert CANARY not in shown


def held(here: Here, wanted: Credential) -> Credential:
    """What is there, as the steps see it."""
    return here.consumer.read().at_place_of(wanted)


class Consumer:
    """Every place that holds a credential."""

    def test_what_was_published_is_read_back(self, here: Here) -> None:
        for published in (here.first, here.second, here.first):
            here.consumer.publish(published, FORTH)
            assert held(here, published) == published

    def test_what_is_there_already_is_not_written_again(self, here: Here) -> None:
        here.consumer.publish(here.first, FORTH)
        assert not here.consumer.publish(here.first, FORTH)
        assert here.consumer.publish(here.second, FORTH)
        assert not here.consumer.publish(here.second, FORTH)

    @pytest.mark.parametrize("password", PASSWORDS.values(), ids=PASSWORDS)
    def test_a_password_of_any_characters_is_read_back_as_it_was(self, here: Here, password: str) -> None:
        odd = replace(here.first, password=Password(password))
        assert here.consumer.publish(odd, FORTH)
        assert held(here, odd) == odd
        assert not here.consumer.publish(odd, FORTH)

    def test_it_is_named_without_what_it_holds(self, here: Here) -> None:
        here.consumer.publish(here.first, FORTH)
        assert here.consumer.name.strip()
        assert CANARY not in here.consumer.name

    def test_the_way_back_is_a_publish_like_any_other(self, here: Here) -> None:
        here.consumer.publish(here.second, FORTH)
        assert here.consumer.publish(here.first, BACK)
        assert held(here, here.first) == here.first


class SaysWhere:
    """The login's place is in it too."""

    def test_another_host_or_database_is_another_credential(self, here: Here) -> None:
        here.consumer.publish(here.first, FORTH)
        for other in (replace(here.first, host="elsewhere.example"), replace(here.first, dbname="elsewhere")):
            assert here.consumer.publish(other, FORTH)
            assert held(here, here.first) == other


class LeavesWhereToTheRecord:
    """It says who, and nothing of where: the host that it names, if any, is not ours to change."""

    def test_another_host_or_database_changes_nothing(self, here: Here) -> None:
        here.consumer.publish(here.first, FORTH)
        assert not here.consumer.publish(replace(here.first, host="elsewhere.example", dbname="elsewhere"), FORTH)
        assert here.consumer.read() == Credential(here.first.username, here.first.password, "", None, "")


class KeepsWhatElseIsThere:
    """Other keys, lines, owners: of a place that holds more than the login."""

    def test_all_else_stays_as_it_is(self, here: HereWithOthers) -> None:
        before = here.others()
        assert before
        for published in (here.second, here.first):
            assert here.consumer.publish(published, FORTH)
            assert here.others() == before

    def test_what_is_there_already_is_not_even_touched(self, here: HereWithOthers) -> None:
        here.consumer.publish(here.second, FORTH)
        before = here.writes()
        assert not here.consumer.publish(here.second, FORTH)
        assert here.writes() == before

    def test_to_look_touches_nothing(self, here: HereWithOthers) -> None:
        before = here.writes()
        here.consumer.read()
        assert here.writes() == before


class Fails:
    """It is not as it should be: said by name, and no try more would help."""

    def test_a_place_that_holds_something_else_is_refused_without_showing_it(self, here: HereThatFails) -> None:
        here.spoil()
        with refused(PermanentError, here.called):
            here.consumer.read()

    @pytest.mark.parametrize("act", ["read", "publish"])
    def test_a_place_that_is_not_there_is_named(self, here: HereThatFails, act: str) -> None:
        here.remove()
        with refused(RotationError):
            here.consumer.read() if act == "read" else here.consumer.publish(here.second, FORTH)


class NeverOverwrites:
    """It is compared and swapped: what somebody else writes meanwhile stays, and a later try succeeds."""

    def test_what_somebody_else_writes_meanwhile_is_not_overwritten(self, here: HereWithRivals) -> None:
        with here.meddled(), refused(TransientError):
            here.consumer.publish(here.second, FORTH)
        assert held(here, here.theirs) == here.theirs
        assert here.consumer.publish(here.second, FORTH)
        assert held(here, here.second) == here.second


class HereThatKeeps(Protocol):
    """A place for each user, with that user's password in it."""

    of: Callable[[str], CredentialConsumer]
    """As the adapter has it."""
    users: tuple[Credential, Credential]

    def give(self, username: str) -> None:
        """One place more that names this user."""

    def take(self, username: str) -> None:
        """Its place is not there any more."""


class Keeper:
    """What keeps every user's password: to hold one is not to use it."""

    def test_each_user_has_a_place_of_its_own(self, keeper: HereThatKeeps) -> None:
        for user in keeper.users:
            assert keeper.of(user.username).read().same_login(user)

    def test_another_password_of_one_user_leaves_the_others_as_it_is(self, keeper: HereThatKeeps) -> None:
        one, other = keeper.users
        renewed = replace(one, password=Password("canary-renewed"))
        assert keeper.of(one.username).publish(renewed, FORTH)
        assert keeper.of(one.username).read().same_login(renewed)
        assert keeper.of(other.username).read().same_login(other)

    def test_a_user_without_a_place_is_refused_by_its_name(self, keeper: HereThatKeeps) -> None:
        user = keeper.users[0].username
        keeper.take(user)
        with refused(PermanentError, user):
            keeper.of(user)

    def test_a_user_with_two_places_is_refused_by_its_name(self, keeper: HereThatKeeps) -> None:
        user = keeper.users[0].username
        keeper.give(user)
        with refused(PermanentError, user):
            keeper.of(user)


class HereThatRestarts(Protocol):
    """A workload at rest."""

    workload: Workload

    def restarts(self) -> int:
        """How often it was told to, in all."""

    def others(self) -> object:
        """What somebody else wrote to it."""

    def remove(self) -> None:
        """It is not there any more."""


def restart(workload: Workload, mark: str) -> None:
    """Whoever looks after the workload writes to it too: what passes by itself is tried again, as the machine does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return workload.restart(mark, "2026-01-01T00:00:00Z")
        except TransientError:
            if time.monotonic() > deadline:
                raise


class Restarts:
    """What holds nothing, and is restarted to pick up what the others hold."""

    def test_it_restarts_once_for_a_mark_however_often_it_is_asked(self, here: HereThatRestarts) -> None:
        before = here.restarts()
        for _ in range(3):
            restart(here.workload, "run-1.forward")
        assert here.restarts() == before + 1

    def test_another_mark_restarts_it_again(self, here: HereThatRestarts) -> None:
        before = here.restarts()
        for mark in ("run-1.forward", "run-1.restore", "run-2.forward"):
            restart(here.workload, mark)
        assert here.restarts() == before + 3

    def test_it_says_how_far_it_has_come(self, here: HereThatRestarts) -> None:
        assert progress(here.workload.rollout()) in Progress

    def test_what_others_wrote_to_it_stays(self, here: HereThatRestarts) -> None:
        before = here.others()
        restart(here.workload, "run-1.forward")
        assert here.others() == before

    def test_one_that_is_not_there_is_named(self, here: HereThatRestarts) -> None:
        here.remove()
        for act in (here.workload.rollout, lambda: here.workload.restart("run-1.forward", "2026-01-01T00:00:00Z")):
            with refused(PermanentError):
                act()


class HereThatIsTold(Protocol):
    """Two instances in service that hold `current`; `next` is another version, and there."""

    fleet: Fleet
    names: tuple[str, str]
    """Of the two, the lesser first."""
    current: str
    next: str

    def now(self) -> float: ...

    def wait(self, seconds: float) -> None:
        """Time passes; whatever is on its way arrives."""

    def end(self, name: str) -> None:
        """That instance is terminated."""

    def silence(self, name: str) -> None:
        """Its agent does not answer any more."""


MISSING = "00000000-0000-4000-8000-00000000dead"


class Told:
    """Copies of a version on machines that are told which to hold, and say only that.

    *Idempotent*: to tell again does no harm. *Found again*: what was told, by whoever looks, since it carries what it is about.
    *Unknown*: nothing is known of one that has not answered; that it will never, is said in the end."""

    def test_all_that_are_there_are_seen(self, here: HereThatIsTold) -> None:
        found = here.fleet.instances()
        assert [(one.id, one.serves, one.online) for one in found] == [(name, True, True) for name in here.names]

    def test_one_that_has_ended_is_not_there_any_more(self, here: HereThatIsTold) -> None:
        here.end(here.names[0])
        assert [one.id for one in here.fleet.instances()] == [here.names[1]]

    def test_one_whose_agent_does_not_answer_is_there_and_not_online(self, here: HereThatIsTold) -> None:
        here.silence(here.names[0])
        first, _ = here.fleet.instances()
        assert (first.id, first.serves, first.online) == (here.names[0], True, False)

    def test_what_was_told_is_under_way_and_then_says_what_is_held(self, here: HereThatIsTold) -> None:
        telling = Telling(WRITE, here.next, mark="run-1.forward", careful=True)
        here.fleet.tell(telling, [here.names[0]])
        (one,) = to(telling, here.fleet.answers(here.now() - 1))
        assert (one.instance, one.ended) == (here.names[0], False)
        here.wait(5)
        (one,) = to(telling, here.fleet.answers(here.now() - 10))
        assert (one.instance, one.well(here.next), one.holds) == (here.names[0], True, here.next)

    def test_only_who_was_told_has_changed(self, here: HereThatIsTold) -> None:
        here.fleet.tell(Telling(WRITE, here.next), [here.names[0]])
        here.wait(5)
        assert self._held(here) == dict(zip(here.names, (here.next, here.current), strict=True))

    def test_to_look_changes_nothing(self, here: HereThatIsTold) -> None:
        assert self._held(here) == dict.fromkeys(here.names, here.current) == self._held(here)

    def test_what_is_told_twice_is_as_told_once(self, here: HereThatIsTold) -> None:
        telling = Telling(WRITE, here.next)
        for _ in range(2):
            here.fleet.tell(telling, here.names)
        here.wait(5)
        answers = to(telling, here.fleet.answers(here.now() - 10))
        assert {one.instance for one in answers if one.well(here.next)} == set(here.names)
        assert self._held(here) == dict.fromkeys(here.names, here.next)

    def test_what_another_publish_told_is_another_telling(self, here: HereThatIsTold) -> None:
        here.fleet.tell(Telling(WRITE, here.next, mark="run-1.forward"), [here.names[0]])
        here.wait(5)
        assert to(Telling(WRITE, here.next, mark="run-2.forward"), here.fleet.answers(here.now() - 10)) == []

    def test_what_is_older_than_was_asked_for_is_left_out(self, here: HereThatIsTold) -> None:
        here.fleet.tell(Telling(WRITE, here.next), [here.names[0]])
        here.wait(20)
        assert here.fleet.answers(here.now() - 5) == []

    def test_a_version_that_is_not_there_is_refused_and_the_file_stays(self, here: HereThatIsTold) -> None:
        telling = Telling(WRITE, MISSING)
        here.fleet.tell(telling, [here.names[0]])
        here.wait(5)
        (one,) = to(telling, here.fleet.answers(here.now() - 10))
        assert (one.ended, one.well(telling.version), one.reason) == (True, False, "SecretUnreadable")
        assert self._held(here)[here.names[0]] == here.current

    def test_one_that_never_answers_has_not_taken_it_in_the_end(self, here: HereThatIsTold) -> None:
        here.silence(here.names[0])
        telling = Telling(WRITE, here.next)
        here.fleet.tell(telling, [here.names[0]])
        here.wait(DELIVERY_SECONDS + 1)
        (one,) = to(telling, here.fleet.answers(here.now() - DELIVERY_SECONDS - 5))
        assert (one.status, one.well(here.next)) == (Status.NOT_DELIVERED, False)

    def test_the_last_that_may_have_written_is_remembered(self, here: HereThatIsTold) -> None:
        first, second = here.names
        for telling in (Telling(WRITE, here.next, mark="run-1"), Telling(LOOK, here.current), Telling(WRITE, MISSING)):
            here.fleet.tell(telling, [first])
            here.wait(5)
        last = here.fleet.last_write(first)
        assert last
        assert (last.key, last.holds) == (Telling(WRITE, here.next, mark="run-1").key, here.next)
        assert here.fleet.last_write(second) is None

    def test_what_was_never_delivered_wrote_nothing(self, here: HereThatIsTold) -> None:
        here.silence(here.names[0])
        here.fleet.tell(Telling(WRITE, here.next), [here.names[0]])
        last = here.fleet.last_write(here.names[0])
        assert last
        assert not last.ended, "it may still come"
        here.wait(DELIVERY_SECONDS + 1)
        assert here.fleet.last_write(here.names[0]) is None

    def test_whose_a_file_is_says_nothing_of_what_it_holds(self, here: HereThatIsTold) -> None:
        telling = Telling(OWN, NO_VERSION)
        here.fleet.tell(telling, here.names)
        here.wait(5)
        answers = to(telling, here.fleet.answers(here.now() - 10))
        assert [(telling.done_by(one), one.file in ("written", "unchanged")) for one in answers] == [(True, True)] * 2
        assert self._held(here) == dict.fromkeys(here.names, here.current)
        assert [here.fleet.last_write(name) for name in here.names] == [None, None]

    def test_it_is_named_without_what_it_holds(self, here: HereThatIsTold) -> None:
        assert here.fleet.name.strip()
        assert CANARY not in here.fleet.name

    def _held(self, here: HereThatIsTold) -> dict[str, str]:
        telling = Telling(LOOK, here.current, (here.next,), mark=str(here.now()))
        here.fleet.tell(telling, here.names)
        here.wait(5)
        return {one.instance: one.holds for one in to(telling, here.fleet.answers(here.now() - 10))}


REPOSITORY = Path(__file__).parents[2]
OTHER = {"kind": "sqlconf", "path": "default/sqlconf.php", "traffic": True}
"""What moves the traffic in a target that has a consumer of another kind."""
FOLLOWED = {"kind": "app-secret", "secret": "arn:aws:secretsmanager:::secret:app", "application_cache_seconds": 0}
"""And in one of which copies are held."""


def target_of(consumer: dict[str, Any], *before: dict[str, Any]) -> Target:
    """In which it is the first, or comes after those, and moves no traffic."""
    follows = registry.CONSUMERS.get(consumer["kind"]) and registry.consumer(consumer["kind"]).holds.follows
    document = {
        "slot_secret": "arn:slots",
        "admin_secret": "arn:admin",
        "source": {"kind": "mysql"},
        "consumers": [*before, consumer, FOLLOWED if follows else OTHER],
        "health": {"url": "https://app.example/", "marker": "Welcome"},
    }
    return parse_target("app", json.dumps(document))


@dataclass(frozen=True)
class About:
    """A kind by its name, and a consumer of it."""

    kind: str
    settings: dict[str, Any]
    """In a target, as few as it takes."""
    parameters: dict[str, str]
    """Of the stack that may reach just that."""
    wrong: dict[str, Any] = field(default_factory=dict)
    """Settings that are to be refused, each by itself."""
    before: tuple[dict[str, Any], ...] = ()
    """What it needs before it, and is as it is there."""


class Kind:
    """What belongs to a kind besides its adapter: its part of the schema, and what people are told."""

    about: ClassVar[About]

    def target(self, settings: dict[str, Any]) -> Target:
        return target_of({"kind": self.about.kind, **settings}, *self.about.before)

    def consumer(self, settings: dict[str, Any]) -> Consumed:
        return self.target(settings).consumers[len(self.about.before)]

    def test_its_settings_make_a_consumer(self) -> None:
        consumer = self.consumer(self.about.settings)
        assert (consumer.kind, consumer.settings | self.about.settings) == (self.about.kind, consumer.settings)

    def test_each_required_setting_is_asked_for_by_its_name(self) -> None:
        for name in registry.consumer(self.about.kind).required:
            with pytest.raises(TargetInvalid, match=rf"consumers\[{len(self.about.before)}\].*{name}"):
                self.target({key: value for key, value in self.about.settings.items() if key != name})

    def test_a_setting_that_it_has_not_is_refused(self) -> None:
        with pytest.raises(TargetInvalid, match=rf"consumers\[{len(self.about.before)}\]"):
            self.target({**self.about.settings, "misspelt": 1})

    def test_a_setting_that_is_wrong_is_refused_by_its_name(self) -> None:
        for name, value in self.about.wrong.items():
            with pytest.raises(TargetInvalid, match=rf"consumers\[{len(self.about.before)}\].*{name}"):
                self.target({**self.about.settings, name: value})

    def test_each_setting_is_described_or_says_itself(self) -> None:
        for name, schema in registry.consumer(self.about.kind).properties.items():
            assert schema.get("description") or schema.get("pattern"), name

    def test_its_state_is_one_that_the_machine_has(self) -> None:
        machine = read_yaml((REPOSITORY / "statemachine/rotation.asl.yaml").read_text())
        states = machine["States"]["Publish"]["ItemProcessor"]["States"]
        assert registry.consumer(self.about.kind).state in states

    def test_a_dry_run_says_what_would_change(self) -> None:
        consumer, known = self.consumer(self.about.settings), registry.consumer(self.about.kind)
        said = known.change(consumer.settings, "app_a", "app_b")
        assert said == said.strip()
        assert "app_b" in said or known.holds is Holds.NOTHING

    def test_what_lies_beyond_the_roles_is_said_and_nothing_else(self) -> None:
        consumer, known = self.consumer(self.about.settings), registry.consumer(self.about.kind)
        assert list(known.beyond(consumer.settings, self.about.parameters)) == []
        others = dict.fromkeys(self.about.parameters, "none")
        assert bool(list(known.beyond(consumer.settings, others))) == bool(self.about.parameters)

    def test_only_what_holds_the_credential_moves_the_traffic(self) -> None:
        known = registry.consumer(self.about.kind)
        assert not known.validated or known.holds is Holds.ACTIVE
        assert not known.rotated or known.rotated in known.required

    def test_its_adapter_is_made_from_settings(self) -> None:
        assert callable(registry.adapter(registry.CONSUMERS[self.about.kind]).make)
