"""What was seen of the world, as the ports tell of it. Apart from them, so that who only tells need not import what is asked."""

from typing import NamedTuple


class Activity(NamedTuple):
    """How much a database user is in use."""

    sessions: int
    logins: int | None
    """How often it logged in since the server started; None where the server does not count."""


class Key(NamedTuple):
    """A key that a provider has issued, as the provider lists it: never its secret."""

    id: str
    age_seconds: float | None
    """None where the provider does not say when it was made."""
    used_seconds_ago: float | None
    """None where it was never used, or the provider does not say."""
    active: bool
    name: str
    """Empty where the provider's keys carry none."""
    ends_seconds: float | None = None
    """In how many seconds it ends by itself; None where it does not."""
    worn: bool = False
    """Whether it ends by itself too soon to be taken into use."""


SessionId = tuple[str, int]
"""The server's host name, and the session's number there: it is never given again."""


class Server(NamedTuple):
    """The database as mode verify sees it."""

    version: str
    tls: str
    """The protocol that was agreed on."""
    lacking: tuple[str, ...]
    """What the admin may not do and a rotation needs."""
    without_tls: tuple[str, ...]
    """Which of the users asked about may log in without."""
    dual_passwords: bool
    counts_logins: bool
    ends_sessions: bool
    """Whether the admin may end those of others."""
    now: float | None
    """Its clock, in seconds since 1970; None where our own does not matter to it."""
    said: str = ""
    """What it is, in words, where version and TLS do not say it."""
    remarks: tuple[tuple[str, str], ...] = ()
    """What else is to be seen to, each with what mends it."""


class FileState(NamedTuple):
    """A file's owner and mode, what the target wants them to be, and whether we could replace it."""

    owner: str
    mode: str
    wanted_owner: str
    wanted_mode: str
    writable: bool


class Ran(NamedTuple):
    """An execution, as far as it has come."""

    arn: str
    running: bool
    end: str
    """What it ended in; its status, as long as it runs."""
    cause: str

    @property
    def name(self) -> str:
        """As it was started by."""
        return self.arn.rsplit(":", 1)[-1]
