"""All of the application that a rotation finds: MySQL, the mounted sites, the cluster with its pods.

What AWS adds (secrets, parameters, functions, the machine) is not here; it starts from what this says.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from local.cluster import php
from local.cluster.handle import Cluster, Settings
from local.cluster.kinds import KUBECONFIG, chosen
from local.cluster.manifests import Object, deployment, secret
from local.leftovers import Leftovers
from local.mysql import Login, MySQL

NAMESPACE = "openemr"
SECRET = "openemr-db-credentials"
DEPLOYMENT = "openemr"
SCHEMA = "openemr"
ADMIN = "openemr"
SLOTS = {"A": "openemr_a", "B": "openemr_b"}
LOGIN_PAGE = "/interface/login/login.php?site=default"


class Application:
    """Starts on slot A. `slots` and `admin` are the logins that the secrets are to be seeded with. `kind`: of the cluster."""

    def __init__(  # noqa: PLR0913 - each by its name
        self,
        run: Leftovers,
        *,
        cluster: str = "openemr-eks",
        secret_keys: dict[str, str],
        pods: int = 3,
        ready_after: float = 0,
        progress_deadline: int = 60,
        kind: str | None = None,
    ) -> None:
        self.mysql = MySQL(run.directory / "mysql", run.environment)
        self.sites = run.directory / "sites"
        self.admin = Login(ADMIN, secrets.token_urlsafe(30))
        self.slots = {slot: Login(user, secrets.token_urlsafe(32)) for slot, user in SLOTS.items()}
        self._run = run
        self._cluster_name = cluster
        self._secret_keys = secret_keys
        self._pods = pods
        self._ready_after = ready_after
        self._progress_deadline = progress_deadline
        self.kind = kind or chosen()
        self.namespace = f"{NAMESPACE}-{secrets.token_hex(4)}" if self.kind == KUBECONFIG else NAMESPACE

    def start(self) -> None:
        """Return when every pod is ready."""
        self.mysql.start()
        self.mysql.create_admin(self.admin)
        self.mysql.create_schema(SCHEMA)
        for login in self.slots.values():
            self.mysql.create_user(login, SCHEMA)
        self.install(self.slots["A"])
        self.cluster = Cluster(self._settings(), self._run.environment)
        self.cluster.start()
        self.cluster.wait_until_rolled_out()

    def stop(self) -> None:
        self.cluster.stop()
        self.mysql.stop()

    @property
    def login_page(self) -> str:
        return self.cluster.url + LOGIN_PAGE

    def sqlconf_login(self) -> Login:
        """What the file on disk says now, read by PHP."""
        return php.read_sqlconf(self.sites / "default" / "sqlconf.php")

    def secret_login(self) -> Login:
        """What the Kubernetes Secret says now."""
        values = self.cluster.secret()
        return Login(values["mysql-user"], values["mysql-password"])

    @property
    def deployment(self) -> Object:
        """As it was applied at first."""
        return deployment(
            self.namespace,
            DEPLOYMENT,
            SECRET,
            replicas=self._pods,
            ready_after=self._ready_after,
            deadline=self._progress_deadline,
        )

    def install(self, login: Login) -> None:
        """Write sqlconf.php as OpenEMR's installer does."""
        path = self.sites / "default" / "sqlconf.php"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            INSTALLED.format(
                host=self.mysql.host,
                port=self.mysql.port,
                login=login.username,
                password=login.password,
                schema=SCHEMA,
            )
        )
        path.chmod(0o644)

    def _settings(self) -> Settings:
        login = self.slots["A"]
        return Settings(
            cluster=self._cluster_name,
            kind=self.kind,
            secret=secret(
                self.namespace,
                SECRET,
                host=self.mysql.host,
                user=login.username,
                password=login.password,
                database=SCHEMA,
            ),
            deployment=self.deployment,
            sites=self.sites,
            database_ca=self.mysql.ca_path,
            directory=self._run.directory / "cluster",
            secret_keys=self._secret_keys,
        )


# The file of OpenEMR's installer, byte for byte but for the values: a tab before each `=`.
INSTALLED = (Path(__file__).resolve().parents[1] / "pod" / "sqlconf.php.template").read_text()
