"""FindDue: find out which targets of a fleet are due, and in which waves they get their turn; change none."""

from rotation.runtime.entry import leader
from rotation.steps.find_due import find_due

lambda_handler = leader(find_due, "find_due")
