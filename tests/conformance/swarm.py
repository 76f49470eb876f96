"""What the saga relies on in a Swarm, be it ours in memory or a real one: a suite that a test class takes, with a fixture `here`.

A service of two tasks reads `POSTGRES_PASSWORD_FILE` and `POSTGRES_USER_FILE`, which lead to secrets that a person made."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

import pytest
from rotation.consumers.swarm.services import SwarmSecrets, SwarmService
from rotation.consumers.swarm.spec import Spec, container, environment, mounted
from rotation.core.drain import Hold
from rotation.core.errors import ServiceBusy, ServiceUnfit, ServiceUpdateFailed, SwarmConflict, SwarmObjectMissing
from rotation.core.phases import Moved, Phase
from rotation.core.rollout import Progress

from tests.conformance.consumers import CANARY, A, B, refused

PASSWORD, USER = "postgres_password", "postgres_user"
FILES = {"POSTGRES_PASSWORD_FILE": PASSWORD, "POSTGRES_USER_FILE": USER}
KEYS = {PASSWORD: "{password}", USER: "{username}"}
V1, V2, V3 = "version-1", "version-2", "version-3"
"""Of the application's secret."""
OFTEN = 600
LONG = 60_000_000_000
"""Nanoseconds: an update that looks at each new task for so long is still under way when somebody asks."""
PHASES = (Phase.PREPARED, Phase.CUT_OVER, Phase.CLEAN)


