"""CreateSwarmSecret: make the login a new secret of the Swarm."""

from rotation.runtime.entry import handler
from rotation.steps.create_swarm_secret import create_swarm_secret

lambda_handler = handler(create_swarm_secret, "create_swarm_secret")
