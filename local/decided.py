"""A template as CloudFormation takes it once the parameters are known: they fit, no rule refuses them, every condition is decided.

moto asks no rule and no pattern, and its lists keep what AWS::NoValue takes out of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Template = dict[str, Any]
NO_VALUE = {"Ref": "AWS::NoValue"}
GONE = ("Conditions", "Rules")
"""Parts of a template of which nothing is left to be decided."""


class Refused(Exception):
    """CloudFormation makes nothing of it, and says so."""


def decided(template: Template, parameters: Mapping[str, Any]) -> Template:
    """Without what the conditions leave out. Refused, where something that stays names something that went."""
    answers = _Answers(template, parameters)
    rest = {key: part for key, part in template.items() if key not in GONE}
    for part in ("Resources", "Outputs"):
        rest[part] = {key: one for key, one in template.get(part, {}).items() if answers.condition(one.get("Condition"))}
    done: Template = _without(rest, answers)
    gone = set(template["Resources"]) - set(done["Resources"])
    if dangling := sorted(set(_named(done)) & gone):
        raise Refused(f"Unresolved resource dependencies {dangling}")
    return done


def demand(template: Template, parameters: Mapping[str, Any]) -> None:
    """Refused, unless a stack may be made with them."""
    known = template.get("Parameters", {})
    if unknown := sorted(set(parameters) - set(known)):
        raise Refused(f"Parameters: {unknown} do not exist in the template")
    if missing := sorted(name for name, one in known.items() if "Default" not in one and name not in parameters):
        raise Refused(f"Parameters: {missing} must have values")
    for name, given in parameters.items():
        _fits(name, known[name], str(given))
    answers = _Answers(template, parameters)
    for rule in template.get("Rules", {}).values():
        if answers.truth(rule.get("RuleCondition", True)):
            for one in rule["Assertions"]:
                if not answers.truth(one["Assert"]):
                    raise Refused(one["AssertDescription"])


def _fits(name: str, parameter: Mapping[str, Any], given: str) -> None:
    """What the parameter itself says of its values."""
    values = given.split(",") if "List" in parameter["Type"] else [given]
    allowed = [str(one) for one in parameter.get("AllowedValues", values)]
    for value in values:
        if value not in allowed or not re.search(parameter.get("AllowedPattern", ""), value):
            raise Refused(f"Parameter {name} failed to satisfy constraint: {value}")
    if parameter["Type"] == "Number":
        least, most = (float(parameter.get(bound, given)) for bound in ("MinValue", "MaxValue"))
        if not least <= float(given) <= most:
            raise Refused(f"Parameter {name} failed to satisfy constraint: {given}")


class _Answers:
    """What follows from the parameters alone. Everything is compared as text, as CloudFormation does."""

    def __init__(self, template: Template, parameters: Mapping[str, Any]) -> None:
        self._conditions = template.get("Conditions", {})
        defaults = {name: one.get("Default", name) for name, one in template.get("Parameters", {}).items()}
        self._values = {name: str(value) for name, value in (defaults | dict(parameters)).items()}

    def condition(self, name: str | None) -> bool:
        return name is None or self.truth(self._conditions[name])

    def truth(self, node: Any) -> bool:
        if isinstance(node, bool):
            return node
        ((name, argument),) = node.items()
        if name == "Condition":
            return self.condition(argument)
        if name == "Fn::Equals":
            return self._text(argument[0]) == self._text(argument[1])
        if name not in ("Fn::Not", "Fn::And", "Fn::Or"):
            raise NotImplementedError(name)
        parts = [self.truth(one) for one in argument]
        return {"Fn::Not": not parts[0], "Fn::And": all(parts), "Fn::Or": any(parts)}[name]

    def _text(self, node: Any) -> str:
        if not isinstance(node, dict):
            return str(node)
        ((name, argument),) = node.items()
        if name == "Ref":
            return self._values[argument]
        if name == "Fn::Join" and argument[0] == "":
            return self._text(argument[1]).replace(",", "")
        raise NotImplementedError(name)


def _without(node: Any, answers: _Answers) -> Any:
    """Each Fn::If is the side that was chosen; AWS::NoValue takes the property, or the item of a list, away."""
    if isinstance(node, list):
        return [one for one in (_without(item, answers) for item in node) if one != NO_VALUE]
    if not isinstance(node, dict):
        return node
    if set(node) == {"Fn::If"}:
        condition, chosen, otherwise = node["Fn::If"]
        return _without(chosen if answers.condition(condition) else otherwise, answers)
    pairs = ((key, _without(value, answers)) for key, value in node.items())
    kept = {key: value for key, value in pairs if value != NO_VALUE}
    return {key: value for key, value in kept.items() if not (key == "Condition" and isinstance(value, str))}


def _named(node: Any) -> Iterator[str]:
    """What is referred to, by whichever function."""
    if isinstance(node, list):
        for item in node:
            yield from _named(item)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key in ("Ref", "Fn::GetAtt", "DependsOn"):
            named = [value] if isinstance(value, str) else value
            yield from (name.split(".")[0] for name in (named[:1] if key == "Fn::GetAtt" else named))
        elif key == "Fn::Sub":
            text = value if isinstance(value, str) else value[0]
            yield from (name.split(".")[0] for name in re.findall(r"\$\{([^!}]+)\}", text))
        yield from _named(value)
