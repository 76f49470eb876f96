"""The shipped document on a machine: PHP itself reads what was written, every other byte stays, what could deceive is refused."""

from __future__ import annotations

import base64
import json
import os
import re
import string
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from rotation.core.fleet import NO_VERSION

from local.aws import LocalAws
from local.faults import SecretFault
from tests.contract.machine import HOST, NEW, OLD, ROLE, Answer, Machine, Secret, config
from tests.contract.wp_configs import ACCEPTED, REFUSED


@pytest.fixture
def machine(tmp_path: Path, aws: LocalAws) -> Iterator[Machine]:
    with Machine(tmp_path, aws) as machine:
        yield machine


def php_reads(file: Path) -> tuple[str, str]:
    """Both constants, with a wp-settings.php that stops there."""
    (file.parent / "wp-settings.php").write_text("<?php")
    code = "ob_start(); error_reporting(0); include $argv[1]; ob_end_clean();"
    code += " echo json_encode([base64_encode(DB_USER), base64_encode(DB_PASSWORD)]);"
    said = subprocess.run(["php", "-n", "-r", code, "--", str(file)], capture_output=True, check=True).stdout
    user, password = (base64.b64decode(one).decode() for one in json.loads(said))
    return user, password


def encoded(name: str, text: str) -> bytes:
    return text.encode("latin-1" if "latin" in name else "utf-8")


@pytest.mark.parametrize("name", ACCEPTED)
def test_php_reads_the_new_login_and_every_other_byte_stays(name: str, machine: Machine, aws: LocalAws) -> None:
    before = encoded(name, ACCEPTED[name])
    machine.path.write_bytes(before)
    machine.path.chmod(0o640)
    assert php_reads(machine.path) == OLD
    secret = Secret(aws)
    version = secret.put()
    answer = machine.run(secret, version)
    assert (answer.status, answer.file, answer.holds, answer.reason, answer.detail) == (0, "written", version, "", "")
    after = machine.path.read_bytes()
    assert php_reads(machine.path) == NEW
    assert oct(machine.path.stat().st_mode & 0o7777) == "0o640"
    assert blanked(after, NEW) == blanked(before, OLD)
    assert machine.left() == ["wp-settings.php"]
    back = machine.run(secret, secret.first)
    assert (back.file, back.holds) == ("written", secret.first)
    if "double quotes with" not in name:
        assert machine.path.read_bytes() == before


def blanked(content: bytes, login: tuple[str, str]) -> bytes:
    r"""Without the two values, whatever their quotes. The one with escapes is written without."""
    for value in (*login, "old-c\\x61nary\\55password"):
        content = re.sub(rb"""(['"])%s\1""" % re.escape(value.encode()), rb"\1\1", content)
    return content


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_deceive_is_refused_with_its_line_and_nothing_is_changed(name: str, machine: Machine, aws: LocalAws) -> None:
    text, said = REFUSED[name]
    machine.path.write_text(text)
    secret = Secret(aws)
    answer = machine.run(secret, secret.put())
    assert (answer.status, answer.file, answer.reason) == (1, "refused", "WpConfigUnsupported")
    assert said in answer.detail
    assert ";" in answer.detail or ":" in answer.detail  # the way out
    assert machine.path.read_text() == text
    assert machine.left() == []


HYPERDB = "<?php\n$wpdb->add_database(array(\n\t'host' => DB_HOST,\n\t'user' => {user},\n\t'password' => DB_PASSWORD,\n));\n"


def test_hyperdb_with_the_constants_is_served(machine: Machine, aws: LocalAws) -> None:
    machine.path.write_text(config())
    (machine.site / "db-config.php").write_text(HYPERDB.format(user="DB_USER"))
    secret = Secret(aws)
    assert machine.run(secret, secret.put()).file == "written"


def test_hyperdb_with_a_login_of_its_own_is_refused(machine: Machine, aws: LocalAws) -> None:
    machine.path.write_text(config())
    (machine.site / "db-config.php").write_text(HYPERDB.format(user="'reader'"))
    secret = Secret(aws)
    answer = machine.run(secret, secret.put())
    assert (answer.reason, "db-config.php, line 4: HyperDB has a login" in answer.detail) == ("WpConfigUnsupported", True)
    assert php_reads(machine.path) == OLD


def owned(machine: Machine, secret: Secret, mode: str = "0640", owner: str = "") -> Answer:
    return machine.run(secret, NO_VERSION, "own", Owner=owner or f"{os.getuid()}:{os.getgid()}", Mode=mode)


