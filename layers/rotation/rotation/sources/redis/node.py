"""A session as the admin on one node. Our lock goes when it closes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from rotation.core.errors import AccountAmbiguous, SourceBusy, SourceNotSaved, SourceReadOnly, SourceRefused
from rotation.core.seen import Activity, Server
from rotation.sources.redis.kind import EVERYBODY
from rotation.sources.redis.users import WHOLE, User, hash_of

if TYPE_CHECKING:
    from rotation.core.model import Credential, Password
    from rotation.sources.redis.connection import Connection

LOCK = "credential-rotation"
LOCK_SECONDS = 60
"""Whoever holds our lock and has said nothing for so long is dead, or frozen: longer than a function may live."""
NEEDS: dict[str, tuple[str, ...]] = {
    "acl|setuser": ("x",),
    "acl|getuser": ("x",),
    "acl|save": (),
    "client|id": (),
    "client|list": (),
    "client|setname": ("x",),
    "config|get": ("x",),
    "config|rewrite": (),
    "info": (),
    "role": (),
    "time": (),
}
"""What a rotation does as the admin, with something as its arguments."""
ENDS = "client|kill"


def lock_name(secret: str) -> str:
    """Of whoever's admin it is: any user may call its connection so, but has to guess."""
    return f"{LOCK}-{sha256(secret.encode()).hexdigest()[:16]}"


