"""Mode verify: every prerequisite is looked at, nothing is written, all findings are listed."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from rotation.core.errors import (
    AppUnhealthy,
    ClusterRefused,
    ClusterUnavailable,
    RotationError,
    SecretDenied,
    SecretInvalid,
    SecretStoreUnavailable,
    SecretVersionMissing,
    SourceRefused,
    SourceUnreachable,
    SqlconfMissing,
    TargetInvalid,
    TargetNotFound,
)
from rotation.core.findings import Finding, Severity, gathered
from rotation.core.model import PENDING, Password, SecretText, Slot
from rotation.core.rollout import Outage, Unfit
from rotation.kinds.target import Source
from rotation.protocol.probes import NEEDS, SHORTEST_QUIET_SECONDS, SLOWEST_CLOCK_SECONDS, probe
from rotation.protocol.request import Request
from rotation.steps.verify import DAY, since_success, verify

from tests.worlds.run import Run
from tests.worlds.world import ADMIN, MemoryWorld, Secret

WHOLE = 60
"""Seconds: a quiet period that is long enough."""


@pytest.fixture
def world() -> MemoryWorld:
    world = MemoryWorld()
    world.target = replace(world.target, quiet_seconds=WHOLE)
    return world


def probed(world: MemoryWorld) -> list[dict[str, Any]]:
    return [{"function": name, "findings": [one.as_dict() for one in probe(world, name)]} for name in NEEDS]


def verified(world: MemoryWorld) -> dict[str, Any]:
    return verify(world, Request({"target": "openemr", "probes": probed(world)}))


def bad(world: MemoryWorld) -> list[tuple[str, str]]:
    return [(one["severity"], one["what"]) for one in verified(world)["findings"] if one["severity"] != "ok"]


def test_where_all_is_well_everything_that_was_looked_at_is_listed(world: MemoryWorld) -> None:
    answer = verified(world)
    assert (answer["verdict"], answer["failed"], bad(world)) == ("holds", [], [])
    assert {one["what"] for one in answer["findings"]} == {
        *("target document", "slot secret", "admin secret", "admin login", "slot login", "application", "sqlconf.php"),
        *("consumer", "deployment", "Kubernetes permission", "database", "database privileges", "clock", "health page"),
        *("database reached", "drain", "IAM", "last rotation"),
    }


def test_nothing_is_written_and_no_password_is_in_it(world: MemoryWorld) -> None:
    text = str(verified(world))
    assert world.journal.writes == []
    assert not [password for password in world.passwords if password in text]


@pytest.mark.parametrize("function", NEEDS)
def test_no_function_tries_a_refused_password_twice(world: MemoryWorld, function: str) -> None:
    """Not the admin's, which several looks are for, nor one that the application and the record have in common."""
    world.admin.put("pending", world.current_admin.with_password(Password("works")).text(), [PENDING])
    world.source.accounts[ADMIN].password = "works"
    world.account(Slot.A).password = "changed"
    probe(world, function)
    refused = [one for one in world.source.tried if not world.accepts(one)]
    assert len(refused) == len(set(refused))


def break_file(world: MemoryWorld) -> None:
    def read() -> None:
        raise SqlconfMissing("sqlconf.php does not exist")

    world.file.read = read  # type: ignore[assignment]


def break_secret(world: MemoryWorld) -> None:
    def read() -> None:
        raise ClusterRefused("HTTP 403")

    world.secret.read = read  # type: ignore[assignment]


def fast_database(world: MemoryWorld) -> None:
    world.source.clock = lambda: world.clock + SLOWEST_CLOCK_SECONDS + 1


def drift(world: MemoryWorld, *slots: Slot) -> None:
    for slot in slots:
        world.account(slot).password = f"drifted-{slot}"


def drift_admin(world: MemoryWorld) -> None:
    """Somebody put a wrong password; the one before it logs in."""
    text = world.admin.versions["v0"]["secret_string"].replace(world.source.accounts[ADMIN].password, "never-set")
    world.admin.put("theirs", SecretText(text))


def hold(world: MemoryWorld) -> None:
    Run(world).to_claim()


