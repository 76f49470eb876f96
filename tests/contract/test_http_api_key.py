"""The adapter of `http-api-key` over real HTTPS, for every description that is shipped, and what it makes of answers that are none.

The provider is a stand-in that behaves as the description says, and misbehaves as it is told."""

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from time import monotonic
from typing import Any, ClassVar

import pytest
from rotation.core.errors import (
    AdminLoginUnknown,
    RotationError,
    SourceLags,
    SourceRefused,
    SourceUnreachable,
    SourceUntrusted,
    TargetInvalid,
)
from rotation.core.model import NO_KEY, Credential, Password
from rotation.core.seen import Key
from rotation.sources import https
from rotation.sources.http_api_key.adapter import HttpApiKeys, make
from rotation.sources.http_api_key.wire import Https

from tests.conformance.keys import At, Provider
from tests.contract.providers import ADMIN, SHIPPED, Here, about, can_rotate, serving
from tests.contract.raised import raised

ROTATED = {name: said for name, said in SHIPPED.items() if can_rotate(said)}
PLAIN: dict[str, Any] = SHIPPED["sendgrid"]
NAME = "shop-2026-01-01"


@pytest.fixture(params=ROTATED)
def each(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Here]:
    with serving(ROTATED[request.param], tmp_path / "provider") as here:
        yield here


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    with serving(PLAIN, tmp_path / "provider") as found:
        yield found


def raises(kind: type[RotationError], *words: str) -> AbstractContextManager[None]:
    """That error and no other; neither a key nor what the provider said is in it or in its traceback."""
    return raised(kind, words, never=("canary", "went wrong", "doctype"))


class TestEveryDescription:
    def test_a_key_lives_from_its_issue_to_its_end(self, each: Here) -> None:
        key = each.source.issue(ADMIN, NAME)
        assert each.source.logs_in(key)
        assert not each.source.refuses(key)
        (found,) = each.source.keys(ADMIN)
        assert found.id == key.username
        assert found.active
        if each.source.named:
            assert found.name == NAME
        each.source.deactivate(ADMIN, key.username)
        each.source.delete(ADMIN, key.username)
        assert each.source.refuses(key)
        assert not [one for one in each.source.keys(ADMIN) if one.active]

    def test_what_is_done_twice_is_done_once(self, each: Here) -> None:
        key = each.source.issue(ADMIN, NAME)
        for _ in range(2):
            each.source.deactivate(ADMIN, key.username)
        for _ in range(2):
            each.source.delete(ADMIN, key.username)
        assert each.source.refuses(key)

    def test_all_pages_are_read(self, each: Here) -> None:
        made = [each.provider.make(f"by hand {number}").id for number in range(7)]
        assert [one.id for one in each.source.keys(ADMIN)] == made

    def test_dates_are_read_as_they_are_written(self, each: Here) -> None:
        key = each.provider.make()
        key.created -= 3600
        key.used = key.created + 1800
        said = each.provider.said["list"]
        (found,) = each.source.keys(ADMIN)
        assert (found.age_seconds is None) == ("created" not in said)
        assert found.age_seconds is None or 3590 < found.age_seconds < 90_000
        assert (found.used_seconds_ago is None) == ("used" not in said)

    def test_who_is_not_the_admin_is_told_so(self, each: Here) -> None:
        nobody = Credential("nobody", Password("wrong-canary"), "", None, "")
        with raises(AdminLoginUnknown, "list", "401"):
            each.source.keys(nobody)
        with raises(AdminLoginUnknown, "issue"):
            each.source.issue(nobody, NAME)
        assert not each.provider.keys

    def test_a_key_that_was_never_issued_is_refused(self, each: Here) -> None:
        assert each.source.refuses(Credential("k0000", Password("never-canary"), "", None, ""))

    def test_keys_stand_in_headers_and_in_what_issued_them(self, each: Here) -> None:
        """Of whatever was sent: neither in an address nor in a body."""
        key = each.source.issue(ADMIN, NAME)
        each.source.logs_in(key)
        each.source.keys(ADMIN)
        each.source.delete(ADMIN, key.username)
        for one in each.provider.log:
            assert "canary" not in one["target"] + one["body"] + one["method"]
            holding = {name for name, value in one["headers"].items() if "canary" in value}
            assert one["what"]
            if one["what"] == "try":
                assert ADMIN.password.reveal() not in json.dumps(one)
            assert len(holding) <= 1


