"""The parser and PHP agree, byte for byte, on every file that is accepted; whatever could make them differ is refused."""

import random
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from rotation.consumers.sqlconf import text as sqlconf
from rotation.core.errors import SqlconfUnsupported
from rotation.core.model import Credential, Password
from rotation.core.passwords import admin_password, slot_password

from tests.worlds.php import VARIABLES, Reading, php_reads

OLD = Credential("openemr_a", Password("old-password"), "db.example.org", 3306, "openemr")
NEW = Credential("openemr_b", Password("new-password"), "writer.example.org", 3307, "clinic")

ASSIGNED = {"host": "'db.example.org'", "port": "'3306'", "login": "'openemr_a'", "pass": "'old-password'", "dbase": "'openemr'"}

# What OpenEMR's installer writes: a tab before the `=`, single quotes, values unescaped.
INSTALLER = (Path(__file__).parents[2] / "local/pod/sqlconf.php.template").read_bytes()


def installer(credential: Credential = OLD) -> bytes:
    values = {
        b"{host}": credential.host,
        b"{port}": str(credential.port),
        b"{login}": credential.username,
        b"{password}": credential.password.reveal(),
        b"{schema}": credential.dbname,
    }
    content = INSTALLER
    for hole, value in values.items():
        content = content.replace(hole, value.encode())
    return content


def php(after: str = "", *, before: str = "<?php\n", **values: str) -> bytes:
    """A file with the five assignments, and something after them (line 7)."""
    lines = "".join(f"${name}\t= {value};\n" for name, value in (ASSIGNED | values).items())
    return (before + lines + after).encode()


OLDER = b"""<?php
//  OpenEMR
//  MySQL Config
//  Referenced from sql.inc

$host = 'db.example.org';
$port = '3306';
$login = 'openemr_a';
$pass = 'old-password';
$dbase = 'openemr';

//Added ability to disable
//utf8 encoding - bm 05-2009
global $disable_utf8_flag;
$disable_utf8_flag = false;

$sqlconf = array();
global $sqlconf;
$sqlconf["host"]= $host;
$sqlconf["port"] = $port;
$sqlconf["login"] = $login;
$sqlconf["pass"] = $pass;
$sqlconf["dbase"] = $dbase;
//////DO NOT TOUCH THIS///
$config = 1; /////////////
"""

DOUBLE = php(**{name: value.replace("'", '"') for name, value in ASSIGNED.items()})

# Every one of them holds OLD.
ACCEPTED: dict[str, bytes] = {
    "as the installer writes it": installer(),
    "as OpenEMR 4 wrote it, with no closing tag": OLDER,
    "the short array": installer().replace(b"array()", b"[]"),
    "Windows line ends": installer().replace(b"\n", b"\r\n"),
    "old Macintosh line ends": OLDER.replace(b"\n", b"\r"),
    "a UTF-8 BOM": b"\xef\xbb\xbf" + installer(),
    "an empty line before the tag": b"\n" + installer(),
    "a tag in capitals": installer().replace(b"<?php", b"<?PHP", 1),
    "text after the closing tag": installer() + b"\n\n",
    "nothing but the five, on one line": b"<?php " + php(before="").replace(b"\n", b" "),
    "no space at all": re.sub(rb"\s*=\s*", b"=", php()),
    "no line end at the end": php().rstrip(),
    "latin-1 in comments": php("/* caf\u00e9 */ // na\u00efve\n# r\u00e9sum\u00e9\n").decode().encode("latin-1"),
    "quotes in comments": php("// don't\n# \"nor\n/* it's \" */\n", before="<?php // it's\n"),
    "commented out after the real one": php("// $pass = 'x1';\n# $pass = 'x2';\n/* $pass = 'x3'; */\n//$dbase = 'x4';\n"),
    "commented out before the real one": php(before="<?php\n//$host = 'x';\n/*\n$pass = 'x';\n*/\n"),
    "a comment that a closing tag ends": php("// ?> $pass = 'x';\n"),
    "repeated assignments, the last one wins": php(before="<?php\n$pass = 'first'; $port = '1';\n$pass = \"second\";\n"),
    "double quotes": DOUBLE,
    "double quotes with escapes": php(host='"db\\.example.org"', **{"pass": '"old-password"'}).replace(b"\\.", b"."),
    "a bare number": php(port="3306"),
    "an override that is only read": php("$dsn = $pass;\n"),
    "variables that only look alike": php("$Pass = 'x'; $password = 'x'; $hosts = ['x']; class_exists('pass');\n"),
    "code that concerns other things": php("if (!defined('X')) { define('X', 1); } $f = fn($x) => [$x];\n"),
    "code before the five": php(before="<?php if (!defined('X')) { define('X', 1); } $a = ['x' => ['y']]; if ($a) { }\n"),
    "words that end like a variable": php("if (0) { xpass(); new ahost; }\n"),
    "an attribute": php("$mark = new #[Attribute] class {};\n"),
    "a namespace": php(before="<?php namespace Site;\n"),
}  # fmt: skip

