"""Removes what a run made in a cluster of somebody else's: `python -m local.cluster.real.janitor NAMESPACE`, once its input ends.

A process of its own, outlived by nothing: however the run ends, killed too, the kernel closes the pipe.
"""

from __future__ import annotations

import signal
import sys
import time

from local.cluster.real.client import NOT_FOUND, ApiError, Client

WITHIN = 120.0  # seconds
POLL = 0.5


def main(namespace: str) -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the run; our turn comes after it
    client = Client.of_current_context()
    sys.stdin.buffer.read()
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        try:
            if _is_gone(client, namespace):
                return 0
        except ApiError:
            pass  # it cannot be reached just now
        time.sleep(POLL)
    print(f"cluster: please remove the namespace and the node {namespace} yourself", file=sys.stderr)
    return 1


def _is_gone(client: Client, namespace: str) -> bool:
    """Its kubelet is dead, so nobody else would confirm that the pods are."""
    path = f"/api/v1/namespaces/{namespace}"
    client.send("DELETE", f"/api/v1/nodes/{namespace}")
    client.send("DELETE", path)
    client.send("DELETE", f"{path}/pods", {"gracePeriodSeconds": 0})
    return client.send("GET", path)[0] == NOT_FOUND and client.send("GET", f"/api/v1/nodes/{namespace}")[0] == NOT_FOUND


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
