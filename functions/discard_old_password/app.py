"""DiscardOldPassword: the one act that destroys: the old password is refused from now on."""

from rotation.runtime.entry import handler
from rotation.steps.discard_old_password import discard_old_password

lambda_handler = handler(discard_old_password, "discard_old_password")
