"""What the roles of a stack reach, and what of a target document they do not. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rotation.kinds.target import Consumer, Source, Target

TAG, PART = "credential-rotation", "credential-rotation-part"
"""By these tags the roles of a stack with a fleet reach a secret: whose it is, and what it is to a target."""
RECORD, ADMIN = "record", "admin"
DRIVERS = ("SourceKind", "FurtherSourceKind")
"""The parameters that say which databases the functions can speak to."""
GRANTED_BY = {"application": "ApplicationSecretArn", "proxy": "ProxySecretArns"}
"""What a consumer's secret is, and the parameter that names it where no tag does."""


@dataclass(frozen=True)
class Reach:
    """As the stack was deployed: its roles are granted these and no others."""

    parameters: Mapping[str, str]
    """The stack's, as it was deployed."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """Of secrets that have the stack's tag: what each says that it is."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Of those secrets: the key that encrypts each, where it has one of its own."""

    @property
    def by_tag(self) -> bool:
        """Whether a tag is enough: only of a stack with a fleet."""
        return self.parameters.get("Fleet", "none") != "none"

    def beyond(self, target: Target) -> Iterator[str]:
        """What the target names and this stack's roles do not reach, each with what would mend it."""
        yield from self._secret("slot_secret", target.slot_secret, "SlotSecretArn", RECORD)
        if target.admin_secret:
            yield from self._secret("admin_secret", target.admin_secret, "AdminSecretArn", ADMIN)
        yield from target.source.known.beyond(target.source.settings, self.parameters)
        yield from self._driver(target.source)
        for consumer in target.consumers:
            for said in consumer.known.beyond(consumer.settings, self._granted(consumer)):
                yield said + self._or_tag("application or proxy" if any(one in said for one in GRANTED_BY.values()) else "")
        yield from self._unreadable(target)

    def _driver(self, source: Source) -> Iterator[str]:
        """Of a database; who issues keys is asked without one."""
        drivers = [found for name in DRIVERS if (found := self.parameters.get(name, "none")) != "none"]
        if source.known.engines and source.kind not in drivers:
            named = f"parameters {' and '.join(DRIVERS)}"
            yield f"source {source.kind}: the functions have the driver of {' and '.join(drivers)} ({named})"

    def _unreadable(self, target: Target) -> Iterator[str]:
        """Whose key an alias stands for is not known here; AWS's own takes no permission."""
        granted = self.parameters["SecretsKmsKeyArn"] if self.keys else ""
        named = (target.slot_secret, target.admin_secret, *(arn for one in target.consumers for arn in secrets_of(one)))
        for arn in dict.fromkeys(named):
            key = self.keys.get(arn, "")
            if key and "alias/" not in key and key.rpartition("/")[2] != granted.rpartition("/")[2]:
                yield f"{arn} is encrypted with {key}: the roles may use {granted} (parameter SecretsKmsKeyArn): give it that key"

    def _secret(self, what: str, arn: str, parameter: str, part: str) -> Iterator[str]:
        granted = self.parameters[parameter]
        if arn and arn != granted and self.parts.get(arn) != part:
            yield f"{what} {arn}: the roles may use {granted} (parameter {parameter}){self._or_tag(part)}"

    def _or_tag(self, part: str) -> str:
        return f", or what has the tags {TAG} (the stack's name) and {PART} ({part})" if part and self.by_tag else ""

    def _granted(self, consumer: Consumer) -> Mapping[str, str]:
        tagged = {
            parameter: [arn for arn in secrets_of(consumer) if self.parts.get(arn) == part]
            for part, parameter in GRANTED_BY.items()
        }
        return {**self.parameters, **{name: ",".join([self.parameters[name], *arns]) for name, arns in tagged.items() if arns}}


def secrets_of(consumer: Consumer) -> list[str]:
    """Every secret of Secrets Manager that its settings name."""
    return [
        one for value in consumer.settings.values() for one in _listed(value) if isinstance(one, str) and ":secretsmanager:" in one
    ]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
