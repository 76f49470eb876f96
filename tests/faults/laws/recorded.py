"""What the two secrets say, as whoever looks from outside reads them."""

import json
from functools import lru_cache
from typing import Any

from rotation.core.model import CURRENT, STAGING, Credential

from local import secret_labels as aws
from tests.worlds.living import LivingWorld
from tests.worlds.world import Secret, credential


def content_of(secret: Secret, label: str) -> dict[str, Any]:
    return parsed(aws.find(secret.versions, None, label)["secret_string"])


@lru_cache(10_000)
def parsed(text: str) -> dict[str, Any]:
    """Not to be changed."""
    content: dict[str, Any] = json.loads(text)
    return content


@lru_cache(10_000)
def logins_in(text: str) -> frozenset[tuple[str, str]]:
    content = parsed(text)
    reminded = ({**content["A"], **one} for one in content.get("to_withdraw", []))
    entries = [content, *(entry for entry in content.values() if isinstance(entry, dict)), *reminded]
    return frozenset((entry["username"], entry["password"]) for entry in entries if "password" in entry)


def recorded_in(secret: Secret) -> set[tuple[str, str]]:
    """Users and passwords in the versions that carry a label that means something."""
    labelled = (one for one in secret.versions.values() if set(one["version_stages"]) - {STAGING})
    return {login for one in labelled for login in logins_in(one["secret_string"])}


def rotation_of(secret: Secret) -> object:
    return content_of(secret, CURRENT).get("rotation", {}).get("id")


def active_login(world: LivingWorld) -> Credential:
    content = content_of(world.slots, CURRENT)
    return login_of(content[content["active_slot"]])


def login_of(entry: dict[str, Any]) -> Credential:
    return credential(entry["username"], entry["password"])


def said(credential: Credential) -> str:
    return f"{credential.username}:{credential.password.reveal()}"
