"""Which phase a service is in is read from its spec, and an update changes only what is ours."""

from copy import deepcopy
from typing import Any

import pytest
from rotation.consumers.swarm import spec as specs
from rotation.consumers.swarm.spec import File, brought, goals, is_ours, phase
from rotation.core.errors import ServiceUnfit
from rotation.core.phases import Phase

VARIABLE = "POSTGRES_PASSWORD_FILE"
BASE = "postgres_password"
OLD, NEW, OLDER = f"{BASE}_v1", f"{BASE}_v2", f"{BASE}_v0"
TO_NEW = File(VARIABLE, BASE, f"id-{NEW}", NEW, f"id-{OLD}")
TO_OLD = File(VARIABLE, BASE, f"id-{OLD}", OLD, f"id-{OLD}")
AS_IT_STARTS = File(VARIABLE, BASE, f"id-{NEW}", NEW)
"""The Swarm has no version of ours that is in use: a person made the one that is."""


def mount(name: str, path: str | None = None, mode: int = 0o400) -> dict[str, Any]:
    return {"File": {"Name": path or name, "UID": "70", "GID": "70", "Mode": mode}, "SecretID": f"id-{name}", "SecretName": name}


def service(*names: str, now: str | None = None, new: str | None = None) -> dict[str, Any]:
    """With what else a service has."""
    env = ["TZ=UTC", "A_PASSWORD_FILE=/run/secrets/a", "FLAG"]
    env += [f"{VARIABLE}=/run/secrets/{now}"] if now else []
    env += [f"{VARIABLE}_NEW=/run/secrets/{new}"] if new else []
    return {
        "Name": "web",
        "Labels": {"com.docker.stack.namespace": "shop"},
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": "web@sha256:1",
                "Env": env,
                "Secrets": [mount("tls_key"), *(mount(name) for name in names)],
                "Mounts": [{"Type": "bind", "Source": "/a", "Target": "/b"}],
            },
            "Resources": {"Limits": {"MemoryBytes": 1}},
            "ForceUpdate": 3,
        },
        "Mode": {"Replicated": {"Replicas": 3}},
        "UpdateConfig": {"Order": "start-first", "FailureAction": "pause"},
    }


BEFORE = service(OLD, now=OLD)
PREPARED = service(OLD, NEW, now=OLD, new=NEW)
CUT_OVER = service(OLD, NEW, now=NEW)
CLEAN = service(NEW, now=NEW)


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        (BEFORE, Phase.BEFORE),
        (PREPARED, Phase.PREPARED),
        (CUT_OVER, Phase.CUT_OVER),
        (CLEAN, Phase.CLEAN),
        (service(OLD, NEW, now=OLD), Phase.BEFORE),
        (service(OLD, NEW, now=NEW, new=OLD), Phase.CUT_OVER),
        (service(NEW, now=NEW, new="gone"), Phase.CUT_OVER),
        (service(OLD, now="elsewhere"), Phase.BEFORE),
        (service(OLD, now=OLD, new=OLD), Phase.BEFORE),
        (service(), Phase.BEFORE),
    ],
)
def test_the_phase_is_read_from_the_spec(spec: dict[str, Any], found: Phase) -> None:
    assert phase(spec, [TO_NEW]) is found


@pytest.mark.parametrize(
    ("start", "goal", "end"),
    [
        (BEFORE, Phase.PREPARED, PREPARED),
        (BEFORE, Phase.CUT_OVER, CUT_OVER),
        (BEFORE, Phase.CLEAN, CLEAN),
        (PREPARED, Phase.PREPARED, PREPARED),
        (PREPARED, Phase.CUT_OVER, CUT_OVER),
        (PREPARED, Phase.CLEAN, CLEAN),
        (CUT_OVER, Phase.PREPARED, CUT_OVER),
        (CUT_OVER, Phase.CUT_OVER, CUT_OVER),
        (CUT_OVER, Phase.CLEAN, CLEAN),
        (CLEAN, Phase.PREPARED, CLEAN),
        (CLEAN, Phase.CUT_OVER, CLEAN),
        (CLEAN, Phase.CLEAN, CLEAN),
    ],
)
def test_an_update_brings_it_to_that_phase_and_never_back(start: dict[str, Any], goal: Phase, end: dict[str, Any]) -> None:
    before = deepcopy(start)
    assert brought(start, [TO_NEW], goal) == end
    assert start == before


