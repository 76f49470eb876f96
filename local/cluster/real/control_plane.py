"""etcd, kube-apiserver and kube-controller-manager as processes of this run: free ports, RBAC, TLS by an authority of their own.

Tokens stand in files that only we can read, never in arguments. etcd holds Secrets encrypted, as in EKS: what is on disk after
a run, or is searched for passwords during one, shows none.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.certificates import Authority, ServerCertificate
from local.cluster.real.client import ApiError, Client
from local.cluster.real.programs import Programs
from local.ports import free_port

READY_WITHIN = 60.0  # seconds; 6 on a machine that does nothing else
POLL = 0.05
CONTROLLERS = "deployment,replicaset,statefulset,daemonset,garbagecollector,namespace"
INSECURE_PORT_UNTIL = 24  # the minor version from which kube-controller-manager has no such port, and no flag for it
ADMINISTRATOR, MANAGER = "administrator", "controller-manager"


class ControlPlane:
    def __init__(
        self, programs: Programs, directory: Path, authority: Authority, environment: Mapping[str, str] | None = None
    ) -> None:
        """`environment`: with the mark by which leftovers are found; None: ours has it."""
        self._environment = environment
        self._programs = programs
        self._directory = directory
        self._authority = authority
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._tokens = {name: secrets.token_urlsafe(32) for name in (ADMINISTRATOR, MANAGER)}
        self._port, self._etcd_port = free_port(), free_port()
        self.url = f"https://127.0.0.1:{self._port}"

    def start(self, webhook: str) -> Client:
        """The administrator's client, once everything answers. `webhook`: who says what other tokens are worth."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._ca = self._write("ca.pem", self._authority.pem)
        self._serving = self._authority.issue(self._directory, "kube-apiserver")
        self._accounts = self._authority.issue(self._directory, "service-accounts")
        self._to_etcd = self._authority.issue(self._directory, "etcd")
        users = [f'{token},{name},{name},"system:masters"' for name, token in self._tokens.items()]
        self._users = self._write("users.csv", "\n".join(users) + "\n")
        self._webhook = self._write("webhook.json", _kubeconfig(webhook, self._ca, None))
        self._encryption = self._write("encryption.json", _encryption())
        self._manager = self._write("controller-manager.json", _kubeconfig(self.url, self._ca, self._tokens[MANAGER]))
        self.kubeconfig = self._write("kubeconfig.json", _kubeconfig(self.url, self._ca, self._tokens[ADMINISTRATOR]))
        self._run("etcd", self._etcd())
        client = Client.of(self.url, self._ca, self._tokens[ADMINISTRATOR])
        self.start_api(client)
        self._run("kube-controller-manager", self._controller_manager())
        return client

    def start_api(self, client: Client) -> None:
        """The first time, and after `stop_api`: the same port, the same store."""
        self._run("kube-apiserver", self._api_server())
        deadline = time.monotonic() + READY_WITHIN
        while not _is_ready(client):
            self._assert_alive()
            if time.monotonic() > deadline:
                raise TimeoutError(f"kube-apiserver was not ready within {READY_WITHIN:.0f} s:\n{self._log('kube-apiserver')}")
            time.sleep(POLL)

    def stop_api(self) -> None:
        """An outage of the API server alone: connections are refused, controllers and kubelet find nobody."""
        self._kill("kube-apiserver")

    def close(self) -> None:
        for name in list(self._processes):
            self._kill(name)

    def _kill(self, name: str) -> None:
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    def _run(self, name: str, options: Mapping[str, Any]) -> None:
        arguments = [f"--{option}={value}" for option, value in options.items()]
        with (self._directory / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [self._programs[name], *arguments],
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                env=self._environment,
            )

    def _assert_alive(self) -> None:
        for name, process in self._processes.items():
            if process.poll() is not None:
                raise RuntimeError(f"{name} ended with {process.returncode}:\n{self._log(name)}")

    def _log(self, name: str) -> str:
        return (self._directory / f"{name}.log").read_text(errors="replace")[-2000:]

    def _write(self, name: str, content: str) -> Path:
        path = self._directory / name
        path.touch(mode=0o600)
        path.write_text(content)
        return path

    def _etcd(self) -> dict[str, Any]:
        url = f"https://127.0.0.1:{self._etcd_port}"
        return {
            "data-dir": self._directory / "etcd",
            "listen-client-urls": url,
            "advertise-client-urls": url,
            "listen-peer-urls": "http://127.0.0.1:0",  # a cluster of one has no peers
            "cert-file": self._to_etcd.certificate,
            "key-file": self._to_etcd.key,
            "client-cert-auth": "true",
            "trusted-ca-file": self._ca,
            "log-level": "warn",
        }

    def _api_server(self) -> dict[str, Any]:
        return {
            "etcd-servers": f"https://127.0.0.1:{self._etcd_port}",
            **_certificate("etcd-certfile", "etcd-keyfile", self._to_etcd),
            "etcd-cafile": self._ca,
            "encryption-provider-config": self._encryption,
            "bind-address": "127.0.0.1",
            "advertise-address": "127.0.0.1",
            "secure-port": self._port,
            **_certificate("tls-cert-file", "tls-private-key-file", self._serving),
            "cert-dir": self._directory / "certificates",
            "anonymous-auth": "false",
            "authorization-mode": "RBAC",
            "token-auth-file": self._users,
            "authentication-token-webhook-config-file": self._webhook,
            "authentication-token-webhook-version": "v1",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": self._accounts.certificate,
            "service-account-signing-key-file": self._accounts.key,
            "disable-admission-plugins": "ServiceAccount",  # pods here call nobody
            "service-cluster-ip-range": "10.0.0.0/24",
            "endpoint-reconciler-type": "none",
        }

    def _controller_manager(self) -> dict[str, Any]:
        minor = int(self._programs.version().split(".")[1])
        return {
            "kubeconfig": self._manager,
            "controllers": CONTROLLERS,
            "leader-elect": "false",
            "secure-port": 0,
            **({"port": 0} if minor < INSECURE_PORT_UNTIL else {}),
        }


def _certificate(certificate: str, key: str, issued: ServerCertificate) -> dict[str, Path]:
    return {certificate: issued.certificate, key: issued.key}


def _kubeconfig(url: str, ca: Path, token: str | None) -> str:
    cluster = {"server": url, "certificate-authority": str(ca)}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "here", "cluster": cluster}],
            "users": [{"name": "we", "user": {"token": token} if token else {}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "we"}}],
            "current-context": "here",
        }
    )


def _encryption() -> str:
    key = {"name": "run", "secret": base64.b64encode(os.urandom(32)).decode()}
    provider = {"resources": ["secrets"], "providers": [{"secretbox": {"keys": [key]}}]}
    return json.dumps({"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration", "resources": [provider]})


def _is_ready(client: Client) -> bool:
    try:
        client.get("/readyz")
    except ApiError:
        return False
    return True
