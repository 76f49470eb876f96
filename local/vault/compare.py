"""`make compare`: this rotation beside OpenBao's own static roles, in one run.

The PostgreSQL, the OpenBao and the clients are the same. Each client reads its login from OpenBao, goes on with it for as long as
is said, and logs in anew each time. None is tried again. Ours writes a path of the key-value store; OpenBao's role changes the
password of its one user, and shows it.
Then what a crash in the middle leaves of either (crashes.py).
Exit code 0 only if no login failed in ours and every rotation of either came to its end.
"""

from __future__ import annotations

import http.client
import json
import ssl
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

from local.load import NOBODY, Load, Request, Results
from local.login import Login
from local.options import CompareOptions, command
from local.row import Row
from local.shop.connections import Known
from local.shop.databases import CONNECT, Place
from local.shop.stack import DATABASE, SHOWN, Pace, made_up
from local.shop.tables import OWNER
from local.vault import crashes
from local.vault.crashes import Crashes, Left
from local.vault.policies import MOUNT
from local.vault.server import OpenBao
from local.vault.stack import PATH, VaultShopOnPostgreSQL

CLIENTS = 12
PAGES = 4
"""A second, of the application, which reads ours."""
KEEPS = (0.0, 2.0, 10.0)
"""Seconds for which a client goes on with what it has read."""
SETTLE_SECONDS = 2.0
"""After a change of OpenBao's and what the clients keep: for so long all of them have the new password."""
STATIC, ROLE, CONNECTION = "shop_static", "static-creds/shop", "shop"
POLICY = f"""
path "{MOUNT}/data/{PATH}" {{ capabilities = ["read"] }}
path "database/{ROLE}" {{ capabilities = ["read"] }}
"""


@dataclass(frozen=True)
class Tried:
    """One login."""

    at: float
    password: str
    reason: str
    """Why it failed; empty if it did not."""


class Reads:
    """A path, as one client asks for it, over a connection that it keeps."""

    def __init__(self, vault: OpenBao, token: str, place: str) -> None:
        self._place, self._token = place, token
        tls = ssl.create_default_context(cadata=vault.ca_pem)
        self._connection = http.client.HTTPSConnection(vault.host, vault.port, timeout=5, context=tls)

    def __call__(self) -> Login:
        try:
            self._connection.request("GET", f"/v1/{self._place}", headers={"X-Vault-Token": self._token})
            answer = self._connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            self._connection.close()  # the next one opens it again
            raise
        said = json.loads(answer)["data"]
        held = said.get("data", said)
        return Login(held["username"], held["password"])


class Clients:
    """`with Clients(reads, log_in, rate, keeps) as clients:` as many as there are ways to read. Open loop, as in load.py."""

    def __init__(self, reads: Sequence[Callable[[], Login]], log_in: Callable[[Login], None], rate: float, keeps: float) -> None:
        self._log_in, self._rate, self._keeps = log_in, rate, keeps
        self._known = [Known(read, keeps) for read in reads]
        self.tried: list[Tried] = []
        self._due = [0.0] * len(reads)
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(len(reads))]

    def __enter__(self) -> Clients:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def wait_for_those_before(self, moment: float) -> None:
        """As a load's: returns when what was due before that is back."""
        while any(thread.is_alive() for thread in self._threads) and min(self._due) < moment - _since_the_epoch():
            time.sleep(0.005)

    def results(self) -> Results:
        """So far, as a load has them."""
        began = _since_the_epoch()
        return Results(tuple(Request(began + one.at, NOBODY, NOBODY, 0.0, one.reason or None) for one in list(self.tried)))

    def so_far(self) -> str:
        failed = sum(bool(one.reason) for one in self.tried)
        return f"{len(self.tried):6,} logins, {failed:4} failed"

    def _run(self, number: int) -> None:
        apart = self._keeps * number / len(self._threads)  # who began together would read anew together, too
        due = self._began + number / self._rate + apart
        self._due[number] = due
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            due += len(self._threads) / self._rate
            self.tried.append(self._one(self._known[number]))
            self._due[number] = due

    def _one(self, known: Known) -> Tried:
        at, password = time.monotonic(), ""
        try:
            login = known.read()
            at, password = time.monotonic(), login.password
            self._log_in(login)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a failed login
            return Tried(at, password, type(error).__name__)
        return Tried(at, password, "")


