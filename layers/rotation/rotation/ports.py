"""What the steps need from the world, as Protocols. Adapters are the world; the tests have a small one of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from rotation.core.drain import Hold
    from rotation.core.findings import Finding
    from rotation.core.fleet import Answer, Instance, Telling
    from rotation.core.model import Credential, Labels, Mark, Password, SecretText, Version
    from rotation.core.phases import Moved, Phase
    from rotation.core.rollout import Rollout
    from rotation.core.seen import Activity, FileState, Key, Ran, Server, SessionId
    from rotation.kinds.target import Target
    from rotation.told.notice import Notice, Resume
    from rotation.told.outcome import Outcome

T = TypeVar("T")
U = TypeVar("U")


class LabelledSecret(Protocol):
    """One secret with its versions and labels. Every unknown outcome is settled by looking before it returns."""

    @property
    def name(self) -> str:
        """How messages call it."""

    def labels(self) -> Labels:
        """Which versions carry AWSCURRENT, AWSPENDING and AWSPREVIOUS now."""

    def read(self, version: str) -> SecretText:
        """That version's text."""

    def put_once(self, version: str, text: SecretText) -> SecretText:
        """Store under a label that means nothing, unless the version is there already; return what a read by id gives."""

    def swap(self, label: str, *, to: str | None, removed_from: str | None) -> bool:
        """Move a label from exactly the version named (None: from nowhere / to nowhere). False: it is elsewhere, nothing done."""


class SecretStore(LabelledSecret, Protocol):
    """The same, as a function has it."""

    def current(self) -> Version:
        """The version that carries AWSCURRENT now."""

    def pending(self) -> Version | None:
        """The version that carries AWSPENDING now, if one does."""

    def age_seconds(self, version: str) -> float:
        """How long ago that version was put."""


class DatedStore(SecretStore, Protocol):
    """A record that tells in one call what is current and since when."""

    def current_dated(self) -> tuple[Version, float]:
        """The version that carries AWSCURRENT now, and how many seconds ago it was put."""


class AdminSession(Protocol):
    """A connection to the writer as the admin, holding our lock."""

    @property
    def dual_passwords(self) -> bool:
        """Whether the server can keep an old password alive beside the new one."""

    def activity(self, username: str) -> Activity:
        """How much that user is in use on this server."""

    def exists(self, username: str) -> bool:
        """Whether there is such a user."""

    def create_user(self, credential: Credential, like: Credential) -> None:
        """Make the user with that password, with the grants on its schema and the TLS requirement of `like`."""

    def copy_grants(self, user: Credential, like: Credential) -> bool:
        """Give the user what it lacks of `like`'s privileges on its schema (all, if `like` has none); False: nothing lacked."""

    def set_password(self, username: str, password: Password, *, retain: bool) -> None:
        """Give the user a password; retain: the one it has now keeps working too."""

    def discard_old_password(self, username: str, keep: Password) -> None:
        """Only `keep`, the newest password, works from now on."""

    def needs_retain(self, username: str, in_use: Password, new: Password) -> bool:
        """Whether the new password is still to be set beside the one in use. Refuses where that would destroy one in use, or one
        that nobody here knows: PrimaryUnknown, SecondaryUnknown."""

    def needs_discard(self, username: str, in_use: Password, old: Password) -> bool:
        """Whether the old password is still to be discarded. Refuses as `needs_retain` does."""


class Source(Protocol):
    """Where credentials are made and tried."""

    def logs_in(self, credential: Credential) -> bool:
        """Whether it does. False only for `access denied`: a network error is not a wrong password."""

    def refuses(self, credential: Credential) -> bool:
        """Whether nobody takes it any more. Where several servers have passwords of their own, that is more than not to log in."""

    def settles_in(self) -> float:
        """In how many seconds everybody who is shown credentials goes by what is there now: 0 where each of them asks it."""

    def as_admin(self, admin: Credential) -> AbstractContextManager[AdminSession]:
        """A session on the writer, under our lock. This and what follows: AdminLoginUnknown if the writer refuses that login."""

    def activity(self, admin: Credential, username: str) -> Activity:
        """How much that user is in use, on the writer and all readers together. Changes nothing, takes no lock."""

    def inspect(self, admin: Credential, users: Sequence[str]) -> Server:
        """What is there; changes nothing. Those of the users that do not exist are left out."""

    def sessions(self, admin: Credential, username: str) -> list[SessionId]:
        """That user's, on the writer and all readers, but for our own."""

    def end_sessions(self, admin: Credential, username: str, sessions: Sequence[SessionId]) -> None:
        """Those of them that are still there, and still that user's."""


