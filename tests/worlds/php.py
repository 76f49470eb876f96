"""What PHP itself makes of a sqlconf.php: one process that includes many files, each with a clean slate."""

import base64
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

VARIABLES = ("host", "port", "login", "pass", "dbase")

Reading = dict[str, bytes]
"""What each variable holds; where the file fills `$sqlconf` too, what that holds under the same name in brackets."""

_READER = """
error_reporting(0);
while (($__path = fgets(STDIN)) !== false) {
    unset($host, $port, $login, $pass, $dbase, $sqlconf);
    ob_start();
    try { include rtrim($__path, "\n"); } catch (\\Throwable $__error) { unset($host, $port, $login, $pass, $dbase, $sqlconf); }
    ob_end_clean();
    $__seen = [];
    foreach (['host', 'port', 'login', 'pass', 'dbase'] as $__name) {
        if (isset($$__name)) { $__seen[$__name] = base64_encode((string) $$__name); }
        if (isset($sqlconf[$__name])) { $__seen["[$__name]"] = base64_encode((string) $sqlconf[$__name]); }
    }
    echo json_encode((object) $__seen), "\n";
}
"""


def php_reads(files: Sequence[bytes], scratch: Path) -> list[Reading]:
    """At the top level, as OpenEMR reads it; a file that stops PHP leaves the list too short, and the test fails."""
    paths = [scratch / f"{number}.php" for number in range(len(files))]
    for path, content in zip(paths, files, strict=True):
        path.write_bytes(content)
    process = subprocess.run(
        ["php", "-n", "-d", "display_errors=0", "-r", _READER],
        input="".join(f"{path}\n" for path in paths),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    readings = [json.loads(line) for line in process.stdout.splitlines()]
    return [{name: base64.b64decode(value) for name, value in reading.items()} for reading in readings]
