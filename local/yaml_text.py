"""YAML, read by libyaml: ten times as fast as by PyYAML itself, and the template has thousands of lines."""

from typing import Any

import yaml
from samtranslator.yaml_helper import intrinsics_multi_constructor


class Loader(yaml.CSafeLoader):
    """Knows CloudFormation's short functions (!Ref, !Sub, …), as samtranslator reads them."""


Loader.add_multi_constructor("!", intrinsics_multi_constructor)


def read_yaml(text: str) -> Any:
    return yaml.load(text, Loader)  # noqa: S506 - it is a safe one