accepted = pytest.mark.parametrize("content", ACCEPTED.values(), ids=ACCEPTED)


def wanted(content: bytes, credential: Credential) -> Reading:
    """What PHP is to read from a file that assigns the variables, and perhaps copies them into $sqlconf."""
    values = dict(
        zip(
            VARIABLES,
            (credential.host, str(credential.port), credential.username, credential.password.reveal(), credential.dbname),
            strict=True,
        )
    )
    encoded = {name: value.encode() for name, value in values.items()}
    copied = {f"[{name}]": value for name, value in encoded.items() if b'$sqlconf["' + name.encode() in content}
    return encoded | copied


@accepted
def test_every_accepted_form_is_read(content: bytes) -> None:
    assert sqlconf.read(content) == OLD


@accepted
def test_only_the_five_values_change(content: bytes) -> None:
    """All between the values is the same, and the quotes too."""
    there = sqlconf.render(content, NEW)
    assert sqlconf.read(there) == NEW
    untouched = re.compile(rb"""(['"]?)(?:%s)\1""" % b"|".join(re.escape(text) for text in _texts(OLD) | _texts(NEW) | STALE))
    assert untouched.split(there) == untouched.split(content)


STALE = {b"first", b"second", b"1"}
"""Values of the assignments that the last one overrides: they are rewritten too."""


def _texts(credential: Credential) -> set[bytes]:
    return set(wanted(b"", credential).values())


@accepted
def test_what_is_there_already_is_rendered_as_it_is(content: bytes) -> None:
    once = sqlconf.render(content, NEW)
    assert sqlconf.render(once, NEW) == once


def test_there_and_back_is_the_same_file() -> None:
    assert sqlconf.render(sqlconf.render(installer(), NEW), OLD) == installer()


def test_every_byte_of_the_installers_file_but_the_values_stays() -> None:
    assert sqlconf.render(installer(), NEW) == installer(NEW)


def test_an_assignment_in_a_comment_stays_as_it_is() -> None:
    assert b"// $pass = 'x1';\n" in sqlconf.render(php("// $pass = 'x1';\n"), NEW)


def test_every_repetition_is_rewritten() -> None:
    rendered = sqlconf.render(ACCEPTED["repeated assignments, the last one wins"], NEW)
    assert rendered.count(b"new-password") == 3
    assert b"first" not in rendered


def test_an_empty_port_is_the_default_one() -> None:
    assert sqlconf.read(php(port="''")).port == 3306


# ---- the proof that matters: PHP ----------------------------------------------------------------------------------------

AWKWARD = "'\"\\$`{}<>?#/*;=&|%@!~^()[] \t\n\r,.:-_+" + "abxnXnrtvef$u{0127}" + "\u00e9\u4e2d\U0001f511"
EACH = 120
CHANCE = 20


def test_php_reads_what_the_parser_claims(tmp_path: Path) -> None:
    readings = php_reads(list(ACCEPTED.values()), tmp_path)
    claims = {name: wanted(content, sqlconf.read(content)) for name, content in ACCEPTED.items()}
    assert dict(zip(ACCEPTED, readings, strict=True)) == claims


def passwords(seed: int) -> list[str]:
    """Ours, and whatever else somebody may have chosen: a first rotation must be able to put that back."""
    chance = random.Random(seed)  # noqa: S311 - the same ones every time
    ours = [slot_password(chance.choice).reveal(), admin_password(chance.choice).reveal()]
    return ours + ["".join(chance.choice(AWKWARD) for _ in range(chance.randint(1, 43))) for _ in range(EACH)]


@accepted
def test_php_reads_every_password_that_was_written(content: bytes, tmp_path: Path) -> None:
    credentials = [replace(NEW, password=Password(text)) for text in passwords(CHANCE) + HARD]
    files = [sqlconf.render(content, credential) for credential in credentials]
    readings = php_reads(files, tmp_path)
    assert [reading["pass"] for reading in readings] == [c.password.reveal().encode() for c in credentials]
    assert readings == [wanted(content, credential) for credential in credentials]