class KeyProvider(Protocol):
    """Who issues keys, and shows the secret of each once. What they are for (a user, a project) the target's settings say.

    `admin`: whose login may make keys (AdminLoginUnknown if the provider refuses it); None where the target names no admin's
    secret, and the function's own role may. There is no lock here: what is issued, and what is deleted, is decided by who holds
    AWSPENDING. A provider's listing may lag behind what it was told; a call that it did not answer may have been carried out all
    the same, and is looked for by whoever comes next.
    A key is tried by `logs_in` and `refuses`, as every credential: False only where the provider says that it does not know it.
    """

    @property
    def limit(self) -> int | None:
        """How many keys there may be at once; None where there is no such number."""

    @property
    def named(self) -> bool:
        """Whether a key carries a name of ours, by which it is known as ours."""

    @property
    def dedicated(self) -> bool:
        """Where keys carry no name: whether nobody but us makes keys there, by what the target says. An unknown one that is
        younger than our claim is taken for ours then, and deleted."""

    def logs_in(self, credential: Credential) -> bool:
        """Whether the provider takes that key now: it may not yet know a new one, and know a deactivated one a little longer."""

    def refuses(self, credential: Credential) -> bool:
        """Whether the provider takes it nowhere any more."""

    def check(self, admin: Credential | None) -> None:
        """Raises what keeps us from issuing or deleting keys there, before anything is done: a tag that lacks, a right."""

    def keys(self, admin: Credential | None) -> Sequence[Key]:
        """All that there are, of every page."""

    def issue(self, admin: Credential | None, name: str) -> Credential:
        """A new key: its id as the user name, its secret as the password. `name`: what it is to carry, where keys do."""

    def deactivate(self, admin: Credential | None, id: str) -> bool:  # noqa: A002 - as the provider calls it
        """It is taken no longer, but still there, so that a person may undo it; False where the provider has no such thing. No such
        key is as good."""

    def delete(self, admin: Credential | None, id: str) -> None:  # noqa: A002
        """It is gone; nothing to do where it was."""


class CredentialConsumer(Protocol):
    """A place from which the application reads its credential."""

    @property
    def name(self) -> str:
        """How messages call it."""

    def read(self) -> Credential:
        """The credential in it now."""

    def publish(self, credential: Credential, mark: Mark) -> bool:
        """Put that credential in it; False if it was there already, and nothing had to be closed (`Mark.closes`)."""


class Copies(Protocol):
    """A place that keeps older versions of what it held."""

    @property
    def name(self) -> str:
        """How messages call it."""

    def forget(self, kept: Sequence[Credential]) -> int:
        """Destroy every older version that holds one of these users with another password; how many that were. To do it again does
        no harm."""


class Looking(Protocol):
    """A place that has more to tell in mode verify than what it holds."""

    def look(self, now: float) -> Iterator[Finding]:
        """What of it a rotation needs; changes nothing."""


class Spreading(Protocol):
    """A place from which what is in it gets to those who use it bit by bit."""

    @property
    def name(self) -> str:
        """How messages call it."""

    def everybody(self) -> str:
        """Empty where all of them have it now; else who is waited for, for a person."""


class RotatedSecret(Protocol):
    """The application's secret as Secrets Manager's own rotation has it: a version under AWSPENDING that at first holds nothing."""

    @property
    def name(self) -> str:
        """How messages call it."""

    def labels(self) -> Labels:
        """Which versions carry AWSCURRENT, AWSPENDING and AWSPREVIOUS now."""

    def login(self, version: str) -> Credential | None:
        """The login in that version; None while nothing was put under its id."""

    def put(self, credential: Credential, mark: Mark) -> str:
        """The version with that login: what is current, or one under a label that means nothing. Moves no label that does."""

    def told(self) -> Credential | None:
        """The login in what was put last and never became current: who was told of that version may hold it still."""

    def put_pending(self, version: str, credential: Credential) -> None:
        """What is current, but with that login, under that id and AWSPENDING. What is stored under the id already stays."""

    def holds(self, version: str, credential: Credential) -> bool:
        """Whether that version is what is current, but with that login."""

    def make_current(self, version: str, removed_from: str) -> bool:
        """Move AWSCURRENT there from exactly that version. False: it is elsewhere, nothing was done."""

    def says(self, key: str) -> str | None:
        """What is current in a key that is none of the login's; None where there is no such text."""

    def rotates_every(self) -> float | None:
        """How many seconds its own schedule in Secrets Manager leaves between two rotations, at least; None where it has none."""

    def let_go(self, version: str) -> bool:
        """Take AWSPENDING off that version. False: it is on another, nothing was done."""


