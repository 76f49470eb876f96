"""What cannot be done as it was asked: one line that says what, and how to mend it."""


class Trouble(Exception):
    """Ends the command with exit code 2."""

    def __str__(self) -> str:
        return " ".join(super().__str__().split())
