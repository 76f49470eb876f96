"""SayWhy: make one sentence for people out of the errors that the machine kept."""

from rotation.runtime.entry import handler
from rotation.steps.say_why import say_why

lambda_handler = handler(say_why, "say_why")
