"""For every error there is a way out, and the page of errors says the same."""

import re
from pathlib import Path

import pytest
from rotation.core import errors
from rotation.told.ways import PAGE, WAYS_OUT, link, way_out

TEXT = (Path(__file__).resolve().parents[2] / PAGE).read_text()
ROWS = {
    name: rest
    for name, *rest in re.findall(r"^\| <a id=\"\w+\"></a>`([\w.]+)` \| ([\w ]+) \| (.+) \| (.+) \|$", TEXT, re.MULTILINE)
}
KINDS = (errors.RotationError, errors.TransientError, errors.PermanentError)
OURS = {
    name: one for name, one in vars(errors).items()
    if isinstance(one, type) and issubclass(one, errors.RotationError) and one not in KINDS
}  # fmt: skip


def test_every_error_of_ours_has_one() -> None:
    assert set(OURS) <= set(WAYS_OUT)
    assert way_out("nothing of ours") == ""


def test_the_page_has_them_all_and_nothing_else() -> None:
    assert {name: way for name, (*_, way) in ROWS.items()} == WAYS_OUT


def test_the_page_says_which_are_tried_again_and_what_each_means() -> None:
    meanings = dict(re.findall(r"[├└]── (\w+)\s{2,}(.+)", errors.__doc__ or ""))
    for name, error in OURS.items():
        kind, meaning, _ = ROWS[name]
        assert kind == ("transient" if issubclass(error, errors.TransientError) else "permanent"), name
        assert meaning == meanings[name]


@pytest.mark.parametrize("name", WAYS_OUT)
def test_the_link_leads_to_its_line(name: str) -> None:
    page, anchor = link(name).split("#")
    assert page == PAGE
    assert f'<a id="{anchor}"></a>`{name}`' in TEXT


@pytest.mark.parametrize("name", WAYS_OUT)
def test_a_way_out_is_short_and_says_what_to_do(name: str) -> None:
    assert len(WAYS_OUT[name]) < 130
    assert WAYS_OUT[name].endswith(".")
