"""What is raised where a law is broken."""


class Violation(Exception):
    """An invariant does not hold."""

    def __init__(self, law: str, what: str) -> None:
        super().__init__(f"{law}: {what}")
        self.law, self.what = law, what
        self.where = "the end"
