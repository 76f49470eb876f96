"""Which cluster: chosen by CLUSTER, else by who asks."""

from __future__ import annotations

import os
from collections.abc import Mapping

STAND_IN, REAL, KUBECONFIG = "stand-in", "real", "kubeconfig"
KINDS = (STAND_IN, REAL, KUBECONFIG)
VARIABLE = "CLUSTER"


def chosen(environment: Mapping[str, str] = os.environ) -> str:
    """The stand-in unless CLUSTER says otherwise. ValueError with the sentence to show."""
    kind = environment.get(VARIABLE) or STAND_IN
    if kind not in KINDS:
        raise ValueError(f"{VARIABLE}={kind}: one of {', '.join(KINDS)} is wanted.")
    return kind
