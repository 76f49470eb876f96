"""The part of template.yaml that belongs to one kind: kept in the kind's folder, put into the template, taken out again.

python -m local.fragment add|remove FOLDER
"""

import re
import sys
from pathlib import Path

from local.aws import REPOSITORY
from local.translation import Template
from local.yaml_text import read_yaml

NAME = "fragment.yaml"
TEMPLATE = REPOSITORY / "template.yaml"
_BEGINS, _ENDS = "  # ---- of the kind in {}, from its fragment.yaml\n", "  # ---- end of {}\n"
_SECTION = re.compile(r"^(\w+):\n((?:(?: .*)?\n)+)", re.MULTILINE)
_ENTRY = re.compile(r"^  (\w+):$", re.MULTILINE)
_GROUP = re.compile(r"(?<=Parameters: \[OtherConsumers)[\w, ]*(?=\])")
"""In the console, what fragments ask for stands in one group."""


def lacking(template: Template, fragment: Template) -> list[str]:
    """What the template has not, or has otherwise."""
    return [
        f"{section}.{name}"
        for section, entries in fragment.items()
        for name, entry in entries.items()
        if template.get(section, {}).get(name) != entry
    ]


def add(template: str, folder: str, fragment: str) -> str:
    """At the beginning of each section, in the place of what that folder had there before."""
    template = remove(template, folder)
    sections = dict(_SECTION.findall(fragment))
    for section, lines in sections.items():
        block = _BEGINS.format(folder) + lines.strip("\n") + "\n" + _ENDS.format(folder)
        template = template.replace(f"\n{section}:\n", f"\n{section}:\n{block}", 1)
    named = "".join(f", {name}" for name in _ENTRY.findall(sections.get("Parameters", "")))
    return _GROUP.sub(lambda listed: listed[0] + named, template)


def remove(template: str, folder: str) -> str:
    """Every line of it."""
    blocks = re.compile(f"{re.escape(_BEGINS.format(folder))}.*?{re.escape(_ENDS.format(folder))}", re.DOTALL)
    gone = {name for block in blocks.findall(template) for name in _ENTRY.findall(block)}
    return _GROUP.sub(
        lambda listed: "".join(f", {name}" for name in _names(listed[0]) if name not in gone), blocks.sub("", template)
    )


def _names(listed: str) -> list[str]:
    return re.findall(r"\w+", listed)


def main(act: str, folder: str) -> str:
    """What is wrong, if anything is."""
    place, fragment = Path(folder), (Path(folder) / NAME).read_text()
    template = TEMPLATE.read_text()
    after = add(template, place.name, fragment) if act == "add" else remove(template, place.name)
    wrong = lacking(read_yaml(after), read_yaml(fragment)) if act == "add" else []
    if wrong:
        return f"template.yaml has another {', '.join(wrong)} already: give it another name in {place / NAME}"
    TEMPLATE.write_text(after)
    return ""


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) or None)
