"""What the tests of several adapters need."""

from collections.abc import Callable, Iterator

import pytest

from local.aws import LocalAws

pytest.register_assert_rewrite("tests.conformance.sources")


@pytest.fixture
def adapters_use(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[LocalAws], None]]:
    """The adapters' own clients, configured as in a function, but for the address and the name of who calls."""
    from rotation.aws import client as adapter

    def use(aws: LocalAws) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
        monkeypatch.setenv("AWS_DEFAULT_REGION", aws.region)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
        adapter.client.cache_clear()

    yield use
    adapter.client.cache_clear()
