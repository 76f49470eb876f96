"""WriteSqlconf: write an entry of the intent into sqlconf.php on EFS. This write moves the traffic."""

from rotation.runtime.entry import handler
from rotation.steps.publish import publish

lambda_handler = handler(publish, "write_sqlconf")
