"""Which way the shipped state machine goes when nothing breaks, or when what broke comes right again."""

from typing import Any

import pytest

from tests.statemachine.happy import HAPPY, IN_A_SWARM, IN_A_VAULT, ON_INSTANCES, PROXIED, consumer
from tests.statemachine.machine import TARGET
from tests.statemachine.runs import Case, Execution
from tests.statemachine.scripted import KILLED, Raises, Refused, Script

INTERPRETED_TOO = True
PUBLISHED = ["ChooseConsumer", "WriteSqlconf", "ConsumerDone", "ChooseConsumer", "PatchSecret", "ConsumerDone"]
ROLLED_OUT = ["ChooseConsumer", "RestartApp", "WaitForRollout", "CheckRollout", "IsRolloutComplete", "ConsumerDone"]
SPINE = [
    *("Begin", "ReadInput", "ChooseMode", "ReadSlots", "ChooseAction", "ClaimRotation", "ChooseRepair", "SyncUsers", "ChooseWork"),
    *("AimAtNewSlot", "AllConsumers", "Publish", *PUBLISHED, *ROLLED_OUT, "ChoosePublished", "ValidateApp", "ChooseEnd"),
    *("FlipSlot",),
    *("ChooseOverlap", "OverlapWindow", "CheckDrained", "IsDrained", "RotateOldSlot", "WasOldSlotAltered"),
    *("CheckStillDrained", "IsStillDrained", "DiscardOldPassword", "ChooseAdmin", "RotateAdmin"),
    *("ReleaseRotation", "ChooseOutcome", "EndAsRotationSucceeded", "RotationSucceeded"),
]
LOOKS_AND_ACTS = ["CheckDrained", "RotateOldSlot", "CheckStillDrained", "DiscardOldPassword"]
MISSING, REFUSED = Raises("SqlconfMissing"), Raises("ClusterRefused")
FAILS_FORWARD: Script = {"validate_app": [Raises("LoginRefused")]}
RETIRE = {"action": "retire", "reason": "an interrupted retirement of A is carried on"}


def of(*cases: Case) -> pytest.MarkDecorator:
    """The test looks at the executions of these cases."""
    return pytest.mark.parametrize("run", cases, indirect=True, ids=str)


# ---- the spine ----------------------------------------------------------------------------------------------------------

HAPPILY = Case("happily")


@of(HAPPILY)
def test_a_rotation_visits_the_states_in_the_order_of_the_spine(run: Execution) -> None:
    assert run.path == SPINE
    assert run.status == "SUCCEEDED"


@of(HAPPILY)
def test_an_empty_input_rotates_the_default_target_under_the_executions_name(run: Execution) -> None:
    (event,) = run.given_to("read_slots")
    assert (event["target"], event["mode"], event["scheduled_time"]) == (TARGET, "rotate", "")
    assert event["execution"]["id"].endswith(f":{event['execution']['name']}")


@of(Case("another target", given={"target": "wordpress", "scheduled_time": "2026-01-05T03:00:00Z"}))
def test_every_step_gets_the_target_that_was_asked_for(run: Execution) -> None:
    assert {one.event["target"] for one in run.invocations} == {"wordpress"}
    for function in ("read_slots", "claim_rotation"):  # which know by it that a schedule delivered twice
        assert run.given_to(function)[0]["scheduled_time"] == "2026-01-05T03:00:00Z"


@of(HAPPILY)
def test_every_step_gets_the_same_execution(run: Execution) -> None:
    first = run.invocations[0].event["execution"]
    assert set(first) == {"id", "name", "started"}
    assert all(one.event["execution"] == first for one in run.invocations)


@of(HAPPILY)
def test_the_claim_that_a_step_gets_is_the_last_one_that_was_made(run: Execution) -> None:
    expected, seen = None, []
    for one in run.invocations:
        if "claim" in one.event:
            seen.append(one.function)
            assert one.event["claim"] == expected, one.function
        expected = HAPPY[one.function] if one.function in ("claim_rotation", "sync_users", "rotate_old_slot") else expected
    assert {"rotate_old_slot", "discard_old_password", "rotate_admin", "release_rotation"} <= set(seen)


