"""README's picture of the state machine is drawn from the machine as it is."""

from local import picture


def test_the_picture_is_that_of_the_machine() -> None:
    assert picture.PICTURE.read_text() == picture.draw(), "python -m local.picture draws it anew"


def test_a_station_leads_to_the_next_one() -> None:
    """By states that only choose or remember, on no way of failures."""
    machine = picture.states()

    def leads(state: str) -> set[str]:
        here = machine[state]
        ways = [here.get("Next"), here.get("Default"), *(one["Next"] for one in here.get("Choices", []))]
        return {way for way in ways if way}

    def reached(state: str, seen: set[str]) -> set[str]:
        for following in leads(state) - seen:
            seen.add(following)
            if machine[following]["Type"] in ("Pass", "Choice"):
                reached(following, seen)
        return seen

    assert [(a, b) for a, b in zip(picture.STATIONS, picture.STATIONS[1:], strict=False) if b not in reached(a, set())] == []


def test_a_comment_that_is_too_long_is_cut_at_a_word() -> None:
    assert picture.first_sentence({"Comment": "word " * 40}).endswith("word …")
    assert picture.first_sentence({"Comment": "short - and more"}) == "short"


def test_what_has_no_way_of_failures_says_none() -> None:
    assert picture.where_it_fails_to({"Type": "Succeed"}) == ""
