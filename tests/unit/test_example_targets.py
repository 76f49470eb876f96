"""examples/targets/: each is a document that a target takes, and a dry run of it says what would change."""

from pathlib import Path

import pytest
from rotation.kinds.kind import Holds
from rotation.kinds.target import parse_target

FOLDER = Path(__file__).parents[2] / "examples/targets"
TARGETS = sorted(FOLDER.glob("*.json"))


def test_there_are_some() -> None:
    assert [path.stem for path in TARGETS] == ["iam-access-key", "signing-keys", "swarm"]


@pytest.mark.parametrize("path", TARGETS, ids=lambda path: path.stem)
def test_it_parses_and_each_consumer_says_what_it_would_change(path: Path) -> None:
    target = parse_target(path.stem, path.read_text())
    told = [one for one in target.consumers if one.known.holds is not Holds.NOTHING]
    said = [one.known.change(one.settings, "shop_a", "shop_b") for one in told]
    assert all("shop_b" in one for one in said)


def test_the_swarm_s_services_come_before_what_moves_the_traffic() -> None:
    target = parse_target("shop", (FOLDER / "swarm.json").read_text())
    assert [one.known.state for one in target.consumers] == ["CreateSwarmSecret", "PrepareService", "PrepareService", "PutSecret"]
    assert target.moved_by.kind == "app-secret"
    assert "in 3 rolling updates" in target.consumers[1].known.change(target.consumers[1].settings, "a", "b")
    assert "in 1 rolling update" in target.consumers[2].known.change(target.consumers[2].settings, "a", "b")


def test_the_key_that_signs_is_written_as_pem_and_as_jwk() -> None:
    target = parse_target("shop", (FOLDER / "signing-keys.json").read_text())
    assert (target.admin_secret, target.outlives_seconds, target.cache_seconds) == ("", 3600, 300)
    assert target.consumers[0].settings["keys"]["key"] == "{password|pem}"
