"""A real Redis with ACLs: TLS only, its own authority, its users in a file. A replica follows it, but not in its users."""

from __future__ import annotations

import secrets
import signal
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from redis import exceptions

from local.certificates import Authority
from local.login import Login
from local.mysql import HOST, STARTED_WITHIN
from local.mysqld import cache as kept
from local.ports import free_port
from local.serving import begin, end
from local.shop.databases import redis_client

OPERATOR = "operator"
"""Who may everything; nobody is `default`."""
ADMIN_RULES = (
    "resetkeys", "resetchannels", "-@all", "+acl", "+client", "+config|get", "+config|rewrite", "+info", "+role", "+time",
)  # fmt: skip
"""What an admin needs, as the page of the kind has it."""
USER_RULES = ("~shop:*", "&shop:*", "-@all", "+@read", "+@write", "+@connection")


class RedisServer:
    """One node with its files under `directory`."""

    host = HOST

    def __init__(
        self,
        directory: Path,
        environment: Mapping[str, str] | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        acl_file: bool = True,
        configuration_file: bool = True,
        primary: RedisServer | None = None,
    ) -> None:
        """`primary`: whom it follows."""
        self.directory = directory
        self.log = directory / "server.log"
        self.users, self.configuration = directory / "users.acl", directory / "redis.conf"
        self.port = 0
        self.root = primary.root if primary else Login(OPERATOR, f"root-{secrets.token_urlsafe(32)}")
        self._settings = dict(settings or {})
        self._acl_file, self._configuration_file = acl_file, configuration_file
        self._primary, self._environment = primary, environment
        self.authority: Authority = primary.authority if primary else Authority("local redis authority")
        self.ca_pem = self.authority.pem
        self._tls = ssl.create_default_context(cadata=self.ca_pem)
        directory.mkdir(parents=True, exist_ok=True)
        self._certificate = self.authority.issue(directory, "redis")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def node(self) -> str:
        """As a target names it."""
        return f"{self.host}:{self.port}"

    @property
    def runs(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        """Return when the server answers over verified TLS as ours; `start` again finds the users that were saved."""
        if not self.port:
            self.port = free_port()
            self._lay_out()
        self._process = begin(self._command(), self._environment, self.log, self.directory)
        self._wait_until_accepting()

    def stop(self) -> None:
        self.send(signal.SIGTERM)

    def kill(self) -> None:
        """As a crash does: what was not saved is lost."""
        self.send(signal.SIGKILL)

    def send(self, what: signal.Signals) -> None:
        if self._process is not None:
            end(self._process, what)
            self._process = None

    def version(self) -> str:
        return str(self.execute("INFO", "server")["redis_version"])

    def create_admin(self, admin: Login) -> None:
        self.create_user(admin, ADMIN_RULES)

    def create_user(self, login: Login, rules: Sequence[str] = USER_RULES) -> None:
        self.execute("ACL", "SETUSER", login.username, "reset", "on", f"#{hashed(login.password)}", *rules)
        self.save()

    def save(self) -> None:
        """Where it can."""
        if self._acl_file:
            self.execute("ACL", "SAVE")
        elif self._configuration_file:
            self.execute("CONFIG", "REWRITE")

    def connect(self, login: Login | None = None) -> Any:
        """As the operator unless told otherwise; chain and host name verified."""
        return redis_client(HOST, self.port, login or self.root, self._tls, STARTED_WITHIN)

    def execute(self, *words: str) -> Any:
        with self.connect() as client:
            return client.execute_command(*words)

    def accepts(self, login: Login) -> bool:
        """Whether this login works; anything but a refused password is an error, not a no."""
        try:
            with self.connect(login) as client:
                return bool(client.execute_command("AUTH", login.username, login.password))
        except exceptions.AuthenticationError:
            return False

    def passwords(self, username: str) -> set[str]:
        """Their hashes."""
        return {str(one).removeprefix("#") for one in self.execute("ACL", "GETUSER", username)["passwords"]}

    def remembered(self) -> Iterator[tuple[str, bytes]]:
        """Its logs of slow commands and of who was refused."""
        yield f"slow log of {self.directory.name}", repr(self.execute("SLOWLOG", "GET", "-1")).encode()
        yield f"ACL log of {self.directory.name}", repr(self.execute("ACL", "LOG", "1000")).encode()

    def _lay_out(self) -> None:
        users = ["user default off", f"user {self.root.username} on #{hashed(self.root.password)} ~* &* +@all"]
        lines = [f"{name} {value}" for name, value in self._given().items()]
        if self._acl_file:
            self.users.write_text("".join(f"{line}\n" for line in users))
        else:
            lines += users
        self.configuration.write_text("".join(f"{line}\n" for line in lines))

    def _given(self) -> dict[str, str]:
        given = {
            "bind": HOST,
            "port": "0",
            "tls-port": str(self.port),
            "tls-cert-file": str(self._certificate.certificate),
            "tls-key-file": str(self._certificate.key),
            "tls-ca-cert-file": str(self._ca_file()),
            "tls-auth-clients": "no",
            "tls-replication": "yes",
            "dir": str(self.directory),
            "save": '""',
            "appendonly": "no",
            "repl-diskless-load": "swapdb",
            "repl-diskless-sync-delay": "0",
            **({"aclfile": str(self.users)} if self._acl_file else {}),
            **self._settings,
        }
        if self._primary:
            given |= {"replicaof": f"{HOST} {self._primary.port}"}
            given |= {"masteruser": self.root.username, "masterauth": self.root.password}
        return given

    def _ca_file(self) -> Path:
        path = self.directory / "ca.pem"
        path.write_text(self.ca_pem)
        return path

    def _command(self) -> list[str]:
        program, libraries = server_program()
        command = ["env", f"LD_LIBRARY_PATH={libraries}", str(program)]
        if self._configuration_file:
            return [*command, str(self.configuration)]
        # Without a file to write to: the same by its standard input, which nobody could rewrite.
        return ["sh", "-c", f'exec "$@" - < "{self.configuration}"', "sh", *command]

    def _wait_until_accepting(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + STARTED_WITHIN
        while True:
            try:
                with self.connect() as client:
                    client.execute_command("AUTH", self.root.username, self.root.password)
                    return
            except (exceptions.RedisError, OSError):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"Redis did not start:\n{self.log.read_text(errors='replace')[-2000:]}") from None
            time.sleep(0.02)


def hashed(password: str) -> str:
    return sha256(password.encode()).hexdigest()


@cache
def server_program() -> tuple[Path, str]:
    """Debian's, unpacked; and its libraries."""
    script = Path(__file__).with_name("fetch_debian.sh")
    command = [script, "redis", kept() / "redis-server", "redis-server"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError("no Redis: see what fetch_debian.sh says above")
    root = Path(done.stdout.strip())
    return root / "usr/bin/redis-server", ":".join(str(path) for path in (root / "usr/lib").glob("*-linux-gnu"))
