"""examples/targets/: each is a document that a target takes, and a dry run of it says what would change."""

from pathlib import Path

import pytest
from rotation.kinds.target import parse_target

TARGETS = sorted((Path(__file__).parents[2] / "examples/targets").glob("*.json"))


def test_there_are_some() -> None:
    assert [path.stem for path in TARGETS] == ["mail", "swarm"]


@pytest.mark.parametrize("path", TARGETS, ids=lambda path: path.stem)
def test_it_parses_and_each_consumer_says_what_it_would_change(path: Path) -> None:
    target = parse_target(path.stem, path.read_text())
    said = [one.known.change(one.settings, "shop_a", "shop_b") for one in target.consumers]
    assert all("shop_b" in one for one in said)


def test_a_key_that_people_make_is_tried_and_written_alone() -> None:
    target = parse_target("mail", TARGETS[0].read_text())
    assert (target.source.known.by_hand, target.admin_secret, target.rotates_admin) == (True, "", False)
    assert target.consumers[0].settings["keys"] == {"MAIL_API_KEY": "{password}"}


def test_the_swarm_s_services_come_before_what_moves_the_traffic() -> None:
    target = parse_target("shop", TARGETS[1].read_text())
    assert [one.known.state for one in target.consumers] == ["CreateSwarmSecret", "PrepareService", "PrepareService", "PutSecret"]
    assert target.moved_by.kind == "app-secret"
    assert "in 3 rolling updates" in target.consumers[1].known.change(target.consumers[1].settings, "a", "b")
    assert "in 1 rolling update" in target.consumers[2].known.change(target.consumers[2].settings, "a", "b")
