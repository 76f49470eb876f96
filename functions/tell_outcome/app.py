"""TellOutcome: an execution has ended; people are told, a `resume` may follow by itself, and the end is measured."""

from rotation.runtime.entry import listener
from rotation.steps.tell_outcome import tell_outcome

lambda_handler = listener(tell_outcome, "tell_outcome")
