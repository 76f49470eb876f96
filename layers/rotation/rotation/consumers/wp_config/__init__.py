"""The wp-config.php of every instance, rewritten by a command that knows a version's id and no password."""