@pytest.mark.parametrize("text", [config(), "<?php broken"])
def test_owner_and_mode_are_given_whatever_is_in_it(text: str, machine: Machine, aws: LocalAws) -> None:
    machine.path.write_text(text)
    machine.path.chmod(0o777)
    secret = Secret(aws)
    for file in ("written", "unchanged"):
        answer = owned(machine, secret)
        assert (answer.status, answer.file, answer.reason) == (0, file, "")
        assert (oct(machine.path.stat().st_mode & 0o7777), machine.path.read_text()) == ("0o640", text)


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives a file to somebody else")
def test_a_file_is_given_to_another_and_a_rotation_keeps_that(machine: Machine, aws: LocalAws) -> None:
    machine.path.write_text(config())
    secret = Secret(aws)
    assert owned(machine, secret, "0440", "33:44").file == "written"
    assert machine.run(secret, secret.put()).file == "written"
    status = machine.path.stat()
    assert (status.st_uid, status.st_gid, oct(status.st_mode & 0o7777)) == (33, 44, "0o440")


@pytest.mark.skipif(os.getuid() == 0, reason="root may give a file to anybody")
def test_who_may_not_give_a_file_away_says_so(machine: Machine, aws: LocalAws) -> None:
    machine.path.write_text(config())
    answer = owned(machine, Secret(aws), "0640", "0:0")
    assert (answer.status, answer.file, answer.reason) == (1, "refused", "WpConfigReadOnly")


def test_no_file_to_own(machine: Machine, aws: LocalAws) -> None:
    assert (owned(machine, Secret(aws)).reason, machine.left()) == ("WpConfigMissing", [])


def test_a_file_in_whose_place_wordpress_reads_another_is_refused(machine: Machine, aws: LocalAws) -> None:
    """Above the web root; to rewrite it would change nothing, and look like success."""
    machine.path.write_text(config())
    root = machine.site / "public"
    root.mkdir()
    (root / "wp-load.php").write_text("<?php")
    (root / "wp-config.php").write_text(config())
    secret = Secret(aws)
    answer = machine.run(secret, secret.put())
    assert (answer.status, answer.file, answer.reason) == (1, "refused", "WpConfigUnsupported")
    assert f"there are two files: WordPress reads {root}/wp-config.php in place of {machine.path}; give that one" in answer.detail
    assert machine.path.read_text() == (root / "wp-config.php").read_text() == config()


@pytest.mark.parametrize("beside", ["no other", "a link to it", "one beside it"])
def test_a_file_above_the_web_root_is_served(beside: str, machine: Machine, aws: LocalAws) -> None:
    machine.path.write_text(config())
    root = machine.site / "public"
    root.mkdir()
    (root / "wp-load.php").write_text("<?php")
    if beside == "a link to it":
        (root / "wp-config.php").symlink_to(machine.path)
    if beside == "one beside it":
        (root / "wp-config.php").write_text(config())
        (machine.site / "wp-load.php").write_text("<?php")
    secret = Secret(aws)
    assert machine.run(secret, secret.put()).file == "written"
    assert php_reads(machine.path) == NEW


def test_two_sites_on_one_machine_are_written_each_by_itself(machine: Machine, aws: LocalAws) -> None:
    other = machine.site.parent / "other" / "wp-config.php"
    other.parent.mkdir()
    for path in (machine.path, other):
        path.write_text(config())
    secret = Secret(aws)
    assert machine.run(secret, secret.put(), Path=str(other)).file == "written"
    assert (php_reads(other), php_reads(machine.path)) == (NEW, OLD)
    assert (sorted(one.name for one in other.parent.iterdir()), machine.left()) == (
        ["wp-config.php", "wp-settings.php"],
        ["wp-settings.php"],
    )


def test_a_file_outside_of_the_web_root_through_a_link(machine: Machine, aws: LocalAws, tmp_path: Path) -> None:
    """The link's target is rewritten, the link stays."""
    target = tmp_path / "etc" / "wp-config.php"
    target.parent.mkdir()
    target.write_text(config())
    machine.path.symlink_to("../etc/wp-config.php")
    secret = Secret(aws)
    assert machine.run(secret, secret.put()).file == "written"
    assert str(machine.path.readlink()) == "../etc/wp-config.php"
    assert target.read_text() == config(*NEW)
    assert [one.name for one in target.parent.iterdir()] == ["wp-config.php"]


