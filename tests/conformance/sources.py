"""What the saga relies on in a source, whatever it is. One suite: ours, what stands in for them, and yours.

A test class of a source takes `Source` and, of each pair of traits, the one that is true of it, and has a fixture `here`:

    class TestOurs(Source, KeepsOnePassword, CountsNoLogins): ...

What may be relied upon, and is tested here by these words:

- *Idempotent*: giving a user the password or the rights that it has; ending sessions that have ended.
- *Unknown*: a connection that is lost in the middle of an act is `SourceUnreachable`. It may have happened; logging in tells.
- *Never*: a network error told as a refused login; a user altered that is not there, or made that is; our own session counted as
  somebody's; an open session ended by a new password; a password in an error, or anything else that the driver said.
"""

import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from time import time
from typing import Protocol

import pytest
from rotation.core.errors import (
    AccountAmbiguous,
    AccountLocked,
    AdminLoginUnknown,
    PasswordRejected,
    PrimaryUnknown,
    RotationError,
    SecondaryUnknown,
    SourceBusy,
    SourceReadOnly,
    SourceRefused,
    SourceUnreachable,
)
from rotation.core.model import Credential, Password
from rotation.ports import AdminSession
from rotation.ports import Source as SourcePort

from tests.until import until

SCHEMA = "openemr"
ADMIN, ADMIN_PASSWORD = "admin", "admin-canary-1"
FIRST, SECOND, THIRD = "first-canary-2", "second-canary-3", "third-canary-4"
"""FIRST is the user's password."""
AWKWARD = 'it\'s "a" \\ %s $pass `x` #-- ;{:y}'
BEYOND_ASCII = "pässwörd-€-密码"


class Work(Protocol):
    """Somebody's session."""

    def goes_on(self) -> bool:
        """Whether it still can do something."""


class Here(Protocol):
    """A source with its operator: `admin`, and `user` as an installation leaves it."""

    source: SourcePort

    def credential(self, username: str, password: str) -> Credential: ...
    def make(self, username: str, password: str) -> None:
        """A user that may only read the schema."""

    def lock(self, username: str) -> None:
        """It may not log in, whatever its password."""

    def grants(self, username: str) -> set[str]:
        """Without the name, so that two users' can be compared."""

    def works_as(self, username: str, password: str) -> AbstractContextManager[Work]: ...


class FailsOver(Here, Protocol):
    """Of a source that has connections, and a writer to lose."""

    def fail_over(self) -> None:
        """The admin's connections are cut, and there is no writer for a while."""

    def recover(self) -> None:
        """There is one again."""


class KnowsPolicies(Here, Protocol):
    def want_long_passwords(self) -> None:
        """Of eight characters at least."""


class KnowsTls(Here, Protocol):
    """Of a source that can let a user in without TLS."""

    def make_plain(self, username: str, password: str) -> None:
        """One that needs none, and may only read the schema."""

    def needs_tls(self, username: str) -> bool: ...


@contextmanager
def raises(kind: type[RotationError]) -> Iterator[None]:
    """That error and no other, with nothing of a password or of the driver in it or in its traceback."""
    with pytest.raises(kind) as caught:
        yield
    assert type(caught.value) is kind
    shown = "".join(traceback.format_exception(caught.value))
    drivers = ("pymysql.err", "pg8000.exc", "redis.exceptions")
    assert not [word for word in (ADMIN_PASSWORD, FIRST, SECOND, THIRD, *drivers) if word in shown]


Use = Callable[[AdminSession, Here, bool], object]
"""The last: whether two passwords are kept, asked while the connection was there."""
USES: dict[str, Use] = {
    "exists": lambda session, _, __: session.exists("user"),
    "activity": lambda session, _, __: session.activity("user"),
    "alter": lambda session, _, two: session.set_password("user", Password(SECOND), retain=two),
    "discard": lambda session, _, two: session.discard_old_password("user", Password(SECOND)) if two else session.activity("user"),
    "create": lambda session, here, _: session.create_user(here.credential("made", SECOND), here.credential("user", FIRST)),
    "grant": lambda session, here, _: session.copy_grants(here.credential("less", SECOND), here.credential("user", FIRST)),
}


