"""The part of template.yaml that belongs to one kind: kept in the kind's folder, put into the template, taken out again.

python -m local.fragment add|remove FOLDER
"""

import re
import sys
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

from local.aws import REPOSITORY
from local.translation import Template

NAME = "fragment.yaml"
TEMPLATE = REPOSITORY / "template.yaml"
_SECTION = re.compile(r"^(\w+):\n((?:(?: .*)?\n)+)", re.MULTILINE)
_GROUP = re.compile(r"(?<=Parameters: \[OtherConsumers)[\w, ]*(?=\])")
"""In the console, what fragments ask for stands in one group."""


def sections(text: str) -> dict[str, str]:
    """Each with its lines, as they are written."""
    return {name: f"{lines.strip(chr(10))}\n\n" for name, lines in _SECTION.findall(text)}


def lacking(template: Template, fragment: Template) -> list[str]:
    """What the template has not, or has otherwise."""
    return [
        f"{section}.{name}"
        for section, entries in fragment.items()
        for name, entry in entries.items()
        if template.get(section, {}).get(name) != entry
    ]


def add(template: str, fragment: str) -> str:
    """At the beginning of each section; once, however often it is asked."""
    template = remove(template, fragment)
    for section, lines in sections(fragment).items():
        template = template.replace(f"\n{section}:\n", f"\n{section}:\n{lines}", 1)
    return _GROUP.sub(lambda listed: listed[0] + _listed(fragment), template)


def remove(template: str, fragment: str) -> str:
    """Every line of it, where it stands as it is in the fragment."""
    for section, lines in sections(fragment).items():
        template = template.replace(f"\n{section}:\n{lines}", f"\n{section}:\n", 1)
    return _GROUP.sub(lambda listed: listed[0].replace(_listed(fragment), ""), template)


def _listed(fragment: str) -> str:
    return "".join(f", {name}" for name in yaml_parse(fragment).get("Parameters", {}))


def main(act: str, folder: str) -> str:
    """What is to be said of it."""
    fragment = (Path(folder) / NAME).read_text()
    TEMPLATE.write_text({"add": add, "remove": remove}[act](TEMPLATE.read_text(), fragment))
    wrong = lacking(yaml_parse(TEMPLATE.read_text()), yaml_parse(fragment)) if act == "add" else []
    return f"template.yaml has another {', '.join(wrong)}: give it another name in {folder}/{NAME}" if wrong else ""


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) or None)
