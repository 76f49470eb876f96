"""What the steps rely on in a database: the same tests on a real MySQL and on both that stand in for it.

What only a real server can show (TLS, hosts, grants as text) is in test_mysql_source.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, time

import pytest
from rotation.core.errors import (
    AccountAmbiguous,
    AccountLocked,
    PasswordRejected,
    RotationError,
    SourceBusy,
    SourceReadOnly,
    SourceRefused,
    SourceUnreachable,
)
from rotation.core.model import Credential, Password
from rotation.ports import AdminSession, Source
from rotation.sources.mysql import adapter

from local.leftovers import Leftovers
from local.mysql import Login, MySQL
from tests.contract.databases import ADMIN, ADMIN_PASSWORD, FIRST, SCHEMA, Here, LivingDatabase, RealDatabase, SmallDatabase
from tests.worlds.living import LivingWorld
from tests.worlds.world import MemoryWorld

SECOND, THIRD = "second-canary-3", "third-canary-4"
AWKWARD = 'it\'s "a" \\ %s $pass `x` #-- \t;'
BEYOND_ASCII = "pässwörd-€-密码"
WITHIN = 5.0


@pytest.fixture(scope="module")
def server() -> Iterator[MySQL]:
    with Leftovers() as run, MySQL(run.directory / "mysql", run.environment) as server:
        server.create_admin(Login(ADMIN, ADMIN_PASSWORD))
        server.create_schema(SCHEMA)
        yield server


@pytest.fixture(params=["MySQL", "small world", "living world"])
def here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    monkeypatch.setattr(adapter, "LOCK_SECONDS", 0)
    if request.param == "small world":
        world = MemoryWorld()
        yield SmallDatabase(world, world.source)
    elif request.param == "living world":
        yield LivingDatabase(LivingWorld())
    else:
        real = RealDatabase(request.getfixturevalue("server"))
        yield real
        real.leave()


only_mysql = pytest.mark.parametrize("here", ["MySQL"], indirect=True)
where_time_passes = pytest.mark.parametrize("here", ["MySQL", "living world"], indirect=True)


@pytest.fixture
def source(here: Here) -> Source:
    return here.source


@pytest.fixture
def admin(here: Here) -> Credential:
    return here.credential(ADMIN, ADMIN_PASSWORD)


@pytest.fixture
def user(here: Here) -> Credential:
    return here.credential("user", FIRST)


@contextmanager
def raises(kind: type[RotationError]) -> Iterator[None]:
    """That error and no other."""
    with pytest.raises(kind) as caught:
        yield
    assert type(caught.value) is kind


def until(holds: Callable[[], bool]) -> None:
    """A session ends a moment after its client has closed it."""
    give_up = monotonic() + WITHIN
    while not holds():
        assert monotonic() < give_up


# Who logs in


def test_the_right_password_logs_in_and_leaves_no_session(source: Source, admin: Credential, user: Credential) -> None:
    assert source.logs_in(user)
    until(lambda: source.activity(admin, "user").sessions == 0)


@pytest.mark.parametrize(("username", "password"), [("user", SECOND), ("user", ""), ("nobody", FIRST)])
def test_a_refused_login_is_a_no(here: Here, source: Source, username: str, password: str) -> None:
    assert not source.logs_in(here.credential(username, password))


def test_a_locked_account_is_named(here: Here, source: Source, user: Credential) -> None:
    here.lock("user")
    with raises(AccountLocked):
        source.logs_in(user)


@only_mysql  # the small world names the lock here too; no survey goes another way for that unless no known password is right
def test_who_has_the_wrong_password_is_not_told_of_the_lock(here: Here, source: Source) -> None:
    here.lock("user")
    assert not source.logs_in(here.credential("user", SECOND))


@pytest.mark.parametrize("password", [SECOND, ""])
def test_an_admin_whose_password_is_wrong_is_refused_by_name(here: Here, source: Source, password: str) -> None:
    with raises(SourceRefused), source.as_admin(here.credential(ADMIN, password)):
        pass
    with raises(SourceRefused):
        source.activity(here.credential(ADMIN, password), "user")


# The admin's session


def test_one_admin_session_at_a_time(source: Source, admin: Credential) -> None:
    with source.as_admin(admin), raises(SourceBusy), source.as_admin(admin):
        pass
    with pytest.raises(LookupError), source.as_admin(admin):
        raise LookupError
    with source.as_admin(admin) as session:
        assert session.exists("user")


def test_looking_at_activity_takes_no_lock(source: Source, admin: Credential) -> None:
    with source.as_admin(admin):
        assert source.activity(admin, "user").sessions == 0


Use = Callable[[AdminSession, Here], object]
USES: dict[str, Use] = {
    "exists": lambda session, _: session.exists("user"),
    "activity": lambda session, _: session.activity("user"),
    "alter": lambda session, _: session.set_password("user", Password(SECOND), retain=True),
    "discard": lambda session, _: session.discard_old_password("user"),
    "create": lambda session, here: session.create_user(here.credential("made", SECOND), here.credential("user", FIRST)),
    "grant": lambda session, here: session.copy_grants(here.credential("less", SECOND), here.credential("user", FIRST)),
}


@where_time_passes
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_connection_that_a_fail_over_has_cut_says_so_and_does_nothing(
    here: Here, source: Source, admin: Credential, user: Credential, use: Use
) -> None:
    here.make("less", SECOND, tls=True)
    with source.as_admin(admin) as session:
        here.fail_over()
        with raises(SourceUnreachable):
            use(session, here)
    here.recover()
    assert source.logs_in(user)
    assert not source.logs_in(here.credential("made", SECOND))
    assert here.grants("less") != here.grants("user")


@where_time_passes
def test_in_the_middle_of_a_fail_over_there_is_no_writer_and_a_lock_that_was_held_is_free_after_it(
    here: Here, source: Source, admin: Credential, user: Credential
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


# Passwords

ALTERED: dict[str, tuple[list[tuple[str, bool]], list[str]]] = {
    "with RETAIN both log in": ([(SECOND, True)], [FIRST, SECOND]),
    "with RETAIN twice the first is evicted": ([(SECOND, True), (THIRD, True)], [SECOND, THIRD]),
    "with RETAIN the same once more: the old one is gone": ([(SECOND, True), (SECOND, True)], [SECOND]),
    "with RETAIN back to the first": ([(SECOND, True), (FIRST, True)], [FIRST, SECOND]),
    "plain: only the new one": ([(SECOND, False)], [SECOND]),
    "plain leaves an older secondary alive": ([(SECOND, True), (THIRD, False)], [FIRST, THIRD]),
    "plain to what was retained": ([(SECOND, True), (FIRST, False)], [FIRST]),
}


@pytest.mark.parametrize(("altered", "accepted"), ALTERED.values(), ids=ALTERED)
def test_which_passwords_log_in(
    here: Here, source: Source, admin: Credential, altered: list[tuple[str, bool]], accepted: list[str]
) -> None:
    def working() -> list[str]:
        return [password for password in (FIRST, SECOND, THIRD) if source.logs_in(here.credential("user", password))]

    with source.as_admin(admin) as session:
        assert session.dual_passwords
        for password, retain in altered:
            session.set_password("user", Password(password), retain=retain)
    assert working() == accepted
    for _ in range(2):
        with source.as_admin(admin) as session:
            session.discard_old_password("user")
        assert working() == [altered[-1][0]]


def test_the_admin_changes_its_own_password_the_same_way(here: Here, source: Source, admin: Credential) -> None:
    new = here.credential(ADMIN, SECOND)
    try:
        with source.as_admin(admin) as session:
            session.set_password(ADMIN, new.password, retain=True)
            assert source.logs_in(admin)
            assert source.logs_in(new)
        with source.as_admin(new) as session:
            session.discard_old_password(ADMIN)
        assert not source.logs_in(admin)
        assert source.logs_in(new)
    finally:
        with source.as_admin(new) as session:
            session.set_password(ADMIN, admin.password, retain=False)


@pytest.mark.parametrize("password", [AWKWARD, BEYOND_ASCII])
def test_a_password_of_any_characters_logs_in_as_it_was_set(here: Here, source: Source, admin: Credential, password: str) -> None:
    """A human may have chosen it: what a first rotation finds in use is ours to prove and to keep."""
    with source.as_admin(admin) as session:
        session.set_password("user", Password(password), retain=True)
    assert source.logs_in(here.credential("user", password))


def test_a_password_that_the_policy_refuses_is_rejected_by_name_and_changes_nothing(
    here: Here, source: Source, admin: Credential, user: Credential
) -> None:
    here.want_long_passwords()
    with source.as_admin(admin) as session:
        with raises(PasswordRejected):
            session.set_password("user", Password("short"), retain=True)
        with raises(PasswordRejected):
            session.create_user(here.credential("made", "short"), user)
        assert not session.exists("made")
    assert source.logs_in(user)
    assert not source.logs_in(here.credential("user", "short"))


# Activity


def test_sessions_are_those_of_that_user_now(here: Here, source: Source, admin: Credential) -> None:
    with here.works_as("user", FIRST), here.works_as("user", FIRST):
        assert source.activity(admin, "user").sessions == 2
        with source.as_admin(admin) as session:
            assert session.activity("user").sessions == 2
    until(lambda: source.activity(admin, "user").sessions == 0)


def test_our_own_session_is_not_taken_for_somebody_elses(source: Source, admin: Credential) -> None:
    until(lambda: source.activity(admin, ADMIN).sessions == 0)


def test_sessions_are_ended_by_their_numbers_and_no_other(here: Here, source: Source, admin: Credential) -> None:
    here.make("other", SECOND, tls=True)
    with here.works_as("other", SECOND), here.works_as("user", FIRST):
        listed = source.sessions(admin, "user")
        assert len(listed) == 1
        source.end_sessions(admin, "user", listed)
        until(lambda: source.sessions(admin, "user") == [])
        source.end_sessions(admin, "user", listed)  # it is gone: nothing to do
        assert len(source.sessions(admin, "other")) == 1


def test_nobody_has_no_sessions(source: Source, admin: Credential) -> None:
    assert source.sessions(admin, "nobody") == []
    source.end_sessions(admin, "nobody", [])


# What mode verify sees


def test_the_server_shows_what_a_rotation_needs(source: Source, admin: Credential) -> None:
    server = source.inspect(admin, ["user", "nobody"])
    assert (server.tls, server.lacking, server.without_tls) == ("TLSv1.3", (), ())
    assert (server.dual_passwords, server.counts_logins) == (True, True)
    assert int(server.version.partition(".")[0]) >= 8
    assert abs(server.now - time()) < 60


def test_a_user_that_needs_no_tls_is_named(here: Here, source: Source, admin: Credential) -> None:
    here.make("plain", SECOND, tls=False)
    here.leave_tls_to_the_accounts()
    assert source.inspect(admin, ["user", "plain"]).without_tls == ("plain",)


def test_every_login_counts_once_and_a_refused_one_too(here: Here, source: Source, admin: Credential, user: Credential) -> None:
    """What RotateOldSlot adds to `own_logins` rests on this."""
    counts = [source.activity(admin, "user").logins]
    for tried in (user, here.credential("user", SECOND)):
        source.logs_in(tried)
        counts.append(source.activity(admin, "user").logins)
    first = counts[0]
    assert first is not None
    assert counts == [first, first + 1, first + 2]


def test_a_user_that_never_logged_in_has_no_logins(source: Source, admin: Credential) -> None:
    assert source.activity(admin, "never_seen").logins == 0


# Users and grants


@pytest.mark.parametrize("tls", [True, False])
def test_a_new_user_has_the_grants_and_the_tls_requirement_of_the_other(
    here: Here, source: Source, admin: Credential, tls: bool
) -> None:
    here.make("model", FIRST, tls=tls)
    with source.as_admin(admin) as session:
        session.create_user(here.credential("made", SECOND), here.credential("model", FIRST))
        assert session.exists("made")
    assert source.logs_in(here.credential("made", SECOND))
    assert (here.grants("made"), here.needs_tls("made")) == (here.grants("model"), tls)


def test_without_another_user_to_be_like_a_new_one_gets_the_whole_schema_and_tls(
    here: Here, source: Source, admin: Credential
) -> None:
    with source.as_admin(admin) as session:
        session.create_user(here.credential("made", SECOND), here.credential("nobody", FIRST))
    assert (here.grants("made"), here.needs_tls("made")) == (here.grants("user"), True)


def test_grants_that_lack_are_given_once(here: Here, source: Source, admin: Credential, user: Credential) -> None:
    here.make("less", SECOND, tls=True)
    with source.as_admin(admin) as session:
        assert [session.copy_grants(here.credential("less", SECOND), user) for _ in range(2)] == [True, False]


def test_a_user_that_is_there_is_not_made_again(here: Here, source: Source, admin: Credential, user: Credential) -> None:
    with source.as_admin(admin) as session, raises(SourceRefused):
        session.create_user(here.credential("user", SECOND), user)
    assert source.logs_in(user)
    assert not source.logs_in(here.credential("user", SECOND))


@only_mysql  # the small world says SourceRefused; no step alters whom it has not just seen, and both end a step in the same way
def test_a_user_that_is_not_there_cannot_be_altered(source: Source, admin: Credential, user: Credential) -> None:
    nobody = Credential("nobody", user.password, user.host, user.port, user.dbname)
    with source.as_admin(admin) as session:
        for change in (
            lambda: session.set_password("nobody", Password(SECOND), retain=False),
            lambda: session.discard_old_password("nobody"),
            lambda: session.copy_grants(nobody, user),
        ):
            with raises(AccountAmbiguous):
                change()
        assert not session.exists("nobody")