def test_a_file_with_two_names_is_refused(machine: Machine, aws: LocalAws, tmp_path: Path) -> None:
    machine.path.write_text(config())
    (tmp_path / "other.php").hardlink_to(machine.path)
    secret = Secret(aws)
    answer = machine.run(secret, secret.put())
    assert (answer.reason, "more than one name" in answer.detail) == ("WpConfigUnsupported", True)


def test_another_site_on_the_same_machine_is_left_alone(machine: Machine, aws: LocalAws, tmp_path: Path) -> None:
    """Each file is told by its path, and by itself."""
    other = tmp_path / "shop" / "wp-config.php"
    other.parent.mkdir()
    for path in (machine.path, other):
        path.write_text(config())
    secret = Secret(aws)
    version = secret.put()
    assert machine.run(secret, version).file == "written"
    assert other.read_text() == config()
    assert machine.run(secret, version, Path=str(other)).file == "written"
    assert (machine.path.read_text(), other.read_text()) == (config(*NEW), config(*NEW))


PRINTABLE = string.printable.strip()
HARD = r"""' " \ $ \' \" a\ $a {$a} ${a} ?> */ \1 $1 <<<A it's\"$x\" %s `id` $(id) - @/etc/passwd é中""".split(" ")


@pytest.mark.parametrize("quote", ["'", '"'])
@pytest.mark.parametrize("password", [PRINTABLE, PRINTABLE[::-1], *HARD])
def test_php_reads_every_password(password: str, quote: str, machine: Machine, aws: LocalAws) -> None:
    machine.path.write_text(config().replace("'", quote))
    secret = Secret(aws)
    version = secret.put(("it's \\me\"$x", password))
    assert machine.run(secret, version).holds == version
    assert php_reads(machine.path) == ("it's \\me\"$x", password)
    looked = machine.run(secret, secret.first, "look", Candidates=version)
    assert (looked.status, looked.file, looked.holds) == (1, "unchanged", version)


# ---- look ---------------------------------------------------------------------------------------------------------------------


def unread(path: Path) -> tuple[float, ...]:
    """What reading does not change."""
    found = path.stat()
    return found.st_ino, found.st_mode, found.st_uid, found.st_gid, found.st_mtime_ns, found.st_ctime_ns, found.st_nlink


def test_look_says_which_version_the_file_holds_and_changes_nothing(machine: Machine, aws: LocalAws) -> None:
    machine.path.write_text(config())
    secret, before = Secret(aws), unread(machine.path)
    second, third = secret.put(), secret.put(("x", "y"))
    expected = machine.run(secret, secret.first, "look")
    assert (expected.status, expected.file, expected.holds, expected.reason) == (0, "unchanged", secret.first, "")
    other = machine.run(secret, third, "look", Candidates=f"{second},{secret.first}")
    assert (other.status, other.file, other.holds, other.reason) == (1, "unchanged", secret.first, "")
    none = machine.run(secret, third, "look", Candidates=second)
    assert (none.status, none.file, none.holds) == (1, "unchanged", "other")
    assert unread(machine.path) == before


def test_a_candidate_that_is_gone_is_passed_over_and_an_expected_one_is_told(machine: Machine, aws: LocalAws) -> None:
    machine.path.write_text(config())
    secret, gone = Secret(aws), "0" * 32
    second = secret.put()
    assert machine.run(secret, second, "look", Candidates=f"{gone},{secret.first}").holds == secret.first
    told = machine.run(secret, gone, "look", Candidates=secret.first)
    assert (told.status, told.holds, told.reason) == (1, secret.first, "SecretUnreadable")
    assert "does not exist" in told.detail


def test_what_is_there_already_is_not_written_again(machine: Machine, aws: LocalAws) -> None:
    machine.path.write_text(config())
    before = unread(machine.path)
    secret = Secret(aws)
    answer = machine.run(secret, secret.first)
    assert (answer.status, answer.file, answer.holds) == (0, "unchanged", secret.first)
    assert unread(machine.path) == before


# ---- what a machine lacks -----------------------------------------------------------------------------------------------------


def refused(machine: Machine, secret: Secret, version: str) -> tuple[str, str]:
    """The reason and what is told; the file is as it was."""
    before = machine.path.read_bytes()
    answer = machine.run(secret, version)
    assert (answer.status, answer.file) == (1, "refused")
    assert machine.path.read_bytes() == before
    assert machine.left() == []
    return answer.reason, answer.detail


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_no_php(shell: str, machine: Machine, aws: LocalAws) -> None:
    machine.path.write_text(config())
    machine.shell = shell
    machine.programs.remove("php")
    secret = Secret(aws)
    assert refused(machine, secret, secret.first)[0] == "PhpMissing"


