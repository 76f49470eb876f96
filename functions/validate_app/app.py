"""ValidateApp: read back, log in, and see the application work."""

from rotation.runtime.entry import handler
from rotation.steps.validate_app import validate_app

lambda_handler = handler(validate_app, "validate_app")