@of(Case("delivered twice", {"read_slots": [{"action": "already rotated"}]}))
def test_the_same_schedule_delivered_twice_rotates_once(run: Execution) -> None:
    assert (run.status, run.terminal, run.called) == ("SUCCEEDED", "AlreadyRotated", ["read_slots"])


# ---- consumers ----------------------------------------------------------------------------------------------------------

ODD_ORDER = [
    consumer(0, "deployment"),
    consumer(1, "sqlconf"),
    consumer(2, "deployment"),
    consumer(3, "secret"),
    consumer(4, "sqlconf"),
]
ODDLY = Case("consumers in an odd order", {"read_slots": [{"consumers": ODD_ORDER}], "check_rollout": [{"status": "waiting"}]})


@of(ODDLY)
def test_consumers_are_published_in_the_targets_order_and_one_is_done_before_the_next(run: Execution) -> None:
    published = [one for one in run.invocations if "consumer" in one.event]
    assert [one.event["consumer"]["index"] for one in published] == [0, 0, 0, 1, 2, 2, 3, 4]
    roll = ["restart_app", "check_rollout"]
    assert [one.function for one in published] == [
        *(*roll, "check_rollout", "write_sqlconf", *roll, "patch_secret", "write_sqlconf"),
    ]


BEHIND_A_PROXY = Case("behind a proxy", {"read_slots": [{**PROXIED, "has_keepers": True}], "check_login": [{"status": "waiting"}]})


@of(BEHIND_A_PROXY)
def test_a_proxy_takes_the_next_login_before_the_application_hears_of_it(run: Execution) -> None:
    assert run.terminal == "RotationSucceeded"
    published = [one for one in run.invocations if one.function in ("put_secret", "check_login")]
    seen = [(one.function, one.event["consumer"]["kind"], one.event["direction"], one.event["entry"]) for one in published]
    assert seen[:4] == [
        ("put_secret", "proxy-secret", "forward", "B"),
        ("check_login", "proxy-secret", "forward", "B"),
        ("check_login", "proxy-secret", "forward", "B"),
        ("put_secret", "app-secret", "forward", "B"),
    ]


@of(BEHIND_A_PROXY)
def test_a_proxy_is_told_of_the_password_that_was_just_altered_before_anything_is_discarded(run: Execution) -> None:
    after = run.called[run.called.index("rotate_old_slot") + 1 :]
    assert after[:4] == ["put_secret", "check_login", "check_drained", "discard_old_password"]
    told = [one.event for one in run.invocations if one.function == "put_secret"][-1]
    assert (told["direction"], told["entry"], told["consumer"]["kind"]) == ("retire", "A", "proxy-secret")


TOKEN = "0f3c1f0e-6a1c-4c8e-9d53-0f7f6b0c8a52"
AWAITED = {"status": "awaited", "wait_seconds": 0}
BY_SECRETS_MANAGER = Case(
    "started by Secrets Manager",
    {"read_slots": [PROXIED], "put_secret": [{}, {**AWAITED, "began": 7}, {**AWAITED, "began": 7}]},
    {"secret_version": TOKEN},
)


@of(BY_SECRETS_MANAGER)
def test_what_secrets_manager_makes_current_is_waited_for(run: Execution) -> None:
    assert run.terminal == "RotationSucceeded"
    proxy, *asked = run.given_to("put_secret")
    assert [one["put"].get("began") for one in asked] == [None, 7, 7]
    assert {one["secret_version"] for one in (proxy, *asked, *run.given_to("read_slots"), *run.given_to("release_rotation"))} == {
        TOKEN
    }
    assert run.called.index("validate_app") > len(run.called) - run.called[::-1].index("put_secret") - 1


SPREADS = {"status": "spreading", "began": 7, "wait_seconds": 0}
BY_A_FUNCTION = Case(
    "put by a function of the user's own",
    {"read_slots": [{"consumers": [consumer(0, "lambda")]}], "put_secret": [SPREADS, SPREADS]},
)


@of(BY_A_FUNCTION)
def test_what_a_function_has_put_is_waited_for_until_everybody_has_it(run: Execution) -> None:
    assert run.terminal == "RotationSucceeded"
    assert [one["put"].get("began") for one in run.given_to("put_secret")] == [None, 7, 7]
    assert run.path.count("WaitForEverybody") == 2
    assert run.called.index("validate_app") > len(run.called) - run.called[::-1].index("put_secret") - 1


