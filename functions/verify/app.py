"""Verify: put everything that mode verify found into one list, and say how long ago the last rotation was."""

from rotation.runtime.entry import handler
from rotation.steps.verify import verify

lambda_handler = handler(verify, "verify")
