"""An application behind a proxy, all of it real but AWS: PostgreSQL, pgbouncer, the shipped functions, requests all the while."""

import json
import threading
import time
import uuid
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Protocol, Self

from local.aws import LocalAws
from local.deploy import deploy
from local.iam.recording import Recording
from local.lambdas import runtime_python
from local.leftovers import Leftovers
from local.mysql import Login
from local.proxy.cache import in_secrets_manager
from local.proxy.server import Pooled, Proxy
from local.stack import BUILD, NAME, OVERRIDES

DATABASE, OWNER, ADMIN = "shop", "shop_owner", "master"
CACHE_SECONDS, PROXY_SECONDS, QUIET_SECONDS = 2, 1.0, 2
OTHERS = {"rotation_type": "application", "rotation_usernames": ["shop_a", "shop_b"], "a key of somebody else": [1, None]}


class Place(Protocol):
    """Where an application is at home."""

    @property
    def proxy(self) -> Any:
        """What it connects to."""

    def used(self) -> Login:
        """What it is to log in with."""


class Requests:
    """The application: it reads its login, keeps it for a while, and asks its database, through the proxy where there is one."""

    def __init__(self, shop: Place) -> None:
        self._shop = shop
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
                login, read = self._shop.used(), time.monotonic()
            try:
                with self._shop.proxy.connect(login, DATABASE) as session:
                    assert session.run("SELECT name FROM app.facility") == [["Your Clinic Name Here"]]
                self.done += 1
            except Exception as error:  # noqa: BLE001 - each is a request that failed
                self.failed.append(f"{login.username}: {type(error).__name__}")


class Shop:
    """`with Shop() as shop:` everything runs; afterwards nothing is left."""

    def __init__(self) -> None:
        self._run = Leftovers()
        self._ended = ExitStack()
        self.users = {slot: Login(f"shop_{slot.lower()}", f"canary-{slot}-{uuid.uuid4()}") for slot in "AB"}
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
        self.server = self._ended.enter_context(Pooled(folder / "postgresql", environment))
        self.server.create_admin(self.admin)
        self.server.create_database(DATABASE, OWNER, admin=ADMIN)
        for user in self.users.values():
            self.server.create_user(user, OWNER)
            self.server.execute(f"GRANT {user.username} TO {ADMIN} WITH ADMIN OPTION")
        self.aws = self._ended.enter_context(
            LocalAws(runtime_python(), folder / "logs", folder / "calls.jsonl", environment=environment)
        )
        self.secrets = self.aws.client("secretsmanager")
        self.application = self._secret("application", {**OTHERS, **_login(self.users["A"])})
        self.proxies = [self._secret(f"proxy-{slot}", _login(user)) for slot, user in self.users.items()]
        self.record = self._secret("slots", {"active_slot": "A", **{slot: self._placed(one) for slot, one in self.users.items()}})
        look = in_secrets_manager(self.secrets, self.proxies)
        self.proxy = self._ended.enter_context(Proxy(folder / "proxy", self.server, [DATABASE], look, every=PROXY_SECONDS))
        self._given = self._parameters()
        self.stack = deploy(self.aws, BUILD, NAME, self._given)
        self.function = self.stack["RotateSecretFunction"]
        self.requests = Requests(self)
        self.requests.start()
        self._ended.callback(self.requests.stop)

    def _parameters(self) -> dict[str, str]:
        return {
            **OVERRIDES,
            "SlotSecretArn": self.record,
            "AdminSecretArn": self._secret("admin", self._placed(self.admin)),
            "SecretsKmsKeyArn": f"arn:aws:kms:{self.aws.region}:123456789012:key/00000000-0000-0000-0000-000000000000",
            "SubnetIds": "subnet-00000000",
            "SecurityGroupIds": "sg-00000000",
            "SourceKind": "postgresql",
            "Pooled": "true",
            "DatabaseCa": self.server.ca_pem.replace("\n", "\\n"),
            "ApplicationSecretArn": self.application,
            "ApplicationCacheSeconds": str(CACHE_SECONDS),
            "OverlapSeconds": str(CACHE_SECONDS),
            "ProxySecretArns": ",".join(self.proxies),
            "EndpointHost": self.proxy.host,
            "EndpointPort": str(self.proxy.port),
            "EndpointCa": self.proxy.ca_pem.replace("\n", "\\n"),
            "QuietSeconds": str(QUIET_SECONDS),
            "DrainDeadlineSeconds": "120",
            "DefaultTarget": "shop",
        }

    def _secret(self, name: str, content: dict[str, Any]) -> str:
        return str(self.secrets.create_secret(Name=f"shop/{name}", SecretString=json.dumps(content))["ARN"])

    def _placed(self, login: Login) -> dict[str, str]:
        return {**_login(login), "host": self.server.host, "port": str(self.server.port), "dbname": DATABASE}

    def recording(self) -> Recording:
        """Who called what so far."""
        return Recording.of(self._run.directory / "calls.jsonl", self._given, self.stack.resources)

    # What a person sees and does.

    def content(self, secret: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.secrets.get_secret_value(SecretId=secret)["SecretString"])
        return found

    def labels(self, secret: str) -> dict[str, str]:
        stages = self.secrets.describe_secret(SecretId=secret)["VersionIdsToStages"]
        return {label: version for version, some in stages.items() for label in some}

    def used(self) -> Login:
        """What the application is to log in with."""
        held = self.content(self.application)
        return Login(held["username"], held["password"])

    def press(self, **more: Any) -> str:
        """The console's "Rotate immediately": the version that is to come."""
        arn = self.aws.client("lambda").get_function(FunctionName=self.function)["Configuration"]["FunctionArn"]
        return str(self.secrets.rotate_secret(SecretId=self.application, RotationLambdaARN=arn, **more)["VersionId"])

    def said(self, token: str) -> list[str]:
        """Of the rotation to that version, by Secrets Manager."""
        return [one["eventName"] for one in self.aws.rotation_events(self.application) if one["token"] == token]

    def start(self, name: str) -> str:
        states, machine = self.aws.client("stepfunctions"), self.stack["RotationStateMachine"]
        return str(states.start_execution(stateMachineArn=machine, name=name, input="{}")["executionArn"])

    def ends(self) -> dict[str, str]:
        """Every execution, by how it is getting on."""
        states, machine = self.aws.client("stepfunctions"), self.stack["RotationStateMachine"]
        listed = states.list_executions(stateMachineArn=machine)["executions"]
        return {one["name"]: one["status"] for one in listed}


def _login(login: Login) -> dict[str, str]:
    return {"username": login.username, "password": login.password}
