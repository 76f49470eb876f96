"""More pods than the demo has: three rotations in a row with ten, one with forty."""

import statistics
from collections.abc import Callable

from tests.cluster.api import Api
from tests.cluster.test_hard_cases import scale
from tests.cluster.world import World

NOTICED_BAR = 3.0  # seconds from a rollout complete to the machine knowing it, in the first minute


def test_three_rotations_with_ten_pods(world: World, person: Api, measured: Callable[[str], None]) -> None:
    scale(person, world, 10)
    began = len(world.noticed)
    for _ in range(3):
        world.assert_rotates()
    noticed = world.noticed[began:]
    measured(f"three rotations with 10 pods: noticed after {', '.join(f'{one:.1f}' for one in noticed)} s")
    scale(person, world, 3)
    assert statistics.median(noticed) <= NOTICED_BAR


def test_a_rotation_with_forty_pods(world: World, person: Api, measured: Callable[[str], None]) -> None:
    scale(person, world, 40)
    run = world.assert_rotates()
    measured(f"a rotation with 40 pods: {run.seconds:.0f} s")
    scale(person, world, 3)