VERSION = "7d0c9b5e-6a43-5d57-b1a7-7d2f0a0c1e11"
WAITING = {"status": "waiting", "began": 7, "wait_seconds": 0}
INSTANCES = Case(
    "on instances",
    {"read_slots": [ON_INSTANCES], "write_wp_config": [{**WAITING, "version": ""}, {**WAITING, "version": VERSION}, {"began": 7}]},
)


@of(INSTANCES)
def test_instances_are_asked_until_all_have_the_version_and_then_it_becomes_current(run: Execution) -> None:
    assert run.terminal == "RotationSucceeded"
    assert [one["instances"].get("version") for one in run.given_to("write_wp_config")] == [None, "", VERSION]
    assert [one["instances"].get("began") for one in run.given_to("write_wp_config")] == [None, 7, 7]
    published = [one.function for one in run.invocations if "consumer" in one.event]
    assert published == ["write_wp_config"] * 3 + ["put_secret"]


INSTANCES_AGAIN = Case("on instances, again", {"read_slots": [ON_INSTANCES], "check_drained": [{"status": "republish"}]})


@of(INSTANCES_AGAIN)
def test_instances_that_hold_another_version_after_the_flip_are_written_again(run: Execution) -> None:
    assert run.terminal == "RotationSucceeded"
    first, again = run.given_to("write_wp_config")
    assert (first["drain"], again["drain"]["status"], again["instances"]) == ({}, "republish", {})


IN_PHASES = Case(
    "in a Swarm",
    {
        "read_slots": [IN_A_SWARM],
        "prepare_service": [
            {**WAITING, "version": "", "phase": ""},
            {**WAITING, "version": VERSION, "phase": "prepare", "since": "10:00"},
            {"began": 7, "phase": "prepare", "since": "10:00"},
            {"began": 8, "phase": "validate"},
            {**WAITING, "version": VERSION, "phase": "cut over", "since": "10:05"},
            {"began": 9, "phase": "cut over"},
        ],
    },
)


@of(IN_PHASES)
def test_a_service_is_prepared_validated_cut_over_and_cleaned_up_after_the_drain(run: Execution) -> None:
    assert run.terminal == "RotationSucceeded"
    asked = run.given_to("prepare_service")
    assert [one["phase"] for one in asked] == ["prepare"] * 3 + ["validate"] + ["cut over"] * 2 + ["clean up"]
    assert [one["moved"].get("since") for one in asked] == [None, "", "10:00", "10:00", "", "10:05", None]
    assert [one["moved"].get("version") for one in asked] == [None, "", VERSION, VERSION, VERSION, VERSION, None]
    published = [one.function for one in run.invocations if "consumer" in one.event]
    assert published == ["create_swarm_secret", *["prepare_service"] * 6, "put_secret", "prepare_service"]
    assert run.called.index("rotate_old_slot") < len(run.called) - 1 - run.called[::-1].index("prepare_service")


IN_PHASES_BACK = Case("in a Swarm, back", {"read_slots": [IN_A_SWARM], "validate_app": [Raises("SourceRefused")]})


@of(IN_PHASES_BACK)
def test_the_way_back_of_a_service_is_one_state(run: Execution) -> None:
    assert run.terminal == "RolledBack"
    asked = [(one["phase"], one["direction"]) for one in run.given_to("prepare_service")]
    assert asked == [("prepare", "forward"), ("validate", "forward"), ("cut over", "forward"), ("prepare", "restore")]


TOLD_ALREADY = Case(
    "told of the retirement already",
    {"read_slots": [{**PROXIED, "has_keepers": True}], "put_secret": [{}, {}, {"status": "complete"}]},
)


@of(TOLD_ALREADY)
def test_a_proxy_that_was_told_already_is_not_logged_in_at_again(run: Execution) -> None:
    assert run.terminal == "RotationSucceeded"
    assert (run.called.count("put_secret"), run.called.count("check_login")) == (3, 1)


WITHDRAWN = Case("with a Vault", {"read_slots": [IN_A_VAULT], "put_secret": [{}, {"status": "complete"}]})


