"""RestartApp: replace every running copy."""

from rotation.runtime.entry import handler
from rotation.steps.restart_app import restart_app

lambda_handler = handler(restart_app, "restart_app")
