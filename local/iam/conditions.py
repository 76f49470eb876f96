"""Condition blocks of policies, by the rules in AWS's "IAM JSON policy elements: Condition operators".

moto's evaluator knows only StringEquals, and takes a condition that it does not know for fulfilled. What is not known
here is an error, so that no policy counts as checked by mistake.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

Context = Mapping[str, str]
IF_EXISTS = "IfExists"
FOR_ALL_VALUES = "ForAllValues:"


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def matches(pattern: str, text: str) -> bool:
    """`*` and `?` as a policy means them."""
    if "${" in pattern:
        raise NotImplementedError(f"a policy variable: {pattern}")
    pieces = {"*": ".*", "?": "."}
    return re.fullmatch("".join(pieces.get(one) or re.escape(one) for one in pattern), text, re.DOTALL) is not None


def _equals(pattern: str, text: str) -> bool:
    return pattern == text


POSITIVE: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": _equals,
    "StringLike": matches,
    "ArnEquals": matches,  # the same as ArnLike, says AWS
    "ArnLike": matches,
    "Bool": lambda wanted, found: wanted.lower() == found.lower(),
}
NEGATED = {"StringNotEquals": "StringEquals", "StringNotLike": "StringLike", "ArnNotEquals": "ArnEquals", "ArnNotLike": "ArnLike"}


def hold(block: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    """Every operator with every key; several values of a key of the context stand with commas between them."""
    known = {key.lower(): value for key, value in context.items()}
    return all(
        _holds(
            operator, [str(one).lower() if isinstance(one, bool) else str(one) for one in listed(values)], known.get(key.lower())
        )
        for operator, keys in block.items()
        for key, values in keys.items()
    )


def _holds(operator: str, wanted: list[str], found: str | None) -> bool:
    if operator == "Null":
        return str(found is None).lower() in wanted
    if operator.startswith(FOR_ALL_VALUES):
        each = operator.removeprefix(FOR_ALL_VALUES)
        return found is None or all(_holds(each, wanted, one) for one in found.split(","))
    if operator.endswith(IF_EXISTS):
        return found is None or _holds(operator.removesuffix(IF_EXISTS), wanted, found)
    if operator in NEGATED:
        return not _holds(NEGATED[operator], wanted, found)
    if operator not in POSITIVE:
        raise NotImplementedError(f"the condition operator {operator}")
    return found is not None and any(POSITIVE[operator](one, found) for one in wanted)
