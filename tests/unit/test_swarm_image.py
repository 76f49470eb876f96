"""What runs in a container of the local Swarm has a few packages, and must not come to import others."""

import subprocess
import sys

NOT_THERE = ("yaml", "boto3", "botocore", "moto", "werkzeug", "cryptography")


def test_the_application_imports_nothing_that_its_image_has_not() -> None:
    hidden = f"import sys; sys.modules.update(dict.fromkeys({NOT_THERE}))"
    subprocess.run([sys.executable, "-c", f"{hidden}; import local.swarm.application"], check=True)