class AsAdmin(HttpApiKeys):
    """Asked as the admin that its target names."""

    def keys(self, _: Credential | None) -> Sequence[Key]:
        return super().keys(ADMIN)

    def issue(self, _: Credential | None, name: str) -> Credential:
        return super().issue(ADMIN, name)

    def deactivate(self, _: Credential | None, id: str) -> bool:  # noqa: A002 - as the port has it
        return super().deactivate(ADMIN, id)

    def delete(self, _: Credential | None, id: str) -> None:  # noqa: A002
        super().delete(ADMIN, id)


def at_of(name: str, directory: Path) -> Iterator[At]:
    with serving(SHIPPED[name], directory) as here:
        made = here.provider.make()
        provider = AsAdmin(here.settings, Https(here.server.host, here.server.ca_pem), "shop")
        yield At(provider, NO_KEY.with_login(made.id, Password(made.secret)))


class TestAsEveryProviderOfKeys(Provider):
    """Twilio's keys are tried with their ids."""

    @pytest.fixture
    def at(self, tmp_path: Path) -> Iterator[At]:
        yield from at_of("twilio", tmp_path / "provider")


class TestAsOneThatDeactivates(Provider):
    @pytest.fixture
    def at(self, tmp_path: Path) -> Iterator[At]:
        yield from at_of("influxdb", tmp_path / "provider")

    def test_a_key_that_nobody_issued_is_refused(self, at: At) -> None:
        """Who it is said to be is not sent: the secret alone counts."""
        assert at.provider.logs_in(at.first.with_login("another", at.first.password))


class TestAnAnswerThatIsNone:
    """Each a clear end: transient where trying again may help."""

    TRANSIENT: ClassVar = {"429": SourceLags, "500": SourceUnreachable, "slow": SourceUnreachable, "silent": SourceUnreachable}
    FINAL: ClassVar = {
        "html": "no JSON",
        "redirect": "no redirect is followed",
        "huge": "bytes",
        "error": "no list",
        "empty": "no list",
    }

    @pytest.fixture(autouse=True)
    def soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(https, "CALL_SECONDS", 1.0)

    @pytest.mark.parametrize("kind", TRANSIENT)
    def test_a_list_is_asked_for_again(self, here: Here, kind: str) -> None:
        here.provider.make()
        here.provider.break_next("list", kind)
        begun = monotonic()
        with raises(self.TRANSIENT[kind]):
            here.source.keys(ADMIN)
        assert monotonic() - begun < 5
        assert len(here.source.keys(ADMIN)) == 1

    @pytest.mark.parametrize("kind", FINAL)
    def test_a_list_that_is_none_is_said_to_be_none(self, here: Here, kind: str) -> None:
        here.provider.break_next("list", kind)
        with raises(SourceRefused, self.FINAL[kind]):
            here.source.keys(ADMIN)

    @pytest.mark.parametrize("kind", ["after", "silent", "slow"])
    def test_a_key_that_was_issued_and_lost_is_found_by_its_name(self, here: Here, kind: str) -> None:
        here.provider.break_next("issue", kind)
        with raises(SourceUnreachable, "issue"):
            here.source.issue(ADMIN, NAME)
        (lost,) = here.source.keys(ADMIN)
        assert lost.name == NAME

    @pytest.mark.parametrize("kind", ["html", "redirect", "error", "empty"])
    def test_what_is_no_key_is_not_taken_for_one(self, here: Here, kind: str) -> None:
        here.provider.break_next("issue", kind)
        with raises(SourceRefused, "issue"):
            here.source.issue(ADMIN, NAME)

    @pytest.mark.parametrize("kind", ["html", "redirect", "error", "empty", "huge"])
    def test_what_says_nothing_of_a_key_neither_accepts_nor_refuses_it(self, here: Here, kind: str) -> None:
        key = here.source.issue(ADMIN, NAME)
        here.provider.break_next("try", kind)
        with raises(SourceRefused):
            here.source.logs_in(key)

    @pytest.mark.parametrize("kind", TRANSIENT)
    def test_a_key_is_tried_again(self, here: Here, kind: str) -> None:
        key = here.source.issue(ADMIN, NAME)
        here.provider.break_next("try", kind)
        with raises(self.TRANSIENT[kind]):
            here.source.refuses(key)
        assert here.source.logs_in(key)

    def test_a_key_that_was_deleted_without_a_word_is_deleted(self, here: Here) -> None:
        key = here.source.issue(ADMIN, NAME)
        here.provider.break_next("delete", "after")
        with raises(SourceUnreachable, "delete"):
            here.source.delete(ADMIN, key.username)
        here.source.delete(ADMIN, key.username)
        assert here.source.refuses(key)


