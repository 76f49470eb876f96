"""CloseFlip: the first step of a rollback: make sure that no flip can take effect any more."""

from rotation.runtime.entry import handler
from rotation.steps.close_flip import close_flip

lambda_handler = handler(close_flip, "close_flip")
