"""The binaries of a control plane: from KUBEBUILDER_ASSETS, else from the cache where `make cluster` built them."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

NAMES = ("etcd", "kube-apiserver", "kube-controller-manager")
ASSETS = "KUBEBUILDER_ASSETS"
CACHED = Path("credential-rotation") / "kubernetes-1.20.2" / "bin"  # local/setup.sh builds into the same folder


class NoPrograms(ValueError):
    """The message says how to get them."""


@dataclass(frozen=True)
class Programs:
    folder: Path

    def __getitem__(self, name: str) -> str:
        return str(self.folder / name)

    def version(self) -> str:
        """Like 1.20.2."""
        said = subprocess.run([self["kube-apiserver"], "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
        found = re.search(r"v(\d+\.\d+\.\d+)", said)
        return found[1] if found else said.strip()


def find(environment: Mapping[str, str] = os.environ) -> Programs | None:
    """The first place that has all three: what setup-envtest downloads has no kube-controller-manager, and no rollout happens."""
    return next((Programs(folder) for folder in places(environment) if not lacking(folder)), None)


def places(environment: Mapping[str, str]) -> list[Path]:
    cache = Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    given = [Path(environment[ASSETS])] if environment.get(ASSETS) else []
    return [*given, cache / CACHED]


def lacking(folder: Path) -> list[str]:
    return [name for name in NAMES if not os.access(folder / name, os.X_OK)]


def require(environment: Mapping[str, str] = os.environ) -> Programs:
    found = find(environment)
    if found is None:
        seen = "; ".join(f"{folder} has no {', no '.join(lacking(folder))}" for folder in places(environment))
        raise NoPrograms(f"no Kubernetes control plane on this machine ({seen}): make cluster")
    return found
