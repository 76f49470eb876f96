"""CheckDrained: look once whether anybody still uses the old credential."""

from rotation.runtime.entry import handler
from rotation.steps.check_drained import check_drained

lambda_handler = handler(check_drained, "check_drained")
