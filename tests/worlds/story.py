"""Reports of demos that never ran, as they come from ones that did."""

from __future__ import annotations

from dataclasses import replace

from local import standins
from local.follow import Run, Visit
from local.load import Request, Results
from local.options import OPENEMR, PLATFORM
from local.report import Chapter, Lane, Report, Retired

BEGAN = 1_700_000_000.0
Step = tuple[str, str, float]
FORTH: list[Step] = [
    ("Begin", "Pass", 0),
    ("ReadSlots", "Task", 1.5),
    ("ClaimRotation", "Task", 0.9),
    ("SyncUsers", "Task", 0.4),
    ("Publish", "Map", 0),
    ("WriteSqlconf", "Task", 0.03),
    ("PatchSecret", "Task", 0.3),
    ("RestartApp", "Task", 0.2),
    ("WaitForRollout", "Wait", 2.0),
    ("CheckRollout", "Task", 0.05),
    ("WaitForRollout", "Wait", 2.0),
    ("CheckRollout", "Task", 0.05),
]
RETIRE: list[Step] = [
    ("ValidateApp", "Task", 0.1),
    ("FlipSlot", "Task", 0.1),
    ("OverlapWindow", "Wait", 0),
    ("CheckDrained", "Task", 0.1),
    ("WaitForDrain", "Wait", 8.0),
    ("CheckDrained", "Task", 0.1),
    ("RotateOldSlot", "Task", 0.2),
    ("CheckStillDrained", "Task", 0.05),
    ("DiscardOldPassword", "Task", 0.2),
    ("RotateAdmin", "Task", 0.3),
    ("ReleaseRotation", "Task", 0.1),
    ("RotationSucceeded", "Succeed", 0),
]
BACK: list[Step] = [
    ("CheckRolloutFailed", "Fail", 0),
    ("CloseFlip", "Task", 0.3),
    ("RollBack", "Pass", 0),
    *FORTH[5:],
    ("ValidateApp", "Task", 0.1),
    ("ReleaseRotation", "Task", 0.1),
    ("EndAsRolledBack", "Pass", 0),
    ("SayWhy", "Task", 0.1),
    ("ChooseEnding", "Choice", 0),
    ("RolledBack", "Fail", 0),
]


def run(name: str, began: float, steps: list[Step], cause: str = "") -> Run:
    visits, now = [], began
    for state, kind, seconds in steps:
        visits.append(Visit(state, kind, now, now + seconds))
        now += seconds
    arn = f"arn:aws:states:us-east-1:123456789012:execution:rotation:{name}"
    return Run(arn, "SUCCEEDED", cause=cause, visits=visits, began=began, ended=now)


CAUSE = (
    "openemr: rolled back, the application uses the login that it had before. CheckRollout failed with RolloutFailed: Deployment "
    "openemr/openemr: the new pods are not ready. More: rotation explain demo-2"
)


def rotation(name: str = "demo-1", began: float = BEGAN) -> Chapter:
    return Chapter(run(name, began, FORTH + RETIRE), "RotationSucceeded", "openemr_a", "openemr_b")


def rollback(name: str = "demo-2", began: float = BEGAN) -> Chapter:
    failed = run(name, began, FORTH + BACK, cause=CAUSE)
    return Chapter(failed, "RolledBack", "openemr_b", "openemr_b", made_to_fail="CheckRollout")


def requests(seconds: float, rate: int = 40) -> Results:
    """From openemr_a to openemr_b in the middle, all served."""
    moments = [BEGAN + number / rate for number in range(round(seconds * rate))]
    middle = BEGAN + seconds / 2
    return Results(tuple(Request(at, "openemr_a" if at < middle else "openemr_b", "pod-1", 8.0, None) for at in moments))


def good() -> Report:
    """A rotation, and one that is rolled back."""
    first = rotation()
    second = rollback(began=first.run.ended + 0.5)
    return Report(
        chapters=[first, second],
        requests=requests(second.run.ended - BEGAN),
        retired=[Retired("openemr_a", "demo-1", refused=True), Retired("openemr", "demo-1", refused=True)],
        leaks=[],
        problems=[],
        setup={"pods": "3", "requests per second": "40", "MySQL": "9.7.4", "PHP": "8.2.35"},
        overrides={**standins.told(OPENEMR), "PythonRuntime": "python3.11", "Architecture": "x86_64"},
        seconds=50.0,
    )


def bad() -> Report:
    """Two seconds of an outage, a password that still works, a leak."""
    report = good()
    outage = range(400, 480)
    broken = [
        replace(one, user="unknown", reason="connection failed: ConnectionRefusedError") if number in outage else one
        for number, one in enumerate(report.requests.requests)
    ]
    return replace(
        report,
        requests=Results(tuple(broken)),
        retired=[replace(report.retired[0], refused=False), report.retired[1]],
        leaks=["logs/states.log (base64)"],
        problems=["80 of 1190 requests failed", "the password of openemr_a that demo-1 retired still works"],
    )


def lane(name: str, before: str, after: str, late: float = 0.0) -> Lane:
    """Of one credential: all served, half of them with each."""
    chapter = Chapter(run(f"fleet-platform-1-{name}", BEGAN + late, FORTH + RETIRE), "RotationSucceeded", before, after)
    named = {"openemr_a": before, "openemr_b": after}
    served = tuple(replace(one, user=named[one.user]) for one in requests(chapter.run.seconds, 10).requests)
    return Lane(
        name,
        f"Kind {name}",
        f"what {name} is for, by the service orders (Vault) and the service assistant (secret)",
        10,
        [chapter],
        Results(served),
    )


def several() -> Report:
    """Two kinds at once: users, and two values of one user."""
    lanes = [lane("database", "orders_a", "orders_b"), lane("redis", "platform", "platform, value 2", late=2.0)]
    return Report(
        chapters=[chapter for one in lanes for chapter in one.chapters],
        requests=Results(tuple(request for one in lanes for request in one.requests.requests)),
        retired=[Retired("database: orders_a", "fleet-platform-1-database", refused=True)],
        leaks=[],
        problems=[],
        setup={"requests per second": "10 of each kind"},
        overrides=standins.told(PLATFORM),
        seconds=50.0,
        lanes=lanes,
        rotated="six kinds of credentials",
        called="credential",
    )