@of(WITHDRAWN)
def test_copies_of_the_withdrawn_login_go_after_it_is_refused_and_before_the_admin(run: Execution) -> None:
    assert run.terminal == "RotationSucceeded"
    after = run.called[run.called.index("discard_old_password") + 1 :]
    assert after[:2] == ["put_secret", "rotate_admin"]
    told = [(one["direction"], one["entry"]) for one in run.given_to("put_secret")]
    assert told == [("forward", "B"), ("withdraw", "A")]


FINISHED_WITH_COPIES = Case(
    "an older retirement with a Vault, finished",
    {"read_slots": [{**IN_A_VAULT, "action": "retire"}, IN_A_VAULT], "put_secret": [{"status": "complete"}, {}]},
)


@of(FINISHED_WITH_COPIES)
def test_after_copies_were_destroyed_the_next_rotation_publishes_forward(run: Execution) -> None:
    assert run.terminal == "RotationSucceeded"
    assert [one["direction"] for one in run.given_to("put_secret")] == ["withdraw", "forward", "withdraw"]


COPIES_LEFT = Case("copies that cannot be destroyed", {"read_slots": [IN_A_VAULT], "put_secret": [{}, Raises("VaultDenied")]})


@of(COPIES_LEFT)
def test_copies_that_cannot_be_destroyed_are_told_and_the_intent_stays(run: Execution) -> None:
    assert run.terminal == "OldSlotNotRotated"
    assert "VaultDenied" in run.cause
    assert "release_rotation" not in run.called


@of(Case("an unknown consumer", {"read_slots": [{"consumers": [consumer(0, "floppy")]}]}))
def test_a_consumer_that_nobody_knows_how_to_publish_is_named(run: Execution) -> None:
    assert run.terminal == "RestoreFailed"
    assert "floppy" in run.cause


# ---- the way back -------------------------------------------------------------------------------------------------------

BACK = Case("rolled back", {**FAILS_FORWARD, "close_flip": [{"entry": "previous"}]})


@of(BACK)
def test_rolling_back_publishes_what_close_flip_names_and_then_lets_go(run: Execution) -> None:
    assert run.terminal == "RolledBack"
    back = run.invocations[run.called.index("close_flip") + 1 : len(run.called)]
    steps = ["write_sqlconf", "patch_secret", "restart_app", "check_rollout", "validate_app"]
    assert [one.function for one in back] == [*steps, "release_rotation"]
    assert {(one.event["direction"], one.event["entry"]) for one in back[:-1]} == {("restore", "previous")}


@of(BACK)
def test_nothing_is_drained_altered_or_flipped_after_a_rollback(run: Execution) -> None:
    assert not {"flip_slot", "check_drained", "rotate_old_slot", "discard_old_password", "rotate_admin"} & set(run.called)


@of(Case("flip landed late", {"flip_slot": [Raises("SourceRefused")], "close_flip": [{"outcome": "landed", "entry": "B"}]}))
def test_a_flip_that_was_reported_failed_but_landed_goes_on_forward(run: Execution) -> None:
    assert run.terminal == "RotationSucceeded"
    assert run.path.count("Publish") == 1
    assert {one.event["direction"] for one in run.invocations if "direction" in one.event} == {"forward"}


@of(
    Case("validation, then publish", {"validate_app": [REFUSED], "write_sqlconf": [{}, MISSING]}),
    Case("publish twice", {"patch_secret": [REFUSED], "write_sqlconf": [{}, MISSING]}),
    Case("validation twice", {"validate_app": [REFUSED, MISSING]}),
)
def test_a_failed_rollback_names_what_led_to_it_and_what_failed_then(run: Execution) -> None:
    assert run.terminal == "RestoreFailed"
    assert ("ClusterRefused" in run.cause, "SqlconfMissing" in run.cause) == (True, True)


# ---- the drain ----------------------------------------------------------------------------------------------------------

WAITING, REPUBLISH, IN_USE = {"status": "waiting"}, {"status": "republish"}, {"status": "in use"}
ONE_ROTATION_MORE = ["rotate_old_slot", "check_drained", "discard_old_password", "rotate_admin", "release_rotation"]


