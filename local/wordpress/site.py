"""WordPress as its files: fetched once, laid out for each instance, installed into a database."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.mysql import Login
from local.mysqld import cache

HERE = Path(__file__).resolve().parent
CONFIG = "var/www/html/wp-config.php"
"""Below an instance's root, where the document's default is."""
TITLE, THEME = "Your Clinic Name Here", "marker"
LIGHT = "light.php"
"""A page that takes a quarter of the processor time of a whole one, and logs in by the same file."""
OWN = """
define( 'MYSQL_CLIENT_FLAGS', MYSQLI_CLIENT_SSL );
define( 'DISABLE_WP_CRON', true );
define( 'WP_HTTP_BLOCK_EXTERNAL', true );
define( 'AUTOMATIC_UPDATER_DISABLED', true );
define( 'DISALLOW_FILE_MODS', true );
// Whatever name it is asked by, it is this site.
define( 'WP_HOME', 'http://' . $_SERVER['HTTP_HOST'] );
define( 'WP_SITEURL', WP_HOME );

"""
ENDS = "/* That's all, stop editing!"


@dataclass(frozen=True)
class Database:
    """Where WordPress finds it."""

    host: str
    port: int
    schema: str


def tree() -> Path:
    """This machine's WordPress, laid out as upstream's; fetched if there is none."""
    fetched = subprocess.run(
        [HERE.parent / "fetch_wordpress.sh", cache() / "wordpress"], stdout=subprocess.PIPE, text=True, check=False
    )
    if fetched.returncode != 0:
        raise RuntimeError("no WordPress: see what fetch_wordpress.sh says above")
    return Path(fetched.stdout.strip())


def version(site: Path) -> str:
    """As it says itself."""
    code = "include $argv[1]; echo $wp_version;"
    file = str(site / "wp-includes/version.php")
    return subprocess.run(["php", "-n", "-r", code, "--", file], stdout=subprocess.PIPE, text=True, check=True).stdout


def config(site: Path, database: Database, login: Login) -> str:
    """Upstream's sample with its values put in by hand, as most people do it."""
    values = {
        "database_name_here": database.schema,
        "username_here": login.username,
        "password_here": login.password,
        "localhost": f"{database.host}:{database.port}",
    }
    text = (site / "wp-config-sample.php").read_text()
    for hole, value in values.items():
        text = text.replace(f"'{hole}'", f"'{value}'")
    while "put your unique phrase here" in text:
        text = text.replace("put your unique phrase here", secrets.token_urlsafe(48), 1)
    return text.replace(ENDS, OWN + ENDS)


def read(file: Path) -> Login:
    """What PHP reads from a wp-config.php, without the WordPress that it starts at its end."""
    before = "$_SERVER['HTTP_HOST'] = 'localhost'; define('MYSQLI_CLIENT_SSL', 0);"
    code = "eval('?>' . preg_replace('/^require_once.*$/m', '', file_get_contents($argv[1])));"
    said = subprocess.run(
        ["php", "-n", "-r", f"{before} {code} echo json_encode([DB_USER, DB_PASSWORD]);", "--", str(file)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    return Login(*json.loads(said))


def lay_out(site: Path, root: Path) -> None:
    """The files of one instance. All but its own are the same files under another name: it takes no room and 0.1 s."""
    there = root / CONFIG
    shutil.copytree(site, there.parent, copy_function=_link, dirs_exist_ok=True)
    shutil.copytree(HERE / "theme", there.parent / "wp-content/themes" / THEME, dirs_exist_ok=True)
    shutil.copy(HERE / LIGHT, there.parent)


def install(root: Path, password: str) -> None:
    """Into the database that its wp-config.php names."""
    there = root / CONFIG
    command = ["php", "-n", "-c", str(ini(root)), str(HERE / "install.php"), str(there.parent), "127.0.0.1", TITLE, THEME]
    done = subprocess.run(command, input=password, capture_output=True, text=True, check=False)
    if done.returncode != 0 or done.stdout:
        raise RuntimeError(f"WordPress was not installed: {done.stdout[-500:]} {done.stderr[-500:]}")


def ini(root: Path) -> Path:
    """With what an extension is, if PHP has it not built in: -n leaves out the distribution's files."""
    file = root / "etc/php.ini"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        built_in = subprocess.run(["php", "-n", "-m"], stdout=subprocess.PIPE, text=True, check=True).stdout.lower().split()
        lacking = [name for name in ("mysqlnd", "mysqli", "tokenizer", "ctype") if name not in built_in]
        file.write_text((HERE / "php.ini").read_text() + "".join(f"extension = {name}\n" for name in lacking))
    return file


def serving(root: Path, port: int) -> tuple[list[str], Mapping[str, str]]:
    """The web server of an instance, and what it needs in its environment."""
    there = root / CONFIG
    return ["php", "-n", "-c", str(ini(root)), "-q", "-S", f"127.0.0.1:{port}", "-t", str(there.parent)], {
        "PHP_CLI_SERVER_WORKERS": "4"
    }


def _link(source: str, target: str) -> None:
    if not Path(target).exists():
        try:
            Path(target).hardlink_to(source)
        except OSError:  # another file system
            shutil.copyfile(source, target)
