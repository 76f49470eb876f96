"""Bad input ends in a clear refusal, named by what is wrong, before anything is claimed or touched; the application is served.

What is tried again for a minute before it is refused runs in the background of the tests that are quick, each on a
target of its own.
"""

from __future__ import annotations

import base64
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from local.certificates import Authority
from local.cluster import php
from local.cluster.application import SCHEMA
from local.faults import SecretFault
from local.follow import Run, follow, wait_for
from local.load import MARKER
from local.mysql import Login
from local.ports import free_port
from tests.e2e.bad_worlds import BadWorld, assert_refused
from tests.e2e.hands import SECRET_PATH, Kubernetes, made_up, put_target, sql
from tests.e2e.lending import Lender
from tests.e2e.rotations import Rotations
from tests.e2e.shared import SharedStack
from tests.whole import WHOLE, only_with_more, whole

Spoil = Callable[[BadWorld], object]


@pytest.fixture
def bad(rotations: Rotations) -> Iterator[BadWorld]:
    world = BadWorld(rotations)
    yield world
    world.remove()


def refuse(bad: BadWorld, spoil: Spoil, *said: str) -> None:
    """Refused, saying all that, and nothing is touched: its own secrets and file, and what it shares with the application."""
    kubernetes = Kubernetes(bad.stack)
    spoil(bad)
    bad.make()
    before, objects = bad.state(), kubernetes.versions()
    assert_refused(wait_for(bad.stack, bad.start()), *said)
    assert (bad.state(), kubernetes.versions()) == (before, objects)


def at(*path: str | int, value: Any = None) -> Callable[[Any], None]:
    """Sets what is there; None removes it."""

    def change(found: Any) -> None:
        for key in path[:-1]:
            found = found[key]
        if value is None:
            del found[path[-1]]
        else:
            found[path[-1]] = value

    return change


# ---- the target document ---------------------------------------------------------------------------------------------