HARD = [
    "'", "\\", "\\'", "\\\\", "$", '"', "$pass", "{$pass}", "${pass}", "'; exit; '", "?>", "*/", "//", "#", "<<<X", "0", "1.0",
    "\\n", "a\\", "\\x41", "\\X41", "\\101", "\\u{41}", "\\\\x41", "$\\pass", "0123", "12345678901234567890123", "-1", "3306",
]  # fmt: skip


def test_a_number_stays_a_number_only_if_php_reads_it_as_the_same_text(tmp_path: Path) -> None:
    file = php(**{"pass": "5"})
    texts = ["7", "0", "0123", "12345678901234567890123", "9223372036854775807", "9223372036854775808", "-1", "1e3"]
    files = [sqlconf.render(file, replace(NEW, password=Password(text))) for text in texts]
    assert [reading["pass"].decode() for reading in php_reads(files, tmp_path)] == texts


# Written by somebody: whatever our parser says of it, PHP says too.
ODD_STRINGS = [
    r"'it\'s'", r"'a\\'", r"'a\b\n\x41$x{$y}'", r"'\\\''", "'a\nb'", "''", "'<<<X'", "5", '"5"', '""', '"<<<X"', '"\u00e9"',
    r'"a\n\t\r\v\e\f\\\$\"z"', r'"\a\b\E\N\'"', '"a$1b$ c{d}$"', r'"\$pass"', r'"\\\$pass"', '"a\nb"', '"{ $ }"', r'"\{$1}"',
    r'"\\x41"', r'"\\101"', '"<?php"', '"#//"',
]  # fmt: skip


@pytest.mark.parametrize("literal", ODD_STRINGS)
def test_php_reads_the_same_from_every_literal_that_is_accepted(literal: str, tmp_path: Path) -> None:
    content = php(**{"pass": literal})
    [reading] = php_reads([content], tmp_path)
    assert sqlconf.read(content).password.reveal().encode() == reading["pass"]


# ---- refused ------------------------------------------------------------------------------------------------------------

# Input after the five assignments, so at line 7.
REFUSED_AFTER: dict[str, str] = {
    "getenv overrides it": "$pass = getenv('DB_PASS') ?: $pass;",
    "getenv overrides it inside if": "if (getenv('DB_PASS')) { $pass = getenv('DB_PASS'); }",
    "conditional, braces": "if (PHP_SAPI) { $pass = 'other'; }",
    "conditional, second in its braces": "if (PHP_SAPI) { $x = 1; $pass = 'other'; }",
    "conditional, no braces": "if (PHP_SAPI) $pass = 'other';",
    "conditional, else": "if (1) $x = 1; else $pass = 'other';",
    "conditional, and": "0 and $pass = 'other';",
    "conditional, ternary": "0 ? 1 : $pass = 'other';",
    "inside a function": "function f() { $pass = 'other'; }",
    "as a parameter's default": "function g($pass = 'other') {}",
    "concatenation": "$pass = 'a' . 'b';",
    "concatenation to what is there": "$pass .= 'x';",
    "null coalescing": "$pass ??= 'x';",
    "arithmetic": "$port += 1;",
    "increment": "$port++;",
    "an array element": "$pass[0] = 'x';",
    "interpolation": '$pass = "$host";',
    "interpolation at the very end": '$pass = "a$x";',
    "interpolation with braces": '$pass = "{$host}";',
    "interpolation, the other braces": '$pass = "${host}";',
    "interpolation after an escaped backslash": '$pass = "\\\\$host";',
    "octal escape": '$pass = "\\101";',
    "hexadecimal escape": '$pass = "\\x41";',
    "unicode escape": '$pass = "\\u{41}";',
    "a heredoc": "$pass = <<<X\nother\nX;",
    "a nowdoc": "$pass = <<<'X'\nother\nX;",
    "backticks": "$pass = `id`;",
    "a constant": "$pass = DB_PASS;",
    "a cast": "$port = (int) '3306';",
    "a negative number": "$port = -1;",
    "a float": "$port = 3306.5;",
    "hexadecimal": "$port = 0xCEA;",
    "null": "$pass = null;",
    "another variable": "$pass = $host;",
    "chained": "$x = $pass = 'other';",
    "in a call": "strlen($pass = 'other');",
    "a reference to it": "$other = &$pass; $other = 'x';",
    "it as a reference": "$pass = &$other;",
    "a closure's reference": "$f = function () use (&$pass) {};",
    "foreach by value": "foreach (['x'] as $pass);",
    "foreach by reference": "foreach ($x as &$pass);",
    "list()": "list($pass) = ['x'];",
    "short list": "[$pass] = ['x'];",
    "short list, second": "[$x, $pass] = ['x', 'y'];",
    "an output argument": "preg_match('/x/', 'x', $pass);",
    "global": "global $pass;",
    "static": "static $pass = 'x';",
    "unset": "unset($pass);",
    "include": "include 'local.php';",
    "include_once": "include_once 'local.php';",
    "require": "require 'local.php';",
    "require_once": "require_once('local.php');",
    "extract": "extract($x);",
    "parse_str": "parse_str('a=b');",
    "eval": "eval('$p' . 'ass = 1;');",
    "goto": "goto end; $pass = 'x'; end:",
    "a variable variable": "$name = 'pass'; $$name = 'x';",
    "a variable in braces": "${'pass'} = 'x';",
    "sqlconf with a literal": "$sqlconf['pass'] = 'x';",
    "sqlconf with another variable": "$sqlconf['pass'] = $host;",
    "sqlconf with something added": "$sqlconf['pass'] = $pass . 'x';",
    "a second PHP block": "?>\n<?php $pass = 'other';",
    "a second PHP block that echoes": "?>\n<?= 1 ?>",
    "an unfinished string": "$x = 'other;",
    "an unfinished string in double quotes": '$x = "other;',
    "what a shell says": "$x = `echo ';'`;",
}