@pytest.mark.parametrize(("does", "file"), [("exit 255", "refused"), ("[ $# -lt 9 ] || exit 137", "unknown")])
def test_a_php_that_does_not_start_and_one_that_dies_are_told_apart(
    does: str, file: str, machine: Machine, aws: LocalAws, tmp_path: Path
) -> None:
    """Of one that was at work nobody knows how far it had come."""
    machine.path.write_text(config())
    machine.programs.remove("php")
    (tmp_path / "bin" / "php").write_text(f"#!/bin/sh\n{does}\n")
    (tmp_path / "bin" / "php").chmod(0o755)
    secret = Secret(aws)
    answer = machine.run(secret, secret.put())
    assert (answer.status, answer.file, answer.holds, answer.reason) == (1, file, "unreadable", "PhpMissing")


def test_no_tokenizer(machine: Machine, aws: LocalAws, tmp_path: Path) -> None:
    """PHP as a distribution has it without the package with the extension."""
    machine.path.write_text(config())
    machine.programs.remove("php")
    (tmp_path / "bin" / "php").write_text('#!/bin/sh\nexec /usr/bin/env -i /usr/bin/php -n "$@"\n')
    (tmp_path / "bin" / "php").chmod(0o755)
    secret = Secret(aws)
    reason, detail = refused(machine, secret, secret.first)
    assert (reason, "tokenizer" in detail) == ("PhpMissing", True)


def test_neither_aws_nor_curl(machine: Machine, aws: LocalAws) -> None:
    machine.path.write_text(config())
    machine.programs.remove("curl")
    secret = Secret(aws)
    reason, detail = refused(machine, secret, secret.put())
    assert (reason, "neither aws nor curl" in detail) == ("SecretUnreadable", True)


def test_no_role(machine: Machine, aws: LocalAws) -> None:
    machine.path.write_text(config())
    machine.metadata.role = None
    secret = Secret(aws)
    reason, detail = refused(machine, secret, secret.put())
    assert (reason, "the instance has no role" in detail) == ("SecretUnreadable", True)


def test_a_role_that_may_not_read_the_secret(machine: Machine, aws: LocalAws) -> None:
    machine.path.write_text(config())
    secret = Secret(aws)
    aws.refuse(SecretFault("GetSecretValue", "AccessDeniedException", times=9, secret=secret.arn, caller=ROLE))
    answer = machine.run(secret, secret.put(), Candidates=secret.first)
    aws.clear_faults()
    assert (answer.status, answer.file, answer.holds, answer.reason) == (1, "refused", "unreadable", "SecretUnreadable")
    assert "(AccessDeniedException)" in answer.detail
    assert "secretsmanager:GetSecretValue" in answer.detail


def test_no_file(machine: Machine, aws: LocalAws) -> None:
    secret = Secret(aws)
    answer = machine.run(secret, secret.first)
    assert (answer.status, answer.file, answer.holds, answer.reason) == (1, "refused", "unreadable", "WpConfigMissing")


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_no_folder(shell: str, machine: Machine, aws: LocalAws) -> None:
    machine.shell = shell
    secret = Secret(aws)
    answer = machine.run(secret, secret.first, Path="/nowhere/at/all/wp-config.php")
    assert (answer.status, answer.holds, answer.reason) == (1, "unreadable", "WpConfigMissing")


def test_a_file_that_holds_it_is_not_asked_where_its_database_is(machine: Machine, aws: LocalAws) -> None:
    machine.path.write_text(config().replace(HOST, "elsewhere"))
    secret = Secret(aws)
    answer = machine.run(secret, secret.first)
    assert (answer.status, answer.file, answer.holds) == (0, "unchanged", secret.first)


def test_a_secret_of_another_shape(machine: Machine, aws: LocalAws) -> None:
    machine.path.write_text(config())
    secret = Secret(aws)
    operator, version = aws.client("secretsmanager"), "1" * 32
    operator.put_secret_value(SecretId=secret.arn, SecretString='{"A": {}}', ClientRequestToken=version, VersionStages=["X"])
    reason, detail = refused(machine, secret, version)
    assert (reason, "another secret than the application's" in detail) == ("SecretUnreadable", True)
