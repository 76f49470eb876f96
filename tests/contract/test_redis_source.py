"""What only a real Redis shows: its nodes, what a restart leaves of its users, who is refused, and what it never gets to see."""

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from rotation.core.errors import (
    AccountAmbiguous,
    AdminLoginUnknown,
    PrimaryUnknown,
    SecondaryUnknown,
    SecretInvalid,
    SourceBusy,
    SourceNotSaved,
    SourceReadOnly,
    SourceRefused,
    SourceUnreachable,
    SourceUntrusted,
    TargetInvalid,
)
from rotation.core.model import Credential, Password, Slot
from rotation.kinds import registry
from rotation.kinds.target import parse_target
from rotation.ports import Source, Surroundings
from rotation.sources.redis import node as nodes
from rotation.sources.redis.adapter import Redis, make
from rotation.sources.redis.connection import Connection
from rotation.sources.redis.users import WHOLE, User

from local.certificates import Authority
from local.leftovers import Leftovers
from local.login import Login
from local.ports import free_port
from local.redis_server import ADMIN_RULES, RedisServer, hashed
from tests.conformance.sources import ADMIN, ADMIN_PASSWORD, FIRST, SECOND, THIRD, raises
from tests.contract.redis_nodes import READS, THE_ADMIN, RealRedis
from tests.statemachine.machine import ROOT
from tests.until import until
from tests.worlds.families import APPLICATION_SECRET
from tests.worlds.run import Run, Step
from tests.worlds.world import ADMIN as MASTER
from tests.worlds.world import ADMIN_PASSWORD as MASTERS
from tests.worlds.world import PASSWORDS, USERS, MemoryWorld

PAGE = ROOT / "docs/redis.md"


@pytest.fixture(scope="module")
def run() -> Iterator[Leftovers]:
    with Leftovers() as run:
        yield run


@pytest.fixture(scope="module")
def primary(run: Leftovers) -> Iterator[RedisServer]:
    with RedisServer(run.directory / "primary", run.environment) as server:
        server.create_admin(THE_ADMIN)
        yield server


@pytest.fixture(scope="module")
def replica(run: Leftovers, primary: RedisServer) -> Iterator[RedisServer]:
    with RedisServer(run.directory / "replica", run.environment, primary=primary) as server:
        server.create_admin(THE_ADMIN)
        until(lambda: primary.execute("INFO", "replication")["connected_slaves"] == 1)
        yield server


@pytest.fixture
def both(primary: RedisServer, replica: RedisServer) -> Iterator[RealRedis]:
    here = RealRedis(primary, replica)
    yield here
    for node in here.nodes:
        if not node.runs:
            node.start()
    until(lambda: primary.execute("INFO", "replication")["connected_slaves"] == 1)
    here.leave()


@pytest.fixture
def admin(both: RealRedis) -> Credential:
    return both.credential(ADMIN, ADMIN_PASSWORD)


@pytest.fixture
def user(both: RealRedis) -> Credential:
    return both.credential("user", FIRST)


def taken(both: RealRedis, password: str) -> list[bool]:
    """By which node."""
    return [node.accepts(Login("user", password)) for node in both.nodes]


# Every node


def test_a_password_is_given_to_every_node_saved_and_taken_away_again(both: RealRedis, admin: Credential) -> None:
    with both.source.as_admin(admin) as session:
        session.set_password("user", Password(SECOND), retain=True)
    assert [taken(both, FIRST), taken(both, SECOND)] == [[True, True], [True, True]]
    with both.source.as_admin(admin) as session:
        session.discard_old_password("user", Password(SECOND))
    for node in both.nodes:
        node.kill()
        node.start()
    assert [taken(both, FIRST), taken(both, SECOND)] == [[False, False], [True, True]]
    assert both.source.refuses(both.credential("user", FIRST))


def test_what_a_call_cut_short_gave_to_one_node_is_given_to_the_other(both: RealRedis, admin: Credential, user: Credential) -> None:
    new = both.credential("user", SECOND)
    both.server.execute("ACL", "SETUSER", "user", f"#{hashed(SECOND)}")
    assert (both.source.logs_in(new), both.source.refuses(new)) == (False, False)
    with both.source.as_admin(admin) as session:
        assert session.needs_retain("user", user.password, new.password)
        session.set_password("user", new.password, retain=True)
        assert not session.needs_retain("user", user.password, new.password)
    assert both.source.logs_in(new)


