"""`make demo APP=platform`: all six kinds of a platform's credentials, rotated by one run of the fleet, under load.

Each kind has its own load: logins at PostgreSQL, commands of Redis, calls of two providers' APIs, signed calls of AWS, tokens that
are signed and verified. Exit code 0 only if no request failed, each kind's rate was reached, every credential changed and every
retired one is refused.
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from rotation.fleet.run import report_key

from local import canary
from local.ending import finish
from local.follow import Run, wait_for
from local.hurting import OUTAGE_SECONDS, kill
from local.load import Load, Results
from local.login import Login
from local.options import FAILURES, NOTHING, PLATFORM, Options
from local.report import SEARCHED, Chapter, Lane, Report, Retired
from local.running import OVERRIDES
from local.services.names import Names
from local.services.stack import FROM_SECRETS, SERVICES, Kind, Platform
from local.shop.stack import SHOWN
from local.standins import told
from local.telling import pairs

PATIENCE_SECONDS = 600.0
POLL_SECONDS, SILENCE_SECONDS = 0.5, 4.0
ENOUGH = 0.95
"""Of the rate that was asked for."""
SEARCHED_TOO = f"{SEARCHED}; what Redis and the providers remember, what the fleet writes down"
RUNNING = "RUNNING"


class Loads:
    """`with Loads(stack, rate) as loads:` each kind's requests, at that rate, shared by the services that use it."""

    def __init__(self, stack: Platform, rate: float) -> None:
        self._of = {
            kind.name: [Load(page, rate / len(pages), marker=SHOWN) for page in pages]
            for kind in stack.kinds.values()
            for pages in [stack.pages(kind)]
        }
        self._ended = ExitStack()

    def __enter__(self) -> Loads:
        for load in (one for loads in self._of.values() for one in loads):
            self._ended.enter_context(load)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.close()

    def results(self) -> dict[str, Results]:
        """So far."""
        return {name: Results(tuple(one for load in loads for one in load.results().requests)) for name, loads in self._of.items()}

    def stop(self) -> dict[str, Results]:
        """Of each kind, all."""
        self._ended.close()
        return self.results()


@dataclass(frozen=True)
class Old:
    """A credential that must not work any more."""

    kind: str
    called: str
    login: Login = field(repr=False)
    by: str


@dataclass
class Story:
    """What came of it, as it happens."""

    stack: Platform
    loads: Loads
    names: dict[str, Names]
    began: float
    chapters: dict[str, list[Chapter]]
    old: list[Old] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, stack: Platform, loads: Loads) -> Story:
        return cls(stack, loads, {one: Names() for one in stack.kinds}, time.monotonic(), {one: [] for one in stack.kinds})

    def say(self, what: str) -> None:
        print(f"  {time.monotonic() - self.began:6.1f} s  {what}", flush=True)

    def so_far(self) -> str:
        results = self.loads.results().values()
        failed = sum(len(one.failures) for one in results)
        return f"{sum(len(one.requests) for one in results):,} requests, {failed} failed"


def demo(options: Options) -> int:
    """The exit code."""
    began = time.monotonic()
    print(f"Starting AWS, OpenBao, PostgreSQL, Redis, two providers and {len(SERVICES)} services on this machine", flush=True)
    print(f"  the shipped template.yaml, built; overridden here only: {pairs(OVERRIDES)}", flush=True)
    with Platform() as stack:
        print(f"  ready after {time.monotonic() - began:.1f} s: {pairs(stack.versions())}", flush=True)
        kinds = ", ".join(kind.name for kind in stack.kinds.values())
        print(f"  {options.rate} requests/s of each kind from now on, none tried again: {kinds}\n", flush=True)
        with Loads(stack, options.rate) as loads:
            story = Story.of(stack, loads)
            for number in range(1, options.rotations + 1):
                rotate_all(story, f"platform-{number}", outage=options.outage and number == 1)
            if options.fail != NOTHING:
                fail(story, options.fail)
            time.sleep(stack.pace.cache_seconds + stack.pace.lifetime_seconds + 1)
            requests = loads.stop()
        report = examine(story, requests, options, began)
        return finish(stack, report, options)


