"""One of the services: it reads its credentials from a Vault's paths or from secrets, and serves a page for each.

    python -m local.services.service JSON

By the path of each page: where its credential is read, and what is asked with it. Like the application in local/shop, every other
page is served over a new connection, the others over those that are kept. Nothing is tried again.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from local.cluster.http import Answer, Request
from local.services.calls import OPEN
from local.services.names import Names
from local.shop.application import Application, Settings, in_secrets_manager, in_vault, run
from local.shop.connections import Connections, Known


def application(settings: Settings) -> Application:
    """What serves one of its pages."""
    look = in_vault(Path(settings.vault)) if settings.vault else in_secrets_manager(settings)
    known, open_one = Known(look, settings.cache_seconds), OPEN[settings.place.kind](settings.place)
    return Application(Connections(open_one, known, settings.lifetime_seconds, Names().of))


class Service:
    def __init__(self, pages: Mapping[str, Application]) -> None:
        self._pages = pages

    async def answer(self, request: Request) -> Answer:
        page = self._pages.get(request.target)
        return await page.answer(request) if page else Answer(404, {}, b"There is no such page\n")


def main() -> None:
    said = json.loads(sys.argv[1])
    pages = {path: application(Settings.parse(json.dumps(settings))) for path, settings in said.items()}
    asyncio.run(run(Service(pages).answer))


if __name__ == "__main__":
    main()