def test_a_target_document_that_is_not_json(bad: BadWorld) -> None:
    def spoil(world: BadWorld) -> None:
        world.text = "{slot_secret: yes}"

    refuse(bad, spoil, "TargetInvalid", bad.name, "not JSON")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (at("health", "marker"), "marker"),
        whole(at("health", "status", value="200"), "health.status"),
        whole(at("health", "url", value="openemr.example"), "health.url"),
        whole(at("drain", "quiet_seconds", value="120"), "drain.quiet_seconds"),
        whole(at("rollout", "deadline_seconds", value=0), "rollout.deadline_seconds"),
        whole(at("source", "kind", value="oracle"), "source.kind"),
        whole(at("consumers", value=[]), "consumers"),
        whole(at("consumers", 0, "path", value="../default/sqlconf.php"), "path"),
        whole(at("consumers", 1, "kind", value="configmap"), "kind"),
        (at("consumers", 0), "must be of kind sqlconf"),
        whole(
            at("consumers", 1, "keys", value={"URL": "mysql://{username}:{password}@db"}), "template URL: password may itself hold"
        ),
        (at("consumers", 1, "keys", value={"URL": "{user}"}), "keys: template URL: the field at character 1 is unknown"),
        whole(at("consumers", 1, "keys", value={"PASSWORD": "{password}"}), "no template of PASSWORD writes {username}"),
        whole(at("overlap", value=10), "overlap"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_field_of_the_target_document(change: Callable[[Any], None], said: str, bad: BadWorld) -> None:
    refuse(bad, lambda world: change(world.document), "TargetInvalid", bad.name, said)


# ---- the secrets -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        whole(at("active_slot"), "active_slot is neither A nor B"),
        (at("active_slot", value="C"), "active_slot is neither A nor B"),
        whole(at("active_slot", value=["A"]), "active_slot is neither A nor B"),
        whole(at("B"), "B is missing or not an object"),
        (at("B", "password"), "B: field password is missing or empty"),
        whole(at("A", "username", value=""), "A: field username is missing or empty"),
        whole(at("B", "host"), "B: field host is missing or empty"),
        whole(at("A", "port", value="mysql"), "A: field port is not a port number"),
        whole(at("A", "dbname"), "A: field dbname is missing or empty"),
        (at("B", "username", value="openemr_a"), "slots A and B name the same user"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_slot_secret_with_a_wrong_field(change: Callable[[Any], None], said: str, bad: BadWorld) -> None:
    refuse(bad, lambda world: change(world.slots), "SecretInvalid", f"{bad.name}/slots", said)


@only_with_more
def test_a_slot_secret_that_is_not_json(bad: BadWorld) -> None:
    def spoil(world: BadWorld) -> None:
        world.slots = "active_slot=A"

    refuse(bad, spoil, "SecretInvalid", f"{bad.name}/slots", "is not JSON")


@pytest.mark.parametrize("key", ["password", *map(whole, ("username", "host", "port", "dbname"))])
def test_an_admin_secret_without_a_field(key: str, bad: BadWorld) -> None:
    refuse(bad, lambda world: world.admin.pop(key), "SecretInvalid", f"{bad.name}/admin", f"field {key} is missing")


@only_with_more
@pytest.mark.parametrize("which", ["slot_secret", "admin_secret"])
def test_a_secret_that_is_not_there(which: str, bad: BadWorld) -> None:
    bad.make()
    arn = f"{bad.document[which]}-none"
    put_target(bad.stack, bad.name, bad.document | {which: arn})
    before = bad.state()
    assert_refused(wait_for(bad.stack, bad.start()), "SecretInvalid", "there is no secret", arn)
    assert bad.state() == before


def marked_for_deletion(world: BadWorld) -> None:
    world.stack.aws.client("secretsmanager").delete_secret(SecretId=world.document["slot_secret"])


def denied(world: BadWorld) -> None:
    """By a policy, or by the key."""
    world.stack.aws.refuse(SecretFault("GetSecretValue", "AccessDeniedException", secret=world.document["slot_secret"]))


@pytest.mark.parametrize(("spoil", "error"), [(marked_for_deletion, "SecretInvalid"), (denied, "SecretDenied")])
def test_a_secret_that_may_not_be_read_is_refused_at_once(spoil: Callable[[BadWorld], None], error: str, bad: BadWorld) -> None:
    bad.make()
    spoil(bad)
    before = bad.state()
    run = wait_for(bad.stack, bad.start())
    assert_refused(run, error, bad.document["slot_secret"])
    assert bad.state() == before


# ---- sqlconf.php -----------------------------------------------------------------------------------------------------


@only_with_more
def test_a_sqlconf_that_is_missing(bad: BadWorld) -> None:
    refuse(bad, lambda world: world.file.unlink(), "SqlconfMissing", f"{bad.name}/sqlconf.php", "is EFS mounted")


@only_with_more
def test_a_directory_in_the_place_of_sqlconf(bad: BadWorld) -> None:
    def spoil(world: BadWorld) -> None:
        world.file.unlink()
        world.file.mkdir()

    refuse(bad, spoil, "SqlconfUnsupported", f"{bad.name}/sqlconf.php", "is a directory")


def line_of(text: bytes, content: bytes) -> int:
    return content[: content.index(text)].count(b"\n") + 1


@only_with_more
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"$sqlconf = array();", b"if (getenv('MYSQL_PASS')) { $pass = getenv('MYSQL_PASS'); }\n$sqlconf = array();"),
        whole(b"$sqlconf = array();", b"$pass = getenv('MYSQL_PASS') ?: $pass;\n$sqlconf = array();"),
        whole(b"$db_encoding", b'$login = "{$disable_utf8_flag}openemr";\n$db_encoding'),
        whole(b"$db_encoding", b"$login = 'open' . 'emr';\n$db_encoding"),
        whole(b"$sqlconf = array();", b"extract($_ENV);\n$sqlconf = array();"),
        (b"$config = 1;", b"/* $config = 1;"),
        whole(b"?>", b"?>\n<?php $pass = 'other';"),
    ],
    ids=["getenv-if", "getenv-or", "interpolated", "concatenated", "extract", "unfinished-comment", "more-php"],
)
def test_a_sqlconf_whose_values_are_not_sure(old: bytes, new: bytes, bad: BadWorld) -> None:
    """The line is named; the file keeps every byte."""
    bad.edit(lambda content: content.replace(old, new))
    what = new.partition(b"\n")[0] if b"?>" not in new else b"?>"
    expected = line_of(what, bad.file.read_bytes())
    refuse(bad, lambda _: None, "SqlconfUnsupported", f"sqlconf.php, line {expected}:")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: content.replace(b"$pass\t", b"$password\t"), "$pass"),
        whole(lambda content: content.replace(b"<?php", b"<?xml", 1), "does not begin with <?php"),
        whole(lambda _: b"", "does not begin with <?php"),
        whole(lambda content: content.replace(b"$login\t= '", b"$login\t= '\xff"), "not UTF-8"),
    ],
    ids=["a variable missing", "no php", "empty", "not UTF-8"],
)
def test_a_sqlconf_that_cannot_be_read(change: Callable[[bytes], bytes], said: str, bad: BadWorld) -> None:
    refuse(bad, lambda world: world.edit(change), "SqlconfUnsupported", said)