class Parts:
    """What every test of a source is given."""

    @pytest.fixture
    def source(self, here: Here) -> SourcePort:
        return here.source

    @pytest.fixture
    def admin(self, here: Here) -> Credential:
        return here.credential(ADMIN, ADMIN_PASSWORD)

    @pytest.fixture
    def user(self, here: Here) -> Credential:
        return here.credential("user", FIRST)


class Source(Parts):
    """Of every source."""

    # Who logs in

    def test_the_right_password_logs_in_and_leaves_no_session(
        self, source: SourcePort, admin: Credential, user: Credential
    ) -> None:
        assert source.logs_in(user)
        until(lambda: source.activity(admin, "user").sessions == 0)

    @pytest.mark.parametrize(("username", "password"), [("user", SECOND), ("user", ""), ("nobody", FIRST)])
    def test_a_refused_login_is_a_no(self, here: Here, source: SourcePort, username: str, password: str) -> None:
        assert not source.logs_in(here.credential(username, password))

    @pytest.mark.parametrize("password", [SECOND, ""])
    def test_an_admin_whose_password_is_wrong_is_refused_by_name(self, here: Here, source: SourcePort, password: str) -> None:
        """Another that is known may work."""
        with raises(AdminLoginUnknown), source.as_admin(here.credential(ADMIN, password)):
            pass
        with raises(AdminLoginUnknown):
            source.activity(here.credential(ADMIN, password), "user")

    # The admin's session

    def test_one_admin_session_at_a_time(self, source: SourcePort, admin: Credential) -> None:
        with source.as_admin(admin), raises(SourceBusy), source.as_admin(admin):
            pass
        with pytest.raises(LookupError), source.as_admin(admin):
            raise LookupError
        with source.as_admin(admin) as session:
            assert session.exists("user")

    def test_looking_at_activity_takes_no_lock(self, source: SourcePort, admin: Credential) -> None:
        with source.as_admin(admin):
            assert source.activity(admin, "user").sessions == 0

    # Passwords

    def test_a_new_password_is_accepted_and_the_same_once_more_changes_nothing(
        self, here: Here, source: SourcePort, admin: Credential, user: Credential
    ) -> None:
        for _ in range(2):
            with source.as_admin(admin) as session:
                session.set_password("user", Password(SECOND), retain=False)
            assert source.logs_in(here.credential("user", SECOND))
            assert not source.logs_in(user)

    def test_the_admin_changes_its_own_password_the_same_way(self, here: Here, source: SourcePort, admin: Credential) -> None:
        new = here.credential(ADMIN, SECOND)
        try:
            with source.as_admin(admin) as session:
                kept = session.dual_passwords
                session.set_password(ADMIN, new.password, retain=kept)
                assert source.logs_in(new)
                assert source.logs_in(admin) == kept
            if kept:
                with source.as_admin(new) as session:
                    session.discard_old_password(ADMIN, new.password)
            assert not source.logs_in(admin)
            assert source.logs_in(new)
        finally:
            with source.as_admin(new) as session:
                session.set_password(ADMIN, admin.password, retain=False)

    @pytest.mark.parametrize("password", [AWKWARD, BEYOND_ASCII])
    def test_a_password_of_any_characters_logs_in_as_it_was_set(
        self, here: Here, source: SourcePort, admin: Credential, password: str
    ) -> None:
        """A human may have chosen it: what a first rotation finds in use is ours to prove and to keep."""
        with source.as_admin(admin) as session:
            session.set_password("user", Password(password), retain=session.dual_passwords)
        assert source.logs_in(here.credential("user", password))

    def test_whoever_is_connected_stays_when_the_password_changes(self, here: Here, source: SourcePort, admin: Credential) -> None:
        with here.works_as("user", FIRST) as work:
            with source.as_admin(admin) as session:
                session.set_password("user", Password(SECOND), retain=False)
            assert work.goes_on()
            assert source.activity(admin, "user").sessions == 1

    # Activity

    def test_sessions_are_those_of_that_user_now(self, here: Here, source: SourcePort, admin: Credential) -> None:
        with here.works_as("user", FIRST), here.works_as("user", FIRST):
            assert source.activity(admin, "user").sessions == 2
            with source.as_admin(admin) as session:
                assert session.activity("user").sessions == 2
        until(lambda: source.activity(admin, "user").sessions == 0)

    def test_our_own_session_is_not_taken_for_somebody_elses(self, source: SourcePort, admin: Credential) -> None:
        until(lambda: source.activity(admin, ADMIN).sessions == 0)

    def test_sessions_are_ended_by_their_numbers_and_no_other(self, here: Here, source: SourcePort, admin: Credential) -> None:
        here.make("other", SECOND)
        with here.works_as("other", SECOND), here.works_as("user", FIRST):
            listed = source.sessions(admin, "user")
            assert len(listed) == 1
            source.end_sessions(admin, "user", listed)
            until(lambda: source.sessions(admin, "user") == [])
            source.end_sessions(admin, "user", listed)  # it is gone: nothing to do
            assert len(source.sessions(admin, "other")) == 1

    def test_a_number_that_is_another_user_s_is_left_alone(self, here: Here, source: SourcePort, admin: Credential) -> None:
        """A host name may lead to another server after a fail-over."""
        here.make("other", SECOND)
        with here.works_as("other", SECOND):
            listed = source.sessions(admin, "other")
            source.end_sessions(admin, "user", listed)
            assert source.sessions(admin, "other") == listed

    def test_nobody_has_no_sessions(self, source: SourcePort, admin: Credential) -> None:
        assert source.sessions(admin, "nobody") == []
        source.end_sessions(admin, "nobody", [])

    # What mode verify sees

    def test_the_server_shows_what_a_rotation_needs(self, source: SourcePort, admin: Credential) -> None:
        server = source.inspect(admin, ["user", "nobody"])
        assert (server.tls, server.lacking, server.without_tls, server.ends_sessions) == ("TLSv1.3", (), (), True)
        assert server.version[0].isdigit()
        assert abs(server.now - time()) < 60

    # Users and grants

    def test_a_new_user_logs_in_and_may_what_the_other_may(self, here: Here, source: SourcePort, admin: Credential) -> None:
        here.make("model", FIRST)
        with source.as_admin(admin) as session:
            for made, model in (("made", "model"), ("whole", "user")):
                session.create_user(here.credential(made, SECOND), here.credential(model, FIRST))
                assert session.exists(made)
                assert source.logs_in(here.credential(made, SECOND))
                assert here.grants(made) == here.grants(model)

    def test_without_another_user_to_be_like_a_new_one_gets_the_whole_schema(
        self, here: Here, source: SourcePort, admin: Credential
    ) -> None:
        with source.as_admin(admin) as session:
            session.create_user(here.credential("made", SECOND), here.credential("nobody", FIRST))
        assert here.grants("made") == here.grants("user")

    def test_grants_that_lack_are_given_once(self, here: Here, source: SourcePort, admin: Credential, user: Credential) -> None:
        here.make("less", SECOND)
        with source.as_admin(admin) as session:
            assert [session.copy_grants(here.credential("less", SECOND), user) for _ in range(2)] == [True, False]
        assert here.grants("less") >= here.grants("user")

    def test_a_user_lacks_nothing_of_itself_or_of_its_equal(
        self, here: Here, source: SourcePort, admin: Credential, user: Credential
    ) -> None:
        for name in ("one", "two"):
            here.make(name, SECOND)
        with source.as_admin(admin) as session:
            assert not session.copy_grants(user, user)
            assert not session.copy_grants(here.credential("one", SECOND), here.credential("two", SECOND))

    def test_a_user_that_is_there_is_not_made_again(
        self, here: Here, source: SourcePort, admin: Credential, user: Credential
    ) -> None:
        with source.as_admin(admin) as session, raises(SourceRefused):
            session.create_user(here.credential("user", SECOND), user)
        assert source.logs_in(user)
        assert not source.logs_in(here.credential("user", SECOND))

    def test_a_user_that_is_not_there_cannot_be_altered(
        self, here: Here, source: SourcePort, admin: Credential, user: Credential
    ) -> None:
        with source.as_admin(admin) as session:
            for change in (
                lambda: session.set_password("nobody", Password(SECOND), retain=False),
                lambda: session.copy_grants(here.credential("nobody", FIRST), user),
            ):
                with raises(AccountAmbiguous):
                    change()
            assert not session.exists("nobody")


