"""CheckRollout: one look at the rolling restart."""

from rotation.observability import handler
from rotation.steps.check_rollout import check_rollout

lambda_handler = handler(check_rollout, "check_rollout")
