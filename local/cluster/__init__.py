"""A stand-in for EKS: the API that the steps call, a Deployment controller, and real PHP servers as pods.

    api.py         GET, PATCH            store.py     resourceVersion, generation, merge patches
    tokens.py      who may call          validation.py, errors.py   what is refused, in the API's words
    controller.py  rolls, a while later  rollout.py   by which rules, and what the status says
    pod.py, php.py, containers.py        one pod      control.py, sabotage.py   the hand of the demo
    manifests.py   what exists before    http.py      the little HTTP underneath

`Cluster` is the handle: it starts all of it as one process and says where it listens.
"""

from local.cluster.handle import Cluster, Settings

__all__ = ["Cluster", "Settings"]