ALTERED: dict[str, tuple[list[tuple[str, bool]], list[str]]] = {
    "with RETAIN both log in": ([(SECOND, True)], [FIRST, SECOND]),
    "with RETAIN twice the first is evicted": ([(SECOND, True), (THIRD, True)], [SECOND, THIRD]),
    "with RETAIN the same once more: the old one is gone": ([(SECOND, True), (SECOND, True)], [SECOND]),
    "with RETAIN back to the first": ([(SECOND, True), (FIRST, True)], [FIRST, SECOND]),
    "plain: only the new one": ([(SECOND, False)], [SECOND]),
    "plain leaves an older secondary alive": ([(SECOND, True), (THIRD, False)], [FIRST, THIRD]),
    "plain to what was retained": ([(SECOND, True), (FIRST, False)], [FIRST]),
}


def altered_and_discarded(
    here: Here, source: SourcePort, admin: Credential, altered: list[tuple[str, bool]], accepted: list[str]
) -> None:
    """Which of the user's passwords log in."""

    def working() -> list[str]:
        return [password for password in (FIRST, SECOND, THIRD) if source.logs_in(here.credential("user", password))]

    with source.as_admin(admin) as session:
        for password, retain in altered:
            session.set_password("user", Password(password), retain=retain)
    assert working() == accepted
    for _ in range(2):
        with source.as_admin(admin) as session:
            session.discard_old_password("user", Password(altered[-1][0]))
        assert working() == [altered[-1][0]]


