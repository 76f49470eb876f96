"""The kind `vault-kv` on a real OpenBao and on the small world's store: what is relied on in every consumer, and what only such a
path can show."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from rotation.consumers.keys import LOGIN, Keys
from rotation.consumers.vault_kv.adapter import KvPath
from rotation.core.errors import (
    ConsumerDiffers,
    RotationError,
    VaultConflict,
    VaultDenied,
    VaultMountMissing,
    VaultNotVersioned,
    VaultPathMissing,
    VaultTokenExpired,
)
from rotation.core.findings import Severity
from rotation.core.model import Credential, Password
from rotation.vault.kv import Place
from rotation.vault.login import Session
from rotation.vault.server import Answer, Server

from local.leftovers import Leftovers
from local.vault import policies
from local.vault.policies import READS, WRITES, AppRole
from local.vault.server import OpenBao
from tests.conformance.consumers import (
    BACK,
    CANARY,
    FORTH,
    A,
    About,
    B,
    Consumer,
    Fails,
    KeepsWhatElseIsThere,
    Kind,
    LeavesWhereToTheRecord,
    NeverOverwrites,
    SaysWhere,
    refused,
)
from tests.worlds.vault import MOUNT, PATH, Given, KeyValues, MemoryVault

OTHERS = {"database_host": "proxy.example", "a key of somebody else": {"nested": [1, None, 1.5e300, 2**60]}}
URL = {"url": "postgresql://{username}:{password|url}@{host}:{port}/{dbname}", "user": "{username}"}
C = Credential("app_c", Password("canary-c-333"), "db.example", 3306, "app")


@pytest.fixture(scope="module")
def vault() -> Iterator[OpenBao]:
    with Leftovers() as run, OpenBao(run.directory / "vault", run.environment) as vault:
        policies.mount(vault)
        yield vault


def written(credential: Credential, templates: dict[str, str]) -> dict[str, Any]:
    return {**OTHERS, **{key: text.reveal() for key, text in Keys(templates).render(credential).items()}}


def renewed(credential: Credential) -> Credential:
    return replace(credential, password=Password(f"{credential.password.reveal()}-renewed"))


class Path:
    """What both have in common."""

    first, second, theirs = A, B, C
    consumer: KvPath
    called: str

    def put(self, content: dict[str, Any]) -> None:
        raise NotImplementedError

    def held(self) -> dict[str, Any]:
        raise NotImplementedError

    def __init__(self, templates: dict[str, str] | None = None) -> None:
        self.templates = templates or LOGIN

    def others(self) -> object:
        return {key: value for key, value in self.held().items() if key not in self.templates}

    def spoil(self) -> None:
        self.put({"username": 1, "url": f"mysql://{CANARY}"})

    @contextmanager
    def meddled(self) -> Iterator[None]:
        """Before our next merge, that is after the look it was made from."""
        writer, once = self.consumer._writer, [True]
        ask = writer.ask

        def meddle(method: str, path: str, *more: Any, **others: Any) -> Answer:
            if once and method == "PATCH" and "/data/" in path:
                once.clear()
                self.put(written(self.theirs, self.templates))
            return ask(method, path, *more, **others)

        writer.ask = meddle  # type: ignore[method-assign]
        yield
        writer.ask = ask  # type: ignore[method-assign]


class InMemory(Path):
    def __init__(self, templates: dict[str, str] | None = None) -> None:
        super().__init__(templates)
        self.stored, self.called = KeyValues(), f"{MOUNT}/{PATH}"
        session = Session(MemoryVault(self.stored), Given())
        self.consumer = KvPath(Place(MOUNT, PATH), Keys(self.templates), session, session)
        self.put(written(A, self.templates))

    def put(self, content: dict[str, Any]) -> None:
        self.stored.put(content)

    def held(self) -> dict[str, Any]:
        return self.stored.versions[-1].data

    def writes(self) -> object:
        return self.stored.current

    def remove(self) -> None:
        self.stored.versions.clear()

    def delete(self, version: int) -> None:
        self.stored.versions[version - 1].deleted = True

    def readable(self) -> set[int]:
        return {number for number, one in enumerate(self.stored.versions, 1) if not one.destroyed}


class Real(Path):
    """One path of a real OpenBao, read by one role and written by another."""

    def __init__(self, vault: OpenBao, templates: dict[str, str] | None = None) -> None:
        super().__init__(templates)
        self.vault, self.path = vault, f"shop/{uuid.uuid4()}"
        self.called = self.path
        self.server = Server(vault.address, vault.ca_pem, "1.3", "")
        self.consumer = self.made(WRITES, READS)
        self.put(written(A, self.templates))

    def made(self, writes: str, reads: str, mount: str = MOUNT, path: str = "") -> KvPath:
        called = uuid.uuid4().hex[:8]
        writer = self.session(policies.role(self.vault, f"w-{called}", self.path, writes, mount))
        reader = self.session(policies.role(self.vault, f"r-{called}", self.path, reads, mount))
        return KvPath(Place(mount, path or self.path), Keys(self.templates), writer, reader)

    def session(self, role: AppRole) -> Session:
        return Session(self.server, Given(body={"role_id": role.role_id, "secret_id": role.secret_id}))

    def put(self, content: dict[str, Any]) -> None:
        policies.write(self.vault, self.path, content)

    def held(self) -> dict[str, Any]:
        found: dict[str, Any] = self.vault.asks("GET", f"{MOUNT}/data/{self.path}")["data"]["data"]
        return found

    @property
    def about(self) -> dict[str, Any]:
        found: dict[str, Any] = self.vault.asks("GET", f"{MOUNT}/metadata/{self.path}")["data"]
        return found

    def writes(self) -> object:
        return self.about["current_version"]

    def remove(self) -> None:
        self.vault.asks("DELETE", f"{MOUNT}/metadata/{self.path}")

    def delete(self, version: int) -> None:
        self.vault.asks("POST", f"{MOUNT}/delete/{self.path}", {"versions": [version]})

    def readable(self) -> set[int]:
        return {int(number) for number, one in self.about["versions"].items() if not one["destroyed"]}


class Paths(Consumer, KeepsWhatElseIsThere, Fails, NeverOverwrites):
    """Both, whatever is in them."""

    def test_the_way_back_is_a_version_of_its_own_and_only_one(self, here: Any) -> None:
        """Also where the old login is there still: the write that failed may yet come late."""
        before = here.writes()
        assert [here.consumer.publish(A, BACK) for _ in range(3)] == [True, False, False]
        assert here.writes() == before + 1

    def test_a_write_that_comes_late_after_the_way_back_changes_nothing(self, here: Any) -> None:
        ask, late = here.consumer._writer.ask, []

        def held_up(method: str, path: str, *more: Any, **others: Any) -> Answer:
            if method == "PATCH" and "/data/" in path and not late:
                late.append(True)
                assert here.consumer.publish(A, BACK)
            found: Answer = ask(method, path, *more, **others)
            return found

        here.consumer._writer.ask = held_up
        with refused(VaultConflict, here.called):
            here.consumer.publish(B, FORTH)
        assert here.consumer.read().at_place_of(A).same_login(A)

    def test_what_is_withdrawn_is_destroyed_and_what_is_in_use_is_not(self, here: Any) -> None:
        for published in (B, renewed(A), C):
            here.consumer.publish(published, FORTH)
        assert here.readable() == {1, 2, 3, 4}
        assert here.consumer.forget([renewed(A), B]) == 1
        assert here.readable() == {2, 3, 4}
        assert here.consumer.forget([renewed(A), renewed(B), C]) == 1
        assert here.readable() == {3, 4}
        assert here.consumer.forget([renewed(A), renewed(B), C]) == 0

    def test_what_is_current_is_never_destroyed(self, here: Any) -> None:
        assert here.consumer.forget([renewed(A)]) == 0
        assert here.readable() == {1}

    def test_what_holds_no_login_stays_and_so_does_somebody_else_s(self, here: Any) -> None:
        here.put({"somebody": "else's"})
        here.put(written(C, here.templates))
        here.put(written(B, here.templates))
        assert here.consumer.forget([renewed(A), B]) == 1
        assert here.readable() == {2, 3, 4}

    def test_a_version_that_is_deleted_stays_so(self, here: Any) -> None:
        here.consumer.publish(B, FORTH)
        here.delete(1)
        assert here.consumer.forget([renewed(A), B]) == 0
        assert here.readable() == {1, 2}

    def test_a_current_version_that_is_deleted_is_said_to_be(self, here: Any) -> None:
        here.delete(1)
        for act in (here.consumer.read, lambda: here.consumer.publish(B, FORTH)):
            with refused(ConsumerDiffers, here.called, "deleted or destroyed"):
                act()

    def test_it_may_do_what_a_rotation_needs(self, here: Any) -> None:
        findings = list(here.consumer.look(time.time()))
        assert {one.severity for one in findings} == {Severity.OK}


class TestSmallWorld(Paths, LeavesWhereToTheRecord):
    @pytest.fixture
    def here(self) -> InMemory:
        return InMemory()


class TestOpenBao(Paths, LeavesWhereToTheRecord):
    @pytest.fixture
    def here(self, vault: OpenBao) -> Real:
        return Real(vault)

    def test_what_is_whose_stands_beside_it(self, here: Real) -> None:
        here.consumer.publish(B, FORTH)
        assert here.about["custom_metadata"] == {"credential-rotation": "version 2 by run-1.forward"}

    def test_somebody_else_s_custom_metadata_stays(self, here: Real) -> None:
        here.vault.asks("POST", f"{MOUNT}/metadata/{here.path}", {"custom_metadata": {"owner": "shop"}, "max_versions": 4})
        here.consumer.publish(B, FORTH)
        assert (here.about["custom_metadata"]["owner"], here.about["max_versions"]) == ("shop", 4)

    def test_a_path_that_takes_nothing_without_check_and_set_is_written(self, here: Real) -> None:
        here.vault.asks("POST", f"{MOUNT}/metadata/{here.path}", {"cas_required": True})
        assert here.consumer.publish(B, FORTH)

    def test_the_audit_log_has_no_password(self, here: Real) -> None:
        here.consumer.publish(B, FORTH)
        text = here.vault.audit_log.read_text()
        assert here.path in text
        assert CANARY not in text


class TestWithItsOwnKeys(Paths, SaysWhere):
    @pytest.fixture(params=["small world", "OpenBao"])
    def here(self, request: pytest.FixtureRequest) -> Path:
        return InMemory(URL) if request.param == "small world" else Real(request.getfixturevalue("vault"), URL)


class TestRefusals:
    """Each by its own name, with no word of the server's."""

    def test_a_path_that_was_never_written(self, vault: OpenBao) -> None:
        here = Real(vault)
        here.remove()
        for act in (here.consumer.read, lambda: here.consumer.publish(B, FORTH)):
            with refused(VaultPathMissing, here.path, "write it"):
                act()

    def test_a_policy_that_does_not_let_us(self, vault: OpenBao) -> None:
        here = Real(vault)
        consumer = here.made(READS, READS)
        with refused(VaultDenied, f"PATCH {MOUNT}/metadata/{here.path}"):
            consumer.publish(B, FORTH)
        failed = [one for one in consumer.look(time.time()) if one.severity is Severity.FAILED]
        assert [one.found.rpartition(" ")[0] for one in failed] == ["may not patch", "may not read nor patch", "may not update"]
        assert f'path "{MOUNT}/destroy/{here.path}" {{ capabilities = ["update"] }}' in failed[-1].mend

    @pytest.mark.parametrize(("type_", "version", "error"), [("kv", "1", VaultNotVersioned), ("transit", "", VaultNotVersioned)])
    def test_a_mount_of_another_sort(self, vault: OpenBao, type_: str, version: str, error: type[RotationError]) -> None:
        mount = f"other-{uuid.uuid4().hex[:6]}"
        vault.asks("POST", f"sys/mounts/{mount}", {"type": type_, **({"options": {"version": version}} if version else {})})
        here = Real(vault)
        with refused(error, mount, "no check-and-set"):
            here.made(WRITES, READS, mount).read()

    def test_no_mount_at_all(self, vault: OpenBao) -> None:
        with refused(VaultMountMissing, "nowhere", "correct mount"):
            Real(vault).made(WRITES, READS, "nowhere").read()

    def test_a_token_that_does_not_hold_any_more_is_another_thing_and_the_next_try_logs_in_anew(self, vault: OpenBao) -> None:
        here = Real(vault)
        here.consumer.read()
        here.vault.asks("POST", "auth/token/revoke", {"token": here.consumer._reader.token.reveal()})
        with refused(VaultTokenExpired, here.path):
            here.consumer.read()
        assert here.consumer.read().same_login(A)


class TestKind(Kind):
    about: ClassVar[About] = About(
        kind="vault-kv",
        settings={
            "address": "https://vault.example:8200",
            "ca": "-----BEGIN CERTIFICATE-----",
            "mount": "secret",
            "path": "shop/database",
            "login": {"method": "approle", "role": "0d4c", "secret": "arn:login"},
            "application_cache_seconds": 60,
        },
        parameters={"VaultLoginSecretArn": "arn:login"},
        wrong={
            "address": "http://vault.example",
            "ca": "/etc/ssl/ca.pem",
            "mount": "/secret",
            "path": "../other",
            "tls": "1.1",
            "login": {"method": "token", "role": "0d4c"},
            "application_cache_seconds": "60",
            "keys": {"password": "{password}"},
            "destroys_older": "yes",
        },
    )
