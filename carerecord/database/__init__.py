"""The pool, transactions, named queries, migrations, and the PostgreSQL we bring ourselves.

In: settings and a role. Out: a Database whose every connection is that role's. Invariant: no process role owns a table,
and SQL is only in .sql files.
"""

from carerecord.database import backup, embedded
from carerecord.database.keys import show_key, shown_key
from carerecord.database.migrate import MigrationChanged, MigrationUnknown, RolesMissing, make_partitions, migrate
from carerecord.database.pool import Database, DatabaseLost, DatabaseRefused, connect, is_up
from carerecord.database.queries import QueriesUnreadable, queries

__all__ = [
    "Database",
    "DatabaseLost",
    "DatabaseRefused",
    "MigrationChanged",
    "MigrationUnknown",
    "QueriesUnreadable",
    "RolesMissing",
    "backup",
    "connect",
    "embedded",
    "is_up",
    "make_partitions",
    "migrate",
    "queries",
    "show_key",
    "shown_key",
]
