"""A platform of three services, and its six kinds of credentials, all of them targets of one stack: AWS, OpenBao, PostgreSQL,
Redis, two providers of API keys, and who verifies what the services sign. There may be several of each, on the same servers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from local.keys.user import IamUser
from local.login import Login
from local.postgresql import PostgreSQL
from local.provider.documents import DESCRIPTIONS, at
from local.provider.server import HOST, ProviderServer
from local.provider.service import Provider
from local.redis_server import RedisServer
from local.services.calls import ACCESS_KEY, API_KEY
from local.shop import signer
from local.shop.application import Settings
from local.shop.databases import POSTGRESQL, REDIS, Place, RedisSession
from local.shop.one_user import TALKATIVE
from local.shop.process import end, start
from local.shop.stack import ADMIN, DATABASE, SHOWN, Pace, fields, login_of, made_up, pem_parameter
from local.shop.tables import furnish
from local.targets import ManyTargets
from local.vault import policies, reading
from local.vault.policies import MOUNT, READS
from local.vault.server import OpenBao
from local.vault.written import Written, content

PATHS = "platform"
"""All paths of the Vault are below it."""
SERVICES = {
    "orders": ("database", "redis", "jwt"),
    "notifier": ("api-key", "cloud"),
    "assistant": ("llm-key", "database"),
}
"""Which credentials each of them uses."""
FROM_SECRETS = ("assistant",)
"""It reads them from Secrets Manager, the others from the Vault."""
USER = "platform"
"""Of Redis and of IAM."""
SHOWN_WITHIN = 4.0
"""Seconds that a token is good for longer than it is used: on a busy machine a request with it may take as long."""
VALUES, KEYS = {"turns": "values"}, {"turns": "keys"}


@dataclass(frozen=True)
class Kind:
    """One of the six, or a further one like it: how its target and its record are made, and where it is tried."""

    kind: str
    title: str
    does: str
    """What the load does with it."""
    number: int
    """Of those of its kind."""
    record: dict[str, Any]
    place: Place
    accepts: Callable[[Login], bool]
    """Whether anybody lets it in."""
    source: dict[str, Any]
    admin: dict[str, str] | None = None
    """Of all of its kind, said by the first."""
    often: str = "monthly"
    admin_rotated: bool = False
    """By the first of its kind."""

    @property
    def name(self) -> str:
        """Of its target."""
        return numbered(self.kind, self.number, "-")

    @property
    def rotates_admin(self) -> bool:
        return self.admin_rotated and self.number == 1

    @property
    def login(self) -> Login:
        """As it began."""
        return login_of(self.record[self.record["active_slot"]])

    @property
    def readers(self) -> list[str]:
        """The services that use it."""
        return [service for service, kinds in SERVICES.items() if self.kind in kinds]

    @property
    def in_secret(self) -> bool:
        return any(one in FROM_SECRETS for one in self.readers)

    @property
    def in_vault(self) -> bool:
        return any(one not in FROM_SECRETS for one in self.readers)


class Platform(ManyTargets):
    """`with Platform() as platform:` the services serve, and nothing is rotated yet. `sets`: so many credentials of each kind."""

    target = "database"
    slot_secret, admin_secret = "database/record", "database/admin"
    login_secret, reader_secret = "platform/vault-login", "platform/vault-reader"
    kinds: dict[str, Kind]

    def __init__(self, pace: Pace | None = None, sets: int = 1) -> None:
        super().__init__()
        self.pace = pace or Pace()
        self._numbers = range(1, sets + 1)
        self._admins: dict[str, str] = {}

    def _end(self) -> None:
        """In order: the services ask until they have stopped."""
        try:
            self._ended.close()
        finally:
            self._run.close()

    def _start(self) -> None:
        with ThreadPoolExecutor(2) as pool:
            aws = pool.submit(self._start_aws)
            self._start_servers()
            self.aws = aws.result()
        self.kinds = {one.name: one for one in (*self._with_passwords(), *self._with_keys())}
        policies.mount(self.vault)
        for kind in self.kinds.values():
            if kind.in_vault:
                policies.write(self.vault, path_of(kind.name), fields(kind.login))
        self._by = Written.by(self.vault, f"{PATHS}/*", self._create_secret, self.login_secret, self.reader_secret)
        self._secrets = {
            kind.name: self._create_secret(f"{kind.name}/application", fields(kind.login))
            for kind in self.kinds.values()
            if kind.in_secret
        }
        self._ports = {service: self._start_service(service) for service in SERVICES}
        self._given = self._parameters()
        if not self.by_hand:
            self.deploy()
            self._add_others()

    # What everything is made of

    def _start_servers(self) -> None:
        database, cache, more = self.directory / "postgresql", self.directory / "redis", self.directory / "redis-replica"
        self.database = self._ended.enter_context(PostgreSQL(database, self.environment))
        self.redis = self._ended.enter_context(RedisServer(cache, self.environment, settings=TALKATIVE))
        self.replica = self._ended.enter_context(RedisServer(more, self.environment, settings=TALKATIVE, primary=self.redis))
        self.vault = self._ended.enter_context(OpenBao(self.directory / "vault", self.environment))
        self.mail, self.mail_server = self._start_provider("sendgrid")
        self.llm, self.llm_server = self._start_provider("openai", project="proj_platform")

    def _start_provider(self, description: str, **values: str) -> tuple[Provider, ProviderServer]:
        said: dict[str, Any] = json.loads((DESCRIPTIONS / f"{description}.json").read_text())
        provider = Provider(said, values, ("the-owner", made_up()))
        server = self._ended.enter_context(ProviderServer(provider, self.directory / description))
        provider.said = at(said, server.host)
        return provider, server

    def _with_passwords(self) -> Iterator[Kind]:
        """Whose admin's password is rotated too."""
        admin, users = Login(ADMIN, made_up()), {number: two_users(number) for number in self._numbers}
        furnish(self.database, admin, [login for pair in users.values() for login in pair.values()])
        self.database.log.write_bytes(b"")  # these statements are ours, and have passwords in them; no later one may
        where = at_server(self.database, DATABASE)
        for number, pair in users.items():
            yield Kind(
                *("database", "Database users", "logins at PostgreSQL", number),
                {"active_slot": "A", **{slot: {**fields(login), **where} for slot, login in pair.items()}},
                Place(POSTGRESQL, self.database.host, self.database.port, DATABASE, self.database.ca_pem),
                self.database.accepts,
                {"kind": POSTGRESQL, "ca": self.database.ca_pem},
                {**fields(admin), **where},
                admin_rotated=True,
            )
        yield from self._at_redis()

    def _at_redis(self) -> Iterator[Kind]:
        admin, nodes = Login(ADMIN, made_up()), (self.redis, self.replica)
        for node in nodes:
            node.create_admin(admin)
        self.redis.execute("SET", RedisSession.KEY, SHOWN)
        where = at_server(self.redis, "0")
        for number in self._numbers:
            users = {slot: Login(numbered(USER, number), made_up()) for slot in "AB"}
            for node in nodes:
                node.create_user(users["A"])
            yield Kind(
                *("redis", "Redis credentials", "commands of Redis", number),
                {**VALUES, "active_slot": "A", **{slot: {**fields(login), **where} for slot, login in users.items()}},
                Place(REDIS, self.redis.host, self.redis.port, "0", self.redis.ca_pem),
                lambda login: any(node.accepts(login) for node in nodes),
                {"kind": REDIS, "ca": self.redis.ca_pem, "nodes": [self.replica.node]},
                {**fields(admin), **where},
                admin_rotated=True,
            )

    def _with_keys(self) -> Iterator[Kind]:
        """Who issues them is not rotated with them."""
        for number in self._numbers:
            mail = ("api-key", "API keys", "calls of the mail provider's API", number)
            yield of_provider(mail, self.mail, self.mail_server, scopes=["mail.send"])
            yield of_provider(("llm-key", "LLM API keys", "calls of the LLM provider's API", number), self.llm, self.llm_server)
            yield self._in_cloud(number)
        yield from self._signing()

    def _in_cloud(self, number: int) -> Kind:
        """A user of its own: it has two keys at most."""
        user = IamUser(self.aws, numbered(USER, number))
        user.create("/apps/")
        return Kind(
            *("cloud", "Cloud credentials", "signed calls of AWS", number),
            {**KEYS, "active_slot": "A", "A": fields(user.issue()), "B": {}},
            Place(ACCESS_KEY, self.aws.endpoint, 0, self.aws.region, ""),
            user.accepts,
            {"kind": ACCESS_KEY, "user": user.name, "dedicated": True},
            often="quarterly",
        )

    def _signing(self) -> Iterator[Kind]:
        """All of them in one JWKS."""
        keys = {number: {slot: fields(one_key(number)) for slot in "AB"} for number in self._numbers}
        signer.publish(self.aws, [signer.public(json.loads(pair["A"]["password"])) for pair in keys.values()])
        for number, pair in keys.items():
            yield Kind(
                *("jwt", "JWT signing keys", "tokens signed and verified", number),
                {**VALUES, "active_slot": "A", **pair},
                signer.place(self.aws, self.pace.lifetime_seconds + SHOWN_WITHIN),
                lambda login: signer.takes(signer.read(self.aws), login),
                signer.source(self.pace.lifetime_seconds + SHOWN_WITHIN),
                often="half-yearly",
            )

    # The services

    def _start_service(self, service: str) -> int:
        """Its port."""
        pages = {f"/{kind.name}": asdict(self._settings(service, kind)) for kind in self.kinds.values() if service in kind.readers}
        process, port = start(pages, self.environment, self.logs / f"{service}.log", "local.services.service")
        self._ended.callback(end, process)
        return port

    def _settings(self, service: str, kind: Kind) -> Settings:
        """A role of the Vault of its own for each path that it reads."""
        if service in FROM_SECRETS:
            secret, file = self._secrets[kind.name], ""
        else:
            secret, file = "", str(self.directory / f"{service}-{kind.name}-access.json")
            own = policies.role(self.vault, f"{service}-{kind.name}", path_of(kind.name), READS)
            place = f"{MOUNT}/data/{path_of(kind.name)}"
            access = reading.Access(self.vault.host, self.vault.port, self.vault.ca_pem, own.role_id, own.secret_id, place)
            reading.keep(Path(file), access)
        pace, aws = self.pace, self.aws
        return Settings(secret, aws.endpoint, aws.region, kind.place, pace.cache_seconds, pace.lifetime_seconds, file)

    def pages(self, kind: Kind) -> list[str]:
        """Of each service that uses it, the page that needs it."""
        return [f"http://127.0.0.1:{self._ports[service]}/{kind.name}" for service in kind.readers]

    # The targets

    def _parameters(self) -> dict[str, str]:
        """Of the template. Its own target is the database; what the others need of the roles is here too."""
        kind, pace = self.kinds[self.target], self.pace
        return {
            **self._for_everybody(kind.record, kind.admin),
            **self._by.parameters,
            "SourceKind": POSTGRESQL,
            "FurtherSourceKind": REDIS,
            "DatabaseCa": pem_parameter(self.database.ca_pem),
            "OverlapSeconds": str(pace.cache_seconds),
            "QuietSeconds": str(pace.quiet_seconds),
            "DrainDeadlineSeconds": str(pace.drain_deadline_seconds),
            "ApplicationSecretArn": self._secrets[kind.name],
            "ApplicationCacheSeconds": str(pace.cache_seconds),
            "OtherConsumers": json.dumps(self._in_vault(kind)),
            "HealthUrl": self.pages(kind)[0],
            "HealthMarker": SHOWN,
            "ApiHosts": f"{self.mail_server.host},{self.llm_server.host}",
            "AccessKeysOfUsers": "apps/*",
            "JwksBucketName": signer.BUCKET,
            "JwksKey": signer.KEY,
            "Fleet": "by-hand",
        }

    def _in_vault(self, kind: Kind) -> dict[str, Any]:
        return self._by.consumer(path_of(kind.name), self.pace.cache_seconds)

    def _add_others(self) -> None:
        """As people add them: a document each, and tags on its secrets."""
        own = self._document()
        common = {field: own[field] for field in ("overlap_seconds", "drain", "rollout")}
        self._admins[self.target] = own["admin_secret"]
        for arn in self._secrets.values():
            if arn != self._given["ApplicationSecretArn"]:
                self._tag(arn, "application")
        for kind in self.kinds.values():
            if kind.name != self.target:
                self._add_target(kind.name, common | self._said(kind))

    def _said(self, kind: Kind) -> dict[str, Any]:
        cache = self.pace.cache_seconds
        secret = {"kind": "app-secret", "secret": self._secrets.get(kind.name), "application_cache_seconds": cache}
        found = {
            "slot_secret": self._tagged(f"{kind.name}/record", kind.record, "record"),
            "source": kind.source,
            "consumers": [*([secret] if kind.in_secret else []), *([self._in_vault(kind)] if kind.in_vault else [])],
            "health": {"url": self.pages(kind)[0], "marker": SHOWN},
            "class": kind.often,
        }
        return {**found, **self._admin_of(kind)}

    def _admin_of(self, kind: Kind) -> dict[str, Any]:
        """All of a kind have one."""
        if not kind.admin:
            return {}
        if kind.kind not in self._admins:
            self._admins[kind.kind] = self._tagged(f"{kind.kind}/admin", kind.admin, "admin")
        shared = {"rotates_admin": False} if kind.admin_rotated and not kind.rotates_admin else {}
        return {"admin_secret": self._admins[kind.kind], **shared}

    # What a person sees of it

    @property
    def page(self) -> str:
        """One of them."""
        return self.pages(self.kinds[self.target])[0]

    @property
    def secret_names(self) -> tuple[str, ...]:
        """Of every secret that holds a password or a key."""
        records = (f"{name}/record" for name in self.kinds)
        admins = dict.fromkeys(f"{kind.kind}/admin" for kind in self.kinds.values() if kind.admin)
        read = (f"{name}/application" for name in self._secrets)
        return (*records, *admins, *read, self.login_secret, self.reader_secret)

    def record(self, name: str) -> dict[str, Any]:
        return self.secret(f"{name}/record")

    def active(self, name: str) -> Login:
        """What the record says that the services use."""
        record = self.record(name)
        return login_of(record[record["active_slot"]])

    def admin_of(self, name: str) -> Login | None:
        """Whose password is rotated too; None where none is."""
        kind = self.kinds[name]
        return login_of(self.secret(f"{kind.kind}/admin")) if kind.rotates_admin else None

    def versions(self) -> dict[str, str]:
        """Of the real servers."""
        return {"PostgreSQL": self.database.version(), "Redis": self.redis.version(), "OpenBao": self.vault.version()}

    def held(self) -> dict[str, Login]:
        """What each place that a service reads says now."""
        return {place: login for name in self.kinds for place, login in self.held_of(name).items()}

    def held_of(self, name: str) -> dict[str, Login]:
        """Of that kind."""
        found = {f"{path_of(name)} in the Vault": self._in_path(name)} if self.kinds[name].in_vault else {}
        if name in self._secrets:
            found[f"secret {name}/application"] = login_of(self.secret(f"{name}/application"))
        return found

    def _in_path(self, name: str) -> Login:
        return login_of(content(self.vault, path_of(name)))

    def may_hold(self, path: Path) -> bool:
        """PostgreSQL's own files, but not its log; and what a service logs in to the Vault with."""
        return path.is_relative_to(self.database.data) or path.name.endswith("-access.json")

    def more_places(self) -> Iterator[tuple[str, bytes]]:
        """What Redis and the providers remember, and what the fleet writes down."""
        for server in (self.redis, self.replica, self.mail, self.llm):
            yield from server.remembered()
        s3, bucket = self.aws.client("s3"), self.deployed["FleetBucket"]
        for one in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
            yield f"{one['Key']} of the fleet's bucket", s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()


