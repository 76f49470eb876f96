"""SyncUsers: prove that the next user logs in, or repair it."""

from rotation.runtime.entry import handler
from rotation.steps.sync_users import sync_users

lambda_handler = handler(sync_users, "sync_users")
