"""The template as CloudFormation gets it: translated, and every local path a place in a bucket, as `sam package` writes it.

python -m local.packaged FILE
"""

import json
import sys
from pathlib import Path

from local.aws import REPOSITORY
from local.translation import BUILD_BUCKET, MACHINE, Template, translate


def packaged(folder: Path = REPOSITORY) -> Template:
    """translate() has done it for functions and layers."""
    template = translate(folder)
    for resource in template["Resources"].values():
        if resource["Type"] == MACHINE:
            place = resource["Properties"]["DefinitionS3Location"]
            resource["Properties"]["DefinitionS3Location"] = {"Bucket": BUILD_BUCKET, "Key": place}
    return template


if __name__ == "__main__":
    output = Path(sys.argv[1])
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(packaged(), indent=1))
