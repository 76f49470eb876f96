"""SayWhy: the errors that the machine kept, as the one sentence that people read."""

from rotation.runtime.entry import handler
from rotation.steps.say_why import say_why

lambda_handler = handler(say_why, "say_why")
