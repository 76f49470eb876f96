"""EC2 instances on this machine, and the agent that runs commands on them; and what is shipped for real ones."""
