"""Something else than AWS answers, a proxy's page or a portal's: one of our own errors, or none, and never botocore's."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.retries.standard import ExponentialBackoff
from rotation.aws import client as adapter
from rotation.aws.iam import denied
from rotation.aws.notices import publish
from rotation.core.errors import NotAnnounced
from rotation_cli.app import main

PAGE = b"<html><body>Please sign in<br></body></html>"


class Portal(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.send_response(200)
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture(autouse=True)
def _portal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0)
    with ThreadingHTTPServer(("127.0.0.1", 0), Portal) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "local",
        }.items():
            monkeypatch.setenv(name, value)
        adapter.client.cache_clear()
        yield
        adapter.client.cache_clear()
        server.shutdown()
        thread.join()


def test_iam_counts_as_not_to_be_asked() -> None:
    assert denied("arn:aws:iam::1:role/x", ["secretsmanager:PutSecretValue"], "arn:secret") is None


def test_nobody_was_told() -> None:
    with pytest.raises(NotAnnounced, match=r"\(ResponseParserError\)$"):
        publish("arn:aws:sns:us-east-1:1:topic", "subject", "text")


def test_the_command_says_so_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("rotation: what answered for sts:GetCallerIdentity is not AWS: check AWS_ENDPOINT_URL")
    assert said.err.count("\n") == 1
