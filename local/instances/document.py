"""What is shipped for instances, made of its sources: the SSM document, the same script for the boot, and user data.

python -m local.instances.document          writes them into instances/
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from local.aws import REPOSITORY

FOLDER = REPOSITORY / "instances"
REWRITER, UNIT = "@REWRITER@\n", "@UNIT@\n"
MADE = "# Made of instances/source by python -m local.instances.document: change it there."
TIMEOUT_SECONDS = 300


@dataclass(frozen=True)
class Parameter:
    """It is put between single quotes of a shell, so no pattern lets one through."""

    description: str
    pattern: str
    default: str | None = None

    def text(self, name: str) -> str:
        """As the document declares it."""
        given = {"type": "String", "description": self.description, "allowedPattern": self.pattern}
        given |= {} if self.default is None else {"default": self.default}
        return "".join([f"  {name}:\n", *(f"    {key}: {_quoted(value)}\n" for key, value in given.items())])


VERSION = "[A-Za-z0-9_-]{32,64}"
PARAMETERS = {
    "Action": Parameter(
        "write puts the version into wp-config.php, look says which one it holds, own gives it an owner and a mode",
        "^(look|write|own)$",
    ),
    "SecretArn": Parameter(
        "The secret that the application's login is in",
        "^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$",
    ),
    "VersionId": Parameter("The version of it to write, or the one that is expected", f"^{VERSION}$"),
    "Candidates": Parameter(
        "Other versions of it that the file may hold: up to five ids with commas", f"^({VERSION}(,{VERSION}){{0,4}})?$", ""
    ),
    "Path": Parameter("Where wp-config.php is", "^/[A-Za-z0-9_./+@=-]+$", "/var/www/html/wp-config.php"),
    "Owner": Parameter("Whose wp-config.php is to be, by numbers; only for own", "^([0-9]{1,10}:[0-9]{1,10})?$", ""),
    "Mode": Parameter("Of wp-config.php, octal; only for own", "^(0[0-7]{3})?$", ""),
    "Page": Parameter(
        "A page that the instance asks of itself; empty for none",
        "^(https?://[A-Za-z0-9.:_-]+(/[A-Za-z0-9/?&=_.,~%+:;@!-]*)?)?$",
        "http://127.0.0.1/",
    ),
    "Marker": Parameter("Text that the page has to show; if empty, it has to answer 200", "^[^'\"\\\\`$\\x00-\\x1f{}]{0,200}$", ""),
}


def script(shell: str, php: str) -> str:
    """The shell's text with the rewriter in it."""
    return _filled(shell, REWRITER, shlex.quote(_filled(php, "<?php\n", "")) + "\n")


def document(shell: str, php: str) -> str:
    """For CreateDocument, as YAML. The agent puts the parameters' values in place of their names."""
    given = "".join(f"{name}='{{{{ {name} }}}}'\n" for name in PARAMETERS)
    lines = (given + script(shell, php)).splitlines()
    return "".join(
        [
            f"{MADE}\n",
            'schemaVersion: "2.2"\n',
            "description: Looks which version of its secret a WordPress's wp-config.php holds, or writes one into it\n",
            "parameters:\n",
            *(parameter.text(name) for name, parameter in PARAMETERS.items()),
            "mainSteps:\n",
            "  - action: aws:runShellScript\n",
            "    name: wpConfig\n",
            "    inputs:\n",
            f'      timeoutSeconds: "{TIMEOUT_SECONDS}"\n',
            "      runCommand:\n",
            "        - |\n",
            *(f"          {line}\n" if line else "\n" for line in lines),
        ]
    )


def at_boot(shell: str, php: str) -> str:
    """The same as a program of its own: what are parameters there are variables of its environment here."""
    return f"#!/bin/sh\n{MADE}\n{script(shell, php)}"


def made() -> dict[str, str]:
    """Every file that is made, by name."""
    shell, php, data = ((FOLDER / "source" / name).read_text() for name in ("wp-config.sh", "rewriter.php", "user-data.sh"))
    unit = (FOLDER / "wp-config.service").read_text()
    return {
        "wp-config.document.yaml": document(shell, php),
        "wp-config": at_boot(shell, php),
        "user-data.sh": _filled(data, UNIT, unit),
    }


def _filled(text: str, hole: str, content: str) -> str:
    before, found, after = text.partition(hole)
    if not found or hole in after:
        raise ValueError(f"there has to be one {hole.strip()}")
    return before + content + after


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def main() -> None:
    for name, content in made().items():
        (FOLDER / name).write_text(content)
    (FOLDER / "wp-config").chmod(0o755)


if __name__ == "__main__":
    main()
