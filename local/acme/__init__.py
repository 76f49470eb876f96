"""An ACME server on this machine, whose challenges are answered by the local AWS's Route 53."""
