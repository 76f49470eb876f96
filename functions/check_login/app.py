"""CheckLogin: look once whether a user gets in through the endpoint that the application uses."""

from rotation.runtime.entry import handler
from rotation.steps.check_login import check_login

lambda_handler = handler(check_login, "check_login")
