"""A pod that needs no database, and says on any page which user it was given at its start: `python -m local.cluster.given`."""

from __future__ import annotations

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USER = "MYSQL_USER"


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = os.environ[USER].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Page).serve_forever()
