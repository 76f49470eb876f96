"""CheckRollout: look once how far the rolling restart is."""

from rotation.runtime.entry import handler
from rotation.steps.check_rollout import check_rollout

lambda_handler = handler(check_rollout, "check_rollout")
