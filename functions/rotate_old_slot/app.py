"""RotateOldSlot: give the old slot a new password beside its old one."""

from rotation.runtime.entry import handler
from rotation.steps.rotate_old_slot import rotate_old_slot

lambda_handler = handler(rotate_old_slot, "rotate_old_slot")
