"""A server whose certificate a real ACME server issues: the local AWS with a zone of Route 53, a secret from which the
server reads the certificate, and the shipped template."""

from __future__ import annotations

import json
import uuid
from typing import Any

from rotation.core.certificate import serial

from local.acme.dns import NameServer
from local.acme.pebble import Pebble
from local.aws import LocalAws
from local.certified.served import OTHERS, Served, entry, number
from local.certified.server import Server
from local.login import Login

DOMAIN, ZONE, LASTS_DAYS = "localhost", "localhost.", 90
"""The health page is looked at by its name, and that one leads to this machine everywhere."""
AT = f"_acme-challenge.{DOMAIN}."
SOMEBODY_S = '"a value of somebody else"'
"""It stands in the zone under the very name where challenges are answered."""


class AcmeServed(Served):
    """`with AcmeServed() as shop:` it shows a certificate that a person had issued, with an account of the person's own."""

    admin_secret = "shop/acme-account"

    def __init__(self, *, cache_seconds: int = 1, quiet_seconds: int = 1) -> None:
        super().__init__(cache_seconds=cache_seconds, quiet_seconds=quiet_seconds)
        self.shown: set[str] = set()
        """Numbers of all that the server has read."""

    def _start(self) -> None:
        self.aws = self._start_aws()
        self.zone = zone_of(self.aws, ZONE)
        names = self._ended.enter_context(NameServer(self.aws))
        self.pebble = self._ended.enter_context(Pebble(self.directory / "pebble", self.environment, names.address, days=LASTS_DAYS))
        self.account, self._person = self.pebble.account(), self.pebble.account()
        self.authority = self.pebble.authority
        self._first, self._theirs = self.issue(), self.issue()
        self._put([SOMEBODY_S])
        self.application = self._create_secret(self.application_secret, {**OTHERS, **entry(self._first)})
        self.server = self._ended.enter_context(Server(self._read, self._cache / 2))
        account = {"username": self.account.username, "password": self.account.password.reveal()}
        self._given = {
            **self._parameters(self._first, account, self.application),
            "OtherSource": json.dumps(self._source()),
            "AcmeHosts": self.pebble.host,
            "AcmeZoneId": self.zone,
        }
        if not self.by_hand:
            self.deploy()

    def _source(self) -> dict[str, Any]:
        return {
            "kind": "acme-certificate",
            "directory": self.pebble.address,
            "ca": self.pebble.ca_pem,
            "zone": self.zone,
            "authority": self.authority,
            "common_name": DOMAIN,
            "alt_names": [f"www.{DOMAIN}"],
            "lasts_days": LASTS_DAYS,
        }

    def _read(self) -> Login:
        used = self.used
        self.shown.add(used.username)
        return used

    # What a person, the server or a test does and sees

    @property
    def page(self) -> str:
        return f"https://{DOMAIN}:{self.server.port}/"

    def issue(self) -> Login:
        """As a person has one issued."""
        held = self.pebble.issue(self._person, [DOMAIN], self._answers)
        return Login(serial(held.reveal()), held.reveal())

    def _answers(self, _: str, value: str) -> None:
        self._put([f'"{value}"'] if value else [])

    def _put(self, values: list[str]) -> None:
        records = [{"Value": one} for one in values or ['"nothing"']]
        record_set = {"Name": AT, "Type": "TXT", "TTL": 300, "ResourceRecords": records}
        change = {"Action": "UPSERT", "ResourceRecordSet": record_set}
        self.aws.client("route53").change_resource_record_sets(HostedZoneId=self.zone, ChangeBatch={"Changes": [change]})

    def values(self) -> list[str]:
        """What stands in the zone under all names where challenges are answered."""
        listed = self.aws.client("route53").list_resource_record_sets(HostedZoneId=self.zone)["ResourceRecordSets"]
        return [each["Value"] for one in listed if one["Type"] == "TXT" for each in one["ResourceRecords"]]

    def valid(self) -> set[str]:
        """The numbers of those that are not revoked, but for the person's second."""
        every = {self._first.username, *self.pebble.orders(self.account)}
        return {one for one in every if self.pebble.status(one) == "Valid"}

    def revoked(self) -> set[int]:
        """Of what the server has shown, as the authority's own books have it: its certificates may sign no list."""
        return {number(Login(one, "")) for one in set(self.shown) if self.pebble.status(one) == "Revoked"}

    def a_person_s(self) -> object:
        return (self.pebble.status(self._theirs.username), SOMEBODY_S in self.values())

    @property
    def secret_names(self) -> tuple[str, ...]:
        return (self.slot_secret, self.admin_secret, self.application_secret)

    def versions(self) -> dict[str, str]:
        return {"Pebble": "Debian's"}

    def held(self) -> dict[str, Login]:
        return {"the application's secret": self.used}

    def accepts(self, user: str, password: str) -> bool:  # noqa: ARG002 - by its number
        """Whether it is valid, as far as the authority's own books say."""
        return self.pebble.status(user) == "Valid"


def zone_of(aws: LocalAws, name: str) -> str:
    """The id of a new one."""
    made = aws.client("route53").create_hosted_zone(Name=name, CallerReference=f"of-{name}-{uuid.uuid4()}")
    return str(made["HostedZone"]["Id"]).rpartition("/")[2]
