"""MySQL, Aurora MySQL, MariaDB."""
