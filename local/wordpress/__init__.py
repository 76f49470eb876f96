"""Real WordPress on instances behind a balancer, with its database."""
