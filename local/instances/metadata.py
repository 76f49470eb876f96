"""The metadata service of one instance, version 2 only: no token, no answer. It gives the credentials of the instance's role."""

from __future__ import annotations

import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

ROLES = "/latest/meta-data/iam/security-credentials/"
TTL = "X-aws-ec2-metadata-token-ttl-seconds"
TOKEN = "X-aws-ec2-metadata-token"
UNTIL = "2099-01-01T00:00:00Z"


class Metadata:
    """`with Metadata("a-role") as service:` it answers at `endpoint`. `role` may be changed; None for an instance without one."""

    def __init__(self, role: str | None, instance_id: str = "i-0123456789abcdef0", region: str = "us-east-1") -> None:
        self.role, self.instance_id, self.region = role, instance_id, region
        self.session_token = f"canary-{secrets.token_urlsafe(24)}"
        """Of the credentials: nobody but AWS may see it."""
        self.secret_key = f"canary-{secrets.token_urlsafe(24)}"
        self._token = secrets.token_urlsafe(32)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def said(self, path: str) -> str | None:
        """Of the few paths that an instance asks for."""
        role = {ROLES: self.role, ROLES + self.role: self._credentials()} if self.role else {}
        placed = {"/latest/meta-data/instance-id": self.instance_id, "/latest/meta-data/placement/region": self.region}
        return (role | placed).get(path)

    def _credentials(self) -> str:
        """The access key id is the role's name: so the record of calls says who called."""
        keys = {"AccessKeyId": self.role, "SecretAccessKey": self.secret_key, "Token": self.session_token}
        return json.dumps(
            {"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2024-01-01T00:00:00Z", "Expiration": UNTIL} | keys
        )

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                well = self.path == "/latest/api/token" and self.headers.get(TTL, "").isdigit()
                self._answer(200 if well else 400, service._token if well else "")

            def do_GET(self) -> None:
                said = service.said(self.path)
                if self.headers.get(TOKEN) != service._token:
                    self._answer(401, "")
                else:
                    self._answer(404 if said is None else 200, said or "")

            def _answer(self, status: int, text: str) -> None:
                self.send_response(status)
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        return Handler
