"""When a rollout was complete, by the cluster's own word: to compare with when the machine knew it."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

from local.cluster.handle import Cluster

POLL_SECONDS = 0.05


class RolloutWatch:
    """Looks all the time, in a thread of its own."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._completed: list[float] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="rollouts")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stopping.set()
        self._thread.join()

    def noticed_after(self, known: float) -> float | None:
        """How long before `known` the last rollout had become complete; None if none had."""
        before = [at for at in self._completed if at <= known]
        return known - before[-1] if before else None

    def _watch(self) -> None:
        complete = True
        while not self._stopping.wait(POLL_SECONDS):
            now_complete = self._cluster.is_rolled_out()
            if now_complete and not complete:
                self._completed.append(time.time())
            complete = now_complete
