"""TellOutcome: when an execution has ended, tell people, start a `resume` if one may follow, and measure the end."""

from rotation.runtime.entry import listener
from rotation.steps.tell_outcome import tell_outcome

lambda_handler = listener(tell_outcome, "tell_outcome")
