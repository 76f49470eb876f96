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

from local.follow import wait_for
from local.logins import DENIED, OPCACHE_SECONDS, Logged, Logins, NewSession
from local.mysql import Login
from local.options import SoakOptions, command
from local.stack import ADMIN_SECRET, SLOT_SECRET, LocalStack, Pace

PACE = Pace(quiet_seconds=3, pod_seconds=0.1)
HEADROOM = 1.02
"""More logins are offered than are asked for: the rate is what was achieved."""
POLL_SECONDS = 0.2
SILENCE_SECONDS = 8.0  # a rotation takes six
BREAK_WITHIN = 10.0


@dataclass
class Soak:
    """What came of it, as it happens."""

    stack: LocalStack
    logins: Logins
    rotations: list[float] = field(default_factory=list)
    """How many seconds each took."""
    problems: list[str] = field(default_factory=list)
    _told: float = field(default_factory=time.monotonic)

    def rotate(self) -> None:
        """One rotation: the application ends on another login, and what it left is refused, the admin's too."""
        name = f"soak-{len(self.rotations) + 1}"
        slots, admin = self.stack.secret(SLOT_SECRET), self.stack.secret(ADMIN_SECRET)
        arn = self.stack.start_execution(name)
        time.sleep(PACE.quiet_seconds)  # none ends sooner, and whoever asks the engine meanwhile takes its time
        run = wait_for(self.stack, arn, lambda: self._progress(name))
        self.rotations.append(run.seconds)
        if run.outcome != "RotationSucceeded":
            self.problems.append(f"{name} ended in {run.outcome}: {run.cause}")
        elif self.stack.secret(SLOT_SECRET)["active_slot"] == slots["active_slot"]:
            self.problems.append(f"{name}: the application still uses slot {slots['active_slot']}")
        else:
            left = (slots[slots["active_slot"]], admin)
            still = [one["username"] for one in left if self.stack.accepts(one["username"], one["password"])]
            self.problems += [f"{name}: the retired password of {user} still works" for user in still]
        self.tell(f"{name}: {run.outcome}, {run.working:.1f} + {run.waiting:.1f} s")

    def break_password(self) -> None:
        """Somebody changes the password in use behind everybody's back; to see that it is noticed."""
        slots = self.stack.secret(SLOT_SECRET)
        self.stack.app.mysql.set_password(Login(slots[slots["active_slot"]]["username"], secrets.token_urlsafe(24)))
        self.tell("the password in use was broken on purpose")
        deadline = time.monotonic() + BREAK_WITHIN
        while not self.logins.results().failed and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)

    def tell(self, what: str) -> None:
        so_far = self.logins.results()
        print(f"{so_far.seconds:7.1f} s  {what:40} {so_far.all:7,} logins, {so_far.rate:.0f}/s, {so_far.failed} failed", flush=True)
        self._told = time.monotonic()

    def _progress(self, name: str) -> None:
        if time.monotonic() - self._told >= SILENCE_SECONDS:
            self.tell(f"{name} …")


def main() -> int:
    """The exit code."""
    return command("soak", SoakOptions.parse, soak)


def soak(options: SoakOptions) -> int:
    print(f"Starting AWS, EKS, EFS, Aurora and OpenEMR on this machine: {options}", flush=True)
    with LocalStack(pods=1, pace=PACE) as stack:
        stack.app.mysql.set_general_log(on=False)  # of so many logins it would say nothing in 100 MB
        log_in = NewSession(stack.app.mysql.ca_pem)
        path = stack.app.sites / "default" / "sqlconf.php"
        with Logins(path, log_in, options.rate * HEADROOM) as logins:
            run = Soak(stack, logins)
            _rotations(run, options)
            time.sleep(OPCACHE_SECONDS + 1)  # those that still know what the last rotation retired would fail now
            logged = logins.stop()
    problems = [*run.problems, *missed(options, logged, run.rotations)]
    summary(logged, run.rotations)
    for problem in problems:
        print(f"NOT WELL: {problem}")
    print("NOT WELL" if problems else "All is well.")
    return 1 if problems else 0


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
