"""Which of two passwords of one user is the primary, on servers that have them: right, whatever was done to the user."""

from collections.abc import Callable, Iterator
from itertools import product
from random import Random

import pymysql
import pytest
from rotation.core.model import Password
from rotation.sources.mysql.dual_passwords import Place, PrimaryUnknown, Stored, has_to_be_discarded, has_to_be_retained

from local.leftovers import Leftovers
from local.mariadb import MariaDB
from local.mysql import Login, MySQL
from tests.whole import only_with_more

ADMIN = Login("admin", "admin-canary-1")
A, B, C = "a-canary", "b-canary", "c-canary"
PASSWORDS = (A, B, C)
MANY = 200
CHARACTERS = [chr(code) for code in (*range(0x20, 0x7F), *range(0xA1, 0x180), *range(0x4E00, 0x4E40), 0x1F511)]


class AsAurora(MySQL):
    """With the 5,000 rounds of MySQL 8; 9 has twice as many. What it says is done survives its crash."""

    def settings(self) -> list[str]:
        durable = ["--innodb-flush-log-at-trx-commit=1", "--innodb-doublewrite=ON"]
        return [*super().settings(), "--caching-sha2-password-digest-rounds=5000", *durable]


@pytest.fixture(scope="module")
def run() -> Iterator[Leftovers]:
    with Leftovers() as run:
        yield run


@pytest.fixture(scope="module")
def server(run: Leftovers) -> Iterator[MySQL]:
    with AsAurora(run.directory / "mysql", run.environment) as server:
        server.create_admin(ADMIN)
        yield server


class User:
    """One user of the server, as the admin of a rotation sees and changes it."""

    def __init__(self, server: MySQL) -> None:
        self._server = server
        self._session = server.connect(ADMIN)
        self._run("DROP USER IF EXISTS app")
        self._run("CREATE USER app IDENTIFIED BY %s REQUIRE SSL", A)

    def stored(self) -> Stored:
        columns = "plugin, authentication_string, User_attributes"
        ((plugin, primary, attributes),) = self._run(f"SELECT {columns} FROM mysql.user WHERE user = 'app'")  # noqa: S608
        return Stored.of("app", plugin, primary, attributes)

    def places(self, passwords: tuple[str, ...] = PASSWORDS) -> dict[str, Place]:
        """Where the server has each, if anywhere; by its logins those and no others are accepted."""
        stored = self.stored()
        places = {password: stored.place(Password(password)) for password in passwords}
        return {password: place for password, place in places.items() if place is not Place.NOWHERE}

    def accepted(self, passwords: tuple[str, ...] = PASSWORDS) -> set[str]:
        return {password for password in passwords if self._server.accepts(Login("app", password))}

    def retain(self, password: str) -> None:
        self._run("ALTER USER app IDENTIFIED BY %s RETAIN CURRENT PASSWORD", password)

    def alter(self, password: str) -> None:
        """Without keeping the one before: the secondary stays as it is."""
        self._run("ALTER USER app IDENTIFIED BY %s", password)

    def discard(self) -> None:
        self._run("ALTER USER app DISCARD OLD PASSWORD")

    def retain_and_die(self, password: str) -> None:
        """The statement is sent, under the lock, by somebody who never hears what became of it."""
        session = self._server.connect(ADMIN)
        with session.cursor() as cursor:
            cursor.execute("SELECT GET_LOCK('app', 5)")
            statement = cursor.mogrify("ALTER USER app IDENTIFIED BY %s RETAIN CURRENT PASSWORD", (password,))
        session._execute_command(pymysql.constants.COMMAND.COM_QUERY, statement)
        session._force_close()

    def wait_for_the_lock(self) -> None:
        """It goes with the session of who died, so after his statement."""
        assert self._run("SELECT GET_LOCK('app', 10)") == ((1,),)
        self._run("SELECT RELEASE_LOCK('app')")

    def server_dies(self) -> None:
        assert self._server._process
        self._server._process.kill()
        self._server._process.wait()
        self._server.start()
        self._session = self._server.connect(ADMIN)

    def _run(self, statement: str, *arguments: object) -> tuple[tuple[object, ...], ...]:
        with self._session.cursor() as cursor:
            cursor.execute(statement, arguments)
            return tuple(cursor.fetchall())


@pytest.fixture
def user(server: MySQL) -> User:
    return User(server)


State = tuple[str, str | None]
"""The primary and the secondary password."""
Act = Callable[[User, State], State]


def retain(password: str) -> Act:
    def act(user: User, state: State) -> State:
        user.retain(password)
        return password, state[0]

    return act


def alter(password: str) -> Act:
    def act(user: User, state: State) -> State:
        user.alter(password)
        return password, state[1]

    return act


def discard(user: User, state: State) -> State:
    user.discard()
    return state[0], None


def nothing(user: User, state: State) -> State:
    """A rollback before the flip, and a crash before the statement: both passwords stay."""
    return state


def rotate(to: str) -> Act:
    """RETAIN and, later, DISCARD, each as a rotation does it: asked first, and again when it was done."""

    def act(user: User, state: State) -> State:
        in_use, new = Password(state[0]), Password(to)
        assert has_to_be_retained(user.stored(), in_use, new)
        user.retain(to)
        assert not has_to_be_retained(user.stored(), in_use, new)
        assert has_to_be_discarded(user.stored(), new, in_use)
        user.discard()
        assert not has_to_be_discarded(user.stored(), new, in_use)
        return to, None

    return act


