"""wp-config.php as it is found in the world: what is accepted, and what is refused with the line and the reason."""

from tests.contract.machine import HOST, OLD, SCHEMA, config

NAME_AND_HOST = f"define('DB_NAME', '{SCHEMA}');\ndefine('DB_HOST', '{HOST}');\n"
USER, PASSWORD = f"define('DB_USER', '{OLD[0]}');\n", f"define('DB_PASSWORD', '{OLD[1]}');\n"
END = "require_once __DIR__ . '/wp-settings.php';\n"


def odd(before: str = "", after: str = "", user: str = USER, password: str = PASSWORD) -> str:
    return f"<?php\n{before}{NAME_AND_HOST}{user}{password}{after}{END}"


ACCEPTED: dict[str, str] = {
    "as the installer writes it": config(),
    "Windows line ends": config().replace("\n", "\r\n"),
    "old Macintosh line ends": config().replace("\n", "\r"),
    "no newline at the end": config().rstrip("\n"),
    "a byte order mark": "\ufeff" + config(),
    "a closing tag": config() + "?>\n",
    "a closing tag with text after it": config() + "?>\n<!-- define('DB_USER', 'decoy'); -->\n",
    "double quotes": config().replace("'", '"'),
    "double quotes with escapes": odd(password='define("DB_PASSWORD", "old-c\\x61nary\\55password");\n'),
    "single quotes with escapes": odd(before="define('AUTH_KEY', 'it\\'s \\\\ define( \"DB_USER\", \"x\" );');\n"),
    "no space at all": odd().replace(", ", ","),
    "tabs and much space": odd(user=f"define\t(\n\t'DB_USER'\t,\n\t'{OLD[0]}'\n)\n;\n"),
    "comments inside of it": odd(user=f"define( /* who */ 'DB_USER' /* , 'x' */, # no\n '{OLD[0]}' // yes\n );\n"),
    "commented out before and after": odd(
        before="// define('DB_USER', 'x');\n# define('DB_PASSWORD', 'x');\n/* define('DB_PASSWORD', 'x'); */\n",
        after="/*\n * define('DB_USER', 'x');\n */\n",
    ),
    "decoys in a heredoc and a nowdoc": odd(
        before="$a = <<<TEXT\ndefine('DB_USER', 'x');\n{$_SERVER['argc']}\nTEXT;\n",
        after="$b = <<<'TEXT'\ndefine('DB_PASSWORD', 'x');\nTEXT;\n",
    ),
    "decoys in a text": odd(before="$a = \"define('DB_USER', 'x');\"; $b = 'define(\"DB_PASSWORD\", \"x\");';\n"),
    "capitals": odd(user=f"DEFINE('DB_USER', '{OLD[0]}');\n"),
    "the global name": odd(password=f"\\define('DB_PASSWORD', '{OLD[1]}');\n"),
    "a third argument": odd(user=f"define('DB_USER', '{OLD[0]}', false);\n"),
    "a comma at the end": odd(user=f"define('DB_USER', '{OLD[0]}',);\n"),
    "ended by a closing tag": odd(user=f"define('DB_USER', '{OLD[0]}') ?>\n<?php\n"),
    "all on one line": "<?php " + odd().removeprefix("<?php\n").replace("\n", " "),
    "a namespace": odd(before="namespace Site;\n"),
    "a class with a method of that name": odd(before="class A { static function define($a, $b) {} }\nA::define('DB_USER', 'x');\n"),
    "blocks closed before it": odd(before="if ($x): define('A', 1); else: define('A', 2); endif;\nif (1) { }\n"),
    "the constants used later": odd(
        after="define('COPY', DB_PASSWORD);\nif (defined('DB_USER')) { $x = \"{$_SERVER['argc']}\"; }\n"
    ),
    "an include after both": odd(after="if (file_exists(__DIR__ . '/more.php')) { include __DIR__ . '/more.php'; }\n"),
    "latin-1 in a comment": odd(before="// caf\u00e9\n"),
    "a port": odd().replace(HOST, f"{HOST}:3306"),
    "a socket": odd().replace(HOST, "localhost:/var/run/mysqld/mysqld.sock"),
    "a host from the environment, which is not compared": odd().replace(f"'{HOST}'", "getenv('DB_HOST')"),
    "no host at all": odd().replace(f"define('DB_HOST', '{HOST}');\n", ""),
}


