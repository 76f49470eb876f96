"""A folder that is watched: a test meets the moment at which another process does something there."""

from __future__ import annotations

import ctypes
import os
import select
import struct
import time
from pathlib import Path
from typing import Self

from tests.until import PATIENCE_SECONDS


class Watch:
    """inotify on a folder."""

    CREATED, MODIFIED, ATTRIBUTES, CLOSED, RENAMED, OPENED = 0x100, 0x2, 0x4, 0x8, 0x80, 0x20

    def __init__(self, folder: Path, mask: int) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = libc.inotify_init1(os.O_CLOEXEC)
        assert libc.inotify_add_watch(self._descriptor, str(folder).encode(), mask) >= 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def first(self, part: str) -> None:
        """Until it happens to a file with that in its name."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while select.select([self._descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
            events = os.read(self._descriptor, 4096)
            while events:
                _, _, _, length = struct.unpack_from("iIII", events)
                if part in events[16 : 16 + length].rstrip(b"\0").decode():
                    return
                events = events[16 + length :]
        raise AssertionError("it did not happen")
