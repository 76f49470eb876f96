"""One tree of errors: drawn where it is defined, and its names are the names that the state machine and the runbook use."""

import inspect
import re
from pathlib import Path

import pytest
from rotation.consumers.lambda_function.contract import REASONS
from rotation.core import errors, fleet
from rotation.core.errors import PermanentError, RotationError, RotationSuperseded, TransientError

LAYER = Path(errors.__file__).parents[1]


def defined() -> dict[str, str]:
    """Name to parent of every error of the module."""
    classes = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, RotationError)]
    return {one.__name__: one.__bases__[0].__name__ for one in classes if one is not RotationError}


def drawn() -> dict[str, str]:
    """The same, from the drawing: each level is four columns further in."""
    above: list[str] = []
    found = {}
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"(    [│├└─ ]*)([A-Z]\w+)", line):
            level = (len(match[1]) - 4) // 4
            above[level:] = [match[2]]
            if level:
                found[match[2]] = above[level - 1]
    return found


def leaves() -> list[str]:
    return [name for name, parent in defined().items() if parent != "RotationError"]


def test_the_drawn_tree_is_the_tree() -> None:
    assert drawn() == defined()


def test_the_drawing_says_of_each_what_it_means() -> None:
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"    [│├└─ ]+([A-Z]\w+)(.*)", line):
            assert re.match(r" {2,}\S+ \S+", match[2]), match[1]


def test_every_error_is_either_transient_or_permanent() -> None:
    assert set(defined().values()) == {"RotationError", "TransientError", "PermanentError"}
    assert {name for name, parent in defined().items() if parent == "RotationError"} == {"TransientError", "PermanentError"}


@pytest.mark.parametrize("name", leaves())
def test_every_error_is_raised_somewhere(name: str) -> None:
    """One that is not would be a promise of the runbook that nothing keeps."""
    sources = [path.read_text() for path in LAYER.rglob("*.py") if path.name != "errors.py"]
    of_functions = [error for error, _ in REASONS.values()]
    tables = {one.__name__ for one in (*fleet.REASONS.values(), *fleet.ENDS.values(), *of_functions)}
    assert name in tables or any(re.search(rf"\b{name}\(|, {name}, ", source) for source in sources)


def test_only_leaves_are_raised() -> None:
    for path in LAYER.rglob("*.py"):
        assert not re.search(r"raise (RotationError|TransientError|PermanentError)\b", path.read_text()), path.name


@pytest.mark.parametrize("name", leaves())
def test_an_error_says_which_target_it_concerns_once_and_stays_itself(name: str) -> None:
    error = getattr(errors, name)("sqlconf.php is missing")
    told = error.at("openemr")
    assert (type(told), str(told)) == (type(error), "openemr: sqlconf.php is missing")
    assert told.at("openemr") is told


def test_transient_and_permanent_are_told_apart_by_their_class() -> None:
    assert issubclass(errors.SourceBusy, TransientError)
    assert issubclass(RotationSuperseded, PermanentError)
    assert not issubclass(TransientError, PermanentError)
