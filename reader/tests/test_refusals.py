"""What the drivers raise, as they raised it against real servers: a refused login, or something else.

The classes stand for the drivers', which are known by the names of their modules.
"""

from __future__ import annotations

import pytest

from credential_reader import is_refused_login

AT = 'connection to server at "127.0.0.1", port 5432 failed: '


def error(module: str, *args: object, **attributes: object) -> Exception:
    """Raised by a class that is derived from one of that module."""
    base = type("DatabaseError", (Exception,), {"__module__": module})
    made: Exception = type("OperationalError", (base,), {"__module__": module, **attributes})(*args)
    return made


def libpq(text: str) -> list[Exception]:
    return [
        error("psycopg", f"connection failed: {AT}{text}", sqlstate=None),
        error("psycopg.errors", f"connection failed: {AT}{text}"),
        error("psycopg2", f"{AT}{text}\n", pgcode=None),
    ]


def pg8000(code: str, text: str, routine: str | None = None) -> Exception:
    return error("pg8000.exceptions", {"S": "FATAL", "C": code, "M": text, **({"R": routine} if routine else {})})


REFUSED = [
    *libpq('FATAL:  password authentication failed for user "shop"'),
    *libpq('FATAL:  role "shop" is not permitted to log in'),
    *libpq('FATAL:  PAM authentication failed for user "shop"'),
    *libpq("FATAL:  SASL authentication failed"),
    *libpq(
        'Connection refused\n\tIs the server running?\nconnection to … failed: FATAL:  password authentication failed for user "a"'
    ),
    error("psycopg.errors", "whatever the language", sqlstate="28P01"),
    error("psycopg2.errors", "whatever the language", pgcode="28P01"),
    pg8000("28P01", "whatever the language", "auth_failed"),
    pg8000("28000", "whatever the language", "auth_failed"),
    pg8000("28000", "whatever the language", "InitializeSessionUserId"),
    pg8000("08P01", "SASL authentication failed"),
    pg8000("08P01", 'password authentication failed for user "shop"'),
    pg8000("28000", "This RDS proxy has no credentials for the role shop."),
    *(error("pymysql.err", number, "Access denied …") for number in (1045, 1698, 3118, 3955, 4151)),
]

ANOTHER = [
    *libpq("Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?"),
    *libpq('FATAL:  database "password authentication failed for user" does not exist'),
    *libpq('FATAL:  no pg_hba.conf entry for host "127.0.0.1", user "shop", database "shop", no encryption'),
    *libpq("FATAL:  sorry, too many clients already"),
    *libpq("FATAL:  the database system is starting up"),
    error("psycopg.errors", "FATAL:  password authentication failed", sqlstate="57P03"),
    pg8000("3D000", 'database "nodb" does not exist', "InitPostgres"),
    pg8000("28000", "no pg_hba.conf entry for host", "ClientAuthentication"),
    pg8000("53300", "sorry, too many clients already"),
    pg8000("08P01", "no such database: nodb"),
    pg8000("08P01", "query_wait_timeout"),
    error("pg8000.exceptions", "Can't create a connection to host 127.0.0.1 and port 1"),
    error("pg8000.exceptions"),
    error("pymysql.err", 2003, "Can't connect to MySQL server on '127.0.0.1' ([Errno 111] Connection refused)"),
    error("pymysql.err", 1044, "Access denied for user 'shop'@'%' to database 'nodb'"),
    error("pymysql.err", 1040, "Too many connections"),
    error("pymysql.err"),
    error("psycopg_pool", 'FATAL:  password authentication failed for user "shop"'),
    error("mine", 1045, "Access denied"),
    ConnectionRefusedError(111, "Connection refused"),
    TimeoutError(),
]


@pytest.mark.parametrize("one", REFUSED, ids=repr)
def test_a_refused_login(one: Exception) -> None:
    assert is_refused_login(one)


@pytest.mark.parametrize("one", ANOTHER, ids=repr)
def test_anything_else_is_not_taken_for_one(one: Exception) -> None:
    assert not is_refused_login(one)
