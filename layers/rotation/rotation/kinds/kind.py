"""What the rest of the project knows of a kind: the `KIND` of the `kind.py` in its folder. Nothing is switched on its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from rotation.core.errors import SecretInvalid

if TYPE_CHECKING:
    from rotation.core.model import Credential, Password

Settings = Mapping[str, Any]
"""What a target document says of one source or consumer, defaults filled in."""
Parameters = Mapping[str, str]
"""With which the stack was deployed."""


class Holds(Enum):
    """Whose credential a consumer holds."""

    ACTIVE = "the one that the application uses"
    EVERY = "every user's, whoever's turn it is; to hold one is not to use it"
    NOTHING = "none: it is restarted, to pick up what the others hold"
    VERSION = "copies of a version of the secret that moves the traffic, which say which one it is and nothing else"
    SHELF = "each version of that secret as a copy of its own, beside the others"
    PHASES = "none: it comes to a copy phase by phase, and says which one it uses"

    @property
    def follows(self) -> bool:
        """Whether it is told which version of the secret that moves the traffic."""
        return self in (Holds.VERSION, Holds.SHELF, Holds.PHASES)


def reaches_all(_: Settings, __: Parameters) -> Iterator[str]:
    """Nothing in the settings lies beyond a stack's roles."""
    yield from ()


def writes_nothing(_: Settings) -> Iterator[tuple[str, str]]:
    """It has no place of its own."""
    yield from ()


class Lack(NamedTuple):
    """Something that a source cannot do which others of its sort can."""

    state: str
    """Where that shows."""
    said: str
    """What it is and what it means, in a sentence."""
    idle: bool = False
    """Whether that state has nothing to do then."""


def lacks_nothing(_: Settings) -> Iterator[Lack]:
    """It can whatever its sort can."""
    yield from ()


def nobody_else() -> Mapping[str, str]:
    """All of it is ours."""
    return {}


def no_more(_: Settings) -> None:
    """The schema has said all that can be wrong with the settings."""


def always(_: Settings) -> bool:
    """Whatever the settings say."""
    return True


def alone(_: Settings, __: Sequence[Settings]) -> None:
    """It needs no other consumer before it."""


def any_login(_: Settings, __: Credential) -> None:
    """Whatever a login is made of, it can be written."""


def can_be_any(_: Settings, __: Credential) -> None:
    """Whatever a login is made of, it can take its turn."""


def has_a_place(_: Settings, login: Credential) -> None:
    """It says where it logs in."""
    if not login.host:
        raise SecretInvalid("field host is missing or empty")


def a_password(_: Settings) -> Password:
    """Any source can be given it."""
    from rotation.core.passwords import slot_password  # only where one is made

    return slot_password()


def as_of_a_database(_: Settings) -> Mapping[str, str]:
    """Nothing that is not said of all."""
    return {}


def at_once(_: Settings) -> int:
    """Whoever is shown a credential asks the source; what was opened with one is seen as long as it is open."""
    return 0


def for_good(_: Settings) -> tuple[str, int]:
    """It ends with its withdrawal."""
    return "", 0


class ConsumerKind(NamedTuple):
    """A place from which an application reads its credential, or that must restart to read it."""

    state: str
    """The state of the machine that changes it: what an operator sees in the console."""
    holds: Holds
    properties: Mapping[str, Any]
    """Its own part of the target's schema: a JSON Schema by field."""
    required: tuple[str, ...]
    change: Callable[[Settings, str, str], str]
    """What a dry run says would change: from the first user to the second."""
    check: Callable[[Settings], None] = no_more
    """Raises TargetInvalid, beginning with the field, where the settings are wrong in a way that no schema can say."""
    fits: Callable[[Settings, Credential], None] = any_login
    """Raises TargetInvalid, beginning with the field, where that login could not be written as the settings say."""
    beyond: Callable[[Settings, Parameters], Iterator[str]] = reaches_all
    """What the settings name and the stack's roles do not reach, each with what would mend it."""
    writes: Callable[[Settings], Iterator[tuple[str, str]]] = writes_nothing
    """What it writes and nobody else may, in words, each after the setting that names it. Two that write the same say the same."""
    validated: bool = False
    """Whether the function of ValidateApp can read it back: only such a consumer may move the traffic."""
    copied: Callable[[Settings], None] = no_more
    """Of a kind that holds copies of a version: raises TargetInvalid, beginning with the field, where the secret that moves the
    traffic is set in a way that the copies cannot be read."""
    said_by_secret: str = ""
    """The setting, if it has one, that a key of the same name in that secret is to say too."""
    beside: Callable[[Settings, Sequence[Settings]], None] = alone
    """Raises TargetInvalid, beginning with the field, where what it needs is not among the consumers before it."""
    shares: tuple[str, ...] = ()
    """The settings that name a secret which is only read, and which other consumers may name too."""
    goes_on: str = "application_cache_seconds"
    """The setting, if it has one, that says for how long the application may go on with what was there before."""
    rotated: str = ""
    """The setting that names a secret whose own rotation in Secrets Manager may start ours; empty where there is none."""
    forgets: str = ""
    """The setting, if it has one, that says whether copies of a withdrawn login are in it that are to be destroyed (`forget`)."""
    looks: bool = False
    """Whether its adapter has findings of its own for mode verify (`look`)."""
    spreads: bool = False
    """Whether what is in it gets to those who use it bit by bit, and its adapter says how far that is (`everybody`)."""
    contract: Callable[[], Mapping[str, str]] = nobody_else
    """What somebody else's code is asked, and is to answer: JSON Schemas, by the names of their files."""
    tries: bool = False
    """Whether its adapter can try, part by part, whether what it relies on does as it should (`trial`)."""
    says_user: Callable[[Settings], bool] = always
    """Whether what it holds says whose secret that is."""
    in_cluster: bool = False
    """Whether it is an object of a Kubernetes cluster."""
    is_file: bool = False
    """Whether it has an owner and a mode, which mode fix-permissions sets."""


