"""The Kubernetes API and its controllers without Kubernetes: as much as the steps rely on, held by the contract suite.

api.py         GET, PATCH            store.py     resourceVersion, generation, merge patches
controller.py  rolls, a while later  deployment.py, statefulset.py, daemonset.py   in the way of each sort
rollout.py     the rules of a Deployment, and what its status says
rbac.py        who may do what       validation.py, errors.py   what is refused, in the API's words
backend.py     all of it as a cluster
"""
