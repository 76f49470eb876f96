"""FlipSlot: make the new slot the current one; the point of no return."""

from rotation.runtime.entry import handler
from rotation.steps.flip_slot import flip_slot

lambda_handler = handler(flip_slot, "flip_slot")
