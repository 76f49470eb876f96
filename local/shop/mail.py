"""A shop that sends mail through a provider whose keys people make: its mailer reads the key from a secret, and shows on a page of
its own whether the provider takes it."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local.key_server import KeyServer, serving
from local.shop.one_user import OneUser
from local.shop.stack import made_up
from local.targets import tags

KEY = "MAIL_API_KEY"
SENT = "mail: ok"
OTHERS = {"MAIL_FROM": "shop@example.org"}
"""What the mailer's secret holds besides."""


class MailShop(OneUser):
    """Its target `mail` is added by a person; the stack names the provider's host."""

    provider: KeyServer
    record_secret, key_secret = "mail/record", "mail/key"

    @property
    def secret_names(self) -> tuple[str, ...]:
        return (*super().secret_names, self.record_secret)

    @property
    def key(self) -> str:
        """That the mailer uses."""
        return str(self.secret(self.key_secret)[KEY])

    def document(self, page: str) -> dict[str, Any]:
        """The target, by the page on which the mailer shows that it works."""
        secrets = self.aws.client("secretsmanager")
        record, key = (secrets.describe_secret(SecretId=name)["ARN"] for name in (self.record_secret, self.key_secret))
        return {
            "slot_secret": record,
            "source": {"kind": "by-hand", "try": self.provider.trying},
            "consumers": [
                {
                    "kind": "app-secret",
                    "secret": key,
                    "application_cache_seconds": self.pace.cache_seconds,
                    "keys": {KEY: "{password}"},
                }
            ],
            "health": {"url": page, "marker": SENT},
            "overlap_seconds": self.pace.cache_seconds,
            "drain": {"quiet_seconds": self.pace.quiet_seconds, "deadline_seconds": 60},
        }

    def new_key(self) -> str:
        """As a person makes one on the provider's page."""
        return self.provider.make(made_up())

    def _start_database(self) -> None:
        super()._start_database()
        folder = self.directory / "provider"
        folder.mkdir()
        self.provider = self._ended.enter_context(serving(folder))

    def _own_parameters(self) -> dict[str, str]:
        secrets = self.aws.client("secretsmanager")
        secrets.create_secret(Name=self.record_secret, Tags=tags("record"))
        content = json.dumps({**OTHERS, KEY: self.new_key()})
        secrets.create_secret(Name=self.key_secret, SecretString=content, Tags=tags("application"))
        return {**super()._own_parameters(), "ApiHosts": self.provider.host, "Fleet": "by-hand"}


class Mailer:
    """It reads its key anew when that is older than its cache, and asks the provider for each page."""

    def __init__(self, shop: MailShop) -> None:
        self._shop, self._lock = shop, threading.Lock()
        self._read, self._key = 0.0, ""
        self._tls = ssl.create_default_context(cadata=shop.provider.ca)

    def status(self) -> int:
        with self._lock:
            if time.monotonic() - self._read > self._shop.pace.cache_seconds:
                self._key, self._read = self._shop.key, time.monotonic()
            key = self._key
        connection = http.client.HTTPSConnection(self._shop.provider.host, timeout=5, context=self._tls)
        try:
            connection.request("GET", "/v1/me", headers={"Authorization": f"Bearer {key}"})
            return connection.getresponse().status
        finally:
            connection.close()


@contextmanager
def mailing(shop: MailShop) -> Iterator[str]:
    """The address of its page, as long as it runs."""
    mailer = Mailer(shop)

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = mailer.status()
            body = (SENT if status == http.client.OK else f"mail: the provider answers {status}").encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing of it is of interest."""

    class Busy(ThreadingHTTPServer):
        request_queue_size = 128

    with Busy(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
