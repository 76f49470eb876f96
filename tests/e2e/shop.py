"""The shop in tests: what must be so of it at rest, what a person sees of it and does to it in the console of Secrets Manager."""

from __future__ import annotations

from typing import Any

from local.mysql import Login
from local.shop.one_user import TwoValues
from local.shop.proxied import Shop
from local.shop.stack import DATABASE, Reader, login_of
from tests.e2e.rotations import Turns


class ShopTurns(Turns):
    """Of either stack whose application reads a secret."""

    stack: Reader

    def working_at_rest(self) -> tuple[Login, ...]:
        """Of two passwords of one user the one that is used; and the admin, if there is one."""
        if not self.stack.admin_secret:
            return (self.active,)
        return (self.active, self.admin) if isinstance(self.stack, TwoValues) else super().working_at_rest()

    def assert_at_rest(self) -> None:
        """And no secret of the proxy is behind: it lets every user in with what is recorded."""
        super().assert_at_rest()
        if isinstance(self.stack, Shop):
            proxy, slots = self.stack.proxy, self.slots
            held = {slot: login_of(self.stack.secret(name)) for slot, name in self.stack.proxy_secrets.items()}
            assert held == {slot: login_of(slots[slot]) for slot in held}
            proxy.cache.refresh()
            assert [proxy.accepts(login, DATABASE) for login in held.values()] == [True] * len(held)


def labels(shop: Shop, secret: str) -> dict[str, str]:
    """Each with its version."""
    stages = shop.aws.client("secretsmanager").describe_secret(SecretId=secret)["VersionIdsToStages"]
    return {label: version for version, some in stages.items() for label in some}


def press(shop: Shop, **more: Any) -> str:
    """The console's "Rotate immediately": the version that is to come."""
    described = shop.aws.client("lambda").get_function(FunctionName=shop.deployed["RotateSecretFunction"])
    arn, secrets = described["Configuration"]["FunctionArn"], shop.aws.client("secretsmanager")
    return str(secrets.rotate_secret(SecretId=shop.application, RotationLambdaARN=arn, **more)["VersionId"])


def said(shop: Shop, token: str) -> list[str]:
    """Of the rotation to that version, by Secrets Manager."""
    return [one["eventName"] for one in shop.aws.rotation_events(shop.application) if one["token"] == token]


def ends(shop: Shop) -> dict[str, str]:
    """Every execution, by how it is getting on."""
    listed = shop.aws.client("stepfunctions").list_executions(stateMachineArn=shop.machine_arn)["executions"]
    return {one["name"]: one["status"] for one in listed}
