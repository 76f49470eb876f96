"""The functions that look at all of a fleet, as deployed, over so many real secrets and documents of a stack: their memory, their
time, their calls of AWS. Nobody is rotated: the outcomes are written as LookAtTarget writes them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from rotation.fleet.outcome import Outcome
from rotation.fleet.run import Plan, outcome_key, plan_key
from rotation.protocol.intents import version_id

from local.login import Login
from local.shop.many import Many
from local.shop.stack import made_up

LOOKING = ("FindDue", "DecideWave", "ReportFleet")
FAILED_OF = 25
"""One of so many: what ReportFleet reads of each."""
THREADS = 8
SETTINGS = {"at_once": 40, "per_place": 3, "percent": 10, "patience_seconds": 7200, "older_than_days": 0}
_REPORTED = re.compile(r"^REPORT .*\tDuration: ([\d.]+) ms.*\tMax Memory Used: (\d+) MB", re.MULTILINE)


@dataclass(frozen=True)
class Spent:
    """By one cold invocation."""

    megabytes: int
    """Of the process at its most, with its interpreter and libraries, as Lambda's log says it."""
    seconds: float
    calls: Counter[str]
    """Of AWS, by what they are called."""


class Crowd(Many):
    """Further targets of it are a record that was rotated once, and a document: nobody logs in there."""

    def __init__(self) -> None:
        super().__init__(())
        self.size = 1

    def grow(self, size: int) -> None:
        """To so many, with the template's own."""
        document = self._document()
        with ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(lambda number: self._join(f"t{number:04}", document), range(self.size, size)))
        self.size = size

    def _join(self, name: str, document: Mapping[str, Any]) -> None:
        users = {slot: self._placed(Login(f"{name}_{slot.lower()}", made_up())) for slot in "AB"}
        record = {"active_slot": "A", **users}
        arn = self._tagged(f"{name}/slots", record, "record")
        made = version_id(arn, "before", "owner", "retire", 0)
        tag = {"id": "rotation", "owner": "owner", "step": "retire", "from": "before"}
        secrets = self.aws.client("secretsmanager")
        secrets.put_secret_value(SecretId=arn, SecretString=json.dumps(record | {"rotation": tag}), ClientRequestToken=made)
        own = [{**one, "secret": f"{one['secret']}-{name}"} if "secret" in one else one for one in document["consumers"]]
        self._add_target(name, {**document, "slot_secret": arn, "consumers": own, "rotates_admin": False})

    def look(self, run: str) -> dict[str, Spent]:
        """By function: each cold, and asked once."""
        spent = {"FindDue": self._ask("FindDue", {"run": run, "settings": SETTINGS})}
        plan = Plan.parse(self._stored(plan_key(run)))
        assert len(plan.to_do) == self.size, "all are due"
        s3, bucket = self.aws.client("s3"), self.deployed["FleetBucket"]

        def leave(number: int, target: str) -> None:
            outcome = Outcome.ROTATED if number % FAILED_OF else Outcome.FAILED
            document = {"target": target, "outcome": str(outcome), "why": "made up", "execution": f"fleet-{run}-{target}"}
            s3.put_object(Bucket=bucket, Key=outcome_key(run, target, outcome), Body=json.dumps(document).encode())

        with ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(leave, range(self.size), plan.to_do))
        last = len(plan.waves) - 1
        spent["DecideWave"] = self._ask("DecideWave", {"run": run, "wave": last})
        spent["ReportFleet"] = self._ask("ReportFleet", {"run": run, "through": last, "stopped": ""})
        return spent

    def _stored(self, key: str) -> Any:
        return json.loads(self.aws.client("s3").get_object(Bucket=self.deployed["FleetBucket"], Key=key)["Body"].read())

    def _ask(self, state: str, event: Mapping[str, Any]) -> Spent:
        name, before = self.function(state), len(self.calls.read_bytes())
        self.aws.kill(name)
        answer = self.aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
        assert "FunctionError" not in answer, answer["Payload"].read().decode()
        milliseconds, megabytes = _REPORTED.findall((self.logs / f"{name}.log").read_text())[-1]
        entries = [json.loads(line) for line in self.calls.read_bytes()[before:].splitlines()]
        return Spent(int(megabytes), float(milliseconds) / 1000, Counter(one["action"] for one in entries if one["caller"] == name))