# As above; each of them was accepted once, with PHP reading another value than the parser claimed.
MISREAD_AFTER: dict[str, str] = {
    "after return": "return; $pass = 'other';",
    "after a conditional return": "if (PHP_SAPI) return; $pass = 'other';",
    "after die": "if (PHP_SAPI) die; $pass = 'other';",
    "after exit": "if (PHP_SAPI) exit; $pass = 'other';",
    "after throw": "throw new Exception; $pass = 'other';",
    "after the compiler's halt": "__halt_compiler(); $pass = 'other';",
    "in a conditional without braces": "if (0): $x = 1; $pass = 'other'; endif;",
    "in a while without braces": "while (0): $x = 1; $pass = 'other'; endwhile;",
    "in a for without braces": "for (; 0;): $x = 1; $pass = 'other'; endfor;",
    "in a foreach without braces": "foreach ([] as $v): $x = 1; $pass = 'other'; endforeach;",
    "in a switch without braces": "switch (0): case 1: $x = 1; $pass = 'other'; endswitch;",
    "in a declare without braces": "declare(ticks=1): $x = 1; $pass = 'other'; enddeclare;",
    "in a loop's head": "if (0) for (;$pass = 'other';) {}",
    "through $GLOBALS": "$GLOBALS['pass'] = 'other';",
    "by a foreach with keys": "foreach (['x' => 'other'] as $k => $pass);",
    "by a list with keys": "['k' => $pass] = ['k' => 'other'];",
    "by a catch": "try { f(); } catch (Error $pass) {}",
    "by a function's first argument": "settype($pass, 'integer');",
    "by an increment before it": "++$port;",
    "by a decrement before it": "--$port;",
    "by extract of the root namespace": "\\extract(['pass' => 'other']);",
    "by an octal number": "$port = 03306;",
    "by a number too large": "$pass = 12345678901234567890123;",
    "by a hexadecimal escape in capitals": '$pass = "\\X41";',
    "in a comment that never ends": "/* $x = 1; $pass = 'other';",
    "by filling sqlconf at once": "$sqlconf = array('pass' => 'other');",
    "by adding to sqlconf": "$sqlconf['pass'] = $pass; $sqlconf['pass'] .= 'x';",
    "by a variable key of sqlconf": "$k = 'pass'; $sqlconf[$k] = 'other';",
    "after it was copied": "$sqlconf['pass'] = $pass; $pass = 'other';",
}


REFUSED = REFUSED_AFTER | MISREAD_AFTER

refused = pytest.mark.parametrize("after", REFUSED.values(), ids=REFUSED)


@refused
def test_what_could_make_php_read_another_value_is_refused_with_its_line(after: str) -> None:
    with pytest.raises(SqlconfUnsupported, match="line 7: "):
        sqlconf.read(php(after))


@refused
def test_what_is_not_read_is_not_rewritten_either(after: str) -> None:
    with pytest.raises(SqlconfUnsupported):
        sqlconf.render(php(after), NEW)