F, W, S = "failed", "warning", "skipped"
BREAKAGES: dict[str, tuple[Callable[[MemoryWorld], object], set[tuple[str, str]]]] = {
    "no file": (break_file, {(F, "application"), (F, "consumer")}),
    "a Secret that may not be read": (break_secret, {(F, "consumer")}),
    "no permission to patch": (lambda w: w.pods.forbidden.add("patch"), {(F, "Kubernetes permission")}),
    "no permission to read the Secret": (lambda w: w.secret.forbidden.add("get"), {(F, "Kubernetes permission")}),
    "a file with another mode": (lambda w: setattr(w.file, "permissions_are_right", False), {(W, "sqlconf.php")}),
    "a file that has OpenEMR show its setup": (lambda w: setattr(w.file, "shows_setup", True), {(W, "sqlconf.php")}),
    "a file that cannot be replaced": (lambda w: setattr(w.file, "writable", False), {(F, "sqlconf.php")}),
    "a paused Deployment": (lambda w: setattr(w.pods, "paused", True), {(F, "deployment")}),
    "a workload whose pods nobody would replace": (
        lambda w: setattr(w.pods, "unfit", Unfit("has the partition 1", "take it away")),
        {(F, "deployment")},
    ),
    "a strategy that takes it down": (lambda w: setattr(w.pods, "outage", Outage.RECREATES), {(W, "deployment")}),
    "a rollout under way": (lambda w: w.pods.begin(), {(W, "deployment")}),
    "a page that is blank": (lambda w: setattr(w.health, "shows_the_application", False), {(F, "health page")}),
    "a database that does not answer": (
        lambda w: setattr(w.source, "reachable", False),
        {
            *((F, what) for what in ("admin login", "application", "database reached")),
            *((S, what) for what in ("database", "slot login", "application")),
        },
    ),
    "an admin without privileges": (lambda w: setattr(w.source, "lacking", ("PROCESS",)), {(F, "database privileges")}),
    "a user without TLS": (lambda w: setattr(w.account(Slot.B), "tls", False), {(W, "database TLS")}),
    "no dual passwords": (lambda w: setattr(w.source, "dual_passwords", False), {(W, "database")}),
    "an admin who cannot end sessions": (lambda w: setattr(w.source, "ends_sessions", False), {(W, "database")}),
    "no login counts": (lambda w: setattr(w.source, "counts_logins", False), {(W, "database")}),
    "clocks apart": (fast_database, {(F, "clock")}),
    "a standby that drifted": (lambda w: drift(w, Slot.B), {(W, "slot login")}),
    "an application that is down": (lambda w: drift(w, Slot.A), {(W, "slot login"), (F, "application")}),
    "an admin that drifted": (drift_admin, {(W, "admin login")}),
    "a rotation under way": (hold, {(W, "slot secret")}),
    "a short quiet period": (
        lambda w: setattr(w, "target", replace(w.target, quiet_seconds=SHORTEST_QUIET_SECONDS - 1)), {(W, "drain")},
    ),
    "a policy that denies": (lambda w: setattr(w, "iam_denies", ["flip_slot PutSecretValue"]), {(F, "IAM")}),
    "IAM that may not be asked": (lambda w: setattr(w, "iam_denies", None), {(S, "IAM")}),
}  # fmt: skip


@pytest.mark.parametrize("what", BREAKAGES)
def test_each_is_found_alone_and_fails_the_run_where_a_rotation_would(world: MemoryWorld, what: str) -> None:
    act, expected = BREAKAGES[what]
    act(world)
    assert set(bad(world)) == expected
    assert verified(world)["verdict"] == ("fails" if any(severity == F for severity, _ in expected) else "holds")


def test_everything_that_is_wrong_is_listed_and_not_only_the_first(world: MemoryWorld) -> None:
    for what in ("no permission to patch", "a page that is blank", "a user without TLS", "a policy that denies"):
        BREAKAGES[what][0](world)
    assert set(bad(world)) == {(F, "health page"), (F, "Kubernetes permission"), (F, "IAM"), (W, "database TLS")}
    assert len(verified(world)["failed"]) == 3


