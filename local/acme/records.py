"""Route 53 over moto, as strict about changes of records as AWS: what is taken out has to stand there just so, what is made anew
must not be there, and a batch is carried out as a whole or not at all. What was changed is known to its servers some time later.

moto compares with what was ever put, and says INSYNC at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from moto import backends

State = dict[tuple[str, str], tuple[int, tuple[str, ...]]]


class Records:
    """What was changed when. One in a process, as moto's own state is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lag = 0.0
        self._history: dict[str, list[tuple[float, tuple[str, ...]]]] = {}
        self._changed = 0.0

    def orders(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        """What only this machine can be told. `lag`: after so long all servers know a change; `published`: what they say."""
        return {
            "records/lag": lambda order: self._set_lag(float(order["seconds"])),
            "records/published": lambda order: self.published(str(order["name"])),
        }

    def _set_lag(self, seconds: float) -> None:
        self._lag = seconds

    def published(self, name: str) -> list[str]:
        known = [values for moment, values in self._history.get(name.lower(), ()) if moment <= time.monotonic() - self._lag]
        return list(known[-1]) if known else []

    @property
    def in_sync(self) -> bool:
        return time.monotonic() - self._changed >= self._lag

    def change(self, zone: Any, changes: list[dict[str, Any]]) -> bool:
        """Carried out. False where it must not be."""
        with self._lock:
            state: State = {(one.name, one.type): (int(one.ttl or 0), tuple(sorted(one.records))) for one in zone.rrsets}
            wanted = dict(state)
            for change in changes:
                record_set = change["ResourceRecordSet"]
                key = (record_set["Name"].rstrip(".") + ".", record_set["Type"])
                found = (int(record_set.get("TTL", 0)), tuple(sorted(one["Value"] for one in record_set["ResourceRecords"])))
                if change["Action"] == "DELETE" and wanted.pop(key, None) != found:
                    return False
                if change["Action"] == "CREATE" and key in wanted:
                    return False
                if change["Action"] != "DELETE":
                    wanted[key] = found
            for key in {*state, *wanted}:
                if state.get(key) != wanted.get(key):
                    _put(zone, key, wanted.get(key))
                    self._history.setdefault(key[0].lower(), []).append((time.monotonic(), wanted.get(key, (0, ()))[1]))
            self._changed = time.monotonic()
            return True


def _put(zone: Any, key: tuple[str, str], wanted: tuple[int, tuple[str, ...]] | None) -> None:
    name, kind = key
    if wanted is None:
        zone.delete_rrset({"Name": name, "Type": kind})
    else:
        zone.upsert_rrset({"Name": name, "Type": kind, "TTL": wanted[0], "ResourceRecords": list(wanted[1])})


def mend() -> Records:
    """Once per process. moto imports Route 53 when it is first asked."""
    records, imported = Records(), backends._import_backend  # noqa: SLF001 - no other place will do

    def then_mended(module_name: str, backends_name: str) -> Any:
        made = imported(module_name, backends_name)
        if module_name == "route53":
            _mend_route53(records)
        return made

    backends._import_backend = then_mended  # noqa: SLF001
    return records


def _mend_route53(records: Records) -> None:
    from moto.core.responses import ActionResult
    from moto.route53.exceptions import ResourceRecordAlreadyExists
    from moto.route53.models import Route53Backend
    from moto.route53.responses import Route53

    changed = Route53Backend.change_resource_record_sets

    def change_resource_record_sets(self: Any, zoneid: str, change_list: list[dict[str, Any]]) -> None:
        if any(change["ResourceRecordSet"]["Type"] != "TXT" for change in change_list):
            changed(self, zoneid, change_list)
        elif not records.change(self.get_hosted_zone(zoneid), change_list):
            raise ResourceRecordAlreadyExists(name="that is to be changed", _type="TXT")

    def get_change(self: Any) -> Any:
        status = "INSYNC" if records.in_sync else "PENDING"
        return ActionResult({"ChangeInfo": {"Id": self._get_param("Id"), "Status": status, "SubmittedAt": "2026-01-01T00:00:00Z"}})

    Route53Backend.change_resource_record_sets = change_resource_record_sets
    Route53.get_change = get_change
