"""When two situations are one: when the same may happen from there on.

What only has to be told apart (passwords that were made, versions, executions that are over) is called by the order in which
it comes. What nobody can look at any more is left out: parts of a payload that no state ahead reads, versions that nobody can
ask for, moments beyond the last threshold that asks for them.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from rotation.core.model import CURRENT, LAST, PENDING, STAGING, Credential, Password, SecretText, Version
from rotation.core.record import Record

from tests.faults.alike.liveness import live_at, projected
from tests.faults.calls.machinery import LeftLying, machine
from tests.worlds.acmed import Zoned
from tests.worlds.asl import Frame, Place
from tests.worlds.fleet import State as Fleet
from tests.worlds.fleet import alike
from tests.worlds.in_a_swarm import State as InASwarm
from tests.worlds.in_a_swarm import alike as swarm
from tests.worlds.invocation import MADE, ORIGINS, Told
from tests.worlds.jwks import State as Published
from tests.worlds.keyed import Keys
from tests.worlds.living import FAIL_OVER_SECONDS, MANY_CALLS, SESSIONS, Snapshot
from tests.worlds.own_function import Placed
from tests.worlds.vaulted import Kept
from tests.worlds.workloads import Replaced
from tests.worlds.world import ADMIN

Json = Any
ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
RUN = rf"secret-{ID}-\d+|run-\d+"
NAMED = re.compile(rf"({RUN}|{ID}|\bv0\b|{MADE.pattern}|Key-\d{{6}})")
VERSION = re.compile(rf"{ID}|\bv0\b")
SAME = '"dbname": "openemr", "host": "db.example", '
KNOWN = {("db.example", 3306, "openemr"), ("db.example", None, "openemr")}
"""Only to keep the texts short: one database, which the Kubernetes Secret names without a port."""
LOOKS_AT_THE_PAGE = "ValidateApp"
ASKED_AGAIN = ("discarded",)
"""Since when matters only where somebody changes a JWKS for longer than any run here."""
ORDER = (CURRENT, PENDING, LAST)


def digest(
    world: Snapshot, place: Place, late: LeftLying | None, faults: int, *more: Any, rolled_seconds: float, quiet_seconds: int
) -> bytes:
    """The same for situations with the same future."""
    situation = Situation(world, place, late, faults, rolled_seconds, quiet_seconds)
    return blake2b(situation.text(more).encode(), digest_size=16).digest()


class Situation:
    """One, to be compared. `rolled_seconds`: how long a rollout takes in its world; `faults`: how many there may still be."""

    def __init__(
        self, world: Snapshot, place: Place, late: LeftLying | None, faults: int, rolled_seconds: float, quiet_seconds: int
    ) -> None:
        (self.clock, self.secrets, self.accounts, self.source, self.held, self.pods, self.marks, self.environments,
         self.shows, self.alive, self.throttled, self.remembers, _, self.beyond) = world  # fmt: skip
        self.place, self.late, self.faults = place, late, faults
        self.rolled_seconds, self.quiet_seconds = rolled_seconds, quiet_seconds
        self.roles = {late.event["execution"]["name"]: "late"} if late else {}
        if not place.ended:
            self.roles[place.who.name] = "me"

    def text(self, more: Any) -> str:
        told, asked = _told(self.late) if self.late else ("", frozenset())
        versions = [*self._secrets(asked)]
        place = self._place()
        others = (told, place, *versions)
        late = self.late and self._ago(-self.late.dies)
        return self._named((*versions, repr(self._world(others)), *place, told, repr((late, more))))

    # ---- what it is called ------------------------------------------------------------------------------------------

    def _named(self, texts: Iterable[str]) -> str:
        names: dict[str, str] = {}

        def name(raw: str) -> str:
            if raw not in names:
                kind = "r" if raw.startswith(("run-", "secret-")) else raw[0] if raw.startswith(("Made-", "Key-")) else "v"
                said = self.roles.get(raw) if kind == "r" else self._recomputed(raw, name) if kind == "v" else None
                names[raw] = said or f"{kind}#{len(names)}"
            return names[raw]

        said: list[str] = []
        for text in texts:
            pieces = _pieces(text)
            said.extend(name(piece) if place % 2 else piece for place, piece in enumerate(pieces))
            said.append("\n")
        return "".join(said)

    def _recomputed(self, version: str, name: Callable[[str], str]) -> str | None:
        """An execution that is still at work comes to the same id again; nobody to that of one that is over."""
        origin = ORIGINS.get(version)
        if origin is None or not self._own(version):
            return None
        secret, made_from, *act = origin
        what = f"{act[0].rpartition(':')[2]} {' '.join(act[1:])}" if len(act) > 1 else self._mark(act[0])
        if what is None:
            return None
        said = [name(part) if NAMED.fullmatch(part) else part for part in what.split(" ")]
        return f"<{secret} {name(made_from)} {' '.join(said)}>"

    def _own(self, version: str) -> bool:
        """Whether somebody who is still at work may come to that id: an intent's, or that of what is published."""
        origin = ORIGINS.get(version, ())
        writer = "" if len(origin) < 3 else origin[2].rpartition(":")[2] if len(origin) > 3 else origin[2].partition(".")[0]
        return writer in self.roles

    # ---- the secrets ------------------------------------------------------------------------------------------------

    def _secrets(self, asked: frozenset[str]) -> Iterator[str]:
        """`asked`: what whoever acts late was told of, and so may ask for by its id."""
        slots, admin, *published = self.secrets
        made_from = {_from(text) for name, text, labels in admin if PENDING in labels or self._own(name)}
        yield from self._secret(slots, asked)
        yield from self._secret(admin, asked | made_from)
        for versions in published:
            yield from self._published(versions, asked)

    def _published(self, versions: Any, asked: frozenset[str]) -> Iterator[str]:
        """What was current before is only looked at by its id; what nobody made current, by whoever may come to that id again."""
        holders = {label: (name, text) for name, text, labels in versions for label in labels}
        for label in ORDER:
            name, text = holders.get(label, ("", None))
            yield from (name, "" if label == LAST else text or "")
        current = holders[CURRENT][0]
        for name, text, labels in versions:
            meant = set(labels) & set(ORDER)
            if STAGING in labels and CURRENT not in labels and self._has_instances:
                yield from (STAGING, name, text or "")
            if not meant and (name in asked or (self._own(name) and ORIGINS[name][1] == current)):
                yield from (name, text or "")
        yield "."

    def _secret(self, versions: Any, asked: frozenset[str]) -> Iterator[str]:
        """Those with a label first, in the labels' order."""
        labelled: dict[str, tuple[str, str]] = dict.fromkeys(ORDER, ("", ""))
        kept = []
        sources = {name for name, _, labels in versions if CURRENT in labels or PENDING in labels or self._own(name)}
        sources |= {_from(text) for _, text, labels in versions if PENDING in labels}
        for name, text, labels in versions:
            asked_for = PENDING in labels or name in asked or (self._own(name) and ORIGINS[name][1] in sources)
            said = (name, _content(text, asked_for))
            carried = [one for one in labels if one != STAGING]
            for label in carried:
                labelled[label] = said
            if not carried and asked_for:
                kept.append(said)
        for said in (*labelled.values(), *kept):
            yield from said
        yield "."

    # ---- the rest of the world --------------------------------------------------------------------------------------

    def _world(self, others: Any) -> Any:
        """`others`: all else that a version may be named in."""
        lock, failed_over, _ = self.source
        file, past, secret = self.held
        generation, observed, _, failed = self.pods
        mark, _, paused, changed, disturbed = self.marks
        ours = mark is not None and mark.partition(".")[0] in self.roles
        roll = self.clock - changed >= self.rolled_seconds or (self._ago(changed), observed == generation)
        return (
            sorted(account[:-1] for account in self.accounts),
            (None if lock is None else "late" if self.late and lock == self.late.name else lock),
            self._recent(failed_over, FAIL_OVER_SECONDS),
            (_login(file), [(self._ago(ended), _login(one)) for ended, one in past], _login(secret)),
            (self._mark(mark) if ours else None, paused, failed, roll),
            self._recent(disturbed, self.rolled_seconds),
            [_login(one) for one in self.environments],
            self.shows,
            () if self.place.ended else self.alive,
            () if self.place.ended else [(str(port), min(calls, MANY_CALLS)) for port, calls in self.throttled if calls],
            sorted(one for one in self.remembers if self._matters(one, others)),
            self._beyond(),
        )

    def _beyond(self) -> Any:
        """What is still gone on with behind a proxy, and how far Secrets Manager is."""
        if not self.beyond:
            return ()
        application, proxies, rotation, *fleet = self.beyond
        more = [self._further(one) for one in fleet]
        return more, [[(self._ago(ended), _login(one)) for ended, one in past] for past in (application, *proxies)], rotation

    def _further(self, one: Kept | Fleet | InASwarm | Keys | Published | Placed | Zoned | Replaced) -> Any:
        """What a world has beyond that."""
        if isinstance(one, Keys):
            return one.alike(self.clock, self.quiet_seconds)
        if isinstance(one, (Published, Placed, Zoned, Replaced)):
            return one.alike(self.clock)
        if isinstance(one, Kept):
            return one.said(self._mark)
        return alike(one, self.clock, self._called) if isinstance(one, Fleet) else swarm(one, self.clock, self._called)

    def _matters(self, remembered: str, others: Any) -> bool:
        """Nobody makes a version current any more that nobody carries; a run that is over restarts nothing."""
        kind, _, what = remembered.partition(" ")
        if kind in ("closed", "restored"):
            return any(what in one for one in others)
        return kind != "restarted" or what.partition(" ")[0] in self.roles

    def _mark(self, mark: str) -> str | None:
        """It names the first letters of a version."""
        name, direction, version, again = mark.rsplit(".", 3)
        events = [frame.data for frame in self.place.frames] + ([self.late.event] if self.late else [])
        claims = [event.get("claim", {}).get("version", "") for event in events if isinstance(event, dict)]
        claim = next((one for one in claims if one.startswith(version)), None)
        return claim and f"{name} {direction} {claim} {again}"

    @property
    def _has_instances(self) -> bool:
        """They may hold what was put and never became current: whoever looks asks for it."""
        return any(isinstance(one, (Fleet, InASwarm)) for one in self.beyond)

    @property
    def _began_last(self) -> list[str]:
        """The updates of services: what began before them tells them from older ones, and nothing else."""
        return [one.started for one in self.beyond if isinstance(one, InASwarm)]

    def _called(self, mark: str) -> str | None:
        """Of what instances were told: nobody asks for what came of it when the run is over that told them."""
        run, _, more = mark.partition(".")
        if run not in self.roles:
            return None
        return self._mark(mark) if "." in more else f"{run} {more}"

    def _ago(self, moment: float) -> float:
        return round(self.clock - moment, 3)

    def _recent(self, moment: float, seconds: float) -> float | None:
        return self._ago(moment) if self.clock - moment < seconds else None

    # ---- where the execution is, and whoever acts late --------------------------------------------------------------

    def _place(self) -> list[str]:
        if self.place.ended:
            return [self.place.state, self.place.status]
        return [text for frame in self.place.frames for text in self._frame(frame)]

    def _tries(self, frame: Frame) -> tuple[int, ...]:
        """How often each Retry was used up says nothing where nothing can fail so often that it matters. (Back-offs take time only
        while somebody acts late or the database is read-only; the page may fail by itself.)"""
        quiet = not self.faults and self.late is None and self._recent(self.source[1], FAIL_OVER_SECONDS) is None
        if not any(frame.tries) or not quiet or frame.state == LOOKS_AT_THE_PAGE:
            return frame.tries
        refused = sum(calls for _, calls in self.throttled)
        left = machine().scopes[frame.scope]["States"][frame.state]["Retry"][-1]["MaxAttempts"] - frame.tries[-1]
        return () if refused <= left else frame.tries

    def _frame(self, frame: Frame) -> Iterator[str]:
        data = projected(frame.data, live_at(frame.scope, frame.state))
        claim = data.get("claim")
        if "drain" in data:
            data["drain"] = self._drain(data["drain"], frame.data.get("claim") or {})
        if "rollout" in data:
            data["rollout"] = {**data["rollout"], "began": self._ago(data["rollout"]["began"])}
        for part in ("put", "instances", "moved"):
            if "began" in data.get(part, {}):
                data[part] = {**data[part], "began": self._ago(data[part]["began"])}
        data |= {part: {**data[part], "began": data[part].get("began") is not None} for part in ASKED_AGAIN if part in data}
        if since := data.get("moved", {}).get("since"):
            data["moved"] = {**data["moved"], "since": since in self._began_last}
        if claim:
            data["claim"] = claim.get("version")
        yield f"{frame.scope} {frame.state} {self._tries(frame)} {frame.index}"
        yield json.dumps([data, frame.results], sort_keys=True)

    def _drain(self, drain: Json, claim: Json) -> Json:
        if not isinstance(drain, dict) or "began" not in drain:
            return drain
        quiet = drain.get("quiet_since") if drain.get("status") != "disturbed" else None
        return {
            **drain,
            "began": True,
            "quiet_since": None if quiet is None else min(self._ago(quiet), self.quiet_seconds),
            "logins": None if quiet is None or drain["logins"] is None else self._counted() - claim["own_logins"] - drain["logins"],
        }

    def _counted(self) -> int:
        """Logins of whoever is to be retired, as the intent has it."""
        pending = next((text for _, text, labels in self.secrets[0] if PENDING in labels), None)
        retiring = _retiring(pending) if pending else frozenset()
        return sum(account[-1] for account in self.accounts if account[0] in retiring)


