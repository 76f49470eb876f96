"""LookAtTarget: look whether the rotation of one target of a fleet has flipped."""

from rotation.runtime.entry import leader
from rotation.steps.look_at_target import look_at_target

lambda_handler = leader(look_at_target, "look_at_target")
