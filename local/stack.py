"""AWS, EKS, EFS, Aurora and OpenEMR on this machine, started and stopped as one thing.

What is deployed is the shipped template as `sam build` left it; this module says only what is outside of it: the
secrets, the application, and the values of the parameters.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.access import access_entries
from local.cluster import php
from local.cluster.application import ADMIN, DEPLOYMENT, LOGIN_PAGE, SCHEMA, SECRET, Application
from local.cluster.tokens import MASTERS, PERSON
from local.decided import decided
from local.mysql import Login
from local.running import BUILD, NAME, Running
from local.translation import translate

CLUSTER = "openemr-eks"
TARGET = "openemr"
SECRET_KEY = "local"
SLOT_SECRET, ADMIN_SECRET = "openemr/slots", "openemr/admin"


@dataclass(frozen=True)
class Pace:
    """How patient the local target is. Shorter than in AWS, where EFS caches for a minute and functions may linger."""

    quiet_seconds: int = 8
    drain_deadline_seconds: int = 120
    rollout_deadline_seconds: int = 60
    progress_deadline_seconds: int = 6
    pod_seconds: float = 0.5


class LocalStack(Running):
    """`with LocalStack() as stack:` everything runs; afterwards nothing is left."""

    slot_secret, admin_secret, target = SLOT_SECRET, ADMIN_SECRET, TARGET
    app: Application

    def __init__(self, pods: int = 3, pace: Pace | None = None, cluster: str | None = None) -> None:
        """`cluster`: its kind; None: what CLUSTER says, the stand-in if it says nothing."""
        super().__init__()
        self._pods = pods
        self._cluster = cluster
        self.pace = pace or Pace()

    @property
    def page(self) -> str:
        """OpenEMR's login page."""
        return self.app.login_page

    @property
    def secret_names(self) -> tuple[str, ...]:
        """Of every secret that holds a password."""
        return (SLOT_SECRET, ADMIN_SECRET)

    def versions(self) -> dict[str, str]:
        """Of the real servers."""
        return {"MySQL": self.app.mysql.version(), "PHP": php.version(), "Kubernetes": self.app.cluster.version}

    def held(self) -> dict[str, Login]:
        """What each place that OpenEMR reads its login from says now."""
        return {"sqlconf.php": self.app.sqlconf_login(), "the Kubernetes Secret": self.app.secret_login()}

    def accepts(self, user: str, password: str) -> bool:
        """Whether the database lets that login in."""
        return self.app.mysql.accepts(Login(user, password))

    def may_hold(self, path: Path) -> bool:
        """sqlconf.php, and of MySQL's own files all but its logs."""
        mysql = self.app.mysql
        in_database = path.is_relative_to(mysql.data) and path not in (mysql.general_log, mysql.error_log)
        return in_database or path == self.app.sites / "default" / "sqlconf.php"

    def access_entries(self) -> dict[str, list[str]]:
        """Whom the cluster lets in, with their groups: the functions as the template says, and a person with kubectl."""
        return {PERSON: [MASTERS], **access_entries(decided(translate(BUILD, self._given), self._given), self.deployed)}

    def _start(self) -> None:
        with ThreadPoolExecutor(2) as pool:
            aws = pool.submit(self._start_aws)
            self._start_application()
            self.aws = aws.result()
        authority = base64.b64encode(self.app.cluster.ca.encode()).decode()
        self.aws.register_cluster(CLUSTER, self.app.cluster.api, authority)
        self._given = self._parameters()
        if not self.by_hand:
            self.deploy()

    def deploy(self, name: str = NAME, given: Mapping[str, str] | None = None) -> None:
        """And the cluster lets its functions in."""
        super().deploy(name, given)
        self.app.cluster.admit(self.access_entries())

    def _mounts(self) -> Mapping[str, Path]:
        return {"/mnt/sites": self.app.sites}

    def _start_application(self) -> None:
        self.app = Application(
            self._run,
            cluster=CLUSTER,
            secret_keys={"*": SECRET_KEY},
            pods=self._pods,
            ready_after=self.pace.pod_seconds,
            progress_deadline=self.pace.progress_deadline_seconds,
            kind=self._cluster,
        )
        self.app.start()
        self._ended.callback(self.app.stop)

    def _parameters(self) -> dict[str, str]:
        """Of the shipped template: what is outside, and the pace."""
        here = f"{self.aws.region}:123456789012"
        return {
            **self._for_everybody(self._slots(), self._login(ADMIN, self.app.admin.password)),
            "SitesFileSystemArn": f"arn:aws:elasticfilesystem:{here}:file-system/fs-00000000",
            "SitesAccessPointArn": f"arn:aws:elasticfilesystem:{here}:access-point/fsap-00000000",
            "ClusterName": CLUSTER,
            "Namespace": self.app.namespace,
            "K8sSecretName": SECRET,
            "DeploymentName": DEPLOYMENT,
            "HealthUrl": self.app.cluster.url + LOGIN_PAGE,
            "DatabaseCa": self.app.mysql.ca_pem.replace("\n", "\\n"),
            "QuietSeconds": str(self.pace.quiet_seconds),
            "DrainDeadlineSeconds": str(self.pace.drain_deadline_seconds),
            "RolloutDeadlineSeconds": str(self.pace.rollout_deadline_seconds),
        }

    def _slots(self) -> dict[str, Any]:
        logins = {slot: self._login(login.username, login.password) for slot, login in self.app.slots.items()}
        return {"active_slot": "A", **logins}

    def _login(self, user: str, password: str) -> dict[str, str]:
        mysql = self.app.mysql
        return {"username": user, "password": password, "host": mysql.host, "port": str(mysql.port), "dbname": SCHEMA}
