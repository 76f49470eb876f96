"""The rows of another system for the same purpose, one by one: what it asks of its users, what it does, what it found missing.

That system rotates the passwords of several users behind RDS Proxy. Each row is held by tests that run, or done otherwise for
a reason that the documents give.
"""

import pytest

from tests.seed_rows import Row, assert_held, assert_once

PAGE = "docs/rds-proxy.md"

ROWS = [
    # ---- what it found missing elsewhere
    Row("a Terraform module", (
        "unit/test_terraform::test_each_parameter_is_a_variable_with_its_description_and_default",
        "unit/test_terraform::test_each_output_is_one",
    )),
    Row("tests", ("unit/test_shards::test_every_file_is_dealt_once_but_those_of_a_real_cluster",)),
    Row("a release process", (
        "unit/test_release::test_one_version_everywhere",
        "unit/test_release::test_what_the_changelog_does_not_name_is_no_release",
    )),
    Row("a package", ("contract/test_command_installed::test_it_knows_its_version",)),
    Row("an image", otherwise="functions and layers of one template: nothing to pull", said=(PAGE, "no container image")),
    # ---- what it asks for
    Row(
        "Python 3.10 or later", otherwise="the functions have Lambda's Python, the command asks for 3.11",
        said=("docs/command.md", "Python 3.11 or later"),
    ),
    Row("clone the user and grant the necessary permissions", (
        "conformance/sources::test_a_new_user_logs_in_and_may_what_the_other_may",
        "contract/test_postgresql_roles::test_a_third_one_is_made_like_the_second",
        "unit/test_steps_sync_users::test_a_standby_that_is_missing_is_created_like_the_user_in_use",
    )),
    Row("one secret in a shape of its own, other keys as you need them", (
        "unit/test_app_secret_shape::test_the_shape_of_a_rotation_script_is_read_and_other_keys_are_nobodys_business",
        "contract/test_importing::test_record_and_target_are_stored_and_a_second_time_nothing_is",
        "contract/test_published_secret::test_every_other_key_stays_as_it_is",
        "contract/test_published_secret::test_what_is_put_under_the_token_keeps_every_other_key_and_is_not_current",
    )),
    Row("rotation_type: AWS RDS", ("unit/test_app_secret_shape::test_what_is_wrong_is_said_by_its_key_and_no_value_is_shown",)),
    Row("rotation_usernames: who takes turns", (
        "unit/test_app_secret_shape::test_the_user_in_use_keeps_its_password_and_the_others_have_that_of_their_proxy_secret",
    )),
    Row("proxy_secret_ids: the secrets attached to the proxy", (
        "unit/test_app_secret_shape::test_the_target_is_that_of_the_stack_and_holds_no_password",
        "unit/test_app_secret_shape::test_what_does_not_fit_together_is_refused_with_the_way_out",
    )),
    Row("proxy_secret_ids left out: the proxy is not adjusted", (
        "unit/test_app_secret_shape::test_without_a_proxy_the_user_that_rests_gets_a_new_password",
        "unit/test_families::test_the_target_of_an_application_without_a_proxy",
    )),
    Row("database_host, database_port, database_name: where the database is", (
        "unit/test_app_secret_shape::test_the_shape_of_a_rotation_script_is_read_and_other_keys_are_nobodys_business",
    )),
    Row("username, password: what the application logs in with", (
        "contract/test_published_secret::test_it_says_who_and_leaves_where_to_the_record",
        "contract/test_published_secret::test_what_cannot_be_read_is_refused_by_its_key_without_its_value",
    )),
    Row("rotation_usernames left out: username only", (
        "unit/test_app_secret_shape::test_one_user_alone_is_two_values",
        "contract/test_importing::test_what_is_wrong_is_one_line_and_nothing_is_stored",
        "unit/test_two_values::test_a_rotation_goes_from_one_password_to_the_other_of_the_same_user",
    )),
    Row("this credential will be used by the application to connect to the proxy", (
        "unit/test_button::test_the_new_password_has_to_work_wherever_the_application_may_use_it",
        "unit/test_families::test_the_target_of_an_application_behind_a_proxy",
    )),
    Row("a secret with username and password for each user, attached to the proxy", (
        "contract/test_published_secret::test_a_proxy_s_secret_is_found_by_the_user_that_it_names",
        "contract/test_proxy::test_a_user_without_a_secret_does_not_get_in_whatever_the_database_says",
    )),
    # ---- what it says about RDS Proxy
    Row("multi-user rotation behind a proxy", (
        "e2e/test_secrets_manager::test_rotations_by_the_button_end_whole_and_no_request_fails",
        "unit/test_button::test_the_button_rotates",
    )),
    Row("the credentials in the proxy's secret must be valid in the database at all times", (
        "unit/test_steps_sync_users::test_a_standby_that_does_not_log_in_gets_its_recorded_password",
        "unit/test_button::test_nothing_is_put_that_does_not_log_in",
    )),
    Row("you cannot just update the secret", (
        "contract/test_proxy::test_a_wrong_secret_is_noticed_when_no_session_lives_any_more",
    )),
    Row("you cannot just update the password in the database", (
        "contract/test_proxy::test_the_wrong_order_the_secret_first_shows_only_when_no_session_lives_any_more",
        "contract/test_proxy::test_users_in_turn_avoid_all_of_it",
    )),
    # ---- why it rotates
    Row("a credential that leaked is worth nothing soon", (
        "e2e/test_secrets_manager::test_rotations_by_the_button_end_whole_and_no_request_fails",
    )),
    Row("the time window is limited", (
        "unit/test_target::test_every_class_can_be_named_and_says_how_long_both_logins_stay_valid",
    )),
    Row("standards ask for it: it can be shown", (
        "statemachine/test_report::test_every_run_of_the_window_is_in_it_and_no_other",
    )),
    Row("a compromised password is no longer valid", (
        "unit/test_revoke::test_after_two_rounds_nothing_that_was_known_before_opens_anything",
    )),
    Row("strong, unique passwords, none of them again", (
        "unit/test_passwords::test_it_takes_256_bits_to_guess_even_knowing_what_is_left_out",
        "unit/test_passwords::test_no_two_are_alike",
        "unit/test_two_values::test_every_rotation_uses_a_password_that_nobody_had_before",
    )),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.says)
def test_each_row_is_held_by_tests_that_run_or_done_otherwise_for_a_reason(row: Row) -> None:
    assert_held(row)


def test_no_row_is_there_twice() -> None:
    assert_once(ROWS)