@of(Case("three looks", {"check_drained": [WAITING, WAITING, WAITING]}))
def test_the_drain_is_looked_at_until_it_is_done_and_each_look_gets_the_one_before(run: Execution) -> None:
    assert run.terminal == "RotationSucceeded"
    given = [event["drain"] for event in run.given_to("check_drained")]
    assert given[0] == {}
    assert [drain["status"] for drain in given[1:]] == ["waiting", "waiting", "waiting", "drained"]
    assert run.path.count("OverlapWindow") == 1


@of(
    Case("republished before the alteration", {"check_drained": [REPUBLISH]}),
    Case("republished before the discard", {"check_drained": [{}, REPUBLISH]}),
)
def test_a_consumer_that_fell_back_is_published_forward_again_without_a_second_overlap(run: Execution) -> None:
    assert run.terminal == "RotationSucceeded"
    assert (run.path.count("Publish"), run.path.count("OverlapWindow")) == (2, 1)
    assert {(one.event["direction"], one.event["entry"]) for one in run.invocations if "entry" in one.event} == {("forward", "B")}
    again = run.called[run.called.index("check_drained") + 1 :]
    assert again[again.index("flip_slot") + 1] == "check_drained"


CAME_BACK = [
    Case("in use before the alteration", {"rotate_old_slot": [IN_USE]}),
    Case("in use before the discard", {"discard_old_password": [Raises("SlotInUse")]}),
    Case("waiting before the discard", {"check_drained": [{}, WAITING]}),
]


@of(*CAME_BACK)
def test_somebody_who_comes_back_is_waited_for_and_nothing_is_discarded_meanwhile(run: Execution) -> None:
    assert run.terminal == "RotationSucceeded"
    assert run.path.count("WaitForDrain") == 1
    since = run.path[run.path.index("WaitForDrain") + 1 :]
    assert [state for state in since if state in LOOKS_AND_ACTS] == LOOKS_AND_ACTS
    assert run.called[-len(ONE_ROTATION_MORE) :] == ONE_ROTATION_MORE


@of(*CAME_BACK[:2])
def test_after_somebody_came_back_the_quiet_period_starts_again(run: Execution) -> None:
    waited = run.path.index("WaitForDrain")
    looks_before = sum(state in ("CheckDrained", "CheckStillDrained") for state in run.path[:waited])
    assert run.given_to("check_drained")[looks_before]["drain"]["status"] == "disturbed"


@of(Case("in use, with a claim", {"rotate_old_slot": [{**IN_USE, "version": "taken", "own_logins": 5}]}))
def test_what_is_looked_at_after_that_is_the_claim_that_was_taken(run: Execution) -> None:
    before, after, *_ = run.given_to("check_drained")
    assert before["claim"]["version"] == HAPPY["claim_rotation"]["version"]
    assert (after["claim"]["version"], after["claim"]["own_logins"]) == ("taken", 5)


@of(Case("admin in use", {"check_drained": [{}, {"admin_in_use": True}]}))
def test_an_admin_that_a_consumer_uses_keeps_its_password(run: Execution) -> None:
    assert run.terminal == "AdminNotRotated"
    assert "rotate_admin" not in run.called
    assert "discard_old_password" in run.called


@of(Case("admin in use", {"check_drained": [{}, {"admin_in_use": True}]}))
def test_the_cause_says_that_a_consumer_uses_the_admin(run: Execution) -> None:
    assert "ChooseAdmin" in run.cause


# ---- what is known to others later ------------------------------------------------------------------------------------

NOT_YET = {"status": "waiting", "began": 1767582000.5, "wait_seconds": 0}
LATER = Case("known and forgotten later", {"sync_users": [NOT_YET, NOT_YET, {}], "discard_old_password": [NOT_YET, {}]})


@of(LATER)
def test_nothing_is_published_before_everybody_knows_and_nothing_recorded_before_everybody_has_forgotten(run: Execution) -> None:
    assert run.terminal == "RotationSucceeded"
    assert [run.path.count(state) for state in ("WaitUntilKnown", "WaitUntilForgotten")] == [2, 1]
    assert run.path.index("Publish") > max(at for at, state in enumerate(run.path) if state == "WaitUntilKnown")
    assert run.path.index("RotateAdmin") > run.path.index("WaitUntilForgotten")
    assert [event["claim"].get("began") for event in run.given_to("sync_users")] == [None, NOT_YET["began"], NOT_YET["began"]]
    assert [event["discarded"]["began"] for event in run.given_to("discard_old_password")] == [None, NOT_YET["began"]]