class KeepsPasswords(Parts):
    """The old one stays beside the new one until it is discarded."""

    def test_it_says_that_it_keeps_two(self, source: SourcePort, admin: Credential) -> None:
        assert source.inspect(admin, []).dual_passwords
        with source.as_admin(admin) as session:
            assert session.dual_passwords

    def test_of_a_user_that_is_not_there_nothing_is_discarded(self, source: SourcePort, admin: Credential) -> None:
        with source.as_admin(admin) as session, raises(AccountAmbiguous):
            session.discard_old_password("nobody", Password(SECOND))


class KeepsTwoPasswords(KeepsPasswords):
    """One is the primary, and there is room for one more."""

    @pytest.mark.parametrize(("altered", "accepted"), ALTERED.values(), ids=ALTERED)
    def test_which_passwords_log_in(
        self, here: Here, source: SourcePort, admin: Credential, altered: list[tuple[str, bool]], accepted: list[str]
    ) -> None:
        altered_and_discarded(here, source, admin, altered, accepted)


ADDED: dict[str, tuple[list[tuple[str, bool]], list[str]]] = {
    "beside it both log in": ([(SECOND, True)], [FIRST, SECOND]),
    "a third one is added": ([(SECOND, True), (THIRD, True)], [FIRST, SECOND, THIRD]),
    "the same once more changes nothing": ([(SECOND, True), (SECOND, True)], [FIRST, SECOND]),
    "the first once more changes nothing": ([(SECOND, True), (FIRST, True)], [FIRST, SECOND]),
    "plain: only the new one": ([(SECOND, True), (THIRD, False)], [THIRD]),
}


