"""What is shipped for instances, made of its two sources: the SSM document, and the same script for the boot.

    python -m local.instances.document          writes both into instances/
"""

from __future__ import annotations

import shlex
from pathlib import Path

HOLE = "@REWRITER@"
PARAMETERS = {
    "Action": ("write puts the version into wp-config.php, look says which one it holds", "^(look|write)$", None),
    "SecretArn": (
        "The secret that the application's login is in",
        "^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$",
        None,
    ),
    "VersionId": ("The version of it to write, or the one that is expected", "^[A-Za-z0-9_-]{32,64}$", None),
    "Candidates": (
        "Other versions of it that the file may hold: up to five ids with commas",
        "^([A-Za-z0-9_-]{32,64}(,[A-Za-z0-9_-]{32,64}){0,4})?$",
        "",
    ),
    "Path": ("Where wp-config.php is", "^/[A-Za-z0-9_./+@=-]+$", "/var/www/html/wp-config.php"),
    "Page": (
        "A page that the instance asks of itself; empty for none",
        "^(https?://[A-Za-z0-9.:_-]+(/[A-Za-z0-9/?&=_.,~%+:;@!-]*)?)?$",
        "http://127.0.0.1/",
    ),
    "Marker": (
        "Text that the page has to show; if empty, it has to answer 200",
        "^[^'\"\\\\`$\\x00-\\x1f{}]{0,200}$",
        "",
    ),
}
"""By name: what it is, what it has to match (each is put between single quotes of a shell), and what it is if it is not given."""
MADE = "Made of wp-config.sh and rewriter.php by python -m local.instances.document: change those."
TIMEOUT_SECONDS = 300


def script(shell: str, php: str) -> str:
    """The shell's text with the rewriter in it."""
    code = php.removeprefix("<?php\n")
    if code == php or shell.count(HOLE) != 1:
        raise ValueError("the rewriter begins with <?php, and the script has one place for it")
    return shell.replace(HOLE, shlex.quote(code))


def document(shell: str, php: str) -> str:
    """For CreateDocument, as YAML. The agent puts the parameters' values in place of their names."""
    given = "".join(f"{name}='{{{{ {name} }}}}'\n" for name in PARAMETERS)
    body = "".join(f"          {line}\n" if line else "\n" for line in (given + script(shell, php)).splitlines())
    return "".join(
        [
            f"# {MADE}\n",
            'schemaVersion: "2.2"\n',
            "description: Looks which version of its secret a WordPress's wp-config.php holds, or writes one into it\n",
            "parameters:\n",
            *(_parameter(name, *about) for name, about in PARAMETERS.items()),
            "mainSteps:\n",
            "  - action: aws:runShellScript\n",
            "    name: wpConfig\n",
            "    inputs:\n",
            f'      timeoutSeconds: "{TIMEOUT_SECONDS}"\n',
            "      runCommand:\n",
            "        - |\n",
            body,
        ]
    )


def at_boot(shell: str, php: str) -> str:
    """The same as a program of its own: its parameters are variables of its environment, all but the secret's ARN with a default."""
    given = "".join(f"{name}=${{{name}-{_at_boot(name)}}}\n" for name in PARAMETERS if name != "SecretArn")
    return f"#!/bin/sh\n# {MADE}\n: \"${{SecretArn:?}}\"\n{given}{script(shell, php)}"


def _at_boot(name: str) -> str:
    default = PARAMETERS[name][2]
    return {"Action": "write", "VersionId": "", "Page": ""}.get(name, default or "")


def _parameter(name: str, what: str, pattern: str, default: str | None) -> str:
    given = {"type": "String", "description": what, "allowedPattern": pattern} | ({} if default is None else {"default": default})
    return "".join([f"  {name}:\n", *(f"    {key}: {_quoted(text)}\n" for key, text in given.items())])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def main() -> None:
    folder = Path(__file__).resolve().parents[2] / "instances"
    shell, php = ((folder / name).read_text() for name in ("wp-config.sh", "rewriter.php"))
    (folder / "wp-config.document.yaml").write_text(document(shell, php))
    (folder / "wp-config").write_text(at_boot(shell, php))
    (folder / "wp-config").chmod(0o755)


if __name__ == "__main__":
    main()
