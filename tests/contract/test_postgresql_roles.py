"""Users of a real PostgreSQL: whom they act as, what they own, and that a new one may do what the one in use may do."""

from collections.abc import Iterator

import pytest
from rotation.core.errors import SourceRefused
from rotation.core.model import Credential
from rotation.ports import AdminSession
from rotation.sources.postgresql import roles
from rotation.sources.postgresql.rights import has_as_much
from rotation.sources.postgresql.session import PostgreSQLSession

from local.mysql import Login
from tests.conformance.sources import ADMIN, ADMIN_PASSWORD, FIRST, SCHEMA, SECOND, raises
from tests.contract.postgresql_database import OWNER, RealPostgreSQL


@pytest.fixture
def user(real: RealPostgreSQL) -> Credential:
    return real.credential("user", FIRST)


@pytest.fixture
def made(real: RealPostgreSQL) -> Credential:
    return real.credential("made", SECOND)


@pytest.fixture
def admin(real: RealPostgreSQL) -> Iterator[AdminSession]:
    with real.source.as_admin(real.credential(ADMIN, ADMIN_PASSWORD)) as session:
        yield session


def run(real: RealPostgreSQL, who: str, *statements: str) -> list[list[object]]:
    """As a user of the application."""
    login = Login(who, FIRST if who == "user" else SECOND)
    return real.server.execute(*statements, database=SCHEMA, who=login)


# Whom they act as


def test_what_one_of_them_makes_belongs_to_the_owner_and_the_other_may_change_it(
    real: RealPostgreSQL, admin: AdminSession, user: Credential, made: Credential
) -> None:
    admin.create_user(made, user)
    run(real, "user", "CREATE TABLE app.of_user (id int)")
    run(real, "made", "CREATE TABLE app.of_made (id int)", "ALTER TABLE app.of_user ADD COLUMN name text", "DROP TABLE app.of_user")
    assert real.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'of_made'") == [[OWNER]]
    run(real, "user", "DISCARD ALL", "DROP TABLE app.of_made")  # a pool's way to make a session new again


def test_where_the_user_in_use_owns_what_it_made_a_new_one_acts_as_it(
    real: RealPostgreSQL, admin: AdminSession, made: Credential
) -> None:
    """One user until now: nothing is taken from it, and no table is locked."""
    real.as_the_admin(f"CREATE ROLE single LOGIN PASSWORD '{SECOND}'")
    real.execute("GRANT USAGE, CREATE ON SCHEMA app TO single")
    run(real, "single", "CREATE TABLE app.old (id int)")
    admin.create_user(made, real.credential("single", SECOND))
    run(real, "made", "ALTER TABLE app.old ADD COLUMN name text", "CREATE TABLE app.new (id int)")
    run(real, "single", "DROP TABLE app.new")
    assert not admin.copy_grants(made, real.credential("single", SECOND))
    assert not admin.copy_grants(real.credential("single", SECOND), made), "nor does it lack anything of who acts as it"


def test_a_third_one_is_made_like_the_second(real: RealPostgreSQL, admin: AdminSession, user: Credential, made: Credential) -> None:
    admin.create_user(made, user)
    admin.create_user(real.credential("third", SECOND), made)
    assert run(real, "third", "SELECT current_user, count(*) FROM app.facility") == [[OWNER, 1]]


def test_a_member_that_does_not_act_as_the_owner_is_made_to(real: RealPostgreSQL, admin: AdminSession, user: Credential) -> None:
    real.as_the_admin(f"CREATE ROLE half LOGIN PASSWORD '{SECOND}' IN ROLE {OWNER}")
    assert [admin.copy_grants(real.credential("half", SECOND), user) for _ in range(2)] == [True, False]
    assert run(real, "half", "SELECT current_user") == [[OWNER]]


@pytest.mark.parametrize("like", [ADMIN, "postgres", "maker"])
def test_nobody_is_made_an_administrator(real: RealPostgreSQL, admin: AdminSession, made: Credential, like: str) -> None:
    real.execute("CREATE ROLE maker LOGIN CREATEROLE")
    with raises(SourceRefused):
        admin.create_user(made, real.credential(like, SECOND))
    assert not admin.exists("made")


def test_without_a_user_in_use_the_database_s_owner_is_acted_as_unless_that_is_the_admin(
    real: RealPostgreSQL, admin: AdminSession, made: Credential
) -> None:
    real.execute(f"ALTER DATABASE {SCHEMA} OWNER TO {ADMIN}")
    try:
        with raises(SourceRefused):
            admin.create_user(made, real.credential("nobody", SECOND))
        assert not admin.exists("made")
    finally:
        real.execute(f"ALTER DATABASE {SCHEMA} OWNER TO {OWNER}")


def test_grants_are_looked_at_where_the_application_s_things_are(real: RealPostgreSQL, user: Credential, made: Credential) -> None:
    """The admin's own database is another."""
    admin = Credential(ADMIN, real.credential(ADMIN, ADMIN_PASSWORD).password, user.host, user.port, "postgres")
    real.as_the_admin(f"CREATE ROLE less LOGIN PASSWORD '{SECOND}'", f"CREATE ROLE more LOGIN PASSWORD '{SECOND}'")
    real.execute("GRANT USAGE ON SCHEMA app TO less, more", "GRANT SELECT ON app.facility TO more")
    with real.source.as_admin(admin) as session:
        assert session.copy_grants(real.credential("less", SECOND), real.credential("more", SECOND))
    assert run(real, "less", "SELECT count(*) FROM app.facility") == [[1]]


# What it lacks


