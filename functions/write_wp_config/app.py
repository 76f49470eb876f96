"""WriteWpConfig: let every instance in service rewrite its wp-config.php to a version of the application's secret."""

from rotation.runtime.entry import handler
from rotation.steps.write_wp_config import write_wp_config

lambda_handler = handler(write_wp_config, "write_wp_config")
