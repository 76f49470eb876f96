"""What the local AWS takes for a call."""

import io
from typing import Any

from local.wsgi import Environ, Whole, body_of


def answered(sent: bytes, announced: int | None) -> tuple[list[bytes], list[str]]:
    """What the application got to see, and the status."""
    seen: list[bytes] = []
    statuses: list[str] = []

    def app(environ: Environ, start_response: Any) -> list[bytes]:
        seen.append(body_of(environ))
        start_response("200 OK", [])
        return []

    length = {} if announced is None else {"CONTENT_LENGTH": str(announced)}
    environ = {"REQUEST_METHOD": "POST", "wsgi.input": io.BufferedReader(io.BytesIO(sent)), **length}  # type: ignore[arg-type]
    Whole(app)(environ, lambda status, *_: statuses.append(status))
    return seen, statuses


def test_a_call_that_came_whole_is_passed_on() -> None:
    assert answered(b"{}", 2) == ([b"{}"], ["200 OK"])
    assert answered(b"", None) == ([b""], ["200 OK"])


def test_a_call_whose_caller_was_killed_while_it_was_sending_is_nobodys() -> None:
    """Else it would be done, and recorded, as a call that names nothing."""
    assert answered(b"", 40) == ([], ["400 BAD REQUEST"])
    assert answered(b'{"Name": "/cred', 40) == ([], ["400 BAD REQUEST"])