def test_settings_and_limits_are_those_of_the_user_in_use(
    real: RealPostgreSQL, admin: AdminSession, user: Credential, made: Credential
) -> None:
    real.execute(
        'ALTER ROLE "user" CONNECTION LIMIT 7',
        'ALTER ROLE "user" SET search_path = "$user", app, "odd, ""name"""',
        f"ALTER ROLE \"user\" IN DATABASE {SCHEMA} SET statement_timeout = '3s'",
        "ALTER ROLE \"user\" SET application_name = 'it''s \\ %s :x'",
        "ALTER ROLE \"user\" SET log_min_duration_statement = '1s'",  # the superuser's: stays where it was set
    )
    admin.create_user(made, user)
    assert not admin.copy_grants(made, user)
    ask = "SELECT current_setting('search_path'), current_setting('statement_timeout')"
    assert run(real, "made", ask) == run(real, "user", ask)
    stored = "SELECT setconfig FROM pg_db_role_setting WHERE setdatabase = 0 AND setrole = {}::regrole"
    (theirs,), (mine,) = real.execute(stored.format("'\"user\"'"))[0], real.execute(stored.format("'made'"))[0]
    assert set(theirs) - set(mine) == {"log_min_duration_statement=1s"}
    limits = "SELECT rolname, rolconnlimit FROM pg_roles WHERE rolname IN ('made', 'user') ORDER BY 1"
    assert real.execute(limits) == [["made", 7], ["user", 7]]
    real.execute("ALTER ROLE made SET statement_timeout = '9s'", "ALTER ROLE \"user\" SET search_path = ''")
    assert admin.copy_grants(made, user)
    assert run(real, "made", "SELECT current_setting('search_path')") == run(real, "user", "SELECT current_setting('search_path')")


def test_a_setting_that_the_admin_may_not_give_is_named_not_left_out(
    real: RealPostgreSQL, admin: AdminSession, user: Credential, made: Credential
) -> None:
    """One of the application's own: rows may be shown or hidden by it."""
    real.execute("ALTER ROLE \"user\" SET app.tenant = 'one'")
    with pytest.raises(SourceRefused, match=r"the setting app\.tenant"):
        admin.create_user(made, user)
    assert not admin.exists("made")


def test_memberships_are_those_of_the_user_in_use(
    real: RealPostgreSQL, admin: AdminSession, user: Credential, made: Credential
) -> None:
    real.as_the_admin("CREATE ROLE readers", 'GRANT readers TO "user" WITH ADMIN OPTION', "CREATE ROLE writers")
    admin.create_user(made, user)
    real.as_the_admin('GRANT writers TO "user"')
    assert [admin.copy_grants(made, user) for _ in range(2)] == [True, False]
    of = "SELECT r.rolname, m.admin_option FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid WHERE m.member = {}::regrole"
    assert sorted(real.execute(of.format("'made'"))) == sorted(real.execute(of.format("'\"user\"'")))


def test_a_user_that_cannot_be_made_whole_is_not_made_and_what_stood_in_the_way_is_named(
    real: RealPostgreSQL, admin: AdminSession, user: Credential, made: Credential
) -> None:
    real.execute("CREATE ROLE mighty SUPERUSER", 'GRANT mighty TO "user"')
    with pytest.raises(SourceRefused, match="the membership in mighty"):
        admin.create_user(made, user)
    assert not admin.exists("made")


RIGHTS = {
    "a table's": "GRANT {} ON app.thing TO theirs",
    "a column's": "GRANT UPDATE (name) ON app.thing TO theirs",
    "a sequence's": "GRANT USAGE ON app.counter TO theirs",
    "a function's": "GRANT EXECUTE ON FUNCTION app.work TO theirs",
    "a schema's": "GRANT CREATE ON SCHEMA app TO theirs",
    "the database's": f"GRANT CREATE ON DATABASE {SCHEMA} TO theirs",
    "what will be made": f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT SELECT ON TABLES TO theirs",
    "ownership": "ALTER TABLE app.thing OWNER TO theirs",
}


@pytest.mark.parametrize("right", [one.format("INSERT") for one in RIGHTS.values()], ids=RIGHTS)
def test_one_right_more_is_seen_and_the_same_to_both_is_not(real: RealPostgreSQL, right: str) -> None:
    real.execute(
        "CREATE ROLE mine", "CREATE ROLE theirs", f"SET ROLE {OWNER}", "CREATE TABLE app.thing (id int, name text)",
        "CREATE SEQUENCE app.counter", "CREATE FUNCTION app.work() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "REVOKE ALL ON FUNCTION app.work FROM PUBLIC",
    )  # fmt: skip
    try:
        with real.source.as_admin(real.credential(ADMIN, ADMIN_PASSWORD)) as session:
            assert isinstance(session, PostgreSQLSession)
            look = session._connection
            assert has_as_much(look, "mine", "theirs")
            real.execute(right)
            assert not has_as_much(look, "mine", "theirs")
            assert has_as_much(look, "theirs", "mine")
            same = "GRANT theirs TO mine" if right == RIGHTS["ownership"] else right.replace("theirs", "mine")
            real.execute(same)
            assert has_as_much(look, "mine", "theirs")
    finally:
        real.execute("DROP SEQUENCE app.counter", "DROP FUNCTION app.work", "DROP TABLE app.thing")


def test_names_that_need_quoting_are_quoted(real: RealPostgreSQL, admin: AdminSession, user: Credential) -> None:
    odd = real.credential("odd \"na;me' :x", SECOND)
    admin.create_user(odd, user)
    assert real.source.logs_in(odd)
    assert not admin.copy_grants(odd, user)
    real.execute('DROP ROLE "odd ""na;me\' :x"')


def test_a_list_of_names_is_read_as_the_catalog_writes_it() -> None:
    assert roles._listed('"$user", public, "a, ""b"""') == ["$user", "public", 'a, "b"']
    assert roles._listed('""') == [""]
