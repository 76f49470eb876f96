"""An error of ours, and that it shows nothing that it should not."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from rotation.core.errors import RotationError


@contextmanager
def raised(kind: type[RotationError], words: tuple[str, ...], never: tuple[str, ...]) -> Iterator[None]:
    """That error and no other, with those words; nothing of `never` is in it or in its traceback."""
    with pytest.raises(kind) as caught:
        yield
    assert type(caught.value) is kind
    assert all(word in str(caught.value) for word in words), str(caught.value)
    shown = "".join(traceback.format_exception(caught.value))
    assert not [word for word in never if word in shown], shown
