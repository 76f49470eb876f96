"""What is there and every change of it, for ever: list, watch from there, and list again whenever the watch breaks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from local.cluster.real.client import ApiError, Client, Object

SECONDS = 60  # the server ends a watch after this long
SILENCE = SECONDS + 10.0
AGAIN = 0.2  # seconds until a server that cannot be asked is asked again

Changes = Callable[[dict[str, Object]], Any]


class Watch:
    """`changed` is told all objects of a collection by name whenever one of them has changed, in a thread of its own."""

    def __init__(self, client: Client, path: str, changed: Changes) -> None:
        self._client = client
        self._path = path
        self._changed = changed
        self._stopping = threading.Event()
        threading.Thread(target=self._run, daemon=True, name=f"watch {path}").start()

    def stop(self) -> None:
        """It says no more; the thread ends with the next thing that it hears."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follow()
            except ApiError:
                self._stopping.wait(AGAIN)

    def _follow(self) -> None:
        listed = self._client.get(self._path)
        objects = {one["metadata"]["name"]: one for one in listed["items"]}
        version = listed["metadata"]["resourceVersion"]
        self._tell(objects)
        while not self._stopping.is_set():
            for event in self._client.stream(f"{self._path}?watch=1&timeoutSeconds={SECONDS}&resourceVersion={version}", SILENCE):
                if event["type"] == "ERROR":  # our version is too old: list again
                    raise ApiError(int(event["object"].get("code", 0)), self._path)
                metadata = event["object"]["metadata"]
                version = metadata["resourceVersion"]
                objects = {name: one for name, one in objects.items() if name != metadata["name"]}
                if event["type"] != "DELETED":
                    objects[metadata["name"]] = event["object"]
                self._tell(objects)

    def _tell(self, objects: dict[str, Object]) -> None:
        if not self._stopping.is_set():
            self._changed(objects)