def rotate_all(story: Story, name: str, *, outage: bool = False, patience: float = PATIENCE_SECONDS, **settings: int) -> str:
    """One run of the fleet, in which all are due: each is rotated once. Its execution's ARN. `settings`: of the run."""
    stack = story.stack
    before = {kind: (stack.active(kind), stack.admin_of(kind)) for kind in stack.kinds}
    many = {"at_once": len(stack.kinds), "per_place": len(stack.kinds), **settings}
    arn = stack.start_fleet(name, "make demo", older_than_days=0, **many)
    story.say(f"{name}: one run of the fleet, {len(stack.kinds)} targets")
    if outage:
        stack.database.stop()
        time.sleep(OUTAGE_SECONDS)
        stack.database.start()
    arns = followed(story, name, arn, patience)
    fleet = stack.aws.client("stepfunctions").describe_execution(executionArn=arn)
    counts = written_down(stack, name)
    story.say(f"{name}: {fleet['status']}, {pairs({one: str(count) for one, count in counts.items()})}; {story.so_far()}\n")
    if fleet["status"] != "SUCCEEDED" or counts != {"rotated": len(stack.kinds)}:
        story.problems.append(f"{name}: the fleet's run ended as {fleet['status']}, {counts}")
    for kind, (login, admin) in before.items():
        rotated(story, kind, login, admin, wait_for(stack, arns[kind]) if kind in arns else None)
    return arn


def followed(story: Story, name: str, fleet: str, patience: float) -> dict[str, str]:
    """Until the fleet and each rotation that it began have ended: their ARNs by target."""
    states, began, said = story.stack.aws.client("stepfunctions"), time.monotonic(), time.monotonic()
    prefix, ended = f"fleet-{name}-", set[str]()
    while True:
        listed = states.list_executions(stateMachineArn=story.stack.machine_arn)["executions"]
        found = {one["name"].removeprefix(prefix): one for one in listed if one["name"].startswith(prefix)}
        for kind in sorted(kind for kind, one in found.items() if one["status"] != RUNNING and kind not in ended):
            ended.add(kind)
            lasted = (found[kind]["stopDate"] - found[kind]["startDate"]).total_seconds()
            story.say(f"{kind:10} {found[kind]['status']} after {lasted:.1f} s")
            said = time.monotonic()
        if len(ended) == len(found) and states.describe_execution(executionArn=fleet)["status"] != RUNNING:
            return {kind: one["executionArn"] for kind, one in found.items()}
        if time.monotonic() - began > patience:
            story.problems.append(f"{name} did not end within {patience:.0f} s")
            return {kind: found[kind]["executionArn"] for kind in ended}
        if time.monotonic() - said > SILENCE_SECONDS:
            story.say(f"… {', '.join(sorted(found.keys() - ended)) or 'the fleet'}; {story.so_far()}")
            said = time.monotonic()
        time.sleep(POLL_SECONDS)


def written_down(stack: Platform, run: str) -> dict[str, int]:
    """What the fleet's own report counts; nothing where it made none."""
    s3 = stack.aws.client("s3")
    try:
        body = s3.get_object(Bucket=stack.deployed["FleetBucket"], Key=report_key(run))["Body"].read()
    except s3.exceptions.NoSuchKey:
        return {}
    counts: dict[str, int] = json.loads(body)["counts"]
    return counts


def rotated(story: Story, kind: str, login: Login, admin: Login | None, run: Run | None) -> None:
    """It must have succeeded: the services use another credential."""
    if run is None:
        story.problems.append(f"{kind} was not rotated")
        return
    stack, names = story.stack, story.names[kind]
    before, active = names.of(login), stack.active(kind)
    chapter = Chapter(run, "RotationSucceeded", before, names.of(active))
    story.chapters[kind].append(chapter)
    if run.outcome != "RotationSucceeded":
        story.problems.append(f"{chapter.name} ended in {run.outcome}: {run.cause}")
        return
    if active == login:
        story.problems.append(f"{kind}: the services still use {before}")
    story.problems += [f"{kind}: {place} does not hold the new one" for place, one in stack.held_of(kind).items() if one != active]
    story.old.append(Old(kind, before, login, chapter.name))
    if admin:
        story.old.append(Old(kind, f"{admin.username}, admin", admin, chapter.name))


