"""Verify: everything that mode verify found, in one list, and since when the last rotation is."""

from rotation.runtime.entry import handler
from rotation.steps.verify import verify

lambda_handler = handler(verify, "verify")
