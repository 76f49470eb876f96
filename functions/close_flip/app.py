"""CloseFlip: the first act of a rollback: no flip can land any more."""

from rotation.runtime.entry import handler
from rotation.steps.close_flip import close_flip

lambda_handler = handler(close_flip, "close_flip")
