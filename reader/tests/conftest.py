"""A folder of secrets, and an environment in which nothing is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from credential_reader import Reader
from reader.tests.database import is_wrong_password

NAME, VARIABLE = "postgres_password", "POSTGRES_PASSWORD"


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    for ending in ("", "_FILE", "_FILE_NEW"):
        monkeypatch.delenv(VARIABLE + ending, raising=False)


@pytest.fixture
def mount(tmp_path: Path) -> Callable[..., None]:
    """mount(postgres_password_v1="…"): what is in the folder."""

    def write(**files: str) -> None:
        for name, text in files.items():
            (tmp_path / name).write_text(text)

    return write


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(NAME, "shop", folder=tmp_path, refused=is_wrong_password)