class RedisSession:
    """One connection to one node."""

    def __init__(self, connection: Connection, admin: str, secret: str, idle_seconds: int | None = None) -> None:
        self._connection = connection
        self._admin = admin
        self.host = connection.host
        self._lock = lock_name(secret)
        self._idle_seconds = idle_seconds

    def close(self) -> None:
        self._connection.close()

    @property
    def dual_passwords(self) -> bool:
        return True

    # The lock

    def lock(self) -> None:
        """Taken on the primary, by a name of the connection: said first and looked at afterwards, so that of two who come at once
        at most one has it, and none is left behind."""
        self.need_primary()
        self._run("CLIENT", "SETNAME", self._lock)
        for client in self._clients():
            if client["name"] == self._lock and client["user"] == self._admin:
                if int(client["idle"]) < LOCK_SECONDS:
                    raise SourceBusy(f"another session holds our lock on {self.host}")
                self._run("CLIENT", "KILL", "ID", client["id"])

    def need_primary(self) -> None:
        """Users that are made on a replica alone end with it."""
        if self.role != "master":
            raise SourceReadOnly(f"{self.host} is a replica, or a primary in the middle of a fail-over")

    @property
    def role(self) -> str:
        return str(self._run("ROLE")[0])

    @property
    def replicas(self) -> int:
        """How many follow it now, behind one another not counted."""
        return int(self._info("replication").get("connected_slaves", 0))

    # Saving

    def save(self) -> None:
        """Else a restart takes away what was given, and gives back what was taken."""
        way = self._way_to_save()
        if way is None:
            raise SourceNotSaved(f"{self.host} has neither an aclfile nor a configuration file: a restart would undo the rotation")
        try:
            self._run(*way)
        except SourceRefused as error:
            raise SourceNotSaved(f"{self.host} did not save its users ({error}); its log says why") from None

    def _way_to_save(self) -> tuple[str, str] | None:
        """CONFIG REWRITE succeeds also where there is an aclfile, and saves no user then."""
        if self._setting("aclfile"):
            return ("ACL", "SAVE")
        return ("CONFIG", "REWRITE") if self._info("server").get("config_file") else None

    # Passwords

    def find(self, username: str) -> User | None:
        answer = self._run("ACL", "GETUSER", username)
        return User.of(f"{username} on {self.host}", answer) if answer else None

    def user(self, username: str) -> User:
        if username == EVERYBODY:
            raise SourceRefused(
                f"{username} on {self.host} is the user of everybody who logs in without a name: its password is not changed"
            )
        found = self.find(username)
        if found is None:
            raise AccountAmbiguous(f"{self.host} has no user {username}")
        return found

    def exists(self, username: str) -> bool:
        return self.find(username) is not None

    def set_password(self, username: str, password: Password, *, retain: bool) -> None:
        self.user(username).check()
        self._alter(username, *(() if retain else ("resetpass",)), f"#{hash_of(password)}")

    def needs_retain(self, username: str, in_use: Password, new: Password) -> bool:
        return self.user(username).needs_added(in_use, new)

    def needs_discard(self, username: str, in_use: Password, old: Password) -> bool:
        return self.user(username).needs_removed(in_use, old)

    def discard_old_password(self, username: str, keep: Password) -> None:
        others = self.user(username).others(keep)
        self._alter(username, *(f"!{one}" for one in others))

    def create_user(self, credential: Credential, like: Credential) -> None:
        """One that is there with just that password was made before, by a call that came no further than this node."""
        found = self.find(credential.username)
        if found is None:
            model = self.find(like.username)
            rules = model.rules if model else WHOLE
            self._alter(credential.username, "reset", "on", f"#{hash_of(credential.password)}", *rules)
        elif found.hashes != {hash_of(credential.password)}:
            raise SourceRefused(f"{self.host} has a user {credential.username}")

    def copy_grants(self, user: Credential, like: Credential) -> bool:
        found, model = self.user(user.username), self.find(like.username)
        words = found.lacks(model.rules if model else WHOLE)
        if words:
            self._alter(user.username, *words)
        return bool(words)

    def _alter(self, username: str, *words: str) -> None:
        if words:
            self._run("ACL", "SETUSER", username, *words)
        self.save()

    # Who uses it

    def activity(self, username: str) -> Activity:
        """Connections that are in use. Redis does not count logins, nor does it know by which password they came."""
        clients = [client for client in self._clients() if client["user"] == username]
        busy = [one for one in clients if self._idle_seconds is None or int(one["idle"]) < self._idle_seconds]
        return Activity(len(busy), None)

    def sessions(self, username: str) -> list[int]:
        """Idle ones too. A number comes again when the server was started anew, which has another name then."""
        started = int(self._info("server")["run_id"][:12], 16)
        return [started << 64 | int(client["id"]) for client in self._clients() if client["user"] == username]

    def end(self, username: str, numbers: Sequence[int]) -> None:
        for number in set(numbers) & set(self.sessions(username)):
            self._run("CLIENT", "KILL", "ID", str(number & (1 << 64) - 1))

    def _clients(self) -> list[dict[str, str]]:
        """But for our own connection."""
        own = str(self._run("CLIENT", "ID"))
        lines = str(self._run("CLIENT", "LIST")).splitlines()
        clients = [dict(word.partition("=")[::2] for word in line.split(" ")) for line in lines]
        return [client for client in clients if client["id"] != own]

    # What mode verify sees

    def inspect(self, users: Sequence[str], schema: str) -> Server:  # noqa: ARG002 - rights are asked of commands, not of a database
        lacking = tuple(self._lacking())
        there = [user for user in users if not lacking and self.exists(user)]
        seconds, micros = self._run("TIME")
        return Server(
            version=self._info("server")["redis_version"],
            tls=self._connection.tls,
            lacking=lacking,
            without_tls=tuple(there) if there and self._setting("port") != "0" else (),
            dual_passwords=True,
            counts_logins=False,
            ends_sessions=self._may(ENDS, ("ID", "1")),
            now=int(seconds) + int(micros) / 1e6,
        )

    def _lacking(self) -> Iterator[str]:
        lacks = [f"+{command}" for command, given in NEEDS.items() if not self._may(command, given)]
        yield from lacks
        if not lacks and self._way_to_save() is None:
            yield f"a place where {self.host} saves its users (aclfile)"

    def _may(self, command: str, given: Sequence[str]) -> bool:
        return bool(self._run("ACL", "DRYRUN", self._admin, *command.split("|"), *given) == "OK")

    def _setting(self, name: str) -> str:
        answer = self._run("CONFIG", "GET", name)
        return str(answer[1]) if answer else ""

    def _info(self, section: str) -> Mapping[str, str]:
        lines = str(self._run("INFO", section)).splitlines()
        return dict(line.partition(":")[::2] for line in lines)

    def _run(self, *words: str) -> Any:
        return self._connection.run(*words)
