"""Which cluster: chosen by CLUSTER, else by who asks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

STAND_IN, REAL, KUBECONFIG = "stand-in", "real", "kubeconfig"
KINDS = (STAND_IN, REAL, KUBECONFIG)
VARIABLE = "CLUSTER"
RBAC = Path(__file__).resolve().parents[2] / "k8s" / "rbac.yaml"
"""OpenEMR's. It is here because a container of the Swarm imports this package, and has no library that reads YAML."""


def chosen(environment: Mapping[str, str] = os.environ) -> str:
    """The stand-in unless CLUSTER says otherwise. ValueError with the sentence to show."""
    kind = environment.get(VARIABLE) or STAND_IN
    if kind not in KINDS:
        raise ValueError(f"{VARIABLE}={kind}: one of {', '.join(KINDS)} is wanted.")
    return kind