def test_what_several_functions_find_alike_is_said_once_with_their_names() -> None:
    same = Finding(Severity.OK, "slot secret", "it is whole")
    (one,) = gathered([("b", same), ("a", same), ("b", same)])
    assert one["by"] == ["a", "b"]


def test_the_worst_comes_first() -> None:
    order = [Severity.OK, Severity.WARNING, Severity.SKIPPED, Severity.FAILED]
    listed = gathered(("f", Finding(severity, str(severity), "")) for severity in order)
    assert [one["severity"] for one in listed] == ["failed", "warning", "skipped", "ok"]


def test_a_target_document_that_is_wrong_is_the_only_finding_of_a_function(world: MemoryWorld) -> None:
    class Broken:
        @property
        def target(self) -> None:
            raise TargetInvalid("consumers are missing")

    (finding,) = probe(Broken(), "read_slots")  # type: ignore[arg-type]
    assert (finding.severity, finding.what) == (Severity.FAILED, "target document")
    assert "TargetInvalid" in finding.found


def failing(times: int, error: RotationError) -> Callable[[], None]:
    """Raises so many times, then lets through."""
    left = iter([error] * times)

    def call() -> None:
        if (one := next(left, None)) is not None:
            raise one

    return call


def hiccup(world: MemoryWorld, monkeypatch: pytest.MonkeyPatch, times: int) -> list[Finding]:
    fail, check = failing(times, AppUnhealthy("HTTP 502")), world.health.check

    def checked() -> None:
        fail()
        check()

    monkeypatch.setattr(world.health, "check", checked)
    return [one for one in probe(world, "validate_app") if one.what == "health page"]