ACTS = {"RETAIN a": retain(A), "RETAIN b": retain(B), "ALTER c": alter(C), "DISCARD": discard}


def expected(state: State) -> dict[str, Place]:
    primary, secondary = state
    return ({} if secondary is None else {secondary: Place.SECONDARY}) | {primary: Place.PRIMARY}


def test_after_every_order_of_statements_the_places_are_known(user: User) -> None:
    """Sixty-four orders of three, and what stands after each statement of them. The logins agree."""
    seen = set()
    for order in product(ACTS, repeat=3):
        user.alter(A)
        user.discard()
        state: State = (A, None)
        for index, name in enumerate(order):
            state = ACTS[name](user, state)
            if order[: index + 1] not in seen:
                seen.add(order[: index + 1])
                assert user.places() == expected(state), order[: index + 1]
        if len(set(order)) == len(order):
            assert user.accepted() == set(expected(state)), order
    assert len(seen) == 4 + 16 + 64


SEQUENCES: dict[str, list[Act]] = {
    "rotated": [rotate(B)],
    "rotated and rotated": [rotate(B), rotate(A), rotate(C)],
    "rolled back, and the same value taken again": [retain(B), nothing, discard],
    "rolled back, the old value made the primary again, and the new one taken away": [retain(B), retain(A), discard],
    "rolled back so, and the new one made again": [retain(B), retain(A), retain(B)],
    "retained twice: the old one is lost": [retain(B), retain(B)],
    "retained another: the old one is lost": [retain(B), retain(C)],
    "discarded twice": [retain(B), discard, discard],
    "discarded where there is none": [discard],
    "set by hand in between: the secondary stays": [retain(B), alter(C)],
    "set by hand and discarded": [retain(B), alter(C), discard],
    "set by hand to the secondary's": [retain(B), alter(A)],
}


@pytest.mark.parametrize("acts", SEQUENCES.values(), ids=SEQUENCES)
def test_after_what_a_rotation_or_a_person_did_the_places_are_known(user: User, acts: list[Act]) -> None:
    state: State = (A, None)
    for act in acts:
        state = act(user, state)
        assert user.places() == expected(state)
    assert user.accepted() == set(expected(state))


@pytest.mark.parametrize("before", [[], [retain(B)], [retain(B), discard]])
def test_after_a_statement_of_somebody_who_died_what_is_seen_is_what_logs_in(user: User, before: list[Act]) -> None:
    state: State = (A, None)
    for act in before:
        state = act(user, state)
    user.retain_and_die(C)
    user.wait_for_the_lock()
    assert user.places() in (expected(state), expected((C, state[0])))
    assert user.accepted() == set(user.places())


@only_with_more
def test_after_a_crash_of_the_server_at_each_point_the_places_are_known(user: User) -> None:
    state: State = (A, None)
    for act in (retain(B), discard, retain(A)):
        state = act(user, state)
        user.server_dies()
        assert user.places() == expected(state)
        assert user.accepted() == set(expected(state))


def many_passwords() -> list[str]:
    chance = Random(20)  # noqa: S311 - the same ones each time
    return ["".join(chance.choices(CHARACTERS, k=chance.randint(1, 60))) for _ in range(MANY)]


@only_with_more
def test_of_many_passwords_each_is_the_primary_and_then_the_secondary(user: User) -> None:
    last = A
    for password in many_passwords():
        user.retain(password)
        stored = user.stored()
        assert stored.place(Password(password)) is Place.PRIMARY, password
        assert stored.place(Password(last)) is Place.SECONDARY, last
        last = password


def test_a_plugin_that_is_not_known_is_refused(user: User) -> None:
    user._run("ALTER USER app IDENTIFIED WITH sha256_password BY %s", A)
    with pytest.raises(PrimaryUnknown, match="sha256_password"):
        user.places()


def test_what_the_account_says_beside_it_is_not_taken_for_a_password(user: User) -> None:
    user._run("ALTER USER app ATTRIBUTE %s", '{"additional_password": "mine"}')
    assert user.places() == expected((A, None))
    user.retain(B)
    user._run("ALTER USER app COMMENT 'additional_password'")
    assert user.places() == expected((B, A))


def test_of_many_native_passwords_of_mariadb_each_is_known(run: Leftovers) -> None:
    """MySQL 9 has the plugin no more."""
    columns = "plugin, authentication_string"
    last: Stored | None = None
    with MariaDB(run.directory / "mariadb", run.environment) as server, server.connect() as session, session.cursor() as cursor:
        cursor.execute("CREATE USER app")
        for password in many_passwords():
            cursor.execute("SET PASSWORD FOR app = PASSWORD(%s)", (password,))
            cursor.execute(f"SELECT {columns} FROM mysql.user WHERE user = 'app'")  # noqa: S608 - our own
            ((plugin, hashed),) = cursor.fetchall()
            stored = Stored.of("app", plugin, hashed, None)
            assert plugin == "mysql_native_password"
            assert stored.place(Password(password)) is Place.PRIMARY, password
            assert last is None or last.place(Password(password)) is Place.NOWHERE, password
            last = stored
