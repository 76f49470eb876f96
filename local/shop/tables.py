"""The shop's PostgreSQL: an owner of its tables that nobody logs in as, and users that act as it."""

from __future__ import annotations

from collections.abc import Iterable

from local.login import Login
from local.postgresql import PostgreSQL
from local.shop.stack import ADMIN, DATABASE

OWNER = "shop_owner"


def furnish(server: PostgreSQL, admin: Login, users: Iterable[Login]) -> None:
    """What the application finds in it, and an admin that may change the users' passwords."""
    server.create_admin(admin)
    server.create_database(DATABASE, OWNER, admin=ADMIN)
    create(server, users)


def create(server: PostgreSQL, users: Iterable[Login]) -> None:
    """Users of the application's."""
    for user in users:
        server.create_user(user, OWNER)
        server.execute(f"GRANT {user.username} TO {ADMIN} WITH ADMIN OPTION")
