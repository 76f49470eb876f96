"""The server: started, unsealed, ended; and what an operator asks of it.

Its storage is memory, or files where it is to be started again with what it held."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local.certificates import Authority
from local.mysqld import cache
from local.ports import free_port
from local.serving import begin, end

STARTED_WITHIN = 20.0
CONFIGURATION = """
disable_mlock = true
ui = false
api_addr = "https://127.0.0.1:{port}"
{storage}
listener "tcp" {{
  address = "127.0.0.1:{port}"
  tls_cert_file = "{certificate}"
  tls_key_file = "{key}"{cluster}
}}
audit "file" "to-file" {{
  options = {{ file_path = "{audit}" }}
}}
"""
RAFT = """storage "raft" {{
  path = "{folder}"
  node_id = "alone"
  performance_multiplier = 1
}}
cluster_addr = "https://127.0.0.1:{port}"
"""
"""The only storage of its own that outlives the process."""


def program() -> Path:
    """OpenBao's, fetched where there is none."""
    script = Path(__file__).with_name("fetch.sh")
    fetched = subprocess.run([script, sys.executable, cache() / "openbao"], stdout=subprocess.PIPE, text=True, check=False)
    if fetched.returncode != 0:
        raise RuntimeError("no OpenBao: see what fetch.sh says above")
    return Path(fetched.stdout.strip())


class OpenBao:
    """`with OpenBao(directory, environment) as vault:` it runs and is unsealed."""

    host = "127.0.0.1"

    def __init__(self, directory: Path, environment: Mapping[str, str], *, kept: bool = False) -> None:
        """`kept`: what it holds outlives its process."""
        self.directory, self._kept = directory, kept
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def audit_log(self) -> Path:
        """Who asked what; values are hashed in it."""
        return self.directory / "audit.log"

    @property
    def address(self) -> str:
        return f"https://{self.host}:{self.port}"

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True)
        authority = Authority("OpenBao")
        self.ca_pem, issued = authority.pem, authority.issue(self.directory, "openbao")
        self.port = free_port()
        storage, cluster = 'storage "inmem" {}', ""
        if self._kept:
            (self.directory / "data").mkdir()
            other = free_port()
            storage = RAFT.format(folder=self.directory / "data", port=other)
            cluster = f'\n  cluster_address = "127.0.0.1:{other}"'
        written = {"certificate": issued.certificate, "key": issued.key, "audit": self.audit_log}
        written |= {"storage": storage, "cluster": cluster}
        (self.directory / "server.hcl").write_text(CONFIGURATION.format(port=self.port, **written))
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """For the first time; or again, and then what it held is gone: its storage is memory."""
        self._begin()
        made = self.asks("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
        self._key, self.root = made["keys"][0], made["root_token"]
        self.unseal()

    def start_again(self) -> None:
        """With what it held; it is sealed until somebody unseals it."""
        assert self._kept, "its storage is memory"
        self._begin()

    def _begin(self) -> None:
        environment = {**self._environment, "BAO_SKIP_VERIFY": "", "HOME": str(self.directory)}
        command = [program(), "server", "-config", self.directory / "server.hcl"]
        self._process = begin(command, environment, self.directory / "server.log")
        self._context = ssl.create_default_context(cadata=self.ca_pem)
        self._await()

    def stop(self) -> None:
        if self._process is not None:
            end(self._process)
            self._process = None

    def kill(self) -> None:
        """As a crash does: nothing is written any more."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def seal(self) -> None:
        self.asks("PUT", "sys/seal")

    def unseal(self) -> None:
        self.asks("PUT", "sys/unseal", {"key": self._key})
        deadline = time.monotonic() + STARTED_WITHIN
        while self.status("sys/health") != 200:
            if time.monotonic() > deadline:
                raise RuntimeError(f"OpenBao did not become active:\n{self.log()}")
            time.sleep(0.02)

    def version(self) -> str:
        return str(self.asks("GET", "sys/health")["version"])

    def asks(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """As root. What it says; an error if it refuses."""
        status, said = self._ask(method, path, body)
        if status >= 300:
            raise RuntimeError(f"OpenBao: {method} {path}: HTTP {status} {said}")
        return said

    def status(self, path: str) -> int:
        return self._ask("GET", path, None)[0]

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPSConnection(self.host, self.port, timeout=10, context=self._context)
        try:
            headers = {"X-Vault-Token": getattr(self, "root", ""), "Content-Type": "application/json"}
            connection.request(method, f"/v1/{path}", None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(data) if data else {}

    def log(self) -> str:
        return (self.directory / "server.log").read_text(errors="replace")[-2000:]

    def _await(self) -> None:
        deadline = time.monotonic() + STARTED_WITHIN
        while True:
            assert self._process is not None
            with suppress(OSError):
                self.status("sys/seal-status")
                return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"OpenBao did not start:\n{self.log()}")
            time.sleep(0.02)
