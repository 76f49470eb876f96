"""DiscardOldPassword: the only step that destroys: from now on the old password is refused."""

from rotation.runtime.entry import handler
from rotation.steps.discard_old_password import discard_old_password

lambda_handler = handler(discard_old_password, "discard_old_password")
