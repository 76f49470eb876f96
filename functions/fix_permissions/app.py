"""FixPermissions: set owner and mode of sqlconf.php, or of every wp-config.php, and nothing else."""

from rotation.runtime.entry import handler
from rotation.steps.fix_permissions import fix_permissions

lambda_handler = handler(fix_permissions, "fix_permissions")
