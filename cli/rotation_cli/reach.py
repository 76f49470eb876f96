"""What the roles of a stack reach, and what of a target document they do not. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rotation.kinds.target import Target


@dataclass(frozen=True)
class Reach:
    """As the stack was deployed: its roles are granted these and no others."""

    parameters: Mapping[str, str]
    """The stack's, as it was deployed."""

    def beyond(self, target: Target) -> Iterator[str]:
        """What the target names and this stack's roles do not reach, each with what would mend it."""
        slots, admin = self.parameters["SlotSecretArn"], self.parameters["AdminSecretArn"]
        if target.slot_secret != slots:
            yield f"slot_secret {target.slot_secret}: the roles may use {slots} (parameter SlotSecretArn)"
        if target.admin_secret != admin:
            yield f"admin_secret {target.admin_secret}: the roles may use {admin} (parameter AdminSecretArn)"
        kind = self.parameters["SourceKind"]
        if target.source.kind != kind:
            yield f"source {target.source.kind}: the functions have the driver of {kind} (parameter SourceKind)"
        for consumer in target.consumers:
            yield from consumer.known.beyond(consumer.settings, self.parameters)