def test_keys_that_are_their_own_ids_are_refused(tmp_path: Path) -> None:
    """An id stands in messages, paths and logs."""
    said = {**PLAIN, "issue": {**PLAIN["issue"], "id": "/api_key"}}
    with serving(said, tmp_path / "provider") as here:
        with raises(SourceRefused, "their own ids"):
            here.source.issue(ADMIN, NAME)
        with raises(SourceRefused, "their own ids"):
            here.source.logs_in(Credential(ADMIN.username, Password(ADMIN.username), "", None, ""))


def test_a_name_that_is_too_long_is_said_before_anything_is_done(tmp_path: Path) -> None:
    with serving({**PLAIN, "longest_name": 32}, tmp_path / "provider") as here, raises(TargetInvalid, "takes 32", "shorter"):
        here.source.check(ADMIN)
    assert not here.provider.log


class TestWhoIsAsked:
    def test_a_host_that_the_stack_does_not_name_is_never_asked(self, here: Here) -> None:
        with pytest.raises(TargetInvalid, match="ApiHosts"):
            make(here.settings, about("api.sendgrid.com"))
        with pytest.raises(TargetInvalid, match="of none"):
            make(here.settings, about())

    def test_who_nobody_vouches_for_is_sent_nothing(self, here: Here) -> None:
        source = make({**here.settings, "ca": "system"}, about(here.server.host))
        with raises(SourceUntrusted, "not trusted"):
            source.keys(ADMIN)
        assert not here.provider.log

    def test_who_is_not_there(self, here: Here) -> None:
        described = {**here.settings["description"], "host": "127.0.0.1:1"}
        source = make({**here.settings, "description": described}, about("127.0.0.1:1"))
        with raises(SourceUnreachable, "ConnectionRefusedError"):
            source.keys(ADMIN)

    def test_a_next_page_elsewhere_is_not_asked_for(self, tmp_path: Path) -> None:
        said = {**PLAIN, "list": {**PLAIN["list"], "paging": {"next": "/next"}}}
        with serving(said, tmp_path / "provider") as here:
            for _ in range(4):
                here.provider.make()
            here.provider.host = "elsewhere.example"
            with raises(SourceRefused, "another host"):
                here.source.keys(ADMIN)
            assert len(here.provider.log) == 1

    def test_a_list_without_an_end_ends(self, tmp_path: Path) -> None:
        said = {**PLAIN, "list": {**PLAIN["list"], "paging": {"cursor": "/result/0/api_key_id", "parameter": "after"}}}
        with serving(said, tmp_path / "provider") as here:
            here.provider.make()
            here.provider._start = lambda *_: 0  # type: ignore[method-assign]
            with raises(SourceRefused, "leads to one that was read"):
                here.source.keys(ADMIN)

    def test_a_path_that_is_wrong_is_no_key_that_is_gone(self, here: Here) -> None:
        key = here.source.issue(ADMIN, NAME)
        described = {**here.settings["description"], "delete": {"path": "/v3/api_key/{id}"}}
        source = make({**here.settings, "description": described}, about(here.server.host))
        with raises(SourceLags, "lists it", "delete.path"):
            source.delete(ADMIN, key.username)

    def test_an_id_stays_in_its_place(self, here: Here) -> None:
        """Whatever a provider calls a key, no other is deleted."""
        here.source.delete(ADMIN, "../../v3/scopes?x=/#")
        (asked,) = here.provider.requests("delete")
        assert asked["target"] == "/v3/api_keys/..%2F..%2Fv3%2Fscopes%3Fx%3D%2F%23"
