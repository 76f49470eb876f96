"""Which errors say that a login was refused, and nothing else: a new try with another login makes sense then, and only then.

The drivers are known by the name of their module, so none of them is imported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_DENIED, _NOT_PERMITTED, _POOLER = "28P01", "28000", "08P01"
"""Of PostgreSQL. The second is also what pg_hba.conf refuses whoever it is, the third all that PgBouncer refuses."""
_ROUTINES = ("auth_failed", "InitializeSessionUserId")
"""Where the server refuses a user: no password, LDAP and the like; NOLOGIN, no such user."""
_TEXT = (
    r"\w+ authentication failed"  # of a server: password, LDAP, PAM …; of PgBouncer: SASL
    r'|role "[^\n]*" (?:is not permitted to log in|does not exist)'
    r"|The password that was provided for the role [^\n]* is wrong"  # of RDS Proxy, as its documentation has it
    r"|This RDS proxy has no credentials for the role "
)
_MESSAGE, _IN_LIBPQ_S_TEXT = re.compile(_TEXT), re.compile(rf"FATAL: +(?:{_TEXT})")
_MYSQL = (1045, 1698, 3118, 3955, 4151)
"""Denied, denied without a password, locked, locked after too many wrong ones; MariaDB's locked."""


def is_refused_login(error: BaseException) -> bool:
    """Of psycopg, psycopg2, pg8000 and PyMySQL; no error of another library is one."""
    told = (_TOLD_BY.get(kind.__module__.partition(".")[0]) for kind in type(error).__mro__)
    return any(says(error) for says in told if says)


def _libpq(error: BaseException) -> bool:
    """psycopg's and psycopg2's. Of a connection that was not made, libpq hands on no code, only the server's text."""
    code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    return code == _DENIED if code else bool(_IN_LIBPQ_S_TEXT.search(str(error)))


def _pg8000(error: BaseException) -> bool:
    """It hands on all that the server says."""
    said = error.args[0] if error.args else None
    if not isinstance(said, Mapping):
        return False
    if said.get("C") in (_NOT_PERMITTED, _POOLER):
        return said.get("R") in _ROUTINES or bool(_MESSAGE.match(str(said.get("M"))))
    return said.get("C") == _DENIED


def _pymysql(error: BaseException) -> bool:
    return bool(error.args) and error.args[0] in _MYSQL


_TOLD_BY: Mapping[str, Callable[[BaseException], bool]] = {
    "psycopg": _libpq,
    "psycopg2": _libpq,
    "pg8000": _pg8000,
    "pymysql": _pymysql,
}
