"""`make cluster`: the control plane that the demo and the tests start, started once to show that it does.

HOLD=1 keeps it until Ctrl-C, and says where its kubeconfig is.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress

from local.certificates import Authority
from local.cluster.real.control_plane import ControlPlane
from local.cluster.real.programs import NoPrograms, require
from local.leftovers import Leftovers


def main() -> int:
    """The exit code."""
    try:
        programs = require()
    except NoPrograms as error:
        print(f"cluster: {error}", file=sys.stderr)
        return 2
    with Leftovers() as run, suppress(KeyboardInterrupt):
        began = time.monotonic()
        plane = ControlPlane(programs, run.directory / "control-plane", Authority("local cluster authority"), run.environment)
        plane.start(plane.url)  # no webhook: nobody comes with a token of EKS
        print(f"cluster: Kubernetes {programs.version()} from {programs.folder}, ready after {time.monotonic() - began:.1f} s")
        if os.environ.get("HOLD", "0") not in ("", "0"):
            print(f"cluster: KUBECONFIG={plane.kubeconfig} until Ctrl-C", flush=True)
            threading.Event().wait()
    print("cluster: stopped, nothing of it is left")
    return 0


if __name__ == "__main__":
    sys.exit(main())
