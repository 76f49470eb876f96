"""RotateAdmin: give the database's admin a new password."""

from rotation.runtime.entry import handler
from rotation.steps.rotate_admin import rotate_admin

lambda_handler = handler(rotate_admin, "rotate_admin")
