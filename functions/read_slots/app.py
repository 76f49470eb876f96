"""ReadSlots: look at everything, change nothing, say what this run is to do."""

from rotation.runtime.entry import handler
from rotation.steps.read_slots import read_slots

lambda_handler = handler(read_slots, "read_slots")
