"""`make soak`: rotations back to back by the shipped machine, while the application's clients log in anew all the time.

The target's quiet period is three seconds. The clients' knowledge of sqlconf.php is two seconds old at most, so three is longer
by half than anything that the drain has to outlast here, as 120 is in AWS, where EFS may keep attributes for 60.
Exit code 0 only if no login failed and every bar was reached.
"""

from __future__ import annotations

import secrets
import sys
import time
from dataclasses import dataclass, field

from local.logins import DENIED, OPCACHE_SECONDS, Logged, Logins, NewSession
from local.mysql import Login
from local.options import OPENEMR, SoakOptions, command
from local.row import Row
from local.shop import soak as shop
from local.stack import SLOT_SECRET, LocalStack, Pace

PACE = Pace(quiet_seconds=3, pod_seconds=0.1)
HEADROOM = 1.02
"""More logins are offered than are asked for: the rate is what was achieved."""
POLL_SECONDS = 0.2
BREAK_WITHIN = 10.0


@dataclass
class Soak(Row):
    """What came of it, as it happens."""

    logins: Logins = field(kw_only=True)

    def break_password(self) -> None:
        """Somebody changes the password in use behind everybody's back; to see that it is noticed."""
        slots = self.stack.secret(SLOT_SECRET)
        self.stack.app.mysql.set_password(Login(slots[slots["active_slot"]]["username"], secrets.token_urlsafe(24)))
        self.tell("the password in use was broken on purpose")
        deadline = time.monotonic() + BREAK_WITHIN
        while not self.logins.results().failed and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)


def main() -> int:
    """The exit code."""
    return command("soak", SoakOptions.parse, lambda options: soak(options) if options.app == OPENEMR else shop.soak(options))


def soak(options: SoakOptions) -> int:
    print(f"Starting AWS, EKS, EFS, Aurora and OpenEMR on this machine: {options}", flush=True)
    with LocalStack(pods=1, pace=PACE) as stack:
        stack.app.mysql.set_general_log(on=False)  # of so many logins it would say nothing in 100 MB
        log_in = NewSession(stack.app.mysql.ca_pem)
        path = stack.app.sites / "default" / "sqlconf.php"
        with Logins(path, log_in, options.rate * HEADROOM) as logins:
            run = Soak(stack, "soak", lambda: so_far(logins.results()), PACE.quiet_seconds, logins=logins)
            _rotations(run, options)
            time.sleep(OPCACHE_SECONDS + 1)  # those that still know what the last rotation retired would fail now
            logged = logins.stop()
    problems = [*run.problems, *missed(options, logged, run.rotations)]
    summary(logged, run.rotations)
    for problem in problems:
        print(f"NOT WELL: {problem}")
    print("NOT WELL" if problems else "All is well.")
    return 1 if problems else 0


def so_far(logged: Logged) -> str:
    return f"{logged.seconds:7.1f} s {logged.all:7,} logins, {logged.rate:.0f}/s, {logged.failed} failed"


def _rotations(run: Soak, options: SoakOptions) -> None:
    began = time.monotonic()
    while time.monotonic() - began < options.seconds and not run.problems:
        run.rotate()
        if options.breaks:
            run.break_password()
            return
        if options.reached(len(run.rotations), run.logins.results().all):
            return


def missed(options: SoakOptions, logged: Logged, rotations: list[float]) -> list[str]:
    """Each bar that was not reached."""
    denied, other = logged.failures[DENIED], logged.failed - logged.failures[DENIED]
    found = []
    if logged.failed:
        kinds = ", ".join(f"{reason} {count}" for reason, count in sorted(logged.failures.items()))
        found.append(f"{logged.failed} of {logged.all} logins failed: {denied} refused (1045), {other} otherwise ({kinds})")
    if logged.rate < options.rate:
        found.append(f"{logged.rate:.1f} logins/s, {options.rate} were asked for")
    if len(rotations) < (wanted := max(1, options.rotations)):
        found.append(f"{len(rotations)} rotations in {options.seconds} s, {wanted} were asked for")
    if logged.all < options.logins:
        found.append(f"{logged.all} logins in {options.seconds} s, {options.logins} were asked for")
    return found


def summary(logged: Logged, rotations: list[float]) -> None:
    each = f"{min(rotations):.1f} to {max(rotations):.1f} s each" if rotations else ""
    print(f"\nrotations   {len(rotations):9,}  {each}")
    print(f"logins      {logged.all:9,}  in {logged.seconds:.0f} s: {logged.rate:.1f}/s, the slowest {logged.slowest:.0f} ms")
    print(f"failed      {logged.failed:9,}  of them refused (1045): {logged.failures[DENIED]}")
    if logged.all and not logged.failed:
        print(f"bound                  none failed, so at 95 % confidence fewer than 3/n = {3 / logged.all:.1e} do")


if __name__ == "__main__":
    sys.exit(main())
