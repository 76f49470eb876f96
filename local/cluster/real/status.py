"""What a kubelet says of a pod, as the API wants it; pure."""

from __future__ import annotations

from typing import Any

from local.cluster.real.client import Object


def report(container: Object, *, ready: bool, running: bool, since: str) -> Object:
    """`since`: when `ready` last changed; from then on the controller counts minReadySeconds."""
    state: Object = {"running": {"startedAt": since}} if running else {"waiting": {"reason": "ImagePullBackOff"}}
    status = {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "restartCount": 0,
        "ready": ready,
        "started": running,
        "state": state,
    }
    return {
        "phase": "Running" if running else "Pending",
        "containerStatuses": [status],
        "conditions": [
            _condition("PodScheduled", True, since),
            _condition("Initialized", True, since),
            _condition("ContainersReady", ready, since),
            _condition("Ready", ready, since),
        ],
    }


def _condition(kind: str, holds: bool, since: str) -> Any:
    return {"type": kind, "status": str(holds), "lastTransitionTime": since}