# ---- the database ----------------------------------------------------------------------------------------------------


@only_with_more
def test_a_locked_account(bad: BadWorld) -> None:
    """Not a wrong password: it is not set anew, and stays locked."""
    locked = Login(f"locked_{bad.name[4:]}", made_up())
    bad.stack.app.mysql.create_user(locked, SCHEMA)
    sql(bad.stack, "ALTER USER %s@'%%' ACCOUNT LOCK", locked.username)
    standby = "B" if bad.slots["active_slot"] == "A" else "A"

    def spoil(world: BadWorld) -> None:
        world.slots[standby] |= {"username": locked.username, "password": locked.password}

    refuse(bad, spoil, "AccountLocked", "says that the account is locked")
    sql(bad.stack, "DROP USER %s@'%%'", locked.username)


def test_an_admin_that_is_denied_access(bad: BadWorld) -> None:
    refuse(bad, lambda world: world.admin.update(password=made_up()), "AdminLoginUnknown", f"{bad.name}/admin")


@only_with_more
def test_a_database_of_another_authority(bad: BadWorld) -> None:
    other = Authority("somebody else's").pem
    refuse(bad, lambda world: world.document["source"].update(ca=other), "SourceUntrusted")


# ---- the cluster -----------------------------------------------------------------------------------------------------


@only_with_more
@pytest.mark.parametrize(("consumer", "kind"), [(1, "secrets"), (2, "deployments")])
def test_an_object_that_the_role_does_not_name(consumer: int, kind: str, bad: BadWorld) -> None:
    """Whether it is there is nobody's business: the Role names one Secret and one Deployment."""
    change = at("consumers", consumer, "name", value="no-such-object")
    refuse(bad, lambda world: change(world.document), "ClusterRefused", f"{kind}/no-such-object")


@only_with_more
def test_a_cluster_that_is_not_there(bad: BadWorld) -> None:
    change = at("consumers", 1, "cluster", value="no-such-cluster")
    refuse(bad, lambda world: change(world.document), "ClusterObjectMissing", "no-such-cluster")


def test_a_paused_deployment(bad: BadWorld) -> None:
    kubernetes = Kubernetes(bad.stack)
    kubernetes.pause(True)
    try:
        refuse(bad, lambda _: None, "RolloutPaused", "openemr/openemr", "kubectl rollout resume")
    finally:
        kubernetes.pause(False)


@only_with_more
def test_a_secret_that_lacks_a_key(bad: BadWorld) -> None:
    kubernetes = Kubernetes(bad.stack)
    user = kubernetes.get(SECRET_PATH)["data"]["mysql-user"]
    kubernetes.patch(SECRET_PATH, {"data": {"mysql-user": None}})
    try:
        refuse(bad, lambda _: None, "ConsumerDiffers", "has no key mysql-user")
    finally:
        kubernetes.patch(SECRET_PATH, {"data": {"mysql-user": user}})


@only_with_more
def test_a_secret_that_is_not_written_as_its_template_says(bad: BadWorld) -> None:
    change = at("consumers", 1, "keys", value={"mysql-user": "{username}/{password}"})
    refuse(bad, lambda world: change(world.document), "ConsumerDiffers", "mysql-user is not written as its template says")


