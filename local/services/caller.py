"""The service that calls AWS with its user's access key, as a page: each request is a signed call."""

from __future__ import annotations

from dataclasses import asdict

from local.keys.stack import KeysInVault
from local.services.calls import ACCESS_KEY
from local.shop.application import Settings
from local.shop.databases import Place
from local.shop.process import end, start

CACHE_SECONDS, LIFETIME_SECONDS, QUIET_SECONDS = 2, 3.0, 5
"""A kept connection goes on with its key as long as it lives, and the quiet period is longer than that."""


class Caller(KeysInVault):
    """`with Caller() as caller:` its page is served."""

    def __init__(self) -> None:
        super().__init__(cache_seconds=CACHE_SECONDS, quiet_seconds=QUIET_SECONDS)

    def _start(self) -> None:
        super()._start()
        place = Place(ACCESS_KEY, self.aws.endpoint, 0, self.aws.region, "")
        settings = Settings(self.application, self.aws.endpoint, self.aws.region, place, CACHE_SECONDS, LIFETIME_SECONDS)
        pages = {"/": asdict(settings)}
        process, self._port = start(pages, self.environment, self.logs / "caller.log", "local.services.service")
        self._ended.callback(end, process)

    def _end(self) -> None:
        """In order: its service asks AWS until it has stopped."""
        try:
            self._ended.close()
        finally:
            self._run.close()

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self._port}/"
