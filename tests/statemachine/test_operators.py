"""Two runs and an operator, as Hypothesis likes to have them: what it finds it makes as short as it can."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.faults.crowd import schedules
from tests.faults.crowd.schedules import MODES, OPENEMR, SORTS, Schedule
from tests.worlds.invocation import known_passwords


class Operators(RuleBasedStateMachine):
    """Every rule is something that one of them does; the end is one clean run."""

    schedule: Schedule

    def __init__(self) -> None:
        super().__init__()
        self._passwords = known_passwords()
        self._passwords.__enter__()

    @initialize(start=st.sampled_from(SORTS[OPENEMR].starts))
    def begin(self, start: str) -> None:
        self.schedule = schedules.begun(start)
        self.schedule.start("rotate")

    @rule(chosen=st.integers(0, 3), boundaries=st.sampled_from((1, 2, 3, 5, 8, 40)))
    @precondition(lambda self: self.schedule.actors)
    def one_goes_on(self, chosen: int, boundaries: int) -> None:
        self.schedule.act(chosen % len(self.schedule.actors), boundaries)

    @rule(mode=st.sampled_from(MODES))
    @precondition(lambda self: sum(one.runs for one in self.schedule.actors) < 2)
    def another_is_started(self, mode: str) -> None:
        self.schedule.start(mode)

    @rule(chosen=st.integers(0, 3))
    @precondition(lambda self: any(one.runs for one in self.schedule.actors))
    def one_is_stopped(self, chosen: int) -> None:
        running = [number for number, one in enumerate(self.schedule.actors) if one.runs]
        self.schedule.stop(running[chosen % len(running)])

    @rule(chosen=st.integers(0, 3))
    @precondition(lambda self: self.schedule.stopped and sum(one.runs for one in self.schedule.actors) < 2)
    def one_is_redriven(self, chosen: int) -> None:
        self.schedule.redrive(chosen % len(self.schedule.stopped))

    @rule(which=st.sampled_from(("slots", "admin")))
    def somebody_puts_a_secret_again(self, which: str) -> None:
        self.schedule.put_again(getattr(self.schedule.world, which))

    @rule(what=st.sampled_from(("sqlconf.php", "the Secret")), slot=st.sampled_from("AB"))
    @precondition(lambda self: not self.schedule.at_stake)
    def somebody_points_a_consumer(self, what: str, slot: str) -> None:
        credential = self.schedule.world.current.credential(slot)
        if self.schedule.world.accepts(credential):
            self.schedule.point(what, credential)

    def teardown(self) -> None:
        try:
            if hasattr(self, "schedule"):
                self.schedule.end()
        finally:
            self._passwords.__exit__(None, None, None)


TestOperators = Operators.TestCase
TestOperators.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
