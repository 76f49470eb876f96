"""CreateSwarmSecret: make the login a secret of the Swarm of its own."""

from rotation.runtime.entry import handler
from rotation.steps.create_swarm_secret import create_swarm_secret

lambda_handler = handler(create_swarm_secret, "create_swarm_secret")
