"""One small world behind rotation.ports: what the steps are tested over. It keeps the rules of the real one and moves when told."""

import json
from collections.abc import Callable, Sequence

from rotation.core.model import PENDING, Credential, Mark, Password, SecretText, Slot
from rotation.core.record import VALUES, AdminRecord, Record
from rotation.kinds.target import Target, parse_target
from rotation.ports import (
    ClusterObject,
    Copies,
    CredentialConsumer,
    Fleet,
    KeyProvider,
    Looking,
    ProtectedFile,
    Service,
    Shelf,
    Spreading,
    Workload,
)

from local import secret_labels as aws
from tests.worlds.application import Held, Page, Pods
from tests.worlds.database import Account, Database
from tests.worlds.journal import Journal
from tests.worlds.secrets import InMemorySecret

TARGET = "openemr"
RING = (Slot.A, Slot.B)
LONGER = (*RING, Slot.C)
USERS = {Slot.A: "openemr_a", Slot.B: "openemr_b", Slot.C: "openemr_c"}
PASSWORDS = {Slot.A: "canary-of-a-4f9bA", Slot.B: "canary-of-b-77c1B", Slot.C: "canary-of-c-e85dC"}
ADMIN, ADMIN_PASSWORD = "master", "canary-of-master-1d3eM"
FORMER, FORMER_PASSWORD = "openemr", "canary-of-openemr-c60aF"
SQLCONF, SECRET, PODS = 0, 1, 2
"""The consumers' places in the target's list."""
MARK = Mark("a test's")


def credential(username: str, password: str) -> Credential:
    return Credential(username, Password(password), "db.example", 3306, "openemr")


def login(slot: Slot) -> Credential:
    """As the secret says at first."""
    return credential(USERS[slot], PASSWORDS[slot])


def fields(login: Credential) -> dict[str, str]:
    return {
        "username": login.username,
        "password": login.password.reveal(),
        "host": login.host,
        "port": str(login.port),
        "dbname": login.dbname,
    }


def _two_values() -> dict[str, object]:
    other = credential(USERS[Slot.A], PASSWORDS[Slot.B])
    return {"turns": VALUES, Slot.A: fields(login(Slot.A)), Slot.B: fields(other)}


class Secret(InMemorySecret):
    """It writes into the journal what is done through the port; `put` is still a person's."""

    def __init__(self, name: str, content: dict[str, object], journal: Journal, now: Callable[[], float]) -> None:
        self._journal = journal
        super().__init__(name, SecretText(json.dumps(content)), now=now)

    def put_once(self, version: str, text: SecretText) -> SecretText:
        if version in self.versions:
            return self.read(version)
        with self._journal.write(f"put {self.name}"):
            super().put_once(version, text)
        return self.read(version)

    def read(self, version: str) -> SecretText:
        """By id, always: without one AWS would answer with what is current."""
        assert version, "a version is read by its id"
        return super().read(version)

    def swap(self, label: str, *, to: str | None, removed_from: str | None) -> bool:
        what = f"swap {label} of {self.name}"
        self._journal.look(what)
        holder = aws.holder_of(self.versions, label)
        if holder != removed_from or holder == to:
            return super().swap(label, to=to, removed_from=removed_from)
        with self._journal.write(what):
            return super().swap(label, to=to, removed_from=removed_from)

    @property
    def passwords(self) -> set[str]:
        """Of all versions."""
        contents = [json.loads(version["secret_string"]) for version in self.versions.values()]
        entries = [entry for content in contents for entry in (content, *content.values()) if isinstance(entry, dict)]
        return {entry["password"] for entry in entries if "password" in entry}


