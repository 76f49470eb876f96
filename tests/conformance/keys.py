"""What any provider of keys may be relied upon for: the port KeyProvider, whoever is behind it.

A test class takes it together with a fixture `at`, of an `At`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from rotation.core.errors import SourceLags
from rotation.core.model import Credential, Password
from rotation.core.seen import Key
from rotation.ports import KeyProvider


@dataclass
class At:
    """A provider with one key, that is in use."""

    provider: KeyProvider
    first: Credential
    waits: Callable[[], None] = lambda: None
    """Until all of it knows what it was told."""

    def ids(self) -> set[str]:
        return {key.id for key in self.provider.keys(None)}

    def find(self, key: Credential) -> Key:
        return next(one for one in self.provider.keys(None) if one.id == key.username)

    def issued(self) -> Credential:
        made = self.provider.issue(None, "rotation.shop.0.1")
        self.waits()
        return made


class Provider:
    """Every provider."""

    def test_the_first_key_is_listed_and_taken(self, at: At) -> None:
        assert at.ids() == {at.first.username}
        assert at.find(at.first).active
        assert at.provider.logs_in(at.first)
        assert not at.provider.refuses(at.first)

    def test_a_key_that_is_issued_is_another_one_and_works_beside_the_first(self, at: At) -> None:
        made = at.issued()
        assert at.ids() == {at.first.username, made.username}
        assert made.password != at.first.password
        assert [at.provider.logs_in(key) for key in (made, at.first)] == [True, True]
        assert (made.is_none, made.host) == (False, "")

    def test_it_says_how_old_a_key_is(self, at: At) -> None:
        age = at.find(at.issued()).age_seconds
        assert age is None or 0 <= age < 60

    def test_a_key_with_another_secret_is_refused(self, at: At) -> None:
        assert at.provider.refuses(replace(at.first, password=Password("canary-of-nobody")))

    def test_a_key_that_nobody_issued_is_refused(self, at: At) -> None:
        assert at.provider.refuses(at.first.with_login("AKIA0000000000000000", at.first.password))

    def test_a_key_that_is_deactivated_is_refused_and_still_listed(self, at: At) -> None:
        made = at.issued()
        if at.provider.deactivate(None, made.username):
            at.waits()
            assert at.provider.refuses(made)
            assert not at.find(made).active
            assert at.provider.logs_in(at.first)

    def test_a_key_that_is_deleted_is_refused_and_gone(self, at: At) -> None:
        made = at.issued()
        at.provider.delete(None, made.username)
        at.waits()
        assert at.provider.refuses(made)
        assert at.ids() == {at.first.username}

    def test_to_end_a_key_again_does_no_harm(self, at: At) -> None:
        made = at.issued()
        for _ in range(2):
            at.provider.deactivate(None, made.username)
        for _ in range(2):
            at.provider.delete(None, made.username)
        at.provider.deactivate(None, made.username)
        assert at.ids() == {at.first.username}

    def test_there_are_never_more_than_it_allows(self, at: At) -> None:
        if at.provider.limit is not None:
            for _ in range(at.provider.limit - 1):
                at.issued()
            with pytest.raises(SourceLags):
                at.provider.issue(None, "one too many")
            assert len(at.ids()) == at.provider.limit

    def test_a_name_is_carried_where_keys_have_names(self, at: At) -> None:
        made = at.issued()
        assert at.find(made).name == ("rotation.shop.0.1" if at.provider.named else "")

    def test_whoever_may_not_issue_keys_is_told_before(self, at: At) -> None:
        at.provider.check(None)
