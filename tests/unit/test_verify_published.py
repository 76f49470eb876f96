"""Mode verify of an application that reads its secret, behind a proxy: what PutSecret and CheckLogin need is looked at by them."""

import json
from dataclasses import replace
from typing import Any

import pytest
from rotation.consumers.schedule import apart
from rotation.core.errors import ConsumerDiffers, SourceUnreachable
from rotation.core.findings import Finding, Severity
from rotation.core.model import Credential, Password, SecretText, Slot
from rotation.kinds.target import parse_target
from rotation.protocol.probes import KEPT, probe

from tests.worlds.application import Held
from tests.worlds.proxied import ProxiedWorld as Proxied
from tests.worlds.world import MemoryWorld, login

APPLICATION, PROXY, OTHERS = 1, 0, 2
ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:"


class Proxy:
    """It knows what its secrets hold, and so does the database behind it."""

    name = "the endpoint proxy.example:3306"

    def __init__(self, world: "ProxiedWorld") -> None:
        self._world = world
        self.reachable = True

    def logs_in(self, credential: Credential) -> bool:
        if not self.reachable:
            raise SourceUnreachable("proxy.example does not answer")
        known = self._world.proxies.get(credential.username)
        return known is not None and known.held.same_login(credential) and self._world.accepts(credential)


class ProxiedWorld(MemoryWorld):
    """A secret for each user, and the application's own; after them a file, which PutSecret does not mount."""

    def __init__(self) -> None:
        super().__init__()
        users = {slot: login(slot) for slot in (Slot.A, Slot.B)}
        self.proxies = {user.username: Held(f"secret of {user.username}", user, self.journal) for user in users.values()}
        self.application = Held("secret of the application", users[Slot.A], self.journal)
        self.proxy = Proxy(self)
        document = {
            "slot_secret": "slots",
            "admin_secret": "admin",
            "source": {"kind": "mysql"},
            "consumers": [
                {"kind": "proxy-secret", "secrets": [f"{ARN}a", f"{ARN}b"]},
                {"kind": "app-secret", "secret": f"{ARN}app", "application_cache_seconds": 60},
                {"kind": "sqlconf", "path": "default/sqlconf.php"},
            ],
            "endpoint": {"host": "proxy.example", "port": 3306},
        }
        self.target = parse_target("app", json.dumps(document))

    @property
    def endpoint(self) -> Proxy:  # type: ignore[override]
        return self.proxy

    def credential(self, index: int, username: str = "") -> Held:
        assert index != OTHERS, "its function does not mount EFS"
        if index == APPLICATION:
            return self.application
        if username not in self.proxies:
            raise ConsumerDiffers(f"of the 2 proxy secrets none names {username}")
        return self.proxies[username]


@pytest.fixture
def world() -> ProxiedWorld:
    return ProxiedWorld()


def found(world: ProxiedWorld, function: str, what: str) -> list[tuple[Severity, str]]:
    return [(one.severity, one.found) for one in _about(world, function) if one.what == what]


def _about(world: ProxiedWorld, function: str) -> list[Finding]:
    return probe(world, function)


def forgotten(user: Credential) -> Credential:
    return replace(user, password=Password("somebody-else-s"))


def test_put_secret_looks_at_every_users_secret_at_the_applications_and_at_the_database(world: ProxiedWorld) -> None:
    findings = _about(world, "put_secret")
    assert {one.severity for one in findings} == {Severity.OK}
    assert [one.what for one in findings] == ["target document", "slot secret", *["published secret"] * 3, "database reached"]
    assert found(world, "put_secret", "published secret") == [
        (Severity.OK, "secret of openemr_a holds what openemr_a logs in with"),
        (Severity.OK, "secret of openemr_b holds what openemr_b logs in with"),
        (Severity.OK, "secret of the application holds what openemr_a logs in with"),
    ]


def test_check_login_looks_at_the_endpoint(world: ProxiedWorld) -> None:
    (one,) = found(world, "check_login", "endpoint")
    assert one == (Severity.OK, "the endpoint proxy.example:3306 lets openemr_a in, its certificate is trusted")


