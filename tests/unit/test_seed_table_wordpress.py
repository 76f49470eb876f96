"""The rows of another system for the same purpose, one by one: what it promises, what it asks for, what it does, what it advises.

That system rotates the password of WordPress on EC2 instances by a command that holds the new password. Each row is held by tests
that run, or done otherwise for a reason that the documents give.
"""

import pytest

from tests.seed_rows import Row, assert_held, assert_once

PAGE = "layers/rotation/rotation/consumers/wp_config/README.md"
ON_INSTANCES = "instances/README.md"

ROWS = [
    # ---- what it promises
    Row("rotate on a set schedule", (
        "unit/test_template::test_a_schedule_starts_this_machine_with_the_time_that_makes_the_rotations_id",
        "unit/test_template::test_nothing_rotates_by_itself_until_it_is_switched_on_and_verify_runs_in_any_case",
    )),
    Row("in a safe and controlled manner", (
        "contract/test_wordpress::test_a_canary_that_fails_its_page_stops_the_others",
        "unit/test_steps_write_wp_config::test_the_way_back_tells_all_at_once_and_asks_no_page",
        "unit/test_steps_write_wp_config::test_what_is_told_has_logged_in",
    )),
    Row("wp-config.php on each instance gets the new password", (
        "contract/test_wordpress::test_written_on_all_with_the_page_well_and_no_request_failed",
        "e2e/test_wordpress::test_one_is_launched_and_one_is_ended_in_a_rotation",
    )),
    Row("new instances retrieve the current password at startup", (
        "contract/test_instances_accidents::test_the_boot_program_writes_what_is_current",
        "contract/test_wordpress::test_one_that_was_stopped_comes_back_with_what_is_current",
        "e2e/test_wordpress::test_one_is_launched_and_one_is_ended_in_a_rotation",
    )),
    # ---- the infrastructure
    Row("WordPress in an Auto Scaling group", (
        "contract/test_wp_config_adapter::test_each_state_of_its_life_is_told_apart",
        "unit/test_steps_write_wp_config::test_an_instance_that_ends_is_no_failure",
        "unit/test_steps_write_wp_config::test_one_that_boots_is_not_waited_for_and_not_told",
    )),
    Row("a load balancer distributes the traffic: no request fails", (
        "contract/test_wordpress::test_written_on_all_with_the_page_well_and_no_request_failed",
        "e2e/test_wordpress::test_one_is_launched_and_one_is_ended_in_a_rotation",
    )),
    Row("a MySQL database", (
        "unit/test_two_values::test_a_rotation_goes_from_one_password_to_the_other_of_the_same_user",
        "unit/test_families::test_the_target_of_wordpress_on_instances",
    )),
    # ---- the secret
    Row("host, port, username, password, dbname, engine", (
        "unit/test_app_secret_shape::test_the_shape_of_aws_is_read",
        "contract/test_published_secret::test_every_other_key_stays_as_it_is",
    )),
    Row("app: foo", (
        "contract/test_published_secret::test_what_another_key_says_is_read_and_the_login_never",
        "unit/test_verify_instances::test_the_tag_that_the_secret_says_too_is_well",
        "unit/test_verify_instances::test_another_tag_than_the_secret_says_fails_with_both",
    )),
    Row("a secret without app: the tag is default",
        otherwise="the target says the tag; a secret that names none is compared with nothing",
        said=(PAGE, "whether the key `app` of the application's secret, if it has one, says the same as the target")),
    Row("username: administrator", (
        "unit/test_steps_write_wp_config::test_an_application_that_works_as_the_admin_gets_users_of_its_own",
    )),
    Row("a password with @, ! and +", ("contract/test_instances::test_php_reads_every_password",)),
    # ---- the function
    Row("rotation can be triggered in Secrets Manager", (
        "unit/test_steps_write_wp_config::test_secrets_manager_s_own_version_is_waited_for_and_told",
        "unit/test_steps_write_wp_config::test_a_version_that_secrets_manager_never_puts_is_given_up",
        "unit/test_button::test_the_button_rotates",
    )),
    Row("the role may send commands", (
        "unit/test_families::test_instances_are_told_by_one_document_and_only_those_with_the_tag",
    )),
    Row("the file is written in setSecret, before testSecret has tried the password",
        otherwise="a credential is tried before anybody is told of it, and the secret becomes current once all have it",
        said=(PAGE, "Then `PutSecret` makes the same version current")),
    # ---- the instances
    Row("the SSM agent is on all of them", (
        "unit/test_verify_instances::test_one_without_a_connected_agent_fails_and_is_named",
        "unit/test_steps_write_wp_config::test_one_that_never_answers_is_named_when_time_is_up",
    )),
    Row("a role to communicate with Systems Manager", otherwise="that, and to read one secret",
        said=(ON_INSTANCES, "`AmazonSSMManagedInstanceCore`, `secretsmanager:GetSecretValue` on the application's secret")),
    # ---- the command
    Row("the password is in the command",
        otherwise="a version's id is; the instance reads that version with its own role",
        said=(PAGE, "No password is in a command or in an answer")),
    Row("a copy of the file in /tmp", ("contract/test_instances_secrecy::test_no_password_and_no_key_is_anywhere",)),
    Row("the file is rewritten in place, line by line", (
        "contract/test_instances_accidents::test_killed_half_way_the_file_is_whole_and_the_next_run_cleans_up",
        "contract/test_instances::test_php_reads_the_new_login_and_every_other_byte_stays",
    )),
    Row("each line with DB_PASSWORD in it is replaced", (
        "contract/test_instances::test_php_reads_the_new_login_and_every_other_byte_stays",
        "contract/test_instances::test_what_could_deceive_is_refused_with_its_line_and_nothing_is_changed",
    )),
    Row("/var/www/html/wp-config.php", ("unit/test_families::test_the_target_of_wordpress_on_instances",)),
    Row("instances by their tag app", (
        "contract/test_run_command::test_only_those_with_the_tag_and_an_agent",
        "unit/test_steps_write_wp_config::test_nobody_in_service_is_refused_before_anything_is_touched",
    )),
    Row("AWS-RunShellScript", otherwise="a document of our own, and the roles may send no other",
        said=(PAGE, "may send this one document to instances with this one value of the tag")),
    Row("nobody waits for what comes of it", (
        "contract/test_wp_config_adapter::test_each_end_of_a_command_has_its_name",
        "statemachine/test_paths::test_instances_are_asked_until_all_have_the_version_and_then_it_becomes_current",
        "conformance/consumers::test_one_that_never_answers_has_not_taken_it_in_the_end",
    )),
    # ---- how it is tested
    Row("verify that the password has been updated", (
        "contract/test_published_secret::test_what_is_put_under_the_token_keeps_every_other_key_and_is_not_current",
        "unit/test_steps_write_wp_config::test_the_version_that_they_are_told_of_is_the_one_that_becomes_current",
    )),
    Row("check the file on the instances", (
        "unit/test_verify_instances::test_what_they_hold_is_said",
        "unit/test_verify_instances::test_one_that_holds_another_login_is_a_warning",
        "conformance/consumers::test_only_who_was_told_has_changed",
    )),
    Row("confirm that WordPress works", (
        "contract/test_instances_accidents::test_a_page",
        "unit/test_steps_write_wp_config::test_the_first_that_does_not_show_its_page_spares_the_others",
    )),
    # ---- what it advises
    Row("least privilege", (
        "unit/test_template::test_a_role_has_what_its_step_does_to_the_secrets_and_no_more",
        "contract/test_instances_secrecy::test_all_that_a_role_calls_is_to_read_the_secret",
    )),
    Row("instances launched after a rotation have the latest password", (
        "unit/test_on_instances::test_who_is_launched_boots_with_what_was_current_then",
        "unit/test_steps_write_wp_config::test_one_that_boots_or_does_not_answer_keeps_the_quiet_period_from_beginning",
        "unit/test_many_instances::test_fifty_are_rotated_in_one_execution",
    )),
    Row("raise alerts if issues are hit", (
        "contract/test_told::test_every_alarm_is_fed_with_what_must_raise_it_and_with_what_must_not",
        "unit/test_steps_write_wp_config::test_who_keeps_a_drain_from_its_end_is_named",
    )),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.says)
def test_each_row_is_held_by_tests_that_run_or_done_otherwise_for_a_reason(row: Row) -> None:
    assert_held(row)


def test_no_row_is_there_twice() -> None:
    assert_once(ROWS)
