"""A Vault or an OpenBao: how it is reached, and how a function shows it who it is. For every kind that asks one."""