@lru_cache(100_000)
def _pieces(text: str) -> tuple[str, ...]:
    """Every other one is a name."""
    return tuple(NAMED.split(text))


@lru_cache(1_000)
def _told(late: LeftLying) -> tuple[str, frozenset[str]]:
    """All that it goes by, and the versions in that."""
    event = dict(late.event)
    drain = event.pop("drain", None) or {}
    if "claim" in event:
        event["claim"] = event["claim"].get("version")
    if late.function == "rotate_admin":
        event["situation"] = event["situation"]["rotation_id"]
    for part in ("put", "instances", "moved"):
        if "began" in event.get(part, {}):
            event[part] = {**event[part], "began": round(late.dies - event[part]["began"], 3)}
    for part in ASKED_AGAIN:
        if part in event:
            event[part] = {**event[part], "began": event[part].get("began") is not None}
    if since := event.get("moved", {}).get("since"):
        event["moved"] = {**event["moved"], "since": round(late.dies - float(since), 3)}
    event["again"] = drain.get("republished", 0)
    text = repr((late.function, json.dumps(event, sort_keys=True), [_answer(one) for one in late.told]))
    return text, frozenset(VERSION.findall(text))


def _answer(told: Told) -> Any:
    answer = told.answer
    if told.error is not None:
        return type(told.error).__name__
    if isinstance(answer, Credential):
        return _login(answer)
    if isinstance(answer, Version):
        return answer.id, _content(answer.text.reveal(), True), sorted(answer.labels)
    if isinstance(answer, Password):
        return _content(answer.reveal(), True) if isinstance(answer, SecretText) else answer.reveal()
    if isinstance(answer, list) and all(isinstance(one, tuple) for one in answer):
        return [(username, SESSIONS.get(number, number)) for username, number in answer]
    return repr(answer)


@lru_cache(100_000)
def _content(text: str, whole: bool) -> str:
    content = json.loads(text)
    if not whole and "rotation" in content:
        content["rotation"] = content["rotation"]["id"]
    return json.dumps(content, sort_keys=True).replace(SAME, "")


@lru_cache(100_000)
def _from(text: str) -> str:
    return str(json.loads(text).get("rotation", {}).get("from", ""))


@lru_cache(100_000)
def _retiring(text: str) -> frozenset[str]:
    record = Record(json.loads(text))
    left = () if record.fresh else (record.credential(record.leaves),)
    entries = (*left, *((record.previous,) if record.previous else ()))
    return frozenset(entry.username for entry in entries) - {ADMIN}


def _login(credential: Credential) -> tuple[Any, ...]:
    where = (credential.host, credential.port, credential.dbname)
    return (credential.username, credential.password.reveal(), *(() if where in KNOWN else where))
