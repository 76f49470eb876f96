"""One module per state of the machine, each one function over the ports: look, decide, act, prove."""
