"""What a reader itself raises. Whatever else happens to a connection is the driver's error, as it was.

    ReaderError
    ├── NothingToTry   no place has a login
    └── NoneLogsIn     each login that was found is refused

No message has a password, or a text of a driver.
"""


class ReaderError(Exception):
    """No login works. The message names each place that was looked at."""


class NothingToTry(ReaderError):
    """Nothing is mounted, or nothing of it can be read."""


class NoneLogsIn(ReaderError):
    """The server refused each of them."""
