"""Several applications that read their login from secrets, on one PostgreSQL, in one stack: the targets of a fleet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from local.mysql import Login
from local.postgresql import PostgreSQL
from local.shop.databases import POSTGRESQL, Place
from local.shop.stack import DATABASE, Pace, Reader, fields, login_of, made_up, pem_parameter
from local.shop.tables import create, furnish
from local.targets import ManyTargets


class Many(Reader, ManyTargets):
    """`more`: names of further targets beside the template's own. No application runs: what would be asked is who can log in."""

    kind = POSTGRESQL
    server: PostgreSQL

    def __init__(self, more: Sequence[str], pace: Pace | None = None) -> None:
        super().__init__(pace)
        self.more = tuple(more)
        self.users = self._two("shop")

    @staticmethod
    def _two(name: str) -> dict[str, Login]:
        return {slot: Login(f"{name}_{slot.lower()}", made_up()) for slot in "AB"}

    @property
    def secret_names(self) -> tuple[str, ...]:
        """Of every secret that holds a password."""
        return (*super().secret_names, *(f"{name}/{what}" for name in self.more for what in ("slots", "application")))

    def versions(self) -> dict[str, str]:
        """Of the real server."""
        return {"PostgreSQL": self.server.version()}

    def accepts(self, user: str, password: str) -> bool:
        """Whether the database lets that login in."""
        return self.server.accepts(Login(user, password))

    def may_hold(self, path: Path) -> bool:
        """PostgreSQL's own files, but not its log."""
        return path.is_relative_to(self.server.data)

    def used_by(self, target: str) -> Login:
        """What that application is to log in with."""
        return login_of(self.secret(f"{target}/application"))

    def _start(self) -> None:
        super()._start()
        for name in self.more:
            self._add(name)

    def _start_database(self) -> None:
        self.server = self._ended.enter_context(PostgreSQL(self.directory / "postgresql", self.environment))
        furnish(self.server, self.admin, self.users.values())

    def _own_parameters(self) -> dict[str, str]:
        where = {"EndpointHost": self.server.host, "EndpointPort": str(self.server.port)}
        return {**where, "EndpointCa": pem_parameter(self.server.ca_pem), "Fleet": "by-hand"}

    def _place(self) -> Place:
        return Place(self.kind, self.server.host, self.server.port, DATABASE, self.server.ca_pem)

    def _start_application(self) -> None:
        """None: the database says who gets in."""

    def _add(self, name: str) -> None:
        """As the template's own target, with users and secrets of its own."""
        users = self._two(name)
        create(self.server, users.values())
        record = {"active_slot": "A", **{slot: self._placed(login) for slot, login in users.items()}}
        slots = self._tagged(f"{name}/slots", record, "record")
        document = self._document() | {"slot_secret": slots, "rotates_admin": False}
        document["consumers"][0]["secret"] = self._tagged(f"{name}/application", fields(users["A"]), "application")
        self._add_target(name, document)