def test_what_a_call_cut_short_took_from_one_node_is_taken_from_the_other(both: RealRedis, admin: Credential) -> None:
    for node, password in zip(both.nodes, (SECOND, FIRST), strict=True):
        node.execute("ACL", "SETUSER", "user", "resetpass", f"#{hashed(SECOND)}", f"#{hashed(password)}")
    old, new = both.credential("user", FIRST), both.credential("user", SECOND)
    assert not both.source.refuses(old), "one node takes it still"
    with both.source.as_admin(admin) as session:
        assert session.needs_discard("user", new.password, old.password)
        session.discard_old_password("user", new.password)
    assert both.source.refuses(old)


def test_what_a_call_cut_short_did_not_save_is_saved_by_the_next(both: RealRedis, admin: Credential) -> None:
    both.nodes[1].execute("ACL", "SETUSER", "user", f"#{hashed(SECOND)}")
    with both.source.as_admin(admin):
        pass
    both.nodes[1].kill()
    both.nodes[1].start()
    assert taken(both, SECOND) == [False, True]


def test_a_user_is_made_on_every_node_and_on_one_where_it_lacks(both: RealRedis, admin: Credential, user: Credential) -> None:
    made = both.credential("made", SECOND)
    both.server.create_user(Login("made", SECOND), WHOLE)
    with both.source.as_admin(admin) as session:
        assert not session.exists("made")
        session.create_user(made, user)
        assert session.exists("made")
    assert both.source.logs_in(made)


def test_sessions_of_every_node_count_and_end(both: RealRedis, admin: Credential) -> None:
    replica = both.nodes[1]
    with both.works_as("user", FIRST), replica.connect(Login("user", FIRST)) as client:
        client.execute_command("PING")
        assert both.source.activity(admin, "user").sessions == 2
        listed = both.source.sessions(admin, "user")
        assert {host for host, _ in listed} == {both.server.host, replica.node}
        both.source.end_sessions(admin, "user", listed)
        until(lambda: both.source.activity(admin, "user").sessions == 0)


def test_a_pool_s_idle_connection_is_not_use(both: RealRedis, admin: Credential) -> None:
    pooled = Redis(both.server.ca_pem, [both.nodes[1].node], idle_seconds=1)
    with both.works_as("user", FIRST):
        assert pooled.activity(admin, "user").sessions == 1
        until(lambda: pooled.activity(admin, "user").sessions == 0)
        assert both.source.activity(admin, "user").sessions == 1


# What is refused, and what it says


def test_a_node_that_is_not_reached_stops_it_before_anything_is_changed(
    both: RealRedis, admin: Credential, user: Credential
) -> None:
    both.nodes[1].stop()
    with raises(SourceUnreachable), both.source.as_admin(admin):
        pass
    for ask in (both.source.logs_in, both.source.refuses):
        with raises(SourceUnreachable):
            ask(user)
    with raises(SourceUnreachable):
        both.source.inspect(admin, ["user"])
    both.nodes[1].start()
    assert both.source.logs_in(user)


def test_a_replica_alone_is_refused(both: RealRedis, admin: Credential) -> None:
    alone = Redis(both.server.ca_pem)
    with raises(SourceReadOnly), alone.as_admin(replace(admin, port=both.nodes[1].port)):
        pass
    with raises(SourceReadOnly):
        alone.inspect(replace(admin, port=both.nodes[1].port), ["user"])


def test_a_replica_that_is_not_named_is_refused(both: RealRedis, admin: Credential) -> None:
    alone = Redis(both.server.ca_pem)
    with raises(SourceRefused), alone.as_admin(admin):
        pass
    with pytest.raises(SourceRefused, match="1 replicas, and the target names 0"):
        alone.inspect(admin, ["user"])


@pytest.mark.parametrize("configuration_file", [True, False])
def test_without_an_aclfile_users_are_saved_into_the_configuration_or_not_at_all(
    run: Leftovers, *, configuration_file: bool
) -> None:
    directory = run.directory / f"no-aclfile-{configuration_file}"
    with RedisServer(directory, run.environment, acl_file=False, configuration_file=configuration_file) as server:
        server.create_admin(THE_ADMIN)
        here = RealRedis(server)
        admin = here.credential(ADMIN, ADMIN_PASSWORD)
        if not configuration_file:
            with raises(SourceNotSaved), here.source.as_admin(admin):
                pass
            assert here.source.inspect(admin, ["user"]).lacking == (f"a place where {server.host} saves its users (aclfile)",)
            return
        with here.source.as_admin(admin) as session:
            session.set_password("user", Password(SECOND), retain=False)
        server.kill()
        server.start()
        assert taken(here, SECOND) == [True]
        assert here.source.inspect(admin, ["user"]).lacking == ()