@pytest.mark.parametrize("line", [1, 4, 30])
def test_the_line_is_counted_as_an_editor_counts(line: int) -> None:
    with pytest.raises(SqlconfUnsupported, match=f"line {line}: "):
        sqlconf.read(b"<?php " + b"\n" * (line - 1) + b"$pass = DB_PASS;")


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_that_is_never_assigned_is_named(name: str) -> None:
    content = re.sub(rb"\$%s\t.*\n" % name.encode(), b"", php())
    with pytest.raises(SqlconfUnsupported, match=rf"does not assign \${name}$"):
        sqlconf.read(content)


@pytest.mark.parametrize("byte", ["\0", "\x0b", "\x0c", "\x7f"])
def test_a_byte_that_php_does_not_take_for_code_is_refused(byte: str) -> None:
    with pytest.raises(SqlconfUnsupported, match="cannot be read"):
        sqlconf.read(php(byte))


@pytest.mark.parametrize("start", ["", "$x;", "<html>", "<?= 1 ?>", "#!/usr/bin/php\n<?php\n", "<?php//x\n", "<?php;", "<?php\f"])
def test_a_file_that_is_not_php_from_its_start_is_refused(start: str) -> None:
    with pytest.raises(SqlconfUnsupported, match="does not begin with <\\?php"):
        sqlconf.read(php(before=start))


def test_a_value_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(SqlconfUnsupported, match="UTF-8"):
        sqlconf.read(php(host="'caf\u00e9'").decode().encode("latin-1"))


@pytest.mark.parametrize("port", ["'x'", "'33 06'", "'3306;'", "'3_306'", "'-1'", "'\u0663'"])
def test_a_port_that_is_not_a_number_is_refused(port: str) -> None:
    with pytest.raises(SqlconfUnsupported, match="port is not a number"):
        sqlconf.read(php(port=port))


def test_a_credential_without_a_port_is_not_written() -> None:
    with pytest.raises(SqlconfUnsupported):
        sqlconf.render(php(), replace(NEW, port=None))


@pytest.mark.parametrize("content", [installer(), php("$pass = getenv('X') ?: 'old-password';"), php(port="'old-password'")])
def test_no_message_shows_a_value(content: bytes) -> None:
    broken = content.replace(b"$dbase\t", b"$schema\t")
    with pytest.raises(SqlconfUnsupported) as caught:
        sqlconf.read(broken)
    assert "old-password" not in str(caught.value)


# ---- $config: whether OpenEMR takes itself for installed ----------------------------------------------------------------------

SETUP = {
    "as the installer leaves it": (installer(), False),
    "in setup": (installer().replace(b"$config = 1;", b"$config = 0;"), True),
    "in quotes": (php("$config = '0';\n"), True),
    "empty": (php('$config = "";\n'), True),
    "installed, in quotes": (php("$config = '1';\n"), False),
    "commented out": (php("$config = 1;\n// $config = 0;\n"), False),
    "the last one counts": (php("$config = 1;\n$config = 0;\n"), True),
    "set right again": (php("$config = 0;\n$config = 1;\n"), False),
}


@pytest.mark.parametrize("what", SETUP)
def test_that_openemr_would_show_its_setup_is_seen(what: str) -> None:
    content, in_setup = SETUP[what]
    assert sqlconf.in_setup(content) is in_setup


def test_php_takes_config_for_the_same(tmp_path: Path) -> None:
    """As OpenEMR's index.php asks it."""
    for number, (content, _) in enumerate(SETUP.values()):
        (tmp_path / f"{number:02}.php").write_bytes(content)
    ask = "foreach (glob($argv[1] . '/*.php') as $f) { include $f; fwrite(STDERR, $config == 1 ? '1' : '0'); }"
    said = subprocess.run(
        ["php", "-n", "-r", ask, "--", str(tmp_path)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True
    )
    assert said.stderr.decode() == "".join("0" if in_setup else "1" for _, in_setup in SETUP.values())


@pytest.mark.parametrize(
    "after", ["", "$config = true;\n", "$config = getenv('X');\n", "$config = 0 + 1;\n", "$config = 0", "$config", "$config =="]
)
def test_where_php_may_come_to_another_value_nothing_is_said(after: str) -> None:
    assert not sqlconf.in_setup(php(after))


@pytest.mark.parametrize("content", [content for content, in_setup in SETUP.values() if in_setup])
def test_the_setup_mode_is_left_as_it_is(content: bytes) -> None:
    written = sqlconf.render(content, NEW)
    assert sqlconf.in_setup(written)
    assert sqlconf.read(written) == NEW