class KeepsManyPasswords(KeepsPasswords):
    """None is before another: each is added and taken away by itself."""

    @pytest.mark.parametrize(("altered", "accepted"), ADDED.values(), ids=ADDED)
    def test_which_passwords_log_in(
        self, here: Here, source: SourcePort, admin: Credential, altered: list[tuple[str, bool]], accepted: list[str]
    ) -> None:
        altered_and_discarded(here, source, admin, altered, accepted)

    def test_where_the_one_to_be_kept_is_not_there_nothing_is_discarded(
        self, here: Here, source: SourcePort, admin: Credential, user: Credential
    ) -> None:
        with source.as_admin(admin) as session:
            session.set_password("user", Password(SECOND), retain=True)
            with raises(PrimaryUnknown):
                session.discard_old_password("user", Password(THIRD))
        assert source.logs_in(user)
        assert source.logs_in(here.credential("user", SECOND))

    def test_a_second_one_is_needed_once_and_never_beside_one_that_nobody_knows(
        self, here: Here, source: SourcePort, admin: Credential
    ) -> None:
        first, second, third = Password(FIRST), Password(SECOND), Password(THIRD)
        with source.as_admin(admin) as session:
            assert session.needs_retain("user", first, second)
            assert not session.needs_discard("user", first, second)
            session.set_password("user", second, retain=True)
            assert not session.needs_retain("user", first, second)
            assert session.needs_discard("user", second, first)
            for needs in (session.needs_retain, session.needs_discard):
                with raises(SecondaryUnknown):
                    needs("user", first, third)
                with raises(PrimaryUnknown):
                    needs("user", third, second)
        assert not source.refuses(here.credential("user", FIRST))
        assert source.refuses(here.credential("user", THIRD))


class KeepsOnePassword(Parts):
    """The old one ends when the new one begins."""

    def test_what_it_cannot_do_is_refused_and_the_password_stays(
        self, here: Here, source: SourcePort, admin: Credential, user: Credential
    ) -> None:
        with source.as_admin(admin) as session:
            with raises(SourceRefused):
                session.set_password("user", Password(SECOND), retain=True)
            with raises(SourceRefused):
                session.discard_old_password("user", Password(SECOND))
        assert source.logs_in(user)
        assert not source.logs_in(here.credential("user", SECOND))

    def test_it_says_that_it_keeps_one(self, source: SourcePort, admin: Credential) -> None:
        assert not source.inspect(admin, []).dual_passwords
        with source.as_admin(admin) as session:
            assert not session.dual_passwords


class CountsAcceptedLogins(Parts):
    """The drain need not see a session to know of it. RotateOldSlot takes a refused login of its own for counted; where it is not,
    the quiet period begins once more, after the old password has ended anyway: nothing is early."""

    counts_refused = 0

    def test_every_login_counts_once(self, here: Here, source: SourcePort, admin: Credential, user: Credential) -> None:
        counts = [source.activity(admin, "user").logins]
        for tried in (user, here.credential("user", SECOND)):
            source.logs_in(tried)
            counts.append(source.activity(admin, "user").logins)
        first = counts[0]
        assert first is not None
        assert counts == [first, first + 1, first + 1 + self.counts_refused]
        assert source.inspect(admin, []).counts_logins

    def test_a_user_that_never_logged_in_has_no_logins(self, source: SourcePort, admin: Credential) -> None:
        assert source.activity(admin, "never_seen").logins == 0


class CountsLogins(CountsAcceptedLogins):
    """Refused ones too: what RotateOldSlot adds to `own_logins` rests on this."""

    counts_refused = 1


class CountsNoLogins(Parts):
    """Then it must not say a number."""

    def test_it_says_that_it_does_not_count(self, source: SourcePort, admin: Credential, user: Credential) -> None:
        source.logs_in(user)
        assert source.activity(admin, "user").logins is None
        assert not source.inspect(admin, []).counts_logins


class NamesALock(Parts):
    """Whoever logs in is told."""

    def test_a_locked_account_is_named(self, here: Here, source: SourcePort, user: Credential) -> None:
        here.lock("user")
        with raises(AccountLocked):
            source.logs_in(user)


