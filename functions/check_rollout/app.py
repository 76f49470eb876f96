"""CheckRollout: one look at the rolling restart."""

from rotation.runtime.entry import handler
from rotation.steps.check_rollout import check_rollout

lambda_handler = handler(check_rollout, "check_rollout")