@of(Case("never known", {"sync_users": [NOT_YET, Raises("SourceUnsettled")]}))
def test_what_is_never_known_changes_nothing(run: Execution) -> None:
    assert (run.terminal, "Publish" in run.path) == ("NothingChanged", False)


@of(Case("never forgotten", {"discard_old_password": [NOT_YET, Raises("SourceUnsettled")]}))
def test_what_is_never_forgotten_leaves_the_application_where_it_is(run: Execution) -> None:
    assert run.terminal == "OldSlotNotRotated"


# ---- what is left of an older run ---------------------------------------------------------------------------------------

RETIREMENT = Case("an older retirement", {"read_slots": [RETIRE], "check_drained": [WAITING]})


@of(RETIREMENT)
def test_a_run_that_only_finished_an_older_retirement_goes_on_to_a_rotation_of_its_own(run: Execution) -> None:
    assert run.terminal == "RotationSucceeded"
    again = run.path.index("ReadSlots", run.path.index("ReadSlots") + 1)
    assert run.path[again:] == SPINE[SPINE.index("ReadSlots") :]


@of(RETIREMENT)
def test_an_older_retirement_publishes_nothing_and_waits_as_long_as_its_own_look_says(run: Execution) -> None:
    first = run.path[: run.path.index("RotateNext")]
    assert not {"Publish", "ValidateApp", "FlipSlot", "CloseFlip"} & set(first)
    after = first.index("ChooseWork") + 1
    assert first[after : after + 2] == ["OverlapWindow", "CheckDrained"]


@of(RETIREMENT)
def test_the_second_drain_of_a_run_starts_afresh(run: Execution) -> None:
    assert [bool(event["drain"]) for event in run.given_to("check_drained")] == [False, True, True, False, True]


@of(
    Case("running already", {"read_slots": [Raises("RotationAlreadyRunning")]}),
    Case("claimed by another", {"claim_rotation": [Raises("RotationAlreadyRunning")]}),
)
def test_a_living_run_is_left_alone(run: Execution) -> None:
    assert (run.status, run.terminal) == ("FAILED", "RotationAlreadyRunning")
    assert not {"sync_users", "write_sqlconf", "release_rotation"} & set(run.called)


# ---- what comes right again ---------------------------------------------------------------------------------------------

FUNCTIONS = [
    *(
        "read_slots",
        "claim_rotation",
        "sync_users",
        "write_sqlconf",
        "patch_secret",
        "restart_app",
        "check_rollout",
        "validate_app",
    ),
    *("flip_slot", "check_drained", "rotate_old_slot", "discard_old_password", "rotate_admin", "release_rotation"),
]


def ridden_out(kind: str, error: Raises, times: int) -> list[Case]:
    """Each function fails as often as it may. In four executions: the back-off of all in a row would take minutes."""
    scripts = [{function: [error] * times for function in FUNCTIONS[part::4]} for part in range(4)]
    return [Case(f"{kind} {part}", script, hurried=True, everyday=times < 6 and part == 0) for part, script in enumerate(scripts)]


@of(*ridden_out("killed", KILLED, 3), *ridden_out("unreachable", Raises("SourceUnreachable"), 6))
def test_what_comes_right_before_the_tries_run_out_is_ridden_out(run: Execution) -> None:
    assert run.terminal == "RotationSucceeded", run.cause


SLEEPY = Refused("ResourceNotReadyException", 502)


@of(Case("asleep", {"read_slots": [SLEEPY] * 20}, hurried=True, everyday=False))
def test_a_function_that_slept_a_month_may_refuse_twenty_times(run: Execution) -> None:
    assert run.terminal == "RotationSucceeded", run.cause


# ---- modes --------------------------------------------------------------------------------------------------------------

UNKNOWN: list[Any] = ["rotation", "ROTATE", "", None, 7, True, ["rotate"], {"mode": "rotate"}]


