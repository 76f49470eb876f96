"""WriteSqlconf: make sqlconf.php on EFS use an entry of the intent. This write moves the traffic."""

from rotation.runtime.entry import handler
from rotation.steps.publish import publish

lambda_handler = handler(publish, "write_sqlconf")
