"""One function over the ports for each Task of the machine: look, decide, act, prove."""
