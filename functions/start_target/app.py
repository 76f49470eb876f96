"""StartTarget: begin the rotation of one target of a fleet, unless somebody else is rotating it."""

from rotation.runtime.entry import leader
from rotation.steps.start_target import start_target

lambda_handler = leader(start_target, "start_target")