@of(*[Case(f"mode {mode!r}", given={"mode": mode}) for mode in UNKNOWN])
def test_an_unknown_mode_ends_before_anything_is_read(run: Execution) -> None:
    assert (run.status, run.terminal, run.called) == ("FAILED", "UnknownMode", [])
    assert "Known modes: rotate" in run.cause


@of(Case("dry run", given={"mode": "dry-run"}))
def test_a_dry_run_only_reads(run: Execution) -> None:
    assert (run.terminal, run.called) == ("PlanReported", ["read_slots"])


RESUME = {"mode": "resume"}
SYNC = {"mode": "sync-users"}


@of(Case("resume by letting go", {"read_slots": [{"action": "release"}]}, RESUME))
def test_resuming_may_mean_only_to_let_go(run: Execution) -> None:
    assert (run.status, run.terminal) == ("SUCCEEDED", "Restored")
    assert run.called == ["read_slots", "claim_rotation", "release_rotation"]


@of(Case("nothing to resume", {"read_slots": [{"action": "nothing to resume"}]}, RESUME))
def test_resuming_nothing_does_nothing(run: Execution) -> None:
    assert (run.status, run.terminal, run.called) == ("SUCCEEDED", "NothingToResume", ["read_slots"])


@of(Case("resume a retirement", {"read_slots": [RETIRE]}, RESUME))
def test_resuming_stops_after_finishing(run: Execution) -> None:
    assert run.terminal == "RotationSucceeded"
    assert run.called.count("read_slots") == 1


@of(Case("resume by restoring", {"read_slots": [{"action": "restore", "entry": "A"}]}, RESUME))
def test_resuming_may_mean_to_put_back_what_was(run: Execution) -> None:
    assert (run.status, run.terminal) == ("SUCCEEDED", "Restored")
    assert {(one.event["direction"], one.event["entry"]) for one in run.invocations if "entry" in one.event} == {("restore", "A")}
    assert not {"sync_users", "flip_slot", "check_drained", "rotate_old_slot"} & set(run.called)


@of(Case("sync users", {"read_slots": [{"action": "sync users"}]}, SYNC))
def test_syncing_users_changes_no_consumer_and_lets_go(run: Execution) -> None:
    assert run.terminal == "UsersSynced"
    assert run.called == ["read_slots", "claim_rotation", "sync_users", "release_rotation"]


@of(Case("sync users of a stopped run", {"read_slots": [{"action": "sync users", "keeps_intent": True}]}, SYNC))
def test_syncing_users_in_the_middle_of_a_stopped_run_keeps_its_intent(run: Execution) -> None:
    assert run.terminal == "UsersSynced"
    assert run.called == ["read_slots", "claim_rotation", "sync_users"]


@of(Case("fix permissions", given={"mode": "fix-permissions"}))
def test_fixing_permissions_looks_at_nothing_else(run: Execution) -> None:
    assert (run.status, run.terminal, run.called) == ("SUCCEEDED", "PermissionsFixed", ["fix_permissions"])


FIXING = {"changed": True, "began": 7, "status": "waiting", "wait_seconds": 0}


@of(Case("fix permissions on instances", {"fix_permissions": [FIXING, {"changed": True}]}, {"mode": "fix-permissions"}))
def test_instances_are_asked_until_all_have_the_permissions(run: Execution) -> None:
    assert (run.status, run.terminal, run.called) == ("SUCCEEDED", "PermissionsFixed", ["fix_permissions"] * 2)
    assert [one["fixed"] for one in run.given_to("fix_permissions")] == [{}, FIXING]


# ---- a page that is always bad ------------------------------------------------------------------------------------------

NEVER_WELL = Case(
    "a page that is as bad before as after", {"validate_app": [Raises("AppUnhealthy")] * 20}, hurried=True, everyday=False
)


@of(NEVER_WELL)
def test_a_page_that_is_as_bad_after_the_way_back_does_not_make_it_a_failed_restore(run: Execution) -> None:
    """What was put back logs in, or ValidateApp would have said so before it asked the page."""
    assert run.terminal == "RolledBack"
    assert run.called[-1] == "release_rotation"
    assert run.cause.count("AppUnhealthy") >= 2, "both ways are told"
