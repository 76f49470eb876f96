"""What moto does for every stack, in less time; it answers as before.

A template that comes here is JSON, which moto tries to read as YAML first. And it makes an RSA key for every key of KMS; a
symmetric one, as the template's is, does not use it.
"""

import json
from typing import Any

from moto import backends


def mend() -> None:
    """Once per process. moto imports a service when it is first asked; CloudFormation imports with it all that it can make."""
    imported = backends._import_backend  # noqa: SLF001 - no other place will do

    def then_mended(module_name: str, backends_name: str) -> Any:
        made = imported(module_name, backends_name)
        if module_name == "cloudformation":
            _mend_cloudformation()
        return made

    backends._import_backend = then_mended  # noqa: SLF001


def _mend_cloudformation() -> None:
    from moto.cloudformation.models import Stack
    from moto.kms import models as kms
    from moto.kms.utils import ECDSAPrivateKey, KeySpec

    read, generate = Stack.parse_template, kms.generate_private_key

    def parse_template(text: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(text) if text.startswith("{") else read(text)
        return found

    def generate_private_key(key_spec: str) -> Any:
        return ECDSAPrivateKey(KeySpec.ECC_NIST_P256) if key_spec == KeySpec.SYMMETRIC_DEFAULT else generate(key_spec)

    Stack.parse_template, kms.generate_private_key = staticmethod(parse_template), generate_private_key
