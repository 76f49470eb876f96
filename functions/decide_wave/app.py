"""DecideWave: decide by the budget of failures whether a fleet begins its next wave."""

from rotation.runtime.entry import leader
from rotation.steps.decide_wave import decide_wave

lambda_handler = leader(decide_wave, "decide_wave")