@pytest.mark.parametrize("slot", [Slot.A, Slot.B])
def test_a_proxy_secret_with_another_password_is_found_whoever_s_turn_it_is(world: ProxiedWorld, slot: Slot) -> None:
    user = login(slot)
    world.proxies[user.username].holds(forgotten(user))
    said = f"secret of {user.username} does not hold {user.username} with its recorded password"
    assert (Severity.WARNING, said) in found(world, "put_secret", "published secret")


def test_a_user_without_a_proxy_secret_is_found(world: ProxiedWorld) -> None:
    del world.proxies["openemr_b"]
    failed = [text for severity, text in found(world, "put_secret", "published secret") if severity is Severity.FAILED]
    assert failed == ["ConsumerDiffers: of the 2 proxy secrets none names openemr_b"]


def test_an_application_s_secret_that_names_the_user_that_rests_is_found(world: ProxiedWorld) -> None:
    world.application.holds(login(Slot.B))
    assert (Severity.WARNING, "secret of the application does not hold openemr_a with its recorded password") in found(
        world, "put_secret", "published secret"
    )


def test_a_proxy_that_refuses_the_application_is_found(world: ProxiedWorld) -> None:
    world.proxies["openemr_a"].holds(forgotten(login(Slot.A)))
    assert found(world, "check_login", "endpoint") == [(Severity.FAILED, "the endpoint proxy.example:3306 refuses openemr_a")]


def test_a_proxy_that_does_not_answer_is_found(world: ProxiedWorld) -> None:
    world.proxy.reachable = False
    (one,) = found(world, "check_login", "endpoint")
    assert one == (Severity.FAILED, "SourceUnreachable: proxy.example does not answer")


@pytest.mark.parametrize(
    ("rules", "hours"),
    [
        ({}, None),
        ({"AutomaticallyAfterDays": 30}, 720),
        ({"ScheduleExpression": "rate(4 hours)"}, 4),
        ({"ScheduleExpression": "rate(1 hour)"}, 1),
        ({"ScheduleExpression": "rate(10 days)", "AutomaticallyAfterDays": 10}, 240),
        ({"ScheduleExpression": "cron(0 8 1 * ? *)"}, 24),
        ({"ScheduleExpression": "cron(0 8-20 * * ? *)"}, 4),
        ({"ScheduleExpression": "cron(0 /4 * * ? *)"}, 4),
    ],
)
def test_the_rules_of_secrets_manager_say_how_far_apart_rotations_are_at_least(rules: dict[str, Any], hours: float | None) -> None:
    assert apart(rules) == (None if hours is None else hours * 3600)


@pytest.mark.parametrize(("overlap_hours", "warned"), [(3, False), (4, True), (24, True)])
def test_a_schedule_shorter_than_the_overlap_is_found(overlap_hours: int, warned: bool) -> None:
    world = Proxied()
    world.application.rules = {"ScheduleExpression": "rate(4 hours)"}
    world.target = replace(world.target, overlap_seconds=overlap_hours * 3600)
    found = [one for one in probe(world, "release_rotation") if one.what == "application's secret"]
    said = f"Secrets Manager rotates it every 4 h, and a rotation needs the overlap and the quiet period, {overlap_hours}.0 h"
    assert [one.severity for one in found if one.found.startswith(said)] == ([Severity.WARNING] if warned else [])
    assert found[-1] == Finding(Severity.OK, "application's secret", "Secrets Manager may rotate it")


@pytest.mark.parametrize(("who", "severity"), [("openemr_b", Severity.OK), ("somebody", Severity.FAILED)])
def test_whether_each_user_has_a_proxy_secret_of_its_own_is_looked_at_by_read_slots(who: str, severity: Severity) -> None:
    world = Proxied()
    world.proxies[1].put("theirs", SecretText(json.dumps({"username": who, "password": "canary"})))
    assert [one.severity for one in probe(world, "read_slots") if one.what == KEPT] == [severity]


def test_nothing_is_written(world: ProxiedWorld) -> None:
    for function in ("put_secret", "check_login"):
        probe(world, function)
    assert world.journal.writes == []