@only_with_more
def test_an_immutable_secret(bad: BadWorld) -> None:
    """What is immutable stays so: it is made anew afterwards."""
    kubernetes = Kubernetes(bad.stack)
    found = kubernetes.get(SECRET_PATH)
    again = {key: found[key] for key in ("apiVersion", "kind", "type", "data")}
    kubernetes.patch(SECRET_PATH, {"immutable": True})
    try:
        refuse(bad, lambda _: None, "ClusterRefused", "is immutable")
    finally:
        bad.stack.app.cluster.recreate(again | {"metadata": {key: found["metadata"][key] for key in ("namespace", "name")}})


# ---- what is tried again first: in the background --------------------------------------------------------------------


def nobody_listens() -> str:
    return str(free_port())


def _another_host(world: BadWorld) -> None:
    for credential in (world.slots["A"], world.slots["B"], world.admin):
        credential["host"] = "database.invalid"


def _another_port(world: BadWorld) -> None:
    """The file says it too; what it names is tried first."""
    port = nobody_listens()
    for credential in (world.slots["A"], world.slots["B"], world.admin):
        credential["port"] = port


def _no_api_server(world: BadWorld) -> None:
    authority = base64.b64encode(world.stack.app.cluster.ca.encode()).decode()
    world.stack.aws.register_cluster("unreachable", f"https://127.0.0.1:{nobody_listens()}", authority)
    world.document["consumers"] = [
        world.document["consumers"][0],
        {"kind": "secret", "cluster": "unreachable", "namespace": "openemr", "name": "openemr"},
    ]


UNREACHABLE: dict[str, tuple[Spoil, str]] = {
    "the database, by its name": (_another_host, "SourceUnreachable"),
    "the database, by its port": (_another_port, "SourceUnreachable"),
    "the Kubernetes API": (_no_api_server, "ClusterUnavailable"),
}
"""Nothing is claimed, whatever is unreachable."""


class Probe(BaseHTTPRequestHandler):
    """The application's page; of a target whose file names the new user it is bad in the way that the server is."""

    def do_GET(self) -> None:
        self.server.page.answer(self)  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        pass


class Page(ThreadingHTTPServer):
    """Well while the target's file names the user that it named at first."""

    def __init__(self, way: str, file: Path, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Probe)
        self.page = self
        self.released = threading.Event()
        self._way, self._file, self._at_first = way, file, php.read_sqlconf(file)
        self.authority = Authority("of the page")
        folder.mkdir(exist_ok=True)
        self._contexts = {
            well: authority.issue(folder, f"{'good' if well else 'bad'}").context()
            for well, authority in ((True, self.authority), (False, Authority("of nobody")))
        }

    @property
    def well(self) -> bool:
        return php.read_sqlconf(self._file) == self._at_first

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        if self._way == "another certificate":
            context = self._contexts[self.well]
            connection.settimeout(5)
            return context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address
        return connection, address

    def handle_error(self, *_: object) -> None:
        """A client that does not like the certificate hangs up."""

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        way = "well" if self.well or self._way == "another certificate" else self._way
        if way == "hangs up":
            request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            request.connection.close()
            return
        if way == "slow":
            self.released.wait(30)
        status = {"redirects": 302, "broken": 500}.get(way, 200)
        body = b"ERROR: Could not connect to server!" if way == "wrong body" else MARKER.encode()
        request.send_response(status)
        if way == "redirects":
            request.send_header("Location", "/")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


@contextmanager
def page(way: str, world: BadWorld) -> Iterator[Page]:
    folder = world.stack.directory / f"page-{world.name}"
    with Page(way, world.file, folder) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()


UNWELL = {
    "hangs up": "does not answer (ConnectionResetError)",
    "slow": "does not answer (TimeoutError)",
    "redirects": "answers 302, not 200",
    "broken": "answers 500, not 200",
    "wrong body": "without the marker",
    "another certificate": "does not answer (SSLCertVerificationError)",
}
EVERY_DAY = ("broken", "another certificate")