def _since_the_epoch() -> float:
    """What the clock that never goes back began with."""
    return time.time() - time.monotonic()


@dataclass(frozen=True)
class Came:
    """What came of one way of rotating, with one sort of clients."""

    who: str
    keeps: float
    rotations: int
    logins: int
    failed: int
    reasons: str
    slowest: float
    """Seconds from the first login with a new password to the last with the one before, of the rotation where that took longest."""


def came(who: str, keeps: float, rotations: int, tried: Iterable[Tried]) -> Came:
    """Counted from what the clients met."""
    all_of = sorted(tried, key=lambda one: one.at)
    reasons = Counter(one.reason for one in all_of if one.reason)
    said = ", ".join(f"{often} {reason}" for reason, often in reasons.most_common())
    return Came(who, keeps, rotations, len(all_of), reasons.total(), said, max(spreads(all_of), default=0.0))


def spreads(tried: Sequence[Tried]) -> Iterator[float]:
    """Of each change of the password: how long both were in use."""
    first, last = dict[str, float](), dict[str, float]()
    for one in tried:
        if one.password:
            first.setdefault(one.password, one.at)
            last[one.password] = one.at
    for before, after in pairwise(first):
        yield max(0.0, last[before] - first[after])


class Beside:
    """OpenBao's static role of a user of its own, on our PostgreSQL."""

    def __init__(self, shop: VaultShopOnPostgreSQL) -> None:
        self._vault = shop.vault
        admin = Login("openbao", made_up())
        shop.server.execute(f"CREATE ROLE {admin.username} LOGIN CREATEROLE PASSWORD '{admin.password}'")
        shop.server.create_user(Login(STATIC, made_up()), OWNER)
        self._authority = shop.directory / "database-authority.pem"
        self._authority.write_text(shop.server.ca_pem)
        self._admin, self._host = admin, shop.server.host
        shop.vault.asks("POST", "sys/mounts/database", {"type": "database"})
        self.reach_by(shop.server.port)
        role = {"db_name": CONNECTION, "username": STATIC, "rotation_period": "24h"}
        shop.vault.asks("POST", "database/static-roles/shop", role)

    def reach_by(self, port: int) -> None:
        """The way to PostgreSQL."""
        where = f"{self._host}:{port}/postgres?sslmode=verify-full&sslrootcert={self._authority}"
        self._vault.asks(
            "POST",
            f"database/config/{CONNECTION}",
            {
                "plugin_name": "postgresql-database-plugin",
                "connection_url": f"postgresql://{{{{username}}}}:{{{{password}}}}@{where}",
                "username": self._admin.username,
                "password": self._admin.password,
                "password_authentication": "scram-sha-256",
                "allowed_roles": "*",
            },
        )

    def rotate(self) -> None:
        self._vault.asks("POST", "database/rotate-role/shop")


class KeptVaultShop(VaultShopOnPostgreSQL):
    """What its OpenBao holds outlives a crash."""

    kept = True


