"""What an admin may who is no superuser, as on RDS: up to PostgreSQL 15, and from 16 on. What verify says of it."""

from collections.abc import Iterator

import pytest
from pg8000.native import DatabaseError
from rotation.core.errors import SourceRefused
from rotation.core.model import Credential, Password

from local.postgresql import PostgreSQL
from tests.conformance.sources import ADMIN, ADMIN_PASSWORD, FIRST, SECOND, raises
from tests.contract.postgresql_database import OWNER, RealPostgreSQL


@pytest.fixture(params=["postgresql", "postgresql_16", "postgresql_17"])
def here(request: pytest.FixtureRequest) -> Iterator[RealPostgreSQL]:
    server: PostgreSQL = request.getfixturevalue(request.param)
    here = RealPostgreSQL(server)
    yield here
    here.leave()


@pytest.fixture
def admin(here: RealPostgreSQL) -> Credential:
    return here.credential(ADMIN, ADMIN_PASSWORD)


def needs_admin_option(here: RealPostgreSQL) -> bool:
    return int(here.execute("SELECT current_setting('server_version_num')")[0][0]) >= 160000


def test_the_password_of_a_superuser_is_not_the_admin_s_to_change(here: RealPostgreSQL, admin: Credential) -> None:
    with here.source.as_admin(admin) as session, raises(SourceRefused):
        session.set_password("postgres", Password(SECOND), retain=False)
    assert here.source.inspect(admin, ["postgres"]).lacking[0] == "SUPERUSER, which alone may alter postgres"


def test_a_user_that_somebody_else_made_is_altered_up_to_15_and_named_from_16_on(here: RealPostgreSQL, admin: Credential) -> None:
    here.execute(f"CREATE ROLE foreign_one LOGIN PASSWORD '{FIRST}' IN ROLE {OWNER}")
    lacking = here.source.inspect(admin, ["user", "foreign_one"]).lacking
    if not needs_admin_option(here):
        assert lacking == ()
    else:
        assert lacking == ("ADMIN OPTION on foreign_one",)
        with here.source.as_admin(admin) as session, raises(SourceRefused):
            session.set_password("foreign_one", Password(SECOND), retain=False)
        here.execute(f"GRANT foreign_one TO {ADMIN} WITH ADMIN OPTION, INHERIT FALSE, SET FALSE")
        assert here.source.inspect(admin, ["foreign_one"]).lacking == ()
    with here.source.as_admin(admin) as session:
        session.set_password("foreign_one", Password(SECOND), retain=False)
    assert here.source.logs_in(here.credential("foreign_one", SECOND))


def test_an_owner_whose_members_the_admin_may_not_make_is_named(here: RealPostgreSQL, admin: Credential) -> None:
    here.execute("CREATE ROLE strange_owner", 'GRANT strange_owner TO "user"', 'ALTER ROLE "user" SET role = strange_owner')
    try:
        lacking = here.source.inspect(admin, ["user"]).lacking
        assert lacking == (("ADMIN OPTION on strange_owner",) if needs_admin_option(here) else ())
    finally:
        here.execute('ALTER ROLE "user" RESET role')


def test_an_owner_that_is_gone_is_no_reason_to_say_nothing(here: RealPostgreSQL, admin: Credential) -> None:
    here.execute("CREATE ROLE gone", 'GRANT gone TO "user"', 'ALTER ROLE "user" SET role = gone', "DROP ROLE gone")
    assert here.source.inspect(admin, ["user"]).lacking == ()


def test_what_a_user_of_no_rights_lacks_is_named(here: RealPostgreSQL) -> None:
    here.execute(f"CREATE ROLE nothing LOGIN PASSWORD '{SECOND}'")
    seen = here.source.inspect(here.credential("nothing", SECOND), [])
    assert seen.lacking == ("CREATEROLE", "pg_read_all_stats")
    assert (seen.tls, seen.ends_sessions) == ("TLSv1.3", False)


def test_a_superuser_lacks_nothing(here: RealPostgreSQL) -> None:
    root = here.credential(here.server.root.username, here.server.root.password)
    seen = here.source.inspect(root, ["user", "postgres"])
    assert (seen.lacking, seen.ends_sessions) == ((), True)


def test_where_rds_lets_only_some_change_passwords_that_is_named(here: RealPostgreSQL, admin: Credential) -> None:
    """Its parameter and its role, as its documentation has them."""
    here.execute("CREATE ROLE rds_password")
    here.execute(f"ALTER ROLE {ADMIN} SET rds.restrict_password_commands = on")
    try:
        assert "rds_password" in here.source.inspect(admin, ["user"]).lacking
        here.execute(f"GRANT rds_password TO {ADMIN}")
        assert here.source.inspect(admin, ["user"]).lacking == ()
    finally:
        here.execute(f"ALTER ROLE {ADMIN} RESET ALL")


def test_the_admin_may_not_act_as_whom_it_makes(here: RealPostgreSQL, admin: Credential) -> None:
    with here.source.as_admin(admin) as session:
        session.create_user(here.credential("made", SECOND), here.credential("user", FIRST))
    with pytest.raises(DatabaseError) as refused:
        here.as_the_admin("SET ROLE made")
    assert refused.value.args[0]["C"] == "42501"
