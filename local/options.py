"""What can be varied in the demo and the soak, from the environment, refused with a sentence when it makes no sense."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from local.cluster import kinds
from local.cluster.real import programs

Chosen = TypeVar("Chosen")
NOTHING = "none"
ROLLOUT = "CheckRollout"
BEFORE = {
    "ReadSlots": "RotationRefused",
    "ClaimRotation": "RotationRefused",
    "SyncUsers": "NothingChanged",
}
AFTER = {
    "ValidateApp": "RolledBack",
    "FlipSlot": "RolledBack",
    "CheckDrained": "OldSlotNotRotated",
    "RotateOldSlot": "OldSlotNotRotated",
    "CheckStillDrained": "OldSlotNotRotated",
    "DiscardOldPassword": "OldSlotNotRotated",
    "RotateAdmin": "AdminNotRotated",
    "ReleaseRotation": "NotReleased",
}
OPENEMR, PROXY, WORDPRESS, SWARM, PLATFORM = "openemr", "proxy", "wordpress", "swarm", "platform"
ONE_USER, ON_REDIS, IN_VAULT, SIGNS = "one-user", "redis", "vault", "signing"
CALLS_AWS, CALLS_API = "keys", "provider"
PUBLISHING = {
    OPENEMR: ("WriteSqlconf", "PatchSecret", "RestartApp", ROLLOUT),
    PROXY: ("PutSecret", "CheckLogin"),
    WORDPRESS: ("PutSecret", "WriteWpConfig"),
    SWARM: ("CreateSwarmSecret", "PrepareService", "ValidateService", "PutSecret", "CutOverService"),
    PLATFORM: ("PutSecret",),
}
"""The last is what fails unless another is named."""
ROTATIONS, RATE = {PLATFORM: 1}, {PLATFORM: 10}
"""If nothing is said: of the platform a rotation is a run of the fleet, and the rate is that of each kind."""
LATER = {SWARM: {"CleanUpService": "OldSlotNotRotated"}}
FAILURES = {
    app: {**BEFORE, **dict.fromkeys(states, "RolledBack"), **AFTER, **LATER.get(app, {})} for app, states in PUBLISHING.items()
}
"""Of each application that is shown, where a failing state leads: the terminal state the demo then expects."""
FORWARD, RESTORE = "forward", "restore"
WAKING = {
    "RestoreFailed": (("ValidateApp", FORWARD), ("WriteSqlconf", RESTORE)),
    "FlipUnknown": (("FlipSlot", FORWARD), ("CloseFlip", FORWARD)),
}
"""The ends that wake somebody. One state that fails leads to none of them: the way back has to fail as well."""


@dataclass(frozen=True)
class Options:
    """APP=openemr|proxy|wordpress|swarm|platform ROTATIONS=n RATE=n FAIL=<state>|none OUTAGE=1 PAGE=<file>; of openemr PODS=n and
    CLUSTER=stand-in|real|kubeconfig, of proxy RING=n, of wordpress INSTANCES=n, of swarm REPLICAS=n"""

    rotations: int = 2
    pods: int = 3
    rate: int = 40
    fail: str = ROLLOUT
    outage: bool = False
    page: Path = Path(__file__).resolve().parents[1] / ".demo" / "demo.html"
    """Outside of what is removed when the demo ends."""
    cluster: str = kinds.STAND_IN
    """A real one by itself where its control plane is already built."""
    app: str = OPENEMR
    ring: int = 2
    """How many users take turns."""
    instances: int = 3
    replicas: int = 3
    """Of each service."""

    @classmethod
    def parse(cls, environment: Mapping[str, str] = os.environ) -> Options:
        """ValueError with the sentence to show."""
        app = _app(environment, FAILURES)
        states = FAILURES[app]
        fail = environment.get("FAIL") or PUBLISHING[app][-1]
        if fail not in (*states, NOTHING):
            raise ValueError(f"FAIL={fail}: there is no such state. One of: {', '.join(states)}, or {NOTHING}.")
        page = Path(environment.get("PAGE") or cls.page).absolute()
        if page.is_dir():
            raise ValueError(f"PAGE={page}: this is a folder. The name of a file is wanted, like {page}/demo.html.")
        return cls(
            rotations=_number(environment, "ROTATIONS", ROTATIONS.get(app, cls.rotations), 0, 1000),
            pods=_number(environment, "PODS", cls.pods, 1, 100),
            rate=_number(environment, "RATE", RATE.get(app, cls.rate), 1, 1000),
            fail=fail,
            outage=environment.get("OUTAGE", "") not in ("", "0"),
            page=page,
            cluster=_cluster(environment) if app == OPENEMR else cls.cluster,
            app=app,
            ring=_number(environment, "RING", cls.ring, 2, 3),
            instances=_number(environment, "INSTANCES", cls.instances, 2, 50),
            replicas=_number(environment, "REPLICAS", cls.replicas, 1, 20),
        )


@dataclass(frozen=True)
class HoldOptions:
    """FAIL=<state>|RestoreFailed|FlipUnknown of the stack that `make local` holds"""

    fail: str = NOTHING
    """What the next rotation fails at; of RestoreFailed and FlipUnknown, how it ends."""

    @classmethod
    def parse(cls, environment: Mapping[str, str] = os.environ) -> HoldOptions:
        """ValueError with the sentence to show."""
        fail = environment.get("FAIL") or NOTHING
        known = (*FAILURES[OPENEMR], *WAKING, NOTHING)
        if fail not in known:
            raise ValueError(f"FAIL={fail}: nothing can be made to fail so. One of: {', '.join(known)}.")
        return cls(fail)

    @property
    def end(self) -> str:
        """How that rotation ends."""
        return self.fail if self.fail in WAKING else FAILURES[OPENEMR][self.fail]


OWN = {"INSTANCES": WORDPRESS, "REPLICAS": SWARM, "PODS": OPENEMR, "LOGINS": OPENEMR, "BREAK": OPENEMR, "RING": PROXY}
"""What can be said of one application only. CLUSTER is in the environment of all tests, and passed over where there is none."""


def _app(environment: Mapping[str, str], known: Iterable[str]) -> str:
    app = environment.get("APP") or OPENEMR
    if app not in known:
        raise ValueError(f"APP={app}: there is no such application. One of: {', '.join(known)}.")
    for name, whose in OWN.items():
        if environment.get(name) and whose != app:
            raise ValueError(f"{name}={environment[name]}: {name} is for APP={whose} only. Leave it out with APP={app}.")
    return app


def _cluster(environment: Mapping[str, str]) -> str:
    default = kinds.REAL if programs.find(environment) else kinds.STAND_IN
    kind = kinds.chosen({kinds.VARIABLE: environment.get(kinds.VARIABLE) or default})
    if kind == kinds.REAL:
        programs.require(environment)
    return kind


SOAKED = (OPENEMR, PROXY, ONE_USER, ON_REDIS, SIGNS, IN_VAULT, CALLS_AWS, CALLS_API, WORDPRESS, SWARM)


@dataclass(frozen=True)
class SoakOptions:
    """APP=openemr|proxy|wordpress|swarm|one-user|redis|signing|vault|keys|provider ROTATIONS=n SECONDS=n RATE=n

    openemr: LOGINS=n BREAK=1, proxy: RING=n"""

    rotations: int = 200
    """0: as many as fit into the time, one at the least."""
    logins: int = 200_000
    seconds: int = 1500
    """For all that; a rotation that has begun by then is finished."""
    rate: int = 200
    """New logins a second, at the least; of another application than openemr requests."""
    breaks: bool = False
    """The password in use, after the first rotation."""
    app: str = OPENEMR
    ring: int = 2
    """How many users take turns."""

    @classmethod
    def parse(cls, environment: Mapping[str, str] = os.environ) -> SoakOptions:
        """SECONDS alone: as many rotations as fit. ValueError with the sentence to show."""
        timed = bool(environment.get("SECONDS"))
        app = _app(environment, SOAKED)
        rotations, logins, rate = (cls.rotations, cls.logins, cls.rate) if app == OPENEMR else (10, 0, 40)
        return cls(
            rotations=_number(environment, "ROTATIONS", 0 if timed else rotations, 0, 100_000),
            logins=_number(environment, "LOGINS", 0 if timed else logins, 0, 10**9),
            seconds=_number(environment, "SECONDS", cls.seconds, 1, 10**6),
            rate=_number(environment, "RATE", rate, 1, 1000),
            app=app,
            ring=_number(environment, "RING", cls.ring, 2, 3),
            breaks=environment.get("BREAK", "") not in ("", "0"),
        )

    def __str__(self) -> str:
        wanted = "as many rotations as fit into"
        if self.app != OPENEMR:
            rotations = f"{self.rotations} rotations within" if self.rotations else wanted
            return f"{rotations} {self.seconds} s, {self.rate} requests a second"
        if self.rotations:
            wanted = f"{self.rotations} rotations and {self.logins:,} logins within"
        return f"{wanted} {self.seconds} s, {self.rate} new logins a second at the least"

    def reached(self, rotations: int, logins: int) -> bool:
        return 0 < self.rotations <= rotations and self.logins <= logins


@dataclass(frozen=True)
class CompareOptions:
    """ROTATIONS=n RATE=n"""

    rotations: int = 3
    """Of each of the two, with each sort of clients."""
    rate: int = 40
    """Logins a second."""

    @classmethod
    def parse(cls, environment: Mapping[str, str] = os.environ) -> CompareOptions:
        """ValueError with the sentence to show."""
        return cls(
            rotations=_number(environment, "ROTATIONS", cls.rotations, 1, 100),
            rate=_number(environment, "RATE", cls.rate, 1, 1000),
        )

    def __str__(self) -> str:
        return f"{self.rotations} rotations of each with each sort of clients, {self.rate} logins a second"


def _number(environment: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isdigit() or not least <= int(text) <= most:
        raise ValueError(f"{name}={text}: a whole number from {least} to {most} is wanted.")
    return int(text)


def command(name: str, parse: Callable[[], Chosen], act: Callable[[Chosen], int]) -> int:
    """The exit code: a wrong option is one line, and so is Ctrl-C."""
    try:
        options = parse()
    except ValueError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    try:
        return act(options)
    except KeyboardInterrupt:
        print(f"\n{name}: interrupted; everything it had started is stopped", file=sys.stderr)
        return 130
