"""Looks left out, or taken for more than they say: surveys, drains, owners, what an adapter reads back."""

import base64
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from rotation.aws import executions
from rotation.consumers.sqlconf import text as sqlconf
from rotation.core.errors import OwnerUnknown, SourceUnreachable
from rotation.core.record import AdminRecord
from rotation.protocol import survey as surveying
from rotation.steps import check_drained as draining
from rotation.steps import claim_rotation as claiming

from tests.faults.teeth import adapters
from tests.faults.teeth.mutation import STEPS, Mutation, replaced
from tests.worlds.database import Database as Writer
from tests.worlds.invocation import Database, Port
from tests.worlds.living import LivingWorld
from tests.worlds.world import ADMIN, credential


def after_without_logins(look: Any, *given: Any) -> Any:
    return _after(replace(look, logins=None), *given)


_after = draining.after


def refused_or_lost(self: Any, credential: Any) -> bool:
    try:
        return _logs_in(self, credential)
    except SourceUnreachable:
        return False


_logs_in = Database.logs_in


def dead_when_throttled(arn: str, age_seconds: float) -> bool:
    try:
        return _alive(arn, age_seconds)
    except OwnerUnknown:
        return False


def with_throttled_executions(world: LivingWorld) -> None:
    world.throttled[Port.EXECUTIONS] = 2


_alive = executions.execution_is_alive


def works_or_is_lost(self: Any, credential: Any) -> bool:
    try:
        return _works(self, credential)
    except SourceUnreachable:
        return False


_works = surveying.Logins.works


def asked_twice(world: Any, _: Any, found: Any = ()) -> Any:
    return _admin(world, surveying.Logins(world), found)


_admin = surveying.find_admin


def tries_again_what_was_refused(world: Any, request: Any, admin: Any, drifted: str, claimed: str) -> None:
    if not world.source.logs_in(AdminRecord.parse(world.admin.read(drifted), world.admin.name).credential):
        _adopt_admin(world, request, admin, drifted, claimed)


_adopt_admin = claiming._adopt_admin


def with_a_wrong_admin_in_sqlconf(world: LivingWorld) -> None:
    world.file.holds(credential(ADMIN, "canary-of-master-never-set"))


def after_without_sessions(look: Any, *given: Any) -> Any:
    return _after(replace(look, sessions=0), *given)


def rendered_and_not_read_back(content: bytes, credential: Any) -> bytes:
    with patch("rotation.consumers.sqlconf.text.read", lambda _: credential):
        return _render(content, credential)


_render = sqlconf.render


def with_a_line_end(value: bytes) -> bytes:
    """As `echo password | base64` does."""
    return _b64encode(value + b"\n")


_b64encode = base64.b64encode


LOOKS = [
    Mutation(
        "a drain that counts no logins",
        replaced(f"{STEPS}.check_drained.after", after_without_logins),
        ("a job with the old login",),
    ),
    Mutation(
        "a drain that counts no sessions",
        replaced(f"{STEPS}.check_drained.after", after_without_sessions),
        ("a report on a reader",),
    ),
    Mutation(
        "a drain that looks at the writer only",
        replaced("tests.worlds.living.LivingDatabase.activity", Writer.activity),
        ("a report on a reader",),
    ),
    Mutation(
        "a network error taken for a wrong password",
        replaced("tests.worlds.invocation.Database.logs_in", refused_or_lost),
        ("drifted admin",),
        strike_at="ClaimRotation",
    ),
    Mutation(
        "a network error in the survey taken for a wrong password",
        replaced("rotation.protocol.admin_login.Logins.works", works_or_is_lost),
        strike_at="ReadSlots",
    ),
    Mutation(
        "the survey asks about the admin a second time",
        replaced("rotation.protocol.survey.find_admin", asked_twice),
        ("bootstrap from a drifted admin",),
        world=with_a_wrong_admin_in_sqlconf,
    ),
    Mutation(
        "what the survey was refused is tried again",
        replaced(f"{STEPS}.claim_rotation._adopt_admin", tries_again_what_was_refused),
        ("drifted admin",),
    ),
    Mutation(
        "an owner taken for dead when throttled",
        replaced("rotation.aws.executions.execution_is_alive", dead_when_throttled),
        rivals=True,
        world=with_throttled_executions,
        strike_at="ReadSlots",
    ),
    Mutation(
        "a file that is not read back before it is put in place",
        replaced("rotation.consumers.sqlconf.text.render", rendered_and_not_read_back),
        ("the file adapter",),
        check=adapters.files_that_say_something_else,
    ),
    Mutation(
        "a line end in the Kubernetes Secret",
        replaced("rotation.consumers.secret.adapter.base64.b64encode", with_a_line_end),
        ("the Secret's adapter",),
        check=adapters.secrets_that_say_something_else,
    ),
]
