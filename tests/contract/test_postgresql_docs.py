"""What docs/postgresql.md tells people to run is run, and leads to where it says."""

import re
from pathlib import Path

import pytest
from rotation.core.model import Credential, Password

from local.postgresql import PostgreSQL
from tests.conformance.sources import SCHEMA, SECOND, THIRD
from tests.contract.postgresql_database import RealPostgreSQL

PAGE = Path(__file__).parents[2] / "docs" / "postgresql.md"


@pytest.mark.parametrize("version", ["postgresql", "postgresql_16"])
def test_what_the_page_prepares_is_all_that_a_rotation_needs(request: pytest.FixtureRequest, version: str) -> None:
    server: PostgreSQL = request.getfixturevalue(version)
    here = RealPostgreSQL(server)
    try:
        prepare, move, admin = (block.split(";\n") for block in re.findall(r"```sql\n(.+?);?\n```", PAGE.read_text(), re.DOTALL))
        here.execute(
            *prepare, *move, *admin, f"ALTER ROLE rotator PASSWORD '{THIRD}'", f"GRANT CREATE ON DATABASE {SCHEMA} TO app_owner"
        )
        rotator = here.credential("rotator", THIRD)
        assert here.source.inspect(rotator, ["app_a", "app_b"]).lacking == ()
        users = [Credential(name, Password(SECOND), rotator.host, rotator.port, SCHEMA) for name in ("app_a", "app_b", "app_c")]
        with here.source.as_admin(rotator) as session:
            for user in users[:2]:
                session.set_password(user.username, user.password, retain=False)
            session.create_user(users[2], users[0])
        assert all(here.source.logs_in(user) for user in users)
        for user in users:
            assert server.execute("SELECT current_user", database=SCHEMA, who=here.login(user.username, SECOND)) == [["app_owner"]]
    finally:
        here.leave()
