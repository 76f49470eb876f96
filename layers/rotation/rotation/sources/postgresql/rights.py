"""Whether one user may do all that another may, in this database: by what it has itself, or by whom it is a member of.

Looked at where the application's things are: its schemas, not the server's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rotation.sources.postgresql.connection import Connection


def has_as_much(connection: Connection, mine: str, theirs: str) -> bool:
    """Owning a thing is a right to it that no grant gives."""
    return not connection.value(_LACKS, mine=mine, theirs=theirs)


_OURS = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"


def _one(kind: str, rows: str, thing: str, *privileges: str) -> str:
    """Whether one of those is theirs to use, and not mine."""
    may = f"has_{kind}_privilege({{}}, {thing}, p)"
    lacks = f"{may.format(':theirs')} AND NOT {may.format(':mine')}"
    return f"EXISTS (SELECT FROM {rows} AND EXISTS (SELECT FROM unnest(ARRAY{list(privileges)}) p WHERE {lacks}))"  # noqa: S608


_RELATIONS = f"pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_OURS} AND c.relkind"
_LACKS = "SELECT " + " OR ".join([  # noqa: S608 - our own words
    """(NOT pg_has_role(:mine, :theirs, 'USAGE') AND EXISTS (SELECT FROM pg_shdepend d
        JOIN pg_database b ON b.datname = current_database() AND (d.dbid = b.oid OR (d.dbid = 0 AND d.objid = b.oid))
        WHERE d.deptype = 'o' AND d.refclassid = 'pg_authid'::regclass AND d.refobjid = to_regrole(quote_ident(:theirs))))""",
    _one("database", "pg_database b WHERE b.datname = current_database()", "b.oid", "CONNECT", "CREATE", "TEMPORARY"),
    _one("schema", f"pg_namespace n WHERE {_OURS}", "n.oid", "USAGE", "CREATE"),
    _one("table", f"{_RELATIONS} IN ('r', 'p', 'v', 'm', 'f')", "c.oid",
         "SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"),
    _one("sequence", f"{_RELATIONS} = 'S'", "c.oid", "USAGE", "SELECT", "UPDATE"),
    _one("column", f"pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
         f"WHERE {_OURS} AND a.attacl IS NOT NULL", "c.oid, a.attnum", "SELECT", "INSERT", "UPDATE", "REFERENCES"),
    _one("function", f"pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace WHERE {_OURS}", "f.oid", "EXECUTE"),
    """EXISTS (SELECT FROM pg_default_acl d CROSS JOIN aclexplode(d.defaclacl) a WHERE a.grantee = to_regrole(quote_ident(:theirs))
        AND NOT EXISTS (SELECT FROM aclexplode(d.defaclacl) b WHERE b.privilege_type = a.privilege_type
        AND (b.grantee = 0 OR pg_has_role(:mine, b.grantee, 'USAGE'))))""",
])  # fmt: skip
"""Whether there is one right of theirs in this database that I do not have."""