REFUSED: dict[str, tuple[str, str]] = {
    "getenv": (odd(user="define('DB_USER', getenv('DB_USER'));\n"), "line 4: DB_USER comes from the environment"),
    "getenv or a default": (
        odd(user="define('DB_USER', getenv('DB_USER') ?: 'x');\n"),
        "line 4: DB_USER comes from the environment",
    ),
    "$_ENV": (odd(password="define('DB_PASSWORD', $_ENV['PW']);\n"), "line 5: DB_PASSWORD comes from the environment"),
    "$_SERVER": (odd(password="define('DB_PASSWORD', $_SERVER['PW']);\n"), "line 5: DB_PASSWORD comes from the environment"),
    "texts joined": (odd(password="define('DB_PASSWORD', 'a' . 'b');\n"), "line 5: DB_PASSWORD is joined from several texts"),
    "a constant": (odd(password="define('DB_PASSWORD', SECRET);\n"), "line 5: DB_PASSWORD comes from a constant"),
    "a variable": (odd(password="define('DB_PASSWORD', $pw);\n"), "line 5: DB_PASSWORD comes from a variable"),
    "a variable in a text": (odd(password='define("DB_PASSWORD", "a$pw");\n'), "line 5: DB_PASSWORD has a variable in it"),
    "a function": (odd(password="define('DB_PASSWORD', trim('x'));\n"), "line 5: DB_PASSWORD comes from a function"),
    "a file": (odd(password="define('DB_PASSWORD', file_get_contents('/pw'));\n"), "line 5: DB_PASSWORD comes from a function"),
    "a heredoc": (odd(password="define('DB_PASSWORD', <<<A\nx\nA);\n"), "line 5: DB_PASSWORD is a heredoc"),
    "a text and more": (
        odd(password="define('DB_PASSWORD', 'x' ?: 'y');\n"),
        "line 5: DB_PASSWORD comes from a constant or an expr",
    ),
    "defined twice": (odd(after=USER), "lines 4 and 6: DB_USER is defined more than once"),
    "defined twice, once under a condition": (odd(before=f"if (1) {{ {USER} }}\n"), "lines 2 and 6: DB_USER is defined more"),
    "under a condition": (odd(user=f"if (!defined('DB_USER')) {{ {USER} }}\n"), "line 4: DB_USER is defined under a condition"),
    "under a condition without braces": (
        odd(user=f"if (!defined('DB_USER')) {USER}"),
        "line 4: DB_USER is defined under a condition",
    ),
    "under a condition with a colon": (odd(user=f"if (1):\n {USER} endif;\n"), "line 5: DB_USER is defined under a condition"),
    "under a short condition": (odd(user=f"defined('DB_USER') || {USER}"), "line 4: DB_USER is defined under a condition"),
    "in a function": (odd(user=f"function f() {{ {USER} }} f();\n"), "line 4: DB_USER is defined under a condition"),
    "a const": (odd(user="const DB_USER = 'x';\n"), "line 4: DB_USER is a const"),
    "in another file": (
        f"<?php\n{NAME_AND_HOST}require '/etc/wp-db.php';\n{END}",
        "DB_USER is not defined here, and line 4 includes",
    ),
    "an include before": (odd(before="require __DIR__ . '/local.php';\n"), "line 2: the file includes another file, which could"),
    "code evaluated before": (odd(before="eval('1;');\n"), "line 2: the file evaluates code"),
    "a name that is computed": (
        odd(before="foreach ($x as $k => $v) { define($k, $v); }\n"),
        "line 2: the file defines a name that",
    ),
    "an end before it": (odd(before="return;\n"), "line 2: the file ends or leaves"),
    "another database": (odd().replace(SCHEMA, "other"), "line 2: DB_NAME is another than the secret's dbname"),
    "another host": (odd().replace(HOST, "elsewhere"), "line 3: DB_HOST is another than the secret's host"),
    "another port": (odd().replace(HOST, f"{HOST}:3307"), "line 3: DB_HOST is another than the secret's port"),
    "Bedrock": (
        "<?php\nrequire_once dirname(__DIR__) . '/config/application.php';\n",
        "this is Bedrock, whose .env is not supported",
    ),
    "HyperDB elsewhere": (odd(before="define('DB_CONFIG_FILE', '/etc/db.php');\n"), "HyperDB with DB_CONFIG_FILE is not supported"),
    "no PHP": (odd(after="if (;\n"), "is no valid PHP"),
    "empty": ("", "DB_USER is not defined"),
    "no tag": ("just a text", "DB_USER is not defined"),
}
