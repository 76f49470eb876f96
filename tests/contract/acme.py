"""An account at a real ACME server, names of its own in a zone of the local AWS, and the shipped adapter before both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from rotation.kinds.target import Source
from rotation.ports import Surroundings
from rotation.sources.acme_certificate.adapter import DAY, AcmeCertificates, make

from local.acme.pebble import Pebble
from local.aws import LocalAws
from tests.contract.certificates import AsAdmin

TARGET, NEEDED_DAYS, LASTS_DAYS = "shop", 31, 90
_NUMBERS = count(1)


@dataclass
class Here:
    """With a domain that no other test has."""

    pebble: Pebble
    aws: LocalAws
    zone: str

    def __post_init__(self) -> None:
        self.domain = f"shop-{next(_NUMBERS)}.example"
        self.at = f"_acme-challenge.{self.domain}."
        self.account = self.pebble.account()

    def settings(self, **more: Any) -> dict[str, Any]:
        settings = {
            "directory": self.pebble.address,
            "ca": self.pebble.ca_pem,
            "zone": self.zone,
            "authority": self.pebble.authority,
            "common_name": self.domain,
            "alt_names": [f"www.{self.domain}"],
            "lasts_days": LASTS_DAYS,
            "key": "ec-p256",
            **more,
        }
        Source("acme-certificate", settings).known.check(settings)
        return settings

    def source(self, **more: Any) -> AcmeCertificates:
        surroundings = Surroundings(TARGET, "", acme_hosts=frozenset([self.pebble.host]), needed_seconds=NEEDED_DAYS * DAY)
        return make(self.settings(**more), surroundings)

    def as_admin(self, **more: Any) -> AsAdmin:
        return AsAdmin(self.source(**more), self.account)

    # The zone, as a person sees and changes it

    def values(self, name: str = "") -> list[str]:
        return self.records().get(name or self.at, [])

    def records(self) -> Mapping[str, list[str]]:
        """All TXT records below the domain."""
        found = self.aws.client("route53").get_paginator("list_resource_record_sets").paginate(HostedZoneId=self.zone)
        sets = [one for page in found for one in page["ResourceRecordSets"] if one["Type"] == "TXT"]
        return {one["Name"]: [each["Value"] for each in one["ResourceRecords"]] for one in sets if self.domain in one["Name"]}

    def put(self, name: str, values: Sequence[str], ttl: int = 300) -> None:
        records = [{"Value": one} for one in values]
        change = {
            "Action": "UPSERT",
            "ResourceRecordSet": {"Name": name, "Type": "TXT", "TTL": ttl, "ResourceRecords": records},
        }
        self.aws.client("route53").change_resource_record_sets(HostedZoneId=self.zone, ChangeBatch={"Changes": [change]})

    def answers(self, name: str, value: str) -> None:
        """As a person answers a challenge."""
        self.put(name, [f'"{value or "nothing"}"'])