class HereInSwarm(Protocol):
    """A Swarm with that service, named `web`, and others' secrets beside its own."""

    secrets: SwarmSecrets

    def service(self, restarts: int = 3, name: str = "web") -> SwarmService: ...

    def spec(self) -> Spec:
        """Of `web`, now."""

    def updates(self) -> int:
        """How often somebody has updated it."""

    def stored(self) -> list[str]:
        """The names of all secrets there are."""

    def wait(self) -> None:
        """A little time passes."""

    def is_updating(self) -> bool:
        """Whether the engine says that an update of `web` is under way."""

    def serving(self) -> list[dict[str, Any]]:
        """What each container that runs somewhere was started with, also on a node that is down: ContainerSpec."""

    def change(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Somebody else updates the service."""

    def meddled(self, change: Callable[[dict[str, Any]], None]) -> AbstractContextManager[None]:
        """Somebody else does, between our next look and our next write, once."""

    def fail(self, version: str) -> None:
        """A task that has that version never becomes healthy."""

    def kill(self) -> None:
        """A node on which a task of the service runs is down, and the managers know."""

    def start(self) -> None:
        """It is up again."""


def until(here: HereInSwarm, act: Callable[[str | None], Moved]) -> Moved:
    """It is complete; no more than so often is it asked. As in the state machine: who finds somebody else's update under way, or
    whose write came after another one's, the Swarm's own updater's for instance, asks the same again."""
    since, left = None, ""
    for _ in range(OFTEN):
        try:
            moved = act(since)
        except (SwarmConflict, ServiceBusy) as error:
            left = str(error)
        else:
            if moved.progress is Progress.COMPLETE:
                return moved
            since, left = moved.since, moved.left
        here.wait()
    raise AssertionError(f"still waiting for: {left}")


def bring(here: HereInSwarm, service: SwarmService, goal: Phase, version: str, current: str = "") -> None:
    until(here, lambda since: service.advance(goal, version, current, since))


def back(here: HereInSwarm, service: SwarmService, version: str) -> None:
    until(here, lambda since: service.advance(Phase.CLEAN, version, version, since, back=True))


def rotate(here: HereInSwarm, service: SwarmService, version: str, current: str = "") -> None:
    """As a run does, when nothing goes wrong."""
    for goal in PHASES[:-1]:
        bring(here, service, goal, version, current)
    bring(here, service, PHASES[-1], version, version)
    service.remove_old(version)


def names(of: dict[str, Any] | Any) -> list[str]:
    return sorted(one.name for one in mounted(of))


def read(of: Any, variable: str = "POSTGRES_PASSWORD_FILE") -> str:
    """The name of the secret that the application reads."""
    path = environment(of).get(variable)
    return next((one.name for one in mounted(of) if one.path == path), "")


class MovesInPhases:
    """*Found again*: nothing is remembered but when the update before ours began. *Kept*: whatever somebody else changes, whenever.
    *Complete*: only when nothing runs anywhere as it did before."""

    def test_a_service_goes_through_the_phases(self, here: HereInSwarm) -> None:
        here.secrets.keep(B, V2)
        service = here.service()
        found = []
        for goal in PHASES:
            bring(here, service, goal, V2)
            of = container(here.spec())
            found.append((read(of), read(of, "POSTGRES_PASSWORD_FILE_NEW"), [one for one in names(of) if PASSWORD in one]))
        assert found == [
            (f"{PASSWORD}_v1", f"{PASSWORD}_v2", [f"{PASSWORD}_v1", f"{PASSWORD}_v2"]),
            (f"{PASSWORD}_v2", "", [f"{PASSWORD}_v1", f"{PASSWORD}_v2"]),
            (f"{PASSWORD}_v2", "", [f"{PASSWORD}_v2"]),
        ]

    def test_a_change_at_the_same_moment_is_kept_and_ours_arrives(self, here: HereInSwarm) -> None:
        here.secrets.keep(B, V2)
        with here.meddled(_set("COLOUR=blue")), pytest.raises(SwarmConflict):
            here.service().advance(Phase.PREPARED, V2, "")
        bring(here, here.service(), Phase.PREPARED, V2)
        of = container(here.spec())
        assert (environment(of)["COLOUR"], read(of, "POSTGRES_PASSWORD_FILE_NEW")) == ("blue", f"{PASSWORD}_v2")

    def test_an_update_of_somebody_else_s_is_not_begun_on_top_of(self, here: HereInSwarm) -> None:
        here.secrets.keep(B, V2)
        here.change(_slowly(_set("COLOUR=blue")))
        for _ in range(OFTEN):
            if here.is_updating():
                break
            here.wait()
        with refused(ServiceBusy, "web"):
            here.service().advance(Phase.PREPARED, V2, "")

    def test_the_swarm_s_own_way_back_is_a_failure(self, here: HereInSwarm) -> None:
        here.change(lambda spec: spec.setdefault("UpdateConfig", {}).update(FailureAction="rollback"))
        here.secrets.keep(B, V2)
        here.fail(V2)
        with refused(ServiceUpdateFailed, "web", "rollback"):
            bring(here, here.service(), Phase.PREPARED, V2)


class WhateverHappens:
    """The same from wherever it is begun, and whatever comes in between: in memory every day, on real engines with WHOLE=1."""

    # ---- secrets

    def test_each_login_is_a_secret_of_its_own_with_the_next_number(self, here: HereInSwarm) -> None:
        before = set(here.stored())
        for version, credential in ((V1, A), (V2, B)):
            assert here.secrets.keep(credential, version)
        made = sorted(set(here.stored()) - before)
        assert made == [f"{PASSWORD}_v2", f"{PASSWORD}_v3", f"{USER}_v2", f"{USER}_v3"]

    def test_what_is_there_already_is_not_made_again(self, here: HereInSwarm) -> None:
        here.secrets.keep(B, V2)
        before = here.stored()
        assert not here.secrets.keep(B, V2)
        assert here.stored() == before

    def test_names_hold_no_password(self, here: HereInSwarm) -> None:
        here.secrets.keep(B, V2)
        said = [here.secrets.name, here.service().name, *here.stored(), str(here.spec())]
        assert [one for one in said if CANARY in one] == []

    # ---- phases

    @pytest.mark.parametrize("goal", PHASES)
    def test_it_is_complete_only_when_nothing_runs_as_before(self, here: HereInSwarm, goal: Phase) -> None:
        here.secrets.keep(B, V2)
        bring(here, here.service(), goal, V2)
        now = container(here.spec())
        assert [one for one in here.serving() if environment(one) != environment(now) or names(one) != names(now)] == []
        assert len(here.serving()) >= 2

    def test_each_phase_is_one_update_however_often_it_is_asked_for(self, here: HereInSwarm) -> None:
        here.secrets.keep(B, V2)
        for count, goal in enumerate(PHASES, 1):
            bring(here, here.service(), goal, V2)
            bring(here, here.service(), goal, V2)
            assert here.updates() == count

    @pytest.mark.parametrize(("restarts", "updates"), [(3, 3), (2, 2), (1, 1)])
    def test_as_many_updates_as_the_target_says(self, here: HereInSwarm, restarts: int, updates: int) -> None:
        here.secrets.keep(B, V2)
        rotate(here, here.service(restarts), V2)
        assert here.updates() == updates

    @pytest.mark.parametrize("restarts", [3, 2])
    def test_nothing_is_left_of_what_is_ours_and_older(self, here: HereInSwarm, restarts: int) -> None:
        service, others = here.service(restarts), set(here.stored())
        current = ""
        for version, credential in ((V1, A), (V2, B), (V3, A)):
            here.secrets.keep(credential, version)
            rotate(here, service, version, current)
            current = version
        of = container(here.spec())
        assert set(here.stored()) - others == {f"{PASSWORD}_v4", f"{USER}_v4"}
        assert [one for one in names(of) if one.startswith("postgres")] == [f"{PASSWORD}_v4", f"{USER}_v4"]
        assert [one for one in environment(of) if one.endswith("_NEW")] == []
        assert others <= set(here.stored())

    def test_with_one_update_the_version_before_stays_until_the_next_rotation(self, here: HereInSwarm) -> None:
        service, current, others = here.service(1), "", set(here.stored())
        for version, credential in ((V1, A), (V2, B), (V3, A)):
            here.secrets.keep(credential, version)
            rotate(here, service, version, current)
            current = version
            service.remove_old(version)
        of = container(here.spec())
        assert (read(of), read(of, "POSTGRES_PASSWORD_FILE_NEW")) == (f"{PASSWORD}_v3", f"{PASSWORD}_v4")
        assert {one for one in set(here.stored()) - others if PASSWORD in one} == {f"{PASSWORD}_v3", f"{PASSWORD}_v4"}

    @pytest.mark.parametrize("reached", [None, *PHASES])
    def test_the_way_back_leads_from_every_phase_to_the_old_login_alone(self, here: HereInSwarm, reached: Phase | None) -> None:
        service = here.service()
        here.secrets.keep(A, V1)
        rotate(here, service, V1)
        here.secrets.keep(B, V2)
        if reached is not None:
            bring(here, service, reached, V2, V1)
        back(here, service, V1)
        of = container(here.spec())
        assert (read(of), [one for one in names(of) if PASSWORD in one]) == (f"{PASSWORD}_v2", [f"{PASSWORD}_v2"])
        assert [one for one in environment(of) if one.endswith("_NEW")] == []

    # ---- somebody else

    def test_what_others_have_there_stays(self, here: HereInSwarm) -> None:
        def others() -> tuple[Any, ...]:
            of = container(here.spec())
            env = [one for one in environment(of).items() if not one[0].startswith("POSTGRES_")]
            return env, [one for one in names(of) if not one.startswith("postgres")], here.spec().get("Labels"), of.get("Image")

        before = others()
        assert before[1]
        here.secrets.keep(B, V2)
        for goal in PHASES:
            bring(here, here.service(), goal, V2)
            assert others() == before

    @pytest.mark.parametrize("goal", PHASES)
    def test_a_change_in_the_middle_of_ours_is_kept_and_ours_arrives(self, here: HereInSwarm, goal: Phase) -> None:
        here.secrets.keep(B, V2)
        service = here.service()
        moved = service.advance(goal, V2, "")
        here.wait()
        here.change(_set("COLOUR=blue"))
        until(here, lambda since: service.advance(goal, V2, "", since or moved.since))
        of = container(here.spec())
        assert environment(of)["COLOUR"] == "blue"
        assert f"{PASSWORD}_v2" in names(of)
        assert [one for one in here.serving() if environment(one) != environment(of)] == []

    def test_who_puts_the_old_names_back_in_the_middle_does_not_win(self, here: HereInSwarm) -> None:
        here.secrets.keep(B, V2)
        service, deployed = here.service(), dict(here.spec())
        bring(here, service, Phase.PREPARED, V2)
        moved = service.advance(Phase.CUT_OVER, V2, "")
        here.wait()
        here.change(lambda spec: spec.update(deployed))
        until(here, lambda since: service.advance(Phase.CUT_OVER, V2, "", since or moved.since))
        assert read(container(here.spec())) == f"{PASSWORD}_v2"

    def test_what_a_run_that_was_stopped_has_begun_is_carried_on(self, here: HereInSwarm) -> None:
        here.secrets.keep(B, V2)
        here.service().advance(Phase.PREPARED, V2, "")
        here.wait()
        bring(here, here.service(), Phase.CUT_OVER, V2)
        assert read(container(here.spec())) == f"{PASSWORD}_v2"

    def test_an_update_of_somebody_else_s_that_is_paused_is_not_carried_on(self, here: HereInSwarm) -> None:
        service = here.service()
        here.secrets.keep(A, V1)
        here.secrets.keep(B, V2)
        here.fail(V1)
        moved = service.advance(Phase.PREPARED, V1, "")
        here.change(_set("COLOUR=blue"))
        with refused(ServiceUpdateFailed, "web"):
            until(here, lambda since: service.advance(Phase.PREPARED, V1, "", since or moved.since))
        before = here.updates()
        with refused(ServiceUnfit, "web", "somebody else's"):
            service.advance(Phase.PREPARED, V2, "")
        assert here.updates() == before

    def test_what_a_run_of_ours_has_left_paused_ends_with_the_next_update(self, here: HereInSwarm) -> None:
        service = here.service()
        here.secrets.keep(A, V1)
        here.secrets.keep(B, V2)
        here.fail(V1)
        with refused(ServiceUpdateFailed, "web"):
            bring(here, service, Phase.PREPARED, V1)
        bring(here, service, Phase.PREPARED, V2)
        assert read(container(here.spec()), "POSTGRES_PASSWORD_FILE_NEW") == f"{PASSWORD}_v3"

    # ---- what goes wrong

    def test_an_update_that_the_swarm_pauses_is_a_failure_and_the_way_back_leads_out(self, here: HereInSwarm) -> None:
        service = here.service()
        here.secrets.keep(A, V1)
        rotate(here, service, V1)
        here.secrets.keep(B, V2)
        here.fail(V2)
        with refused(ServiceUpdateFailed, "web", "paused"):
            bring(here, service, Phase.PREPARED, V2, V1)
        assert len([one for one in here.serving() if read(one) == f"{PASSWORD}_v2"]) >= 2
        back(here, service, V1)
        assert service.holds(V1) is Hold.SAME

    def test_a_node_that_is_down_is_waited_for_and_its_secret_stays(self, here: HereInSwarm) -> None:
        service = here.service()
        here.secrets.keep(A, V1)
        rotate(here, service, V1)
        here.secrets.keep(B, V2)
        here.kill()
        moved = service.advance(Phase.CLEAN, V2, V1)
        for _ in range(40):
            here.wait()
            moved = service.advance(Phase.CLEAN, V2, V1, moved.since)
        assert moved.progress is Progress.WAITING
        assert "down" in moved.left
        assert service.holds(V2) is Hold.UNKNOWN
        assert service.remove_old(V2) == []
        here.start()
        bring(here, service, Phase.CLEAN, V2, V1)
        assert service.holds(V2) is Hold.SAME
        assert sorted(service.remove_old(V2)) == [f"{PASSWORD}_v2", f"{USER}_v2"]

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda spec: spec.update(Mode={"Replicated": {"Replicas": 0}}), "scaled to 0"),
            (lambda spec: spec["TaskTemplate"].update(Placement={"Constraints": ["node.hostname==nowhere"]}), "no node"),
        ],
    )
    def test_a_service_that_cannot_be_updated_is_refused_and_untouched(
        self, here: HereInSwarm, change: Callable[[dict[str, Any]], None], said: str
    ) -> None:
        here.secrets.keep(B, V2)
        here.change(change)
        before = here.updates()
        for act in (here.service().refuse_unfit, lambda: here.service().advance(Phase.PREPARED, V2, "")):
            with refused(ServiceUnfit, "web", said):
                act()
        assert here.updates() == before

    def test_a_variable_that_leads_nowhere_is_named(self, here: HereInSwarm) -> None:
        lost = {"POSTGRES_TOKEN_FILE": PASSWORD}
        service = here.service()
        service._files = lost
        with refused(ServiceUnfit, "web", "POSTGRES_TOKEN_FILE"):
            service.refuse_unfit()

    def test_a_service_that_is_gone_is_named(self, here: HereInSwarm) -> None:
        with refused(SwarmObjectMissing, "services"):
            here.service(name="gone").refuse_unfit()

    def test_a_version_that_was_not_made_is_named(self, here: HereInSwarm) -> None:
        with refused(SwarmObjectMissing, PASSWORD, V3):
            here.service().advance(Phase.PREPARED, V3, "")

    # ---- what is held

    def test_what_is_held_is_known_when_all_have_it(self, here: HereInSwarm) -> None:
        service = here.service()
        here.secrets.keep(B, V2)
        assert service.holds(V2) is Hold.OTHER
        bring(here, service, Phase.PREPARED, V2)
        assert service.holds(V2) is Hold.OTHER
        moved = service.advance(Phase.CUT_OVER, V2, "")
        assert service.holds(V2) is Hold.UNKNOWN
        until(here, lambda since: service.advance(Phase.CUT_OVER, V2, "", since or moved.since))
        assert service.holds(V2) is Hold.SAME

    def test_who_tries_the_newest_file_itself_holds_it_with_the_first_update(self, here: HereInSwarm) -> None:
        service = here.service(1)
        here.secrets.keep(B, V2)
        bring(here, service, Phase.PREPARED, V2)
        assert service.holds(V2) is Hold.SAME


def _set(line: str) -> Callable[[dict[str, Any]], None]:
    def change(spec: dict[str, Any]) -> None:
        of = spec["TaskTemplate"]["ContainerSpec"]
        of["Env"] = [*(of.get("Env") or []), line]

    return change


def _slowly(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    def changed(spec: dict[str, Any]) -> None:
        change(spec)
        spec.setdefault("UpdateConfig", {}).update(Monitor=LONG)

    return changed