class Background:
    """Executions under way, each on a world of its own."""

    def __init__(self, rotations: Rotations, pages: ExitStack) -> None:
        self.stack, self._rotations = rotations.stack, rotations
        self.worlds: dict[str, BadWorld] = {}
        self.before: dict[str, Any] = {}
        self.arns: dict[str, str] = {}
        for name, (spoil, _) in UNREACHABLE.items():
            self._start(name, spoil)
        for way in UNWELL if WHOLE else EVERY_DAY:
            self._start(way, partial(_page_of, way, pages))
            self._wait_until_published(way)
        self._start("always", lambda world: world.document["health"].update(url=f"http://127.0.0.1:{nobody_listens()}/"))

    def _start(self, name: str, spoil: Spoil) -> None:
        world = BadWorld(self._rotations)
        world.only_the_file()
        spoil(world)
        world.make()
        self.worlds[name], self.before[name] = world, world.state()
        self.arns[name] = world.start()

    def _wait_until_published(self, name: str) -> None:
        """The next one finds the functions warm: at once, each would start all of them anew."""
        for _, visit in follow(self.stack, self.arns[name]):
            if visit and visit.state == "WriteSqlconf":
                return

    def run(self, name: str) -> Run:
        return wait_for(self.worlds[name].stack, self.arns[name])

    def end(self) -> None:
        for name, world in self.worlds.items():
            self.run(name)
            world.remove()


def _page_of(way: str, pages: ExitStack, world: BadWorld) -> None:
    server = pages.enter_context(page(way, world))
    scheme = "https" if way == "another certificate" else "http"
    ca = {"ca": server.authority.pem} if scheme == "https" else {}
    world.document["health"] |= {"url": f"{scheme}://127.0.0.1:{server.server_port}/", "timeout_seconds": 2} | ca


@pytest.fixture(scope="module")
def begun(shared: Lender[SharedStack]) -> Iterator[Callable[[], Background]]:
    """Begins them on the stack that there is now: once, and again if a failed test was its end."""
    backgrounds: list[Background] = []
    with ExitStack() as pages:

        def begin() -> Background:
            if not backgrounds or backgrounds[-1].stack is not shared.world.rotations.stack:
                backgrounds.append(Background(shared.world.rotations, pages))
            return backgrounds[-1]

        yield begin
        if backgrounds[-1].stack is shared.world.rotations.stack:
            backgrounds[-1].end()


@pytest.fixture(autouse=True)
def background(begun: Callable[[], Background]) -> Background:
    return begun()


@pytest.mark.parametrize("way", [way if way in EVERY_DAY else whole(way) for way in UNWELL])
def test_a_health_page_that_is_bad_on_the_new_slot(way: str, background: Background) -> None:
    """Rolled back: the file says what it said, the record too, and nothing is left to do."""
    run, world = background.run(way), background.worlds[way]
    assert run.outcome == "RolledBack", run.cause
    assert "AppUnhealthy" in run.cause
    assert UNWELL[way] in run.cause
    (slots, _), (content, _) = world.state()
    (_, admin), (content_before, _) = background.before[way]
    assert content == content_before
    assert world.state()[0][1] == admin
    assert not [labels for labels in slots.versions.values() if "AWSPENDING" in labels]
    now = world.stack.secret(world.document["slot_secret"])
    assert {key: now[key] for key in ("active_slot", "A", "B")} == {key: world.slots[key] for key in ("active_slot", "A", "B")}


@only_with_more
def test_a_health_page_that_nobody_ever_answers(background: Background) -> None:
    """What was published is taken back: the page says the same after it as before, so it says nothing of the credential."""
    run, world = background.run("always"), background.worlds["always"]
    assert run.outcome == "RolledBack", run.cause
    assert "AppUnhealthy" in run.cause
    assert "does not answer (ConnectionRefusedError)" in run.cause
    assert world.file.read_bytes() == background.before["always"][1][0]
    now = world.stack.secret(world.document["slot_secret"])
    assert {key: now[key] for key in ("active_slot", "A", "B")} == {key: world.slots[key] for key in ("active_slot", "A", "B")}


@only_with_more
@pytest.mark.parametrize("what", UNREACHABLE)
def test_what_is_unreachable(what: str, background: Background) -> None:
    """Tried again for a while, then refused, and nothing was claimed."""
    run, world = background.run(what), background.worlds[what]
    assert_refused(run, UNREACHABLE[what][1])
    assert len(run.visits_of("ReadSlots")) == 1
    assert run.seconds > 5, "it was tried again"
    assert world.state() == background.before[what]
