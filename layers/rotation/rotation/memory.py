"""A text for what reads files alone, as OpenSSL reads a private key: it is in no file system."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def in_memory(text: str) -> Iterator[str]:
    """A path that holds it for as long as it is read."""
    file = os.memfd_create("in-memory")
    try:
        os.write(file, text.encode())
        yield f"/proc/self/fd/{file}"
    finally:
        os.close(file)
