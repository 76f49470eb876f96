"""A path of the key-value store (version 2) of Vault or OpenBao, from which an application reads its login."""