@pytest.mark.parametrize("start", [BEFORE, PREPARED, CUT_OVER, service(OLDER, OLD, NEW, now=OLD, new=NEW)])
def test_the_way_back_leads_to_the_old_file_alone(start: dict[str, Any]) -> None:
    assert phase(brought(start, [TO_OLD], Phase.CLEAN), [TO_OLD]) is Phase.CLEAN
    assert brought(start, [TO_OLD], Phase.CLEAN) == BEFORE


def test_what_an_earlier_rotation_left_goes_with_the_next_preparation() -> None:
    left = service(OLDER, OLD, now=OLD, new=OLDER)
    assert brought(left, [TO_NEW], Phase.PREPARED) == PREPARED


def test_with_one_restart_the_version_in_use_stays_beside_the_new_one_and_an_older_one_goes() -> None:
    at_rest = service(OLDER, OLD, now=OLDER, new=OLD)
    assert brought(at_rest, [TO_NEW], Phase.PREPARED) == PREPARED


def test_a_crash_before_the_new_version_was_in_use_leaves_the_old_one_where_it_was() -> None:
    crashed = service(OLD, f"{BASE}_v9", now=OLD, new=f"{BASE}_v9")
    assert brought(crashed, [TO_NEW], Phase.PREPARED) == PREPARED


def test_a_secret_that_a_person_made_is_what_the_variable_leads_to_until_the_service_is_clean() -> None:
    start = service(BASE, now=BASE)
    prepared = brought(start, [AS_IT_STARTS], Phase.PREPARED)
    assert prepared == service(BASE, NEW, now=BASE, new=NEW)
    assert brought(prepared, [AS_IT_STARTS], Phase.CUT_OVER) == service(BASE, NEW, now=NEW)
    assert brought(prepared, [AS_IT_STARTS], Phase.CLEAN) == CLEAN


def test_the_new_file_is_owned_and_permitted_as_the_old_one() -> None:
    start = deepcopy(BEFORE)
    start["TaskTemplate"]["ContainerSpec"]["Secrets"][1]["File"] |= {"UID": "999", "GID": "998", "Mode": 0o440}
    found = brought(start, [TO_NEW], Phase.PREPARED)["TaskTemplate"]["ContainerSpec"]["Secrets"]
    assert found[2]["File"] == {"Name": NEW, "UID": "999", "GID": "998", "Mode": 0o440}


def test_a_file_at_a_path_of_its_own_is_followed() -> None:
    start = service(now=None)
    of = start["TaskTemplate"]["ContainerSpec"]
    of["Secrets"].append(mount(OLD, "/etc/login"))
    of["Env"].append(f"{VARIABLE}=/etc/login")
    assert phase(brought(start, [TO_NEW], Phase.CLEAN), [TO_NEW]) is Phase.CLEAN


def test_a_version_that_somebody_mounted_already_is_used_at_its_path() -> None:
    start = deepcopy(BEFORE)
    start["TaskTemplate"]["ContainerSpec"]["Secrets"].append(mount(NEW, "next"))
    found = brought(start, [TO_NEW], Phase.PREPARED)["TaskTemplate"]["ContainerSpec"]
    assert f"{VARIABLE}_NEW=/run/secrets/next" in found["Env"]
    assert [one["SecretName"] for one in found["Secrets"]] == ["tls_key", OLD, NEW]


@pytest.mark.parametrize("goal", [Phase.PREPARED, Phase.CUT_OVER, Phase.CLEAN])
def test_somebody_else_s_fields_are_kept(goal: Phase) -> None:
    found = brought(BEFORE, [TO_NEW], goal)
    ours = ("Env", "Secrets")
    for spec in (found, BEFORE):
        assert {**spec, "TaskTemplate": None} == {**BEFORE, "TaskTemplate": None}
        of = {**spec["TaskTemplate"]["ContainerSpec"], **dict.fromkeys(ours)}
        assert of == {**BEFORE["TaskTemplate"]["ContainerSpec"], **dict.fromkeys(ours)}
    assert mount("tls_key") in found["TaskTemplate"]["ContainerSpec"]["Secrets"]
    assert {"TZ=UTC", "A_PASSWORD_FILE=/run/secrets/a", "FLAG"} <= set(found["TaskTemplate"]["ContainerSpec"]["Env"])


