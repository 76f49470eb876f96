"""Kubernetes itself: its API server, its controllers and its store, with a kubelet of ours that runs pods as PHP processes.

programs.py       where the binaries are           control_plane.py  etcd, kube-apiserver, kube-controller-manager
client.py         the cluster's administrator      watch.py          what has changed there, for ever
kubelet.py        every pod from bind to delete    status.py         what a kubelet says of a pod
authenticator.py  who a token is of, as EKS's webhook says it        kubeconfig.py, gate.py   a cluster of somebody else's
"""
