"""WordPress on instances with the shipped template: its user and secret rotate while it serves, and instances come and go."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local.instances.fleet import Fleet, Kind
from local.mysql import Login, MySQL
from local.shop.databases import MYSQL, Place
from local.shop.stack import DATABASE, Pace, Reader, made_up
from local.wordpress import site
from local.wordpress.blog import APP, WordPressImage

NAMES = {"A": "blog_a", "B": "blog_b"}
SLOWEST_BOOT_SECONDS = 5
MODE = "0640"
"""Of wp-config.php, for mode fix-permissions."""


class WordPress(Reader):
    """`users`: two take turns; else two passwords of one user do, as in AWS's own secrets there is one. `cli`: instances have the
    real aws CLI, which takes a second a call."""

    kind = MYSQL
    server: MySQL
    slot_secret, admin_secret, target = "blog/slots", "blog/admin", "blog"
    application_secret = "blog/application"

    def __init__(self, instances: int = 3, pace: Pace | None = None, *, users: int = 1, cli: bool = False) -> None:
        super().__init__(pace)
        self._instances, self._two_users, self._cli = instances, users == 2, cli
        self.users = {slot: Login(NAMES[slot] if self._two_users else NAMES["A"], made_up()) for slot in NAMES}

    @property
    def page(self) -> str:
        """At the balancer."""
        return self.fleet.front.url

    def versions(self) -> dict[str, str]:
        """Of the real servers, and of WordPress."""
        return {"MySQL": self.server.version(), "WordPress": self._image.version()}

    def accepts(self, user: str, password: str) -> bool:
        """Whether the database lets that login in."""
        return self.server.accepts(Login(user, password))

    def held(self) -> dict[str, Login]:
        """What each place that the application reads its login from says now."""
        files = {f"wp-config.php of {one.id}": site.read(one.config) for one in self.fleet.instances.values() if one.on}
        return super().held() | files

    def may_hold(self, path: Path) -> bool:
        """MySQL's own files, but not its logs; each wp-config.php. WordPress's own files are the same for all instances: no run
        writes them."""
        if path.is_relative_to(self.server.data):
            return path not in (self.server.general_log, self.server.error_log)
        return path.match(f"instances/*/{site.CONFIG}") or (path.is_file() and path.stat().st_nlink > 1)

    def more_places(self) -> Iterator[tuple[str, bytes]]:
        """What Run Command keeps in plain."""
        for command in self.aws.commands():
            yield f"command {command['id']}", str(command).encode()

    def _start_database(self) -> None:
        self.server = self._ended.enter_context(MySQL(self.directory / "mysql", self.environment))
        self.server.create_admin(self.admin)
        self.server.create_schema(DATABASE)
        for login in self.users.values() if self._two_users else [self.users["A"]]:
            self.server.create_user(login, DATABASE)

    def _turns(self) -> dict[str, str]:
        return {} if self._two_users else {"turns": "values"}

    def _others(self) -> dict[str, Any]:
        """As AWS's own secrets have it, and the seed's `app`."""
        place = {"engine": "mysql", "host": self.server.host, "port": self.server.port, "dbname": DATABASE}
        return {**place, "app": APP}

    def _own_parameters(self) -> dict[str, str]:
        return {
            "InstancesApp": APP,
            "WpConfigOwner": f"{os.getuid()}:{os.getgid()}",
            "WpConfigMode": MODE,
            "InstancePageMarker": site.TITLE,
            "SlowestBootSeconds": str(SLOWEST_BOOT_SECONDS),
        }

    def _shown(self) -> dict[str, str]:
        return {"HealthUrl": self.page, "HealthMarker": site.TITLE}

    def _place(self) -> Place:
        return Place(self.kind, self.server.host, self.server.port, DATABASE, self.server.ca_pem)

    def _start_application(self) -> None:
        database = site.Database(self.server.host, self.server.port, DATABASE)
        self._image = WordPressImage(database, self.users["A"])
        first = self.directory / "image"
        self._image.install(first)
        shutil.rmtree(first)
        kind = Kind(self.application, {"app": APP}, cli=self._cli)
        fleet = Fleet(self.aws, self.directory / "instances", self.environment, self._image, kind)
        self.fleet = self._ended.enter_context(fleet)
        for _ in range(self._instances):
            fleet.launch()
        fleet.wait_until_serving()
