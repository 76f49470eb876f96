"""The shop on MySQL, whose login stands in an appliance; the example's function puts it there."""

from __future__ import annotations

import json
from typing import Any

from local.appliance.server import Appliance
from local.aws import REPOSITORY, LocalAws
from local.mysql import Login
from local.sandbox import Function
from local.shop.one_user import Direct, OnMySQL
from local.shop.stack import OTHERS, Pace, fields, made_up

EXAMPLE = REPOSITORY / "examples" / "lambda-consumer"
ALIAS = "live"
FUNCTION_SECONDS = 8.0


def function(settings: str, name: str = "put-shop") -> Function:
    """The example's, deployed with an alias."""
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
    about: dict[str, Any] = {"handler": "app.lambda_handler", "code": str(EXAMPLE), "layers": [], "memory": 128}
    environment = {"SETTINGS_URL": settings}
    return Function(name, arn, timeout=FUNCTION_SECONDS, environment=environment, aliases=[ALIAS], **about)


def deployed(aws: LocalAws, one: Function) -> str:
    """Its ARN with the alias."""
    aws.deploy_function(one)
    return f"{one.arn}:{ALIAS}"


class InAppliance(Direct):
    """The application reads its login from the appliance's device, and from no secret."""

    appliance: Appliance
    spread_seconds = 1.0
    handed_secret = "shop/handed"

    @property
    def secret_names(self) -> tuple[str, ...]:
        return (self.slot_secret, self.admin_secret, self.handed_secret)

    @property
    def used(self) -> Login:
        return self.appliance.held.login

    def held(self) -> dict[str, Login]:
        return {"the appliance": self.used}

    def _moved_by_secret(self) -> dict[str, str]:
        secrets = self.aws.client("secretsmanager")
        made = secrets.create_secret(
            Name=self.handed_secret, SecretString=json.dumps({**OTHERS, **self._others(), **fields(self.users["A"])})
        )
        self.handed: str = made["ARN"]
        self.appliance = self._ended.enter_context(Appliance(self.users["A"], made["VersionId"], self.spread_seconds))
        self.function_arn = deployed(self.aws, function(self.appliance.settings))
        self.application = ""
        return {
            "LambdaFunctionArns": self.function_arn,
            "LambdaSecretArns": self.handed,
            "OtherConsumers": json.dumps(self.consumer()),
        }

    def consumer(self) -> dict[str, Any]:
        """As the target has it."""
        cached = self.pace.cache_seconds
        return {"kind": "lambda", "function": self.function_arn, "secret": self.handed, "application_cache_seconds": cached}

    def _appliance(self) -> str:
        return self.appliance.device


class ApplianceShop(InAppliance, OnMySQL):
    """Two users take turns."""

    def __init__(self, pace: Pace | None = None) -> None:
        super().__init__(pace)
        self.users = {slot: Login(f"shop_{slot.lower()}", made_up()) for slot in "AB"}
