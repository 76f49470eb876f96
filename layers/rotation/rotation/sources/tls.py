"""How every source checks whom it talks to: chain and host name, against the authority that the target names."""

import ssl
from functools import cache
from importlib import resources


@cache
def verified(ca: str) -> ssl.SSLContext:
    """`ca`: a PEM text, `rds`, or `system` for the runtime's authorities. Never without verification, never below 1.2, 1.3 where
    the server offers it."""
    if ca == "rds":
        ca = resources.files("rotation").joinpath("certificates/rds-global-bundle.pem").read_text()
    context = ssl.create_default_context(cadata=None if ca == "system" else ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
