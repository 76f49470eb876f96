"""The applications that the demo shows: how each is started, watched and hurt."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext

from local.hurting import OUTAGE_SECONDS, kill
from local.load import MARKER
from local.options import FORWARD, OPENEMR, PROXY, ROLLOUT, SWARM, WAKING, WORDPRESS, Options
from local.report import SEARCHED
from local.rollouts import RolloutWatch
from local.running import Running
from local.shop.proxied import Shop
from local.shop.stack import SHOWN
from local.stack import LocalStack
from local.swarm.stack import Services
from local.wordpress.site import TITLE
from local.wordpress.stack import WordPress


class OpenEmr:
    marker = MARKER
    searched = SEARCHED
    moves = "WriteSqlconf"
    """The state that moves the traffic."""
    settles = 0.0
    """Seconds after the last execution until every request is what it will be."""
    stack: LocalStack

    def __init__(self, options: Options) -> None:
        self.stack = LocalStack(options.pods, cluster=options.cluster)
        self.setup = {"pods": str(options.pods)}
        self.starts = f"AWS, EKS, EFS, Aurora and OpenEMR on this machine ({options.pods} pods)"

    def watch(self) -> AbstractContextManager[RolloutWatch | None]:
        return RolloutWatch(self.stack.app.cluster)

    def break_state(self, state: str) -> None:
        fail_next(self.stack, state)

    def outage(self) -> None:
        self.stack.app.cluster.kill_pods()

    def change(self) -> None:
        """Nothing else happens meanwhile."""


class WithoutPods:
    """Nothing of it rolls out, and every state of it is a function's."""

    stack: Running

    def watch(self) -> AbstractContextManager[RolloutWatch | None]:
        return nullcontext()

    def break_state(self, state: str) -> None:
        kill(self.stack, state)


class Proxied(WithoutPods):
    marker = SHOWN
    searched = f"{SEARCHED}; every statement in PostgreSQL's log, pg_stat_statements"
    moves = "PutSecret"
    stack: Shop

    def __init__(self, options: Options) -> None:
        self.stack = Shop(options.ring)
        self.settles = self.stack.pace.cache_seconds + self.stack.pace.lifetime_seconds + 1
        self.setup = {
            "users": ", ".join(login.username for login in self.stack.users.values()),
            "connections": f"half of them new, half kept for {self.stack.pace.lifetime_seconds:g} s",
            "secret cached for": f"{self.stack.pace.cache_seconds} s",
            "proxy late by": f"{self.stack.pace.proxy_seconds:g} s",
            "passwords tried at": "PostgreSQL and PgBouncer",
        }
        self.starts = f"AWS, PostgreSQL, PgBouncer for RDS Proxy, and an application on this machine ({options.ring} users)"

    def outage(self) -> None:
        self.stack.proxy.stop()
        time.sleep(OUTAGE_SECONDS)
        self.stack.proxy.start()

    def change(self) -> None:
        """Nothing else happens meanwhile."""


class Instances(WithoutPods):
    """One is launched while the others are told, and one ended, in each rotation that is to succeed."""

    marker = TITLE
    searched = f"{SEARCHED}; what Run Command and the agents keep"
    moves = "WriteWpConfig"
    settles = 0.0
    stack: WordPress

    def __init__(self, options: Options) -> None:
        self.stack = WordPress(options.instances)
        self.setup = {"instances": f"{options.instances}; in each rotation one is launched and one ended"}
        self.starts = f"AWS, MySQL and WordPress on this machine ({options.instances} instances)"

    def change(self) -> None:
        """What Auto Scaling would do in the middle of it."""
        fleet = self.stack.fleet
        oldest = next(iter(fleet.instances.values()))
        fleet.launch()
        fleet.wait_until_serving()
        fleet.end(oldest)

    def outage(self) -> None:
        """Of one instance, without a word."""
        fleet = self.stack.fleet
        fleet.lose(next(iter(fleet.instances.values())))


class InSwarm(WithoutPods):
    """In each rotation that is to succeed somebody else changes a service meanwhile."""

    marker = SHOWN
    searched = f"{SEARCHED}; what the engines say of services, tasks, containers and secrets, and their logs"
    moves = "CutOverService"
    stack: Services

    def __init__(self, options: Options) -> None:
        self.stack = Services(options.replicas)
        self.settles = self.stack.pace.lifetime_seconds + 1
        self.setup = {
            "nodes": ", ".join(self.stack.roles),
            "services": ", ".join(f"{one.name} ({one.told})" for one in self.stack.services),
            "tasks of each": str(options.replicas),
            "meanwhile": "in each rotation somebody else gives a service another label",
        }
        self.starts = f"AWS, PostgreSQL and a Docker Swarm of {len(self.stack.roles)} nodes on this machine"

    def outage(self) -> None:
        self.stack.server.stop()
        time.sleep(OUTAGE_SECONDS)
        self.stack.server.start()

    def change(self) -> None:
        """A rolling update of somebody else's, which is to be kept."""
        self.stack.label(f"seen-{time.time():.0f}")


Show = OpenEmr | Proxied | Instances | InSwarm
SHOWS: dict[str, type[Show]] = {OPENEMR: OpenEmr, PROXY: Proxied, WORDPRESS: Instances, SWARM: InSwarm}


def fail_next(stack: LocalStack, what: str) -> None:
    """Of OpenEMR's next rotation: a rollout that does not end, or the function of a state; of an end that wakes somebody, two."""
    if what == ROLLOUT:
        stack.app.cluster.break_next_rollout()
        return
    for state, direction in WAKING.get(what, ((what, FORWARD),)):
        kill(stack, state, direction)