class Advice(NamedTuple):
    """What mends what mode verify finds of a database of that kind."""

    lacking: str
    """Where the admin may not do what a rotation needs."""
    without_tls: str
    """Where {user} may log in without TLS."""
    ends_sessions: str
    """Where the admin cannot end others' sessions."""
    counts_logins: str
    """Where the server counts no logins."""


class SourceKind(NamedTuple):
    """Where credentials are made and tried."""

    properties: Mapping[str, Any]
    """Its own part of the target's schema: a JSON Schema by field."""
    engines: Mapping[str, bool]
    """As a secret's key `engine` calls it in AWS; of each whether it can keep two passwords of one user."""
    port: int
    """Where one listens that does not say."""
    advice: Advice
    required: tuple[str, ...] = ()
    issues_keys: bool = False
    """Whether it issues keys (`KeyProvider`) where others are given passwords: only a record whose turns are keys fits."""
    check: Callable[[Settings], None] = no_more
    """Raises TargetInvalid, beginning with the field, where the settings are wrong in a way that no schema can say."""
    lacks: Callable[[Settings], Iterator[Lack]] = lacks_nothing
    """What it cannot do that others of its sort can."""
    tries: bool = False
    """Whether its adapter can say of the settings, part by part, whether they are true, without changing anything (`trial`)."""
    needs_admin: bool = True
    """Whether a target has to name an admin's secret; else the function's own role may do what is needed."""
    beyond: Callable[[Settings, Parameters], Iterator[str]] = reaches_all
    """What the settings name and the stack's roles do not reach, each with what would mend it."""
    owns: Callable[[Settings], Iterator[tuple[str, str]]] = writes_nothing
    """What is one target's alone besides the users in its record, in words, each after the setting that names it."""
    looks: bool = False
    """Whether its adapter has findings of its own for mode verify (`look`), of who changes what is there."""
    takes_values: bool = False
    """Whether only a record whose turns are values fits: a user has two credentials for a while, and goes on with one."""
    fits: Callable[[Settings, Credential], None] = can_be_any
    """Raises SecretInvalid where a login of the record could not take its turn there."""
    makes: Callable[[Settings], Password] = a_password
    """A new secret for a login of the record. An empty one: nothing is made here."""
    proof: str = "The old password is refused"
    """What is true of the old credential after a rotation, in a sentence."""
    by_hand: bool = False
    """Whether only a person can make a key and revoke it: one is handed in, and an old one becomes a reminder."""
    writes_key_alone: bool = False
    """Whether a consumer need not say whose secret it holds: there is one name for all of them."""
    plan: Callable[[Settings], Mapping[str, str]] = as_of_a_database
    """What a dry run says of some states, each with {new} and {old} for the users, where that is not what it says of a database."""
    settles: Callable[[Settings], int] = at_once
    """For how many seconds, at most, somebody who is shown a credential may not know what the source has."""
    lasts: Callable[[Settings], tuple[str, int]] = for_good
    """For how many seconds a credential is good by itself, after the setting that says so."""
    outlives: Callable[[Settings], int] = at_once
    """For how many seconds what was made with a credential is still good once nobody uses the credential: a token."""
