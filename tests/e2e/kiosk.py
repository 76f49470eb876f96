"""An application that reads its login from a parameter, all of it real but AWS: PostgreSQL, built functions, requests."""

import json
import threading
import time
import urllib.parse
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local.aws import LocalAws
from local.deploy import deploy
from local.iam.audit import audit
from local.iam.recording import Recording
from local.lambdas import runtime_python
from local.leftovers import Leftovers
from local.mysql import Login
from local.postgresql import PostgreSQL
from local.running import NAME, OVERRIDES
from local.translation import translate

DATABASE, OWNER, ADMIN = "shop", "shop_owner", "master"
CACHE_SECONDS = 2
QUIET_SECONDS, PATIENCE_SECONDS = 2, 120


class Requests:
    """The application: it reads its login, keeps it for a while, and asks its database."""

    def __init__(self, server: PostgreSQL, read: Callable[[], Login]) -> None:
        self._server, self._read = server, read
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
        read, login = float("-inf"), Login("", "")
        while not self._ending.wait(0.1):
            if time.monotonic() - read >= CACHE_SECONDS:
                login, read = self._read(), time.monotonic()
            try:
                with self._server.connect(login, DATABASE) as session:
                    assert session.run("SELECT name FROM app.facility") == [["Your Clinic Name Here"]]
                self.done += 1
            except Exception as error:  # noqa: BLE001 - each is a request that failed
                self.failed.append(f"{login.username}: {type(error).__name__}")


class Kiosk:
    """`with Kiosk(build, given) as kiosk:` everything runs; afterwards nothing is left. `given`: more parameters of the stack."""

    def __init__(self, build: Path, given: Mapping[str, str]) -> None:
        self._build, self._more = build, given
        self._parameter = given["LoginParameterName"]
        self._run, self._ended = Leftovers(), ExitStack()
        self.users = {slot: Login(f"shop_{slot.lower()}", f"canary-{slot}-/@:{uuid.uuid4()}") for slot in "AB"}
        self.admin = Login(ADMIN, f"canary-master-{uuid.uuid4()}")

    def __enter__(self) -> Self:
        self._run.__enter__()
        try:
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    def _end(self) -> None:
        self._ended.close()
        self._run.close()

    def _start(self) -> None:
        folder, environment = self._run.directory, self._run.environment
        self.server = self._ended.enter_context(PostgreSQL(folder / "postgresql", environment))
        self.server.create_admin(self.admin)
        self.server.create_database(DATABASE, OWNER, admin=ADMIN)
        for user in self.users.values():
            self.server.create_user(user, OWNER)
            self.server.execute(f"GRANT {user.username} TO {ADMIN} WITH ADMIN OPTION")
        logs, self._calls = folder / "logs", folder / "calls.jsonl"
        self.aws = self._ended.enter_context(LocalAws(runtime_python(), logs, self._calls, environment=environment))
        self.aws.client("ssm").put_parameter(Name=self._parameter, Value=self._url(self.users["A"]), Type="SecureString")
        self._given = self._parameters()
        self.stack = deploy(self.aws, self._build, NAME, self._given)
        self.requests = Requests(self.server, self.used)
        self.requests.start()
        self._ended.callback(self.requests.stop)

    def _url(self, login: Login) -> str:
        password = urllib.parse.quote(login.password, safe="")
        return f"postgresql://{login.username}:{password}@{self.server.host}:{self.server.port}/{DATABASE}"

    def _parameters(self) -> dict[str, str]:
        record = {"active_slot": "A", **{slot: self._placed(one) for slot, one in self.users.items()}}
        return {
            **OVERRIDES,
            "SlotSecretArn": self._secret("slots", record),
            "AdminSecretArn": self._secret("admin", self._placed(self.admin)),
            "SecretsKmsKeyArn": f"arn:aws:kms:{self.aws.region}:123456789012:key/00000000-0000-0000-0000-000000000000",
            "SubnetIds": "subnet-00000000",
            "SecurityGroupIds": "sg-00000000",
            "SourceKind": "postgresql",
            "DatabaseCa": self.server.ca_pem.replace("\n", "\\n"),
            "EndpointHost": self.server.host,
            "EndpointPort": str(self.server.port),
            "EndpointCa": self.server.ca_pem.replace("\n", "\\n"),
            "QuietSeconds": str(QUIET_SECONDS),
            "DefaultTarget": "kiosk",
            **self._more,
        }

    def _secret(self, name: str, content: dict[str, Any]) -> str:
        made = self.aws.client("secretsmanager").create_secret(Name=f"kiosk/{name}", SecretString=json.dumps(content))
        return str(made["ARN"])

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
        states = self.aws.client("stepfunctions")
        machine = self.stack["RotationStateMachine"]
        arn = states.start_execution(stateMachineArn=machine, name=name, input=json.dumps(given))["executionArn"]
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            assert time.monotonic() < deadline, name
            time.sleep(0.2)
        ended: dict[str, Any] = found
        return ended

    def refused_by_iam(self) -> list[tuple[str, Any]]:
        """What the roles of the template would not have been allowed."""
        recording = Recording.of(self._calls, self._given, self.stack.resources)
        return [(one.role, one.denied) for one in audit(translate(self._build), [recording]) if one.denied]