def numbered(name: str, number: int, apart: str = "") -> str:
    """The first is called as if there were no other."""
    return name if number == 1 else f"{name}{apart}{number}"


def two_users(number: int) -> dict[str, Login]:
    """Of PostgreSQL, in turn."""
    return {slot: Login(f"{numbered('orders', number)}_{slot.lower()}", made_up()) for slot in "AB"}


def one_key(number: int) -> Login:
    """That signs, by the name of its signer."""
    return Login(numbered(signer.SIGNER, number, "-"), json.dumps(signer.new_key()))


def path_of(name: str) -> str:
    return f"{PATHS}/{name}"


def at_server(server: PostgreSQL | RedisServer, database: str) -> dict[str, str]:
    """Where a login belongs, as a record says it."""
    return {"host": server.host, "port": str(server.port), "dbname": database}


def of_provider(called: tuple[str, str, str, int], provider: Provider, server: ProviderServer, **more: Any) -> Kind:
    """A key that a person has made there. `more`: of the target's source."""
    made = provider.make("made by a person")
    return Kind(
        *called,
        {**KEYS, "active_slot": "A", "A": fields(Login(made.id, made.secret)), "B": {}},
        Place(API_KEY, HOST, server.port, json.dumps(provider.said["try"]), server.ca_pem),
        lambda login: provider.accepts(login.password),
        {"kind": API_KEY, "description": provider.said, "values": provider.values, "ca": server.ca_pem, **more},
        fields(Login(*provider.admin)),
        often="quarterly",
    )
