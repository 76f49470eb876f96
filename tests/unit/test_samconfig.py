"""What is built is what is deployed: both read one file of parameters, and an installation's name is that of its config."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from samcli.cli.types import CfnParameterOverridesType

from local.yaml_text import read_yaml

ROOT = Path(__file__).resolve().parents[2]
CONFIG = tomllib.loads((ROOT / "samconfig.toml").read_text())
EXAMPLE = tomllib.loads((ROOT / "examples/rds-proxy/samconfig.toml").read_text())


def overrides(config: dict[str, Any], command: str) -> Any:
    return config[command]["parameters"]["parameter_overrides"]


@pytest.mark.parametrize("env", ["dev", "staging", "prod"])
def test_build_and_deploy_of_an_environment_read_its_file(env: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / f"parameters.{env}.yaml").write_text(yaml.safe_dump({"PythonRuntime": "python3.12", "ClusterName": "ours"}))
    monkeypatch.chdir(tmp_path)
    read = [CfnParameterOverridesType().convert(overrides(CONFIG[env], one), None, None) for one in ("build", "deploy")]
    assert read == [{"Environment": env, "PythonRuntime": "python3.12", "ClusterName": "ours"}] * 2


def test_the_example_is_built_with_what_it_is_deployed_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    read = [CfnParameterOverridesType().convert(overrides(EXAMPLE["default"], one), None, None) for one in ("build", "deploy")]
    given = read_yaml((ROOT / "examples/rds-proxy/parameters.yaml").read_text())
    assert read[0] == read[1]
    assert read[0].keys() == given.keys() | {"Environment"}
