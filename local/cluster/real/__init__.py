"""Kubernetes itself: its API server, its controllers and its store, with a kubelet of ours that runs pods as PHP processes.

programs.py       where the binaries are           control_plane.py  etcd, kube-apiserver, kube-controller-manager
client.py         the cluster's administrator      watch.py          what has changed there, for ever
kubelet.py        which pods are ours              placed.py         one of them, from its binding to its deletion
authenticator.py  who a token is of, as EKS says   status.py         what a kubelet says of a pod
backend.py        all of it as a cluster           kubeconfig.py     a cluster of somebody else's; janitor.py leaves it clean
"""