class Endpoint(Protocol):
    """Through which the application logs in, where that is not the database itself: a proxy, which may know a user's password
    later than the database does."""

    @property
    def name(self) -> str:
        """How messages call it."""

    def logs_in(self, credential: Credential) -> bool:
        """Whether that user gets through with that password now."""


class ProtectedFile(Protocol):
    """A file in which the application reads its credential, as far as all else in it and about it goes."""

    @property
    def name(self) -> str:
        """How messages call it."""

    def inspect(self) -> FileState:
        """As it is now."""

    def in_setup(self) -> bool:
        """Whether it has the application show its setup: it takes itself for not installed. Not ours to change."""

    def fix_permissions(self) -> bool:
        """Give it the owner and mode that the target names; False if it had them."""


class Workload(Protocol):
    """The application's running copies."""

    @property
    def name(self) -> str:
        """How messages call it."""

    def restart(self, rotation: str, started: str) -> None:
        """Replace every copy, once for that mark however often it is asked."""

    def rollout(self) -> Rollout:
        """How far that has come."""


class Fleet(Protocol):
    """The machines of an application, each with a file in which it reads its login: they are told which version to hold."""

    @property
    def name(self) -> str:
        """How messages call it."""

    def instances(self) -> list[Instance]:
        """All that are there, whatever their state; not those that have ended."""

    def answers(self, since: float) -> list[Answer]:
        """What came of all that they were told since then, by whomever."""

    def last_write(self, instance: str) -> Answer | None:
        """Of all that is remembered the last that may have changed its file, whatever became of it; None where none did."""

    def tell(self, telling: Telling, instances: Sequence[str]) -> None:
        """Send it to these. What comes of it, `answers` says later; to tell it again does no harm."""


class Shelf(Protocol):
    """Where each login is stored as one of its own beside the others, and cannot be read back."""

    @property
    def name(self) -> str:
        """How messages call it."""

    def look(self) -> None:
        """Whether it can be reached; changes nothing."""

    def keep(self, credential: Credential, version: str) -> bool:
        """Have it hold that login, as it is in that version of the application's secret; False if it did already."""


class Service(Protocol):
    """An application that comes to a version of its login phase by phase, its copies being replaced one after the other."""

    @property
    def name(self) -> str:
        """How messages call it."""

    def refuse_unfit(self) -> None:
        """Raises what would keep it from being updated as it is."""

    def is_taken_back(self) -> bool:
        """Whether it goes back by itself where an update fails, which is not for us to decide then."""

    def advance(self, goal: Phase, version: str, current: str, since: str | None = None, *, back: bool = False) -> Moved:
        """Have it come to that phase with a version of the application's secret, and say how far it is. Called again with what was
        answered until it is complete. `current`: the version that is current now. `back`: whatever is under way ends with it."""

    def holds(self, version: str) -> Hold:
        """Whether all that runs anywhere, or may, has that version."""

    def remove_old(self, version: str) -> list[str]:
        """Take away what is ours, holds another version and is had by nothing any more; its names."""


class ClusterObject(Protocol):
    """Something in the cluster that we read or change."""

    @property
    def name(self) -> str:
        """How messages call it."""

    def allows(self, verb: str) -> bool:
        """Whether the cluster would let us do that to it."""


class Health(Protocol):
    """The application as its users see it."""

    def check(self) -> None:
        """Raise AppUnhealthy unless it answers as the target says."""


class World(Protocol):
    """Everything that a step may touch; each part is made when first asked for."""

    @property
    def target(self) -> Target: ...
    @property
    def slots(self) -> SecretStore: ...
    @property
    def admin(self) -> SecretStore: ...
    @property
    def source(self) -> Source: ...
    @property
    def provider(self) -> KeyProvider: ...
    @property
    def health(self) -> Health | None: ...
    @property
    def endpoint(self) -> Endpoint | None: ...
    @property
    def rotated(self) -> RotatedSecret | None: ...
    @property
    def now(self) -> Callable[[], float]: ...
    def credentials(self) -> list[CredentialConsumer]: ...
    def credential(self, index: int, username: str) -> CredentialConsumer: ...
    def copies(self, index: int) -> Copies: ...
    def looking(self) -> list[Looking]: ...
    def spreading(self) -> Mapping[int, Spreading]: ...
    def keepers(self, username: str) -> list[CredentialConsumer]: ...
    def check_keepers(self, usernames: Sequence[str]) -> None: ...
    def files(self) -> list[ProtectedFile]: ...
    def traffic(self) -> CredentialConsumer: ...
    def workload(self, index: int) -> Workload: ...
    def workloads(self) -> list[Workload]: ...
    def fleet(self, index: int) -> Fleet: ...
    def fleets(self) -> list[Fleet]: ...
    def shelf(self, index: int) -> Shelf: ...
    def service(self, index: int) -> Service: ...
    def services(self) -> list[Service]: ...
    def cluster_objects(self, kind: str) -> list[ClusterObject]: ...
    def execution_is_alive(self, arn: str, age_seconds: float) -> bool: ...
    def denied_by_iam(self) -> list[str] | None: ...
    def announce(self, subject: str, text: str) -> None: ...