class Comparison:
    def __init__(self, shop: VaultShopOnPostgreSQL, options: CompareOptions) -> None:
        self._shop, self._options = shop, options
        self._beside = Beside(shop)
        connect = CONNECT[shop.kind](Place(shop.kind, shop.server.host, shop.server.port, DATABASE, shop.server.ca_pem))

        def log_in(login: Login) -> None:
            session = connect(login)
            try:
                session.name()
            finally:
                session.close()

        self._log_in = log_in
        shop.vault.asks("PUT", "sys/policies/acl/reads", {"policy": POLICY})
        made = shop.vault.asks("POST", "auth/token/create", {"policies": ["reads"], "ttl": "1h"})
        self._token = made["auth"]["client_token"]
        self.problems: list[str] = []

    def theirs(self, keeps: float) -> Came:
        with self._clients(f"database/{ROLE}", keeps) as clients:
            time.sleep(keeps + SETTLE_SECONDS)
            for _ in range(self._options.rotations):
                self._beside.rotate()
                time.sleep(keeps + SETTLE_SECONDS)
        return self._told(came("OpenBao's static role", keeps, self._options.rotations, clients.tried))

    def ours(self, keeps: float) -> Came:
        with self._clients(f"{MOUNT}/data/{PATH}", keeps) as clients:
            time.sleep(keeps + SETTLE_SECONDS)
            row = Row(self._shop, f"compare-{keeps:.0f}", clients.so_far)
            for _ in range(self._options.rotations):
                row.rotate()
            time.sleep(SETTLE_SECONDS)
        self.problems += row.problems
        return self._told(came("this rotation", keeps, len(row.rotations), clients.tried))

    def crashes(self) -> list[Left]:
        row = Row(self._shop, "after-a-crash", lambda: "")
        struck = Crashes(self._shop, self._beside.reach_by, self._beside.rotate, STATIC, row)
        with self._clients(f"database/{ROLE}", 0) as clients:
            time.sleep(SETTLE_SECONDS)
            found = [struck.theirs(clients)]
        for crash in (struck.ours_in_the_path, struck.ours_at_the_password):
            with self._clients(f"{MOUNT}/data/{PATH}", 0) as clients:
                time.sleep(SETTLE_SECONDS)
                found.append(crash(clients))
        self.problems += row.problems
        return found

    def _told(self, one: Came) -> Came:
        print(f"{one.who}, login kept {one.keeps:.0f} s: {one.failed} of {one.logins} logins failed", flush=True)
        return one

    @contextmanager
    def _clients(self, place: str, keeps: float) -> Iterator[Clients]:
        reads = [Reads(self._shop.vault, self._token, place) for _ in range(CLIENTS)]
        with Clients(reads, self._log_in, self._options.rate, keeps) as clients:
            yield clients


def table(found: Sequence[Came]) -> Iterator[str]:
    yield "| the application reads its login | rotated by | rotations | logins failed | both passwords in use, at most |"
    yield "| --- | --- | --- | --- | --- |"
    for one in found:
        reads = f"and keeps it {one.keeps:.0f} s" if one.keeps else "anew for each login"
        yield f"| {reads} | {one.who} | {one.rotations} | {one.failed} of {one.logins:,} | {one.slowest:.1f} s |"


def compare(options: CompareOptions) -> int:
    """The exit code."""
    print(f"Starting AWS, PostgreSQL, OpenBao and an application on this machine: {options}", flush=True)
    with KeptVaultShop(Pace(cache_seconds=int(max(KEEPS)))) as shop:
        print(f"  {', '.join(' '.join(one) for one in shop.versions().items())}", flush=True)
        both = Comparison(shop, options)
        with Load(shop.page, PAGES, marker=SHOWN):  # else it would keep a connection for ever, and the drain wait for that
            found = [one for keeps in KEEPS for one in (both.theirs(keeps), both.ours(keeps))]
            crashed = both.crashes()
    for lines in (table(found), crashes.table(crashed)):
        print("\n" + "\n".join(lines))
    failed = [f"{one.failed} of our logins failed: {one.reasons}" for one in found[1::2] if one.failed]
    failed += [f"{one.failed} of our logins were refused after a crash of {one.killed}" for one in crashed[1:] if one.failed]
    for problem in (*both.problems, *failed):
        print(f"NOT WELL: {problem}")
    return 1 if both.problems or failed else 0


if __name__ == "__main__":
    sys.exit(command("compare", CompareOptions.parse, compare))