class MemoryWorld:
    """Everything that a step may touch. At first: the application works as slot A, and nothing else is going on."""

    made_of: type[Secret] = Secret
    """What its two secrets are."""

    def __init__(
        self,
        *,
        active: Slot = Slot.A,
        ring: tuple[Slot, ...] = RING,
        two_values: bool = False,
        dual_passwords: bool = True,
        counts_logins: bool = True,
    ) -> None:
        """`two_values`: the slots are two passwords of one user, of which the second has never been set."""
        self.journal = Journal()
        self.clock = 1_000_000.0
        self.target = _target()
        content = _two_values() if two_values else {slot: fields(login(slot)) for slot in ring}
        self.slots = self.made_of("slots", {"active_slot": str(active), **content}, self.journal, self._now)
        self.admin = self.made_of("admin", dict(fields(credential(ADMIN, ADMIN_PASSWORD))), self.journal, self._now)
        self.source = Database(self.journal, dual_passwords=dual_passwords, counts_logins=counts_logins)
        self.source.clock = self._now
        users = ring[:1] if two_values else ring
        known = {**{USERS[slot]: PASSWORDS[slot] for slot in users}, ADMIN: ADMIN_PASSWORD, FORMER: FORMER_PASSWORD}
        self.source.accounts = {user: Account(password) for user, password in known.items()}
        self.file = Held("sqlconf.php", login(active), self.journal)
        self.secret = Held("Secret openemr/db", login(active), self.journal, has_port=False)
        self.pods = Pods("Deployment openemr/openemr", self.journal)
        self.health = Page()
        self.alive: set[str] = set()
        """The executions that are still running."""
        self.iam_denies: list[str] | None = []
        self.announced: list[tuple[str, str]] = []

    def _now(self) -> float:
        return self.clock

    @property
    def now(self) -> Callable[[], float]:
        return self._now

    def credentials(self) -> list[CredentialConsumer]:
        return [self.file, self.secret]

    def keepers(self, username: str) -> list[CredentialConsumer]:
        return []

    def copies(self, index: int) -> Copies:
        raise KeyError(index)

    def looking(self) -> list[Looking]:
        """Nothing has more to tell than what it holds."""
        return []

    def spreading(self) -> dict[int, Spreading]:
        """Whatever is in a place, everybody has at once."""
        return {}

    def check_keepers(self, usernames: Sequence[str]) -> None:
        """Nothing keeps every user's password."""

    @property
    def provider(self) -> KeyProvider:
        raise LookupError("nobody issues keys here")

    @property
    def endpoint(self) -> None:
        """The application logs in at the database itself."""
        return None

    @property
    def rotated(self) -> None:
        """Its traffic is moved by a file: Secrets Manager rotates nothing here."""
        return None

    def credential(self, index: int, username: str = "") -> Held:
        return {SQLCONF: self.file, SECRET: self.secret}[index]

    def files(self) -> list[ProtectedFile]:
        return [self.file]

    def traffic(self) -> Held:
        return self.file

    def workloads(self) -> list[Workload]:
        return [self.pods]

    def workload(self, index: int) -> Pods:
        return {PODS: self.pods}[index]

    def fleets(self) -> list[Fleet]:
        """It runs on no instances of its own."""
        return []

    def fleet(self, index: int) -> Fleet:
        raise KeyError(index)

    def shelf(self, index: int) -> Shelf:
        raise KeyError(index)

    def service(self, index: int) -> Service:
        raise KeyError(index)

    def services(self) -> list[Service]:
        """It runs in no Swarm."""
        return []

    def cluster_objects(self, kind: str) -> list[ClusterObject]:
        return [{"secret": self.secret, "deployment": self.pods}[kind]]

    def execution_is_alive(self, arn: str, age_seconds: float) -> bool:
        self.asked_about = (arn, age_seconds)
        return arn in self.alive

    def denied_by_iam(self) -> list[str] | None:
        return self.iam_denies

    def announce(self, subject: str, text: str) -> None:
        with self.journal.write("announce"):
            self.announced.append((subject, text))

    # What a person, the application or a test does and sees.

    def application_uses(self, user: Credential) -> None:
        """A person has edited every consumer."""
        for consumer in (self.file, self.secret):
            consumer.holds(user)

    def account(self, slot: Slot) -> Account:
        return self.source.accounts[USERS[slot]]

    @property
    def current(self) -> Record:
        return Record.parse(self.slots.read(self.slots.labels().current), "slots")

    @property
    def pending(self) -> Record:
        pending = self.slots.labels().pending
        assert pending, f"{PENDING} is on no version"
        return Record.parse(self.slots.read(pending), "slots")

    @property
    def current_admin(self) -> AdminRecord:
        return AdminRecord.parse(self.admin.read(self.admin.labels().current), "admin")

    def accepts(self, user: Credential) -> bool:
        """Whether it would log in; nobody counts this."""
        account = self.source.accounts.get(user.username)
        return account is not None and account.accepts(user.password.reveal())

    @property
    def passwords(self) -> set[str]:
        """Everything that must never be shown."""
        accounts = self.source.accounts.values()
        in_use = {password for account in accounts for password in (account.password, account.old) if password}
        return (
            in_use
            | self.slots.passwords
            | self.admin.passwords
            | {consumer.held.password.reveal() for consumer in (self.file, self.secret)}
        )


def _target() -> Target:
    cluster = {"cluster": "c", "namespace": "openemr"}
    document = {
        "slot_secret": "slots",
        "admin_secret": "admin",
        "source": {"kind": "mysql"},
        "consumers": [
            {"kind": "sqlconf", "path": "default/sqlconf.php"},
            {"kind": "secret", **cluster, "name": "db"},
            {"kind": "deployment", **cluster, "name": "openemr"},
        ],
        "drain": {"quiet_seconds": 20},
        "health": {"url": "https://openemr.example/login", "marker": "OpenEMR Login"},
    }
    return parse_target(TARGET, json.dumps(document))
