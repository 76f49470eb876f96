"""EKS on this machine: a Kubernetes API, its Deployment controller, and real PHP servers as pods.

    standin/       an API and a controller of our own, in no time     real/         Kubernetes' own, and a small kubelet
    tokens.py      who may call, by the token that EKS takes          manifests.py  what exists before a rotation
    pod.py, php.py one pod: process, probe, place behind the balancer control.py, sabotage.py  the hand of demo and tests
    application.py with MySQL and the mounted sites                   http.py       the little HTTP underneath

`Cluster` is the handle: it starts all of it as one process and says where it listens.
"""

from local.cluster.handle import Cluster, Settings

__all__ = ["Cluster", "Settings"]
