"""An application that reads its login from a parameter, all of it real but AWS: PostgreSQL, built functions, requests."""

from __future__ import annotations

import threading
import urllib.parse
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.deploy import deploy
from local.iam.audit import audit
from local.mysql import Login
from local.postgresql import PostgreSQL
from local.running import NAME, Running
from local.shop.connections import Known
from local.shop.stack import ADMIN, DATABASE
from local.shop.tables import furnish
from local.translation import translate
from tests.until import until

CACHE_SECONDS, QUIET_SECONDS = 2, 2


class Kiosk(Running):
    """`with Kiosk(build, given) as kiosk:` everything runs; afterwards nothing is left. `given`: more parameters of the stack."""

    slot_secret, admin_secret, target = "kiosk/slots", "kiosk/admin", "kiosk"

    def __init__(self, build: Path, given: Mapping[str, str]) -> None:
        super().__init__()
        self._build, self._more = build, given
        self._parameter = given["LoginParameterName"]
        self.users = {slot: Login(f"shop_{slot.lower()}", f"canary-{slot}-/@:{uuid.uuid4()}") for slot in "AB"}
        self.admin = Login(ADMIN, f"canary-master-{uuid.uuid4()}")

    def _end(self) -> None:
        """In order, as its requests go on until they are stopped; the watcher ends what is left."""
        try:
            self._ended.close()
        finally:
            self._run.close()

    def _start(self) -> None:
        self.server = self._ended.enter_context(PostgreSQL(self.directory / "postgresql", self.environment))
        furnish(self.server, self.admin, self.users.values())
        self.aws = self._start_aws()
        self.aws.client("ssm").put_parameter(Name=self._parameter, Value=self._url(self.users["A"]), Type="SecureString")
        self._given = self._parameters()
        self.deployed = deploy(self.aws, self._build, NAME, self._given)
        self.requests = Requests(self)
        self.requests.start()
        self._ended.callback(self.requests.stop)

    def _url(self, login: Login) -> str:
        password = urllib.parse.quote(login.password, safe="")
        return f"postgresql://{login.username}:{password}@{self.server.host}:{self.server.port}/{DATABASE}"

    def _parameters(self) -> dict[str, str]:
        record = {"active_slot": "A", **{slot: self._placed(one) for slot, one in self.users.items()}}
        pem = self.server.ca_pem.replace("\n", "\\n")
        return {
            **self._for_everybody(record, self._placed(self.admin)),
            "SourceKind": "postgresql",
            "DatabaseCa": pem,
            "EndpointHost": self.server.host,
            "EndpointPort": str(self.server.port),
            "EndpointCa": pem,
            "QuietSeconds": str(QUIET_SECONDS),
            **self._more,
        }

    def _placed(self, login: Login) -> dict[str, str]:
        where = {"host": self.server.host, "port": str(self.server.port), "dbname": DATABASE}
        return {"username": login.username, "password": login.password, **where}

    # What a person sees and does.

    def used(self) -> Login:
        """What the application is to log in with."""
        text = self.aws.client("ssm").get_parameter(Name=self._parameter, WithDecryption=True)["Parameter"]["Value"]
        url = urllib.parse.urlsplit(text)
        return Login(str(url.username), urllib.parse.unquote(str(url.password)))

    def run(self, name: str, **given: str) -> dict[str, Any]:
        """An execution to its end."""
        states, arn = self.aws.client("stepfunctions"), self.start_execution(name, given)

        def ended() -> dict[str, Any] | None:
            found: dict[str, Any] = states.describe_execution(executionArn=arn)
            return None if found["status"] == "RUNNING" else found

        return until(ended, every=0.2, seen=lambda: name)

    def refused_by_iam(self) -> list[tuple[str, Any]]:
        """What the roles of the template would not have been allowed."""
        return [(one.role, one.denied) for one in audit(translate(self._build), [self.recording()]) if one.denied]


class Requests:
    """The application: it reads its login, keeps it for a while, and asks its database."""

    def __init__(self, kiosk: Kiosk) -> None:
        self._server, self._known = kiosk.server, Known(kiosk.used, CACHE_SECONDS)
        self.done = 0
        self.failed: list[str] = []
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ending.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._ending.wait(0.1):
            try:
                with self._server.connect(self._known.read(), DATABASE) as session:
                    assert session.run("SELECT name FROM app.facility") == [["Your Clinic Name Here"]]
                self.done += 1
            except Exception as error:  # noqa: BLE001 - each is a request that failed
                self.failed.append(type(error).__name__)
