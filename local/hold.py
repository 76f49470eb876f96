"""`make local`: the local stack, held until Ctrl-C, for whoever wants to try the command on it. With FAIL=… its next rotation
fails, to practise on: docs/rehearsal.md."""

from __future__ import annotations

import signal
import sys
import threading

from local.options import NOTHING, HoldOptions, command
from local.shows import fail_next
from local.stack import LocalStack, Pace

KEYS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
PACE = Pace(quiet_seconds=8)


def main() -> int:
    """The exit code."""
    return command("local", HoldOptions.parse, hold)


def hold(options: HoldOptions) -> int:
    """Until Ctrl-C, or SIGTERM."""
    print("Starting AWS, EKS, EFS, Aurora and OpenEMR on this machine", flush=True)
    with LocalStack(pods=2, pace=PACE) as stack:
        here = {"AWS_ENDPOINT_URL": stack.aws.endpoint, "AWS_REGION": stack.aws.region, **KEYS}
        print("ready. In another terminal:\n")
        print(f"  export {' '.join(f'{name}={value}' for name, value in here.items())}")
        print("  rotation start --follow      # after pip install . ; also status, history, explain, report\n")
        if options.fail != NOTHING:
            fail_next(stack, options.fail)
            print(f"  the next rotation is made to fail, and ends in {options.end}: docs/rehearsal.md\n")
        print(f"the application: {stack.app.login_page}\nCtrl-C ends it, and leaves nothing", flush=True)
        over = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: over.set())
        over.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
