"""What each real function answered in a rotation from A to B on the local stack; only the times to wait are shorter."""

from collections.abc import Mapping
from typing import Any

from rotation.protocol.request import Request
from rotation.protocol.settling import KNOWN
from rotation.told.cause import cause

STATES = {"sqlconf": "WriteSqlconf", "secret": "PatchSecret", "deployment": "RestartApp"}
STORES = dict.fromkeys(("app-secret", "proxy-secret", "vault-kv", "lambda"), "PutSecret")
IN_SWARM = {"swarm-secret": "CreateSwarmSecret", "swarm-service": "PrepareService"}
PUBLISHED = {**STATES, **STORES, "wp-config": "WriteWpConfig", **IN_SWARM}


def consumer(index: int, kind: str) -> dict[str, Any]:
    """As ReadSlots lists it."""
    return {"index": index, "kind": kind, "state": PUBLISHED.get(kind, "Unknown"), "settles": kind == "proxy-secret"}


PROXIED = {"consumers": [consumer(0, "proxy-secret"), consumer(1, "app-secret")], "keepers": [consumer(0, "proxy-secret")]}
"""What ReadSlots says of an application behind a proxy."""
ON_INSTANCES = {"consumers": [consumer(0, "wp-config"), consumer(1, "app-secret")]}
"""And of one each instance of which has a file."""
IN_A_VAULT = {"consumers": [consumer(0, "vault-kv")], "copies": [consumer(0, "vault-kv")], "has_copies": True}
"""And of one whose application reads its login from a path of a Vault."""
SERVICE = consumer(1, "swarm-service")
IN_A_SWARM = {
    "consumers": [consumer(0, "swarm-secret"), SERVICE, consumer(2, "app-secret")],
    "keepers": [SERVICE],
    "has_keepers": True,
}
"""And of a service in a Swarm."""
CONSUMERS = [consumer(index, kind) for index, kind in enumerate(STATES)]
PUT = {"began": 1767582000.5, "status": "waiting", "wait_seconds": 0}

HAPPY: dict[str, dict[str, Any]] = {
    "read_slots": {
        "action": "publish",
        "slot": "B",
        "old_slot": "A",
        "entry": "B",
        "keeps_intent": False,
        "rounds": 2,
        "proof": "The old password is refused",
        "rotation_id": "2026-01-05T03:00:00Z",
        "reason": "rotate to the standby",
        "labels": {"current": "57955f3c-2171-4a7c-83f9-7a5e21844562", "pending": None},
        "consumers": CONSUMERS,
        "keepers": [],
        "admin_drifted": False,
        "has_keepers": False,
        "copies": [],
        "has_copies": False,
        "overlap_seconds": 0,
        "plan": [],
    },
    "claim_rotation": {"version": "2c0c0713-b0bb-5ed0-8ba0-c9a001ac21d6", "own_logins": 0},
    "sync_users": {"version": "2c0c0713-b0bb-5ed0-8ba0-c9a001ac21d6", "own_logins": 0, "repaired": [], **KNOWN},
    "write_sqlconf": {"changed": True},
    "patch_secret": {"changed": True},
    "put_secret": {"changed": True, **PUT},
    "check_login": {**PUT, "status": "complete"},
    "write_wp_config": {**PUT, "version": "7d0c9b5e-6a43-5d57-b1a7-7d2f0a0c1e11", "status": "complete"},
    "create_swarm_secret": {**PUT, "version": "7d0c9b5e-6a43-5d57-b1a7-7d2f0a0c1e11", "status": "complete"},
    "prepare_service": {
        **PUT,
        "version": "7d0c9b5e-6a43-5d57-b1a7-7d2f0a0c1e11",
        "phase": "prepare",
        "since": "",
        "status": "complete",
    },
    "restart_app": {"began": 1767582000.5, "status": "waiting", "wait_seconds": 0},
    "check_rollout": {"began": 1767582000.5, "status": "complete", "wait_seconds": 0},
    "validate_app": {"user": "openemr_b"},
    "flip_slot": {"active_slot": "B"},
    "close_flip": {"outcome": "closed", "entry": "A"},
    "check_drained": {
        "began": 1767582060.5,
        "status": "drained",
        "quiet_since": 1767582060.5,
        "logins": 23,
        "wait_seconds": 0,
        "republished": 0,
        "admin_in_use": False,
    },
    "rotate_old_slot": {"version": "feac704a-7d20-53a0-a897-a7f7a9331bf8", "own_logins": 2, "status": "altered"},
    "discard_old_password": {"retired_user": "openemr_a", **KNOWN},
    "rotate_admin": {"admin": "openemr"},
    "release_rotation": {"released": True},
    "fix_permissions": {"changed": True, "began": 1767582000.5, "status": "complete", "wait_seconds": 0},
    "announce_incident": {"announced": True},
    "verify": {
        "verdict": "holds",
        "failed": [],
        "findings": [
            {
                "severity": "ok",
                "what": "health page",
                "found": "it shows the working application",
                "mend": "",
                "by": ["validate_app"],
            }
        ],
        "days_since_success": 12.5,
    },
}


def answered(function: str, event: dict[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    """What the function says to this event, but for what a script has it say. What is put into words is what the machine kept."""
    if function == "say_why" and "probe" not in event:
        return {"cause": cause(Request(event).ended), **answer}
    return {**HAPPY.get(function, {}), **answer}