def fail(story: Story, state: str) -> None:
    """One more rotation, of the database's users, whose state is made to fail: the services are served as before."""
    stack, kind = story.stack, story.stack.target
    expected, before, names = FAILURES[PLATFORM][state], stack.active(kind), story.names[kind]
    story.say(f"{kind}: made to fail at {state}")
    kill(stack, state)
    run = wait_for(stack, stack.start_execution("made-to-fail", {"target": kind}))
    story.say(f"{kind:10} {run.outcome} after {run.seconds:.1f} s\n")
    active = stack.active(kind)
    story.chapters[kind].append(Chapter(run, expected, names.of(before), names.of(active), made_to_fail=state))
    if run.outcome != expected:
        story.problems.append(f"{kind} ended in {run.outcome} instead of {expected}: {run.cause}")
    if expected == "RolledBack":
        wrong = [place for place, one in stack.held_of(kind).items() if one != before]
        story.problems += [f"{kind}: {place} was not restored" for place in wrong]


def examine(story: Story, requests: dict[str, Results], options: Options, began: float) -> Report:
    """What can be asked only while the servers are still there."""
    stack = story.stack
    retired = [Retired(f"{one.kind}: {one.called}", one.by, refused=not accepted(stack, one)) for one in story.old]
    leaks = [str(finding) for finding in canary.search(stack)]
    lanes = [lane_of(kind, options.rate, story.chapters[kind.name], requests[kind.name]) for kind in stack.kinds.values()]
    problems = [*story.problems, *missed(lanes, retired), *(f"a credential leaked: {one}" for one in leaks)]
    return Report(
        chapters=[chapter for lane in lanes for chapter in lane.chapters],
        requests=Results(tuple(one for lane in lanes for one in lane.requests.requests)),
        retired=retired,
        leaks=leaks,
        problems=problems,
        setup=setup(stack, options),
        overrides={**told(PLATFORM), **OVERRIDES},
        seconds=time.monotonic() - began,
        searched=SEARCHED_TOO,
        lanes=lanes,
        rotated="six kinds of credentials",
        called="credential",
    )


def accepted(stack: Platform, old: Old) -> bool:
    """Whether anybody lets it in: asked now."""
    return stack.kinds[old.kind].accepts(old.login)


def lane_of(kind: Kind, rate: float, chapters: list[Chapter], requests: Results) -> Lane:
    where = " and ".join(f"the service {one} ({'secret' if one in FROM_SECRETS else 'Vault'})" for one in kind.readers)
    return Lane(kind.name, kind.title, f"{kind.does}, by {where}", rate, chapters, requests)


def missed(lanes: list[Lane], retired: list[Retired]) -> list[str]:
    """Each bar that was not reached."""
    found = []
    for lane in lanes:
        if failed := len(lane.requests.failures):
            found.append(f"{lane.name}: {failed} of {len(lane.requests.requests)} requests failed")
        if lane.requests.rate < ENOUGH * lane.rate:
            found.append(f"{lane.name}: {lane.requests.rate:.1f} requests/s, {lane.rate:g} were asked for")
    return [*found, *(f"{one.user}, which {one.by} retired, still works" for one in retired if not one.refused)]


def setup(stack: Platform, options: Options) -> dict[str, str]:
    services: dict[str, Any] = {
        f"service {service}": f"{', '.join(kinds)}; from {'Secrets Manager' if service in FROM_SECRETS else 'the Vault'}"
        for service, kinds in SERVICES.items()
    }
    pace = stack.pace
    return {
        **services,
        "requests per second": f"{options.rate} of each kind",
        "read credentials cached for": f"{pace.cache_seconds} s",
        "connections": f"half of them new, half kept for {pace.lifetime_seconds:g} s",
        **stack.versions(),
    }