def test_what_fails_once_and_then_holds_is_nothing_to_tell(world: MemoryWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [one.severity for one in hiccup(world, monkeypatch, times=1)] == [Severity.OK]


def test_what_fails_twice_is_a_finding(world: MemoryWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [one.severity for one in hiccup(world, monkeypatch, times=2)] == [Severity.FAILED]


def test_what_trying_again_cannot_help_is_tried_once(world: MemoryWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.file, "read", failing(1, SqlconfMissing("gone")))
    assert (Severity.FAILED, "consumer") in [(one.severity, one.what) for one in probe(world, "check_drained")]


@pytest.mark.parametrize(
    ("error", "skipped"),
    [
        (SourceUnreachable, ["slot login", "application"]),
        (ClusterUnavailable, ["consumer", "deployment"]),
        (SourceRefused, []),
    ],
)
def test_what_was_out_of_reach_is_not_waited_for_again(
    world: MemoryWorld, monkeypatch: pytest.MonkeyPatch, error: type[RotationError], skipped: list[str]
) -> None:
    thing, name = (world.pods, "allows") if error is ClusterUnavailable else (world.source, "inspect")

    def fails(*_: object) -> None:
        raise error("no")

    monkeypatch.setattr(thing, name, fails)
    found = [one for one in probe(world, "read_slots") if one.severity is not Severity.OK]
    assert [one.what for one in found if one.severity is Severity.SKIPPED] == skipped
    assert sum(error.__name__ in one.found and one.severity is Severity.FAILED for one in found) == 1


def test_a_function_that_did_not_answer_fails_the_run(world: MemoryWorld) -> None:
    silent = {"function": "patch_secret", "failure": {"Error": "Lambda.ENINotReadyException", "Cause": "…"}}
    answer = verify(world, Request({"target": "openemr", "probes": [silent]}))
    assert answer["failed"] == ["patch_secret: does not answer: Lambda.ENINotReadyException"]


# ---- since when --------------------------------------------------------------------------------------------------------------


def days(world: MemoryWorld) -> float:
    return round(since_success(world.slots) / DAY, 3)


def test_since_the_last_rotation_and_since_the_secret_was_made_before_the_first(world: MemoryWorld) -> None:
    world.clock += 3 * DAY
    assert days(world) == 3.0
    Run(world).to_end()
    assert days(world) < 0.01
    world.clock += 31.5 * DAY
    assert days(world) == pytest.approx(31.5, abs=0.01)
    answer = verified(world)
    assert answer["days_since_success"] == pytest.approx(31.5, abs=0.01)
    assert answer["measured"] == {"credential_rotation_days_since_success": answer["days_since_success"]}


def test_a_rollback_is_no_success(world: MemoryWorld) -> None:
    Run(world).to_end()
    world.clock += 10 * DAY
    failed = Run(world, "run-2").to_flip()
    failed.close_flip()
    assert days(world) == pytest.approx(10, abs=0.01)


def test_a_flip_that_was_not_retired_is_no_success(world: MemoryWorld) -> None:
    Run(world).to_end()
    world.clock += 10 * DAY
    Run(world, "run-2").to_drain()
    assert days(world) == pytest.approx(10, abs=0.01)


def test_a_person_who_puts_the_secret_again_has_not_rotated_it(world: MemoryWorld) -> None:
    Run(world).to_end()
    world.clock += 10 * DAY
    world.slots.put("theirs", world.current.text())
    assert days(world) == pytest.approx(10, abs=0.01)


def without_tag(world: MemoryWorld) -> SecretText:
    text = json.loads(world.current.text().reveal())
    text.pop("rotation", None)
    return SecretText(json.dumps(text))


def test_neither_has_one_who_leaves_our_tag_out(world: MemoryWorld) -> None:
    """As Terraform does, when it makes its version of the secret anew."""
    Run(world).to_end()
    world.clock += 10 * DAY
    world.slots.put("theirs", without_tag(world))
    world.clock += DAY
    assert days(world) == pytest.approx(11, abs=0.01)


def test_a_version_that_is_no_record_is_not_gone_on_from(world: MemoryWorld) -> None:
    """Somebody put nonsense, and the right thing over it."""
    good = without_tag(world)
    world.slots.put("nonsense", SecretText("{}"))
    world.slots.put("theirs", good)
    world.clock += DAY
    assert days(world) == pytest.approx(1, abs=0.01)


def test_a_version_that_aws_has_dropped_is_not_asked_for(world: MemoryWorld) -> None:
    Run(world).to_end()
    rotated = world.slots.labels().current
    world.clock += 10 * DAY
    world.slots.put("theirs", world.current.text())
    world.clock += DAY
    failing_on(world.slots, rotated, SecretVersionMissing("gone"))
    assert days(world) == pytest.approx(1, abs=0.01)


def test_a_version_that_cannot_be_asked_for_is_not_taken_for_one_that_aws_has_dropped(world: MemoryWorld) -> None:
    """Throttled is not gone: the days would be those of whatever came after it."""
    Run(world).to_end()
    rotated = world.slots.labels().current
    world.clock += 10 * DAY
    world.slots.put("theirs", world.current.text())
    failing_on(world.slots, rotated, SecretStoreUnavailable("throttled"))
    with pytest.raises(SecretStoreUnavailable):
        since_success(world.slots)


# ---- what verify itself looks at may fail too --------------------------------------------------------------------------------


def failing_on(store: Secret, version: str, error: RotationError) -> None:
    """It is not told how old that version is."""
    age = store.age_seconds

    def age_seconds(one: str) -> float:
        if one == version:
            raise error
        return age(one)

    store.age_seconds = age_seconds  # type: ignore[method-assign]


def unlabelled(error: RotationError) -> Callable[[MemoryWorld], None]:
    """The labels of the slot secret cannot be read."""

    def spoil(world: MemoryWorld) -> None:
        def labels() -> None:
            raise error

        world.slots.labels = labels  # type: ignore[assignment]

    return spoil


def untargeted(error: RotationError) -> Callable[[MemoryWorld], None]:
    """There is no document, or a wrong one."""

    def spoil(world: MemoryWorld) -> None:
        class Broken(type(world)):  # type: ignore[misc]
            @property
            def target(self) -> None:
                raise error

        world.__class__ = Broken

    return spoil


UNREADABLE: dict[str, tuple[Callable[[MemoryWorld], object], str, str]] = {
    "a secret that is not there": (unlabelled(SecretInvalid("there is no secret")), "last rotation", "SecretInvalid"),
    "a role or a key that denies": (unlabelled(SecretDenied("AccessDeniedException")), "last rotation", "SecretDenied"),
    "a busy service": (unlabelled(SecretStoreUnavailable("throttled")), "last rotation", "SecretStoreUnavailable"),
    "a version that cannot be asked for": (
        lambda w: failing_on(w.slots, "v0", SecretStoreUnavailable("throttled")), "last rotation", "SecretStoreUnavailable",
    ),
    "a target document that is wrong": (untargeted(TargetInvalid("consumers")), "target document", "TargetInvalid"),
    "no target document": (untargeted(TargetNotFound("none")), "target document", "TargetNotFound"),
}  # fmt: skip


@pytest.mark.parametrize("what", UNREADABLE)
def test_what_the_functions_found_is_told_whatever_verify_cannot_read(world: MemoryWorld, what: str) -> None:
    """A first installation's mistakes: all that was found before is worth most then."""
    spoil, looked_at, error = UNREADABLE[what]
    world.health.shows_the_application = False
    probes = probed(world)
    spoil(world)
    answer = verify(world, Request({"target": "openemr", "probes": probes}))
    told = {(name, one["what"], one["found"]) for one in answer["findings"] for name in one["by"]}
    assert told >= {(str(of["function"]), one["what"], one["found"]) for of in probes for one in of["findings"]}
    order = list(Severity)
    assert [one["severity"] for one in answer["findings"]] == sorted(
        (one["severity"] for one in answer["findings"]), key=order.index
    )
    assert {one.split(": ")[0] for one in answer["failed"]} == {"health page", looked_at}
    assert any(one.startswith(f"{looked_at}: {error}: ") for one in answer["failed"])


@pytest.mark.parametrize("what", UNREADABLE)
def test_how_long_ago_is_not_measured_where_nobody_could_look(world: MemoryWorld, what: str) -> None:
    """A number that is missing raises RotationOverdue after three days; a wrong one would not."""
    UNREADABLE[what][0](world)
    answer = verify(world, Request({"target": "openemr", "probes": []}))
    assert (answer["verdict"], answer["days_since_success"], answer["measured"]) == ("fails", None, {})


def test_a_secret_that_cannot_be_read_takes_nothing_else_from_what_verify_looks_at(world: MemoryWorld) -> None:
    world.iam_denies = ["flip_slot PutSecretValue"]
    unlabelled(SecretDenied("AccessDeniedException"))(world)
    answer = verify(world, Request({"target": "openemr", "probes": []}))
    assert {(one["severity"], one["what"]) for one in answer["findings"]} == {
        (F, "IAM"), (F, "last rotation"), ("ok", "drain"), ("ok", "target document"),
    }  # fmt: skip


ADVICE = {
    "mysql": {"CONNECTION_ADMIN", "openemr_a REQUIRE SSL", "performance_schema", "cluster's master user"},
    "redis": {"client|kill", "set port to 0", "Redis has no such count", "docs/redis.md"},
    "postgresql": {"pg_signal_backend", "rds.force_ssl", "PostgreSQL has no such count", "docs/postgresql.md"},
}


@pytest.mark.parametrize("kind", ADVICE)
def test_the_way_out_is_that_of_the_kind_of_database(world: MemoryWorld, kind: str) -> None:
    world.target = replace(world.target, source=Source(kind, {}))
    world.source.lacking, world.source.ends_sessions, world.source.counts_logins = ("PROCESS",), False, False
    world.account(Slot.A).tls = False
    said = " ".join(one.mend for one in probe(world, "read_slots") if one.what.startswith("database"))
    assert {words for words in ADVICE[kind] if words in said} == ADVICE[kind]
    assert not [words for other in ADVICE if other != kind for words in ADVICE[other] if words in said]


def test_two_values_on_a_server_that_keeps_one_are_found() -> None:
    world = MemoryWorld(two_values=True, dual_passwords=False)
    failed = [one.found for one in probe(world, "read_slots") if (one.what, one.severity) == ("database", Severity.FAILED)]
    assert len(failed) == 1
    assert "this server keeps one password a user" in failed[0]
