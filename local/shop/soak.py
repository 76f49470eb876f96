"""`make soak` with another APP than openemr: rotations in a row.

No request may fail.

The ring of users on PostgreSQL through pgbouncer, two passwords of one user on MySQL or Redis, without a proxy, or two users on
MySQL, whose login lies in OpenBao. Half of the requests go over connections that the application keeps. WordPress on three
instances: in each rotation one is launched and one ended, and a quarter of the requests are whole pages. Two services of three
tasks each in a Docker Swarm: in each rotation somebody else changes one of them. An access key of IAM, where each request is a
signed call of AWS, and a provider's API key, where each is a call of its API. Exit code 0 only if no request failed and every
retired password was refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from local import canary
from local.load import Load, Results
from local.options import CALLS_API, CALLS_AWS, IN_VAULT, ON_REDIS, ONE_USER, PROXY, SIGNS, SWARM, WORDPRESS, SoakOptions
from local.provider.application import SHOWN as MAIL
from local.provider.stack import Mailer
from local.row import Row
from local.running import Running
from local.services.caller import Caller
from local.shop.application import KEPT
from local.shop.one_user import OneUser, OnRedis
from local.shop.proxied import Shop
from local.shop.signer import Signer
from local.shop.stack import SHOWN, Pace
from local.swarm.row import Meddled
from local.swarm.stack import Services
from local.vault.stack import VaultShop
from local.wordpress.row import LIGHT_ONES, ComingAndGoing
from local.wordpress.stack import WordPress

INSTANCES = REPLICAS = 3


def soak(options: SoakOptions) -> int:
    """The exit code."""
    print(f"Starting AWS, the database and its application on this machine ({options.app}): {options}", flush=True)
    with STACKS[options.app](options) as stack:
        print(f"  {', '.join(' '.join(one) for one in stack.versions().items())}", flush=True)
        more = LIGHT_ONES if options.app == WORDPRESS else ()
        marker = MAIL if options.app == CALLS_API else SHOWN
        with Load(stack.page, options.rate, marker=marker, more=more) as load:
            row = in_a_row(stack, load, options)
            requests = load.stop()
        leaks = canary.search(stack)
    problems = [*row.problems, *missed(options, requests, row), *(f"a password leaked: {one}" for one in leaks)]
    print(f"\n{summary(requests, row)}; {len(leaks)} passwords where none may be")
    for problem in problems:
        print(f"NOT WELL: {problem}")
    print("NOT WELL" if problems else "All is well.")
    return 1 if problems else 0


STACKS: dict[str, Callable[[SoakOptions], Running]] = {
    PROXY: lambda options: Shop(options.ring),
    ONE_USER: lambda _: OneUser(),
    ON_REDIS: lambda _: OnRedis(),
    SIGNS: lambda _: Signer(Pace(lifetime_seconds=5.0)),
    IN_VAULT: lambda _: VaultShop(),
    CALLS_AWS: lambda _: Caller(),
    CALLS_API: lambda _: Mailer(),
    WORDPRESS: lambda _: WordPress(INSTANCES),
    SWARM: lambda _: Services(REPLICAS),
}


def in_a_row(stack: Running, load: Load, options: SoakOptions) -> Row:
    """As many as are asked for, or fit into the time."""

    def so_far() -> str:
        results = load.results()
        return f"{len(results.requests):7,} requests, {len(results.failures)} failed"

    row, began = row_of(stack, so_far), time.monotonic()
    while time.monotonic() - began < options.seconds and not row.problems:
        row.rotate()
        if options.reached(len(row.rotations), 0):
            break
    return row


def row_of(stack: Running, so_far: Callable[[], str]) -> Row:
    if isinstance(stack, Services):
        return Meddled(stack, "soak", so_far)
    return ComingAndGoing(stack, "soak", so_far) if isinstance(stack, WordPress) else Row(stack, "soak", so_far)


def missed(options: SoakOptions, requests: Results, row: Row) -> list[str]:
    """Each bar that was not reached."""
    found = []
    if requests.failures:
        reasons = ", ".join(sorted({str(one.reason) for one in requests.failures}))
        found.append(f"{len(requests.failures)} of {len(requests.requests)} requests failed: {reasons}")
    if len(row.rotations) < max(1, options.rotations):
        found.append(f"{len(row.rotations)} rotations in {options.seconds} s, {options.rotations} were asked for")
    if requests.rate < 0.98 * options.rate:
        found.append(f"{requests.rate:.1f} requests/s, {options.rate} were asked for")
    return found


def summary(requests: Results, row: Row) -> str:
    """One line of figures."""
    return (
        f"{len(row.rotations)} rotations in a row of {min(row.rotations):.1f} to {max(row.rotations):.1f} s;"
        f" requests: {requests.served} served at {requests.rate:.1f}/s, {what_they_were(requests, row)},"
        f" {len(requests.failures)} failed, the slowest {requests.slowest():.0f} ms;"
        f" retired passwords: {row.refused} of {row.retired} refused"
    )


def what_they_were(requests: Results, row: Row) -> str:
    """What makes them hard to serve."""
    if not isinstance(row, ComingAndGoing):
        kept = sum(one.pod == KEPT for one in requests.requests)
        return f"{kept} of them over kept connections" if kept else "each over a connection of its own"
    first = sum(one.ok and one.pod in row.launched for one in requests.requests)
    return f"{first} of them by {len(row.launched)} instances launched meanwhile; {len(row.ended)} were ended"