def test_a_node_that_cannot_write_its_file_is_named_before_anything_is_changed(both: RealRedis, admin: Credential) -> None:
    """The folder of the file is gone; root may write anywhere else."""
    folder = both.nodes[1].directory
    away = folder.with_name("away")
    folder.rename(away)
    try:
        with pytest.raises(SourceNotSaved, match="did not save its users"), both.source.as_admin(admin) as session:
            session.set_password("user", Password(SECOND), retain=True)
    finally:
        away.rename(folder)
    assert taken(both, SECOND) == [False, False]


def test_a_third_password_that_nobody_knows_is_refused_on_whichever_node_it_is(
    both: RealRedis, admin: Credential, user: Credential
) -> None:
    both.nodes[1].execute("ACL", "SETUSER", "user", f"#{hashed(THIRD)}")
    with both.source.as_admin(admin) as session:
        for needs in (session.needs_retain, session.needs_discard):
            with raises(SecondaryUnknown):
                needs("user", user.password, Password(SECOND))


def test_a_node_that_lost_the_password_in_use_is_named(both: RealRedis, admin: Credential, user: Credential) -> None:
    both.nodes[1].execute("ACL", "SETUSER", "user", "resetpass", f"#{hashed(SECOND)}")
    with both.source.as_admin(admin) as session:
        with pytest.raises(PrimaryUnknown, match=both.nodes[1].node):
            session.needs_retain("user", user.password, Password(SECOND))
        with raises(PrimaryUnknown):
            session.discard_old_password("user", user.password)
    assert taken(both, FIRST) == [True, False], "nothing was taken from the first either"


def test_a_user_whom_every_password_lets_in_is_refused(both: RealRedis, admin: Credential, user: Credential) -> None:
    both.server.execute("ACL", "SETUSER", "user", "nopass")
    with both.source.as_admin(admin) as session, raises(SourceRefused):
        session.needs_retain("user", user.password, Password(SECOND))


def test_default_is_neither_the_admin_nor_anybody_whose_password_is_changed(both: RealRedis, admin: Credential) -> None:
    with raises(SourceRefused), both.source.as_admin(replace(admin, username="default")):
        pass
    with both.source.as_admin(admin) as session:
        for change in (
            lambda: session.set_password("default", Password(SECOND), retain=True),
            lambda: session.discard_old_password("default", Password(SECOND)),
            lambda: session.needs_retain("default", Password(FIRST), Password(SECOND)),
        ):
            with raises(SourceRefused):
                change()


@pytest.mark.parametrize(("change", "said"), [({"username": "default"}, "user of its own"), ({"dbname": "shop"}, "number")])
def test_a_record_of_default_or_of_no_database_is_refused_by_its_field(
    both: RealRedis, user: Credential, change: dict[str, str], said: str
) -> None:
    registry.source("redis").fits({}, user)
    with pytest.raises(SecretInvalid, match=said):
        registry.source("redis").fits({}, replace(user, **change))


def test_a_wrong_admin_is_named_and_so_is_a_node_that_has_another(both: RealRedis, admin: Credential) -> None:
    with raises(AdminLoginUnknown), both.source.as_admin(replace(admin, password=Password(SECOND))):
        pass
    both.nodes[1].execute("ACL", "SETUSER", ADMIN, "resetpass", f"#{hashed(SECOND)}")
    with pytest.raises(SourceUnreachable, match=both.nodes[1].node), both.source.as_admin(admin):
        pass


def test_what_an_admin_lacks_is_said_command_by_command(both: RealRedis, admin: Credential) -> None:
    both.nodes[1].execute("ACL", "SETUSER", ADMIN, "-config|rewrite", "-client|kill")
    server = both.source.inspect(admin, ["user"])
    assert (server.lacking, server.ends_sessions) == (("+config|rewrite",), False)


def test_an_admin_that_may_not_is_told_which_command(both: RealRedis, admin: Credential) -> None:
    both.server.execute("ACL", "SETUSER", ADMIN, "-acl|setuser")
    with pytest.raises(SourceRefused, match="may not use ACL SETUSER"), both.source.as_admin(admin) as session:
        session.set_password("user", Password(SECOND), retain=True)


def test_a_user_that_lacks_on_one_node_is_altered_on_none(both: RealRedis, admin: Credential) -> None:
    both.nodes[1].execute("ACL", "DELUSER", "user")
    with both.source.as_admin(admin) as session, raises(AccountAmbiguous):
        session.set_password("user", Password(SECOND), retain=True)
    assert both.server.passwords("user") == {hashed(FIRST)}