def test_a_variable_that_is_there_twice_is_there_once_afterwards() -> None:
    start = deepcopy(BEFORE)
    start["TaskTemplate"]["ContainerSpec"]["Env"].append(f"{VARIABLE}=/run/secrets/{OLD}")
    env = brought(start, [TO_NEW], Phase.CUT_OVER)["TaskTemplate"]["ContainerSpec"]["Env"]
    assert [one for one in env if one.startswith(VARIABLE)] == [f"{VARIABLE}=/run/secrets/{NEW}"]


def test_two_files_are_one_update_and_the_phase_is_that_of_the_slower() -> None:
    user = File("POSTGRES_USER_FILE", "postgres_user", "id-postgres_user_v2", "postgres_user_v2", "id-postgres_user_v1")
    start = deepcopy(BEFORE)
    start["TaskTemplate"]["ContainerSpec"]["Secrets"].append(mount("postgres_user_v1"))
    start["TaskTemplate"]["ContainerSpec"]["Env"].append("POSTGRES_USER_FILE=/run/secrets/postgres_user_v1")
    assert phase(brought(start, [TO_NEW], Phase.CUT_OVER), [TO_NEW, user]) is Phase.BEFORE
    for goal in (Phase.PREPARED, Phase.CUT_OVER, Phase.CLEAN):
        start = brought(start, [TO_NEW, user], goal)
        assert phase(start, [TO_NEW, user]) is phase(start, [user]) is goal


@pytest.mark.parametrize("spec", [service(OLD), service(OLD, now="elsewhere"), service(now=OLD)])
def test_a_variable_that_leads_to_no_secret_is_refused_by_its_name(spec: dict[str, Any]) -> None:
    with pytest.raises(ServiceUnfit, match=f"{VARIABLE} does not point to a secret.*{BASE}"):
        brought(spec, [TO_NEW], Phase.PREPARED)


@pytest.mark.parametrize(
    ("restarts", "updates"),
    [
        (3, (Phase.PREPARED, Phase.CUT_OVER, Phase.CLEAN)),
        (2, (Phase.CUT_OVER, Phase.CLEAN)),
        (1, (Phase.PREPARED,)),
    ],
)
def test_how_many_updates_a_rotation_takes(restarts: int, updates: tuple[Phase, ...]) -> None:
    assert goals(restarts) == updates


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ({"Global": {}}, "mode global"),
        ({"ReplicatedJob": {"TotalCompletions": 1}}, "mode replicatedjob"),
        ({"Replicated": {"Replicas": 0}}, "scaled to 0"),
        ({"Replicated": {}}, "scaled to 0"),
        ({}, "mode unknown"),
    ],
)
def test_a_service_that_cannot_be_replaced_task_by_task_is_refused(mode: dict[str, Any], said: str) -> None:
    with pytest.raises(ServiceUnfit, match=said):
        specs.replicas({**BEFORE, "Mode": mode})
    assert specs.replicas(BEFORE) == 3


@pytest.mark.parametrize("goal", [Phase.PREPARED, Phase.CUT_OVER, Phase.CLEAN])
def test_an_update_that_changed_only_what_is_ours_was_a_rotation_s(goal: Phase) -> None:
    assert is_ours(brought(BEFORE, [TO_NEW], goal), BEFORE, {VARIABLE: BASE})


def other_image(spec: dict[str, Any]) -> None:
    spec["TaskTemplate"]["ContainerSpec"]["Image"] = "web@sha256:2"


def other_variable(spec: dict[str, Any]) -> None:
    spec["TaskTemplate"]["ContainerSpec"]["Env"].append("COLOUR=blue")


def other_secret(spec: dict[str, Any]) -> None:
    spec["TaskTemplate"]["ContainerSpec"]["Secrets"].append(mount("api_key"))


def other_scale(spec: dict[str, Any]) -> None:
    spec["Mode"] = {"Replicated": {"Replicas": 4}}


@pytest.mark.parametrize("change", [other_image, other_variable, other_secret, other_scale])
def test_an_update_that_changed_anything_else_was_somebody_else_s(change: Any) -> None:
    changed = deepcopy(PREPARED)
    change(changed)
    assert not is_ours(changed, BEFORE, {VARIABLE: BASE})


def test_a_service_that_was_never_updated_was_not_updated_by_a_rotation() -> None:
    assert not is_ours(BEFORE, None, {VARIABLE: BASE})
