"""Thirty real targets in one stack, of every kind that a stack on PostgreSQL can have without a cluster or instances: a secret,
keys of a secret, a path of an OpenBao, a secret and a path. (Simulated ones beside them: `make bench-fleet`.)"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.iam.audit import audit
from local.login import Login
from local.running import BUILD
from local.shop.many import Many
from local.shop.stack import Pace, fields, login_of
from local.translation import translate
from local.vault import policies
from local.vault.policies import MOUNT, READS, WRITES
from local.vault.server import OpenBao
from tests.e2e.test_fleet import EVERYTHING, Fleet
from tests.whole import only_in_the_whole

PACE = Pace(quiet_seconds=1, cache_seconds=0, lifetime_seconds=1, drain_deadline_seconds=600)
MORE = tuple(f"app-{number:02}" for number in range(29))
EACH_PATH = "+/database"
URL = {"DATABASE_URL": "postgresql://{username}:{password}@{host}:{port}/{dbname}"}
KINDS = ("a secret", "keys of a secret", "a path")


class Thirty(Many):
    """Of three kinds in turn; the template's own target is of two at once."""

    vault: OpenBao

    @property
    def secret_names(self) -> tuple[str, ...]:
        """Of every secret that holds a password."""
        own = (self.slot_secret, self.admin_secret, self.application_secret, "vault-login", "vault-reader")
        in_secrets = (f"{name}/application" for name in self.more if self.kind_of(name) != "a path")
        return (*own, *(f"{name}/slots" for name in self.more), *in_secrets)

    @staticmethod
    def kind_of(name: str) -> str:
        return "a secret" if name == "shop" else KINDS[MORE.index(name) % len(KINDS)]

    def _own_parameters(self) -> dict[str, str]:
        self.vault = self._ended.enter_context(OpenBao(self.directory / "vault", self.environment))
        policies.mount(self.vault)
        roles = {who: policies.role(self.vault, who, EACH_PATH, may) for who, may in (("writer", WRITES), ("reader", READS))}
        secrets = {who: self._create_secret(f"vault-{what}", {"secret_id": roles[who].secret_id}) for who, what in
                   (("writer", "login"), ("reader", "reader"))}  # fmt: skip
        logins = {
            field: {"method": "approle", "role": roles[who].role_id, "secret": secrets[who]}
            for field, who in (("login", "writer"), ("reader", "reader"))
        }
        where = {"address": self.vault.address, "ca": self.vault.ca_pem, "mount": MOUNT, "path": "shop/database"}
        self._path = {"kind": "vault-kv", **where, **logins, "application_cache_seconds": 0}
        policies.write(self.vault, "shop/database", fields(self.users["A"]))
        vault = {"VaultLoginSecretArn": secrets["writer"], "VaultReaderSecretArn": secrets["reader"]}
        return {**super()._own_parameters(), **vault, "OtherConsumers": json.dumps(self._path)}

    def _add(self, name: str) -> None:
        """Beside the secret that every further target has, some have their login elsewhere."""
        super()._add(name)
        ssm, parameter = self.aws.client("ssm"), f"{self.deployed['DefaultTargetParameter'].rpartition('/')[0]}/{name}"
        document = json.loads(ssm.get_parameter(Name=parameter)["Parameter"]["Value"])
        secret = document["consumers"][0]
        login = self.used_first(name)
        kind = self.kind_of(name)
        if kind == "a path":
            policies.write(self.vault, f"{name}/database", fields(login))
            document["consumers"] = [self._path | {"path": f"{name}/database"}]
        else:
            document["consumers"] = [secret | ({"keys": URL} if kind == "keys of a secret" else {})]
        if kind == "keys of a secret":
            text = json.dumps({"DATABASE_URL": self.url(login)})
            self.aws.client("secretsmanager").put_secret_value(SecretId=secret["secret"], SecretString=text)
        ssm.put_parameter(Name=parameter, Value=json.dumps(document), Type="String", Overwrite=True)

    def used_first(self, name: str) -> Login:
        held = self.secret(f"{name}/slots")["A"]
        return Login(held["username"], held["password"])

    def url(self, login: Login) -> str:
        server = self.server
        return f"postgresql://{login.username}:{login.password}@{server.host}:{server.port}/{self.database}"

    def used_by(self, target: str) -> Login:
        """As that application reads it."""
        kind = self.kind_of(target)
        if kind == "a path":
            return login_of(self.vault.asks("GET", f"{MOUNT}/data/{target}/database")["data"]["data"])
        held = self.secret(f"{target}/application" if target != "shop" else self.application_secret)
        if kind == "a secret":
            return login_of(held)
        user, _, password = held["DATABASE_URL"].removeprefix("postgresql://").rpartition("@")[0].partition(":")
        return Login(user, password)


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Thirty(MORE, PACE) as stack:
        yield Fleet(stack)


@only_in_the_whole
def test_thirty_real_targets_are_rotated_and_what_they_left_is_refused(fleet: Fleet) -> None:
    stack: Any = fleet.stack
    targets = ("shop", *MORE)
    before = {name: stack.used_by(name) for name in targets}
    assert all(stack.server.accepts(login) for login in before.values())
    found = fleet.run("thirty", at_once=4, per_place=4, **EVERYTHING)
    assert found["status"] == "SUCCEEDED", found
    assert fleet.report("thirty")["counts"] == {"rotated": len(targets)}
    assert len(fleet.report("thirty")["waves"]) > 10
    after = {name: stack.used_by(name) for name in targets}
    assert {name: login.username for name, login in after.items()} == {name: f"{name}_b" for name in targets}
    assert all(stack.server.accepts(login) for login in after.values())
    assert [name for name, login in before.items() if stack.server.accepts(login)] == [], "what was left is refused"
    assert set(fleet.rotations().values()) == {"SUCCEEDED"}


@only_in_the_whole
def test_the_roles_allow_it_all_by_tag(fleet: Fleet) -> None:
    found = audit(translate(BUILD), [fleet.stack.recording()])
    assert [(one.role, one.denied) for one in found if one.denied] == []