class RotatingWorld(World, Protocol):
    """What the function that Secrets Manager calls may touch besides: it starts an execution, and waits for it."""

    def execution(self, name: str) -> Ran | None:
        """The one of that name; None where there is none, or none is seen yet."""

    def start(self, name: str, given: dict[str, str]) -> str:
        """What went wrong, by AWS's name for it; empty if it runs, or ran before."""

    def sleep(self, seconds: float) -> None:
        """Only here: nobody else could wait."""


class FleetWorld(Protocol):
    """What a fleet's functions may touch: documents, records, executions of the rotation, and what a run writes down."""

    @property
    def now(self) -> Callable[[], float]:
        """The clock, in seconds since 1970."""

    def documents(self) -> Iterator[tuple[str, str]]:
        """Of all targets, each with its name; a fleet is never held whole."""

    def holds(self) -> Mapping[str, str]:
        """What people said of targets that are not to be rotated, by the target's name."""

    def record(self, secret: str) -> DatedStore:
        """A target's slot secret."""

    def each(self, do: Callable[[T], U], items: Sequence[T]) -> list[U]:
        """Several at a time, in the items' order."""

    def execution(self, name: str) -> Ran | None:
        """The rotation of that name; None where there is none, or none is seen yet."""

    def execution_arn(self, name: str) -> str:
        """Of the rotation of that name, whether or not it is there."""

    def execution_is_alive(self, arn: str, age_seconds: float) -> bool:
        """Whether it still runs; `age_seconds`: how long ago it did something."""

    def start(self, name: str, given: dict[str, str]) -> None:
        """It runs, or ran before; OwnerUnknown where Step Functions does not say so."""

    def write(self, key: str, document: Any) -> None:
        """What a run writes down."""

    def read(self, key: str) -> Any:
        """What it wrote; None where there is no such thing."""

    def keys(self, folder: str) -> list[str]:
        """Of all that was written there."""

    def tell(self, subject: str, text: str) -> None:
        """People."""


class Desk(Protocol):
    """What whoever tells people of an end may touch; no secret's value is among it."""

    def outcome(self, arn: str) -> Outcome:
        """How that execution ended."""

    def holds_intent(self, target: str) -> bool:
        """Whether AWSPENDING is on a version of the target's slot secret; False too if there is no such target."""

    def start(self, machine_arn: str, resume: Resume) -> str:
        """What went wrong, by AWS's name for it; empty if it runs, or ran before."""

    def has_started(self, machine_arn: str, resume: Resume) -> bool:
        """Whether it runs, or ran before."""

    def comes_to_its_end(self, execution: str) -> bool:
        """Whether it runs, or ended in one of its states; False where it was stopped or timed out, or is not there."""

    def is_by_hand(self, target: str) -> bool:
        """Whether people make the target's keys, and revoke them; False too if there is no such target."""

    def tell(self, notice: Notice) -> None:
        """Send it."""


@dataclass(frozen=True)
class Surroundings:
    """What an adapter may need besides its settings."""

    target: str
    """The target's name, for messages."""
    lock: str
    """What tells this database's rotations from others': the ARN of the admin secret."""
    sites_root: Path | None = None
    """Where EFS is mounted; None in the functions that do not mount it."""
    quiet_seconds: int = 0
    """For how long nobody may have used what is to be withdrawn."""
    secret: str = ""
    """ARN of the secret that moves the traffic; empty where something else does."""
    api_hosts: frozenset[str] = frozenset()
    """Of providers' APIs, with their ports: the only ones that may be asked."""
    pki_hosts: frozenset[str] = frozenset()
    """Of Vaults, with their ports: the only ones that are asked for certificates."""
    jwks_hosts: frozenset[str] = frozenset()
    """Of Vaults, with their ports: the only ones where a JWKS is looked for."""
    acme_hosts: frozenset[str] = frozenset()
    """Of ACME servers, with their ports: the only ones that are asked for certificates."""
    needed_seconds: int = 0
    """For how long what is taken into use has to be good: until the rotation after it is due, and the overlap is over."""