class HidesALock(Parts):
    """It looks like a wrong password; but the admin sees it."""

    def test_a_locked_account_is_refused_and_named_before_it_is_altered(
        self, here: Here, source: SourcePort, admin: Credential, user: Credential
    ) -> None:
        here.lock("user")
        assert not source.logs_in(user)
        with source.as_admin(admin) as session, raises(AccountLocked):
            session.set_password("user", Password(SECOND), retain=True)


class TellsALockToWhoKnowsThePassword(NamesALock):
    """The stand-ins name it to everybody; no survey goes another way for that unless no known password is right."""

    def test_who_has_the_wrong_password_is_not_told_of_the_lock(self, here: Here, source: SourcePort) -> None:
        here.lock("user")
        assert not source.logs_in(here.credential("user", SECOND))


class JudgesPasswords(Parts):
    """The server sees the password, and may have a policy."""

    def test_a_password_that_the_policy_refuses_is_rejected_by_name_and_changes_nothing(
        self, here: KnowsPolicies, source: SourcePort, admin: Credential, user: Credential
    ) -> None:
        here.want_long_passwords()
        with source.as_admin(admin) as session:
            with raises(PasswordRejected):
                session.set_password("user", Password("short"), retain=session.dual_passwords)
            with raises(PasswordRejected):
                session.create_user(here.credential("made", "short"), user)
            assert not session.exists("made")
        assert source.logs_in(user)
        assert not source.logs_in(here.credential("user", "short"))


class MayLetInWithoutTls(Parts):
    """Somebody can have said of a user, or of all, that it needs none."""

    def test_a_user_that_needs_no_tls_is_named(self, here: KnowsTls, source: SourcePort, admin: Credential) -> None:
        here.make_plain("plain", SECOND)
        assert source.inspect(admin, ["user", "plain", "nobody"]).without_tls == ("plain",)


class AsksForTlsByUser(MayLetInWithoutTls):
    """It stands at the user: a new one has it from the one in use."""

    @pytest.mark.parametrize("tls", [True, False])
    def test_a_new_user_has_the_tls_requirement_of_the_other(
        self, here: KnowsTls, source: SourcePort, admin: Credential, tls: bool
    ) -> None:
        here.make_plain("model", FIRST)
        with source.as_admin(admin) as session:
            session.create_user(here.credential("made", SECOND), here.credential("user" if tls else "model", FIRST))
        assert here.needs_tls("made") == tls

    def test_without_another_user_to_be_like_a_new_one_needs_tls(
        self, here: KnowsTls, source: SourcePort, admin: Credential
    ) -> None:
        with source.as_admin(admin) as session:
            session.create_user(here.credential("made", SECOND), here.credential("nobody", FIRST))
        assert here.needs_tls("made")


class LosesConnections(Parts):
    """Time passes there, and a writer can be lost in the middle of an act."""

    @pytest.mark.parametrize("use", USES.values(), ids=USES)
    def test_a_connection_that_a_fail_over_has_cut_says_so_and_does_nothing(
        self, here: FailsOver, source: SourcePort, admin: Credential, user: Credential, use: Use
    ) -> None:
        here.make("less", SECOND)
        with source.as_admin(admin) as session:
            two = session.dual_passwords
            here.fail_over()
            with raises(SourceUnreachable):
                use(session, here, two)
        here.recover()
        assert source.logs_in(user)
        assert not source.logs_in(here.credential("made", SECOND))
        assert here.grants("less") != here.grants("user")

    def test_in_the_middle_of_a_fail_over_there_is_no_writer_and_a_lock_that_was_held_is_free_after_it(
        self, here: FailsOver, source: SourcePort, admin: Credential, user: Credential
    ) -> None:
        with source.as_admin(admin):
            here.fail_over()
            for _ in range(2):
                with raises(SourceReadOnly), source.as_admin(admin):
                    pass
            assert source.logs_in(user), "a reader takes logins"
            here.recover()
            with source.as_admin(admin) as session:
                assert session.exists("user")
                with raises(SourceBusy), source.as_admin(admin):
                    pass