# TLS and what is no Redis


def test_a_certificate_of_somebody_else_or_for_another_name_is_not_trusted(both: RealRedis, user: Credential) -> None:
    for source, login in (
        (Redis(Authority("somebody else").pem), user),
        (Redis(both.server.ca_pem), replace(user, host="127.1")),
    ):
        with raises(SourceUntrusted):
            source.logs_in(login)


def test_without_tls_nothing_is_said(both: RealRedis, user: Credential, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for the end of what it takes for a command."""
    monkeypatch.setattr("rotation.sources.redis.connection.CONNECT_SECONDS", 0.3)
    port = free_port()
    both.server.execute("CONFIG", "SET", "port", str(port))
    try:
        with raises(SourceUnreachable):
            Redis(both.server.ca_pem).logs_in(replace(user, port=port))
        assert both.source.inspect(both.credential(ADMIN, ADMIN_PASSWORD), ["user", "nobody"]).without_tls == ("user",)
    finally:
        both.server.execute("CONFIG", "SET", "port", "0")


@pytest.mark.parametrize("silent", [True, False])
def test_a_server_that_is_not_there_or_says_nothing_is_not_reached(
    both: RealRedis, user: Credential, monkeypatch: pytest.MonkeyPatch, *, silent: bool
) -> None:
    monkeypatch.setattr("rotation.sources.redis.connection.CONNECT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1] if silent else free_port()
        with raises(SourceUnreachable):
            Redis(both.server.ca_pem).logs_in(replace(user, port=port))


# The lock


def test_a_lock_whose_holder_has_gone_silent_is_taken_and_its_holder_cut_off(
    both: RealRedis, admin: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    with both.source.as_admin(admin) as frozen:
        with raises(SourceBusy), both.source.as_admin(admin):
            pass
        monkeypatch.setattr(nodes, "LOCK_SECONDS", 0)
        with both.source.as_admin(admin) as session:
            assert session.exists("user")
            with raises(SourceUnreachable):
                frozen.set_password("user", Password(SECOND), retain=True)
    assert both.server.passwords("user") == {hashed(FIRST)}


def test_another_s_admin_has_another_lock_and_a_name_alone_locks_nobody_out(both: RealRedis, admin: Credential) -> None:
    other = Redis(both.server.ca_pem, [both.nodes[1].node], secret="another admin's")
    with both.source.as_admin(admin), other.as_admin(admin), both.works_as("user", FIRST) as work:
        assert work.goes_on()
    with both.server.connect(Login("user", FIRST)) as client:
        client.execute_command("CLIENT", "SETNAME", nodes.lock_name(""))
        with both.source.as_admin(admin) as session:
            assert session.exists("user")


# What it never gets to see


def test_no_password_is_in_the_log_the_slow_log_the_acl_log_or_monitor(
    both: RealRedis, admin: Credential, user: Credential
) -> None:
    server, canaries = both.server, (SECOND, THIRD)
    server.execute("CONFIG", "SET", "slowlog-log-slower-than", "0")
    with server.connect() as client, client.monitor() as watched:
        both.source.logs_in(both.credential("user", THIRD))
        with both.source.as_admin(admin) as session:
            session.set_password("user", Password(SECOND), retain=True)
            session.discard_old_password("user", Password(SECOND))
            session.create_user(both.credential("made", THIRD), user)
        server.execute("PING")
        seen = [next(line["command"] for line in iter(watched.next_command, None)) for _ in range(3)]
    shown = json.dumps([seen, server.execute("SLOWLOG", "GET", "200"), server.execute("ACL", "LOG")], default=str)
    server.execute("CONFIG", "SET", "slowlog-log-slower-than", "10000")
    files = [path for node in both.nodes for path in node.directory.iterdir() if path.is_file()]
    logged = "".join(path.read_text(errors="replace") for path in files)
    assert not [word for word in canaries if word in shown + logged]
    assert hashed(SECOND) in server.users.read_text()


# The kind


def test_the_command_of_the_page_makes_an_admin_that_lacks_nothing() -> None:
    (command,) = [line for line in PAGE.read_text().splitlines() if line.startswith("ACL SETUSER rotator ")]
    assert tuple(command.split()[5:]) == ADMIN_RULES


def test_the_target_names_its_authority_and_nodes() -> None:
    def target(**source: object) -> Source:
        document = {
            "slot_secret": "slots",
            "admin_secret": "admin",
            "source": {"kind": "redis", **source},
            "consumers": [{"kind": "app-secret", "secret": APPLICATION_SECRET, "application_cache_seconds": 5}],
            "health": {"url": "https://shop.example/", "marker": "well"},
        }
        settings = parse_target("shop", json.dumps(document)).source.settings
        return make(settings, Surroundings("shop", "admin"))

    ca = "-----BEGIN CERTIFICATE-----\nx"
    assert isinstance(target(ca=ca, nodes=["redis-2.internal", "redis-3:6380"]), Redis)
    wrong: list[dict[str, object]] = [{}, {"ca": "rds"}, {"ca": ca, "nodes": ["a b"]}, {"ca": ca, "readers": ["a"]}]
    for one in wrong:
        with pytest.raises(TargetInvalid):
            target(**one)


@pytest.mark.parametrize(
    ("given", "rules"),
    [
        (["commands", "-@all +get", "keys", "~a:* %R~b", "channels", "&x"], ("~a:*", "%R~b", "&x", "-@all", "+get")),
        (["commands", "+@all", "keys", ["a:*"], "channels", ["x"]], ("~a:*", "&x", "+@all")),
        (
            ["commands", "-@all", "keys", "", "channels", "", "selectors", [["commands", "+get", "keys", "~c", "channels", ""]]],
            ("-@all", "(~c +get)"),
        ),
    ],
)
def test_what_a_user_may_is_read_as_words_that_give_it(given: list[object], rules: tuple[str, ...]) -> None:
    """As Redis 7 says it, as Redis 6 does, and with selectors."""
    assert User.of("x", ["flags", ["on"], "passwords", [], *given]).rules == rules


def rights(*rules: str) -> User:
    return User("x", frozenset({"on"}), frozenset(), rules)


LACKING: dict[str, tuple[User, tuple[str, ...], tuple[str, ...]]] = {
    "nothing": (rights("~*", "-@all", "+get"), ("~*", "-@all", "+get"), ()),
    "nothing, where it has more": (rights("~*", "-@all", "+get", "+set"), ("~*", "-@all", "+get"), ()),
    "a key and a command": (rights("~a", "-@all", "+get"), ("~a", "~b", "-@all", "+get", "+set"), ("~b", "+get", "+set")),
    "all but some": (rights(*READS), WHOLE, ("&*", "+@all", "-@dangerous")),
}


@pytest.mark.parametrize(("user", "like", "words"), LACKING.values(), ids=LACKING)
def test_what_a_user_lacks_is_given_and_nothing_taken(user: User, like: tuple[str, ...], words: tuple[str, ...]) -> None:
    assert user.lacks(like) == words


# A rotation


class Placed(Redis):
    """Where the small world's record says db.example."""

    def __init__(self, both: RealRedis) -> None:
        super().__init__(both.server.ca_pem, [both.nodes[1].node])
        self._primary = both.server

    def _connect(self, credential: Credential) -> Connection:
        if credential.host == "db.example":
            credential = replace(credential, host=self._primary.host, port=self._primary.port)
        return super()._connect(credential)


class Watched(Run):
    """After every step somebody logs in on every node with what the application holds then, and as the admin that is current."""

    nodes: tuple[RedisServer, ...]
    tried = 0

    def ask(self, step: Step, **more: object) -> dict[str, Any]:
        answer = super().ask(step, **more)
        for held in (self.world.file.held, self.world.current_admin.credential):
            for node in self.nodes:
                assert node.accepts(Login(held.username, held.password.reveal())), step
                self.tried += 1
        return answer


def test_rotations_in_a_row_let_everybody_in_after_every_step_and_nobody_else_in_the_end(both: RealRedis) -> None:
    """The steps as they are, on two real nodes."""
    world = MemoryWorld(two_values=True)
    world.source = Placed(both)  # type: ignore[assignment]
    for node in both.nodes:
        node.create_user(Login(USERS[Slot.A], PASSWORDS[Slot.A]), WHOLE)
        node.create_user(Login(MASTER, MASTERS), ADMIN_RULES)
    old: list[Credential] = []
    for number in (1, 2):
        old += [world.file.held, world.current_admin.credential]
        run = Watched(world, f"run-{number}")
        run.nodes = both.nodes
        run.to_end()
        assert run.tried > 40
    now = [world.file.held, world.current_admin.credential]
    assert len({*old, *now}) == 6
    for node in both.nodes:
        assert not any(node.accepts(Login(one.username, one.password.reveal())) for one in old)
        assert [node.passwords(one.username) for one in now] == [{hashed(one.password.reveal())} for one in now]
