"""The shipped adapter before Prism, which serves the providers' own documents: it is asked as they say, and understands what they
answer. Prism is not ours."""

from collections.abc import Iterator

import pytest
from rotation.core.errors import SourceRefused
from rotation.core.model import Credential, Password
from rotation.sources.http_api_key import answers
from rotation.sources.http_api_key.adapter import HttpApiKeys
from rotation.sources.http_api_key.answers import Named

from local.leftovers import Leftovers
from local.provider import documents
from local.provider.prism import Prism
from tests.contract.providers import ADMIN, settings_of
from tests.whole import only_in_the_whole

CHECKED = documents.described()
KEY = Credential("1", Password("a-key"), "", None, "")


def source(name: str, prism: Prism) -> HttpApiKeys:
    settings = settings_of(CHECKED[name], prism.host)
    wanted = [{"action": "read", "resource": {"type": "buckets"}}] if name == "influxdb" else settings.get("scopes")
    wanted = [{"effect": "allow", "resources": ["proj/*"], "actions": ["viewProject"]}] if name == "launchdarkly" else wanted
    return HttpApiKeys({**settings, **({"scopes": wanted} if "scopes" in settings else {})}, prism, "shop")


@pytest.fixture(scope="module", params=CHECKED)
def asked(request: pytest.FixtureRequest) -> Iterator[tuple[str, HttpApiKeys]]:
    name = str(request.param)
    with Leftovers() as run:
        base = CHECKED[name]["checked"].get("base", "")
        with Prism(documents.EXTRACTS / f"{name}.json", run.directory / "prism", run.environment, base) as prism:
            yield name, source(name, prism)


@only_in_the_whole
class TestBeforeTheProvidersOwnDocument:
    def test_keys_are_listed(self, asked: tuple[str, HttpApiKeys]) -> None:
        name, provider = asked
        if "list" in CHECKED[name]:
            assert answers.text(Named(name, "list"), next(provider.listed(ADMIN)), CHECKED[name]["list"]["id"], "id")

    def test_a_key_is_issued(self, asked: tuple[str, HttpApiKeys]) -> None:
        name, provider = asked
        if "issue" in CHECKED[name]:
            made = provider.issue(ADMIN, "rotation.shop.0.1")
            assert made.username
            assert made.password.reveal()

    @pytest.mark.parametrize("what", ["deactivate", "delete"])
    def test_a_key_is_ended(self, asked: tuple[str, HttpApiKeys], what: str) -> None:
        name, provider = asked
        if what in CHECKED[name]:
            getattr(provider, what)(ADMIN, "1")

    def test_a_key_is_tried(self, asked: tuple[str, HttpApiKeys]) -> None:
        assert asked[1].logs_in(KEY)


@only_in_the_whole
def test_prism_refuses_what_does_not_fit() -> None:
    """Else it would judge nothing."""
    said = dict(CHECKED["sendgrid"])
    said["issue"] = {**said["issue"], "body": {"label": "{name}", "scopes": "{scopes}"}}
    with Leftovers() as run, Prism(documents.EXTRACTS / "sendgrid.json", run.directory / "prism", run.environment, "/v3") as prism:
        provider = HttpApiKeys(settings_of(said, prism.host), prism, "shop")
        with pytest.raises(SourceRefused, match="issue: HTTP 4"):
            provider.issue(ADMIN, "rotation.shop.0.1")
