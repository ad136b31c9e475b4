"""The databases of a run: clones of the template, and one a worker that is wiped between tests.

A clone writes 14 MB in 850 files; wiping touches only what the test before has written. What a
wipe cannot undo (a dropped constraint, a disabled trigger, a new table) it notices in the
catalogue, and clones instead. Connections that do nothing stay: what they have learnt of the
tables and statements is a quarter of a test's time.
"""

from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from app.runtime.postgres import EmbeddedServer, libpq_url

TEMPLATE = "template_tallydesk"
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "shared_buffers": "128MB",  # each database dropped and file truncated looks through all of it
}

OTHERS_LEAVE = """
    select pg_terminate_backend(pid, 10000) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'
"""
# Whatever changes a table, its triggers or its rules writes a newer row into one of these.
SHAPE = "union all ".join(
    f"select '{name}', count(*), max(xmin::text::bigint) from {name} where {which} "
    for name, which in {
        "pg_class": "relpersistence <> 't' and relnamespace <> 'pg_toast'::regnamespace",
        "pg_attribute": "attrelid >= 16384 and attrelid not in"
        " (select oid from pg_class where relpersistence = 't')",
        "pg_attrdef": "true",
        "pg_constraint": "true",
        "pg_proc": "true",
        "pg_trigger": "true",
        "pg_namespace": "nspname !~ '^pg_(toast_)?temp_'",
    }.items()
)
TABLES = """
    select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace
    order by 1
"""
WRITTEN = """
    select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace
    and relname <> all(%s) and pg_relation_size(oid) > 0
"""
SEQUENCES = """
    select seqrelid::regclass::text, seqstart, pg_sequence_last_value(seqrelid::regclass)
    from pg_sequence join pg_class c on c.oid = seqrelid and relpersistence <> 't' order by 1
"""
XID = "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint"


@dataclass
class Kept:
    """A table that `init` writes into: its rows, and how to see that they are as they were."""

    rows: bytes
    count: int


@dataclass
class Wiped:
    """One database that is made fresh in place, seen by a superuser who stays connected."""

    connection: psycopg.Connection
    kept: dict[str, Kept] = field(default_factory=dict)
    shape: list[tuple] = field(default_factory=list)
    sequences: list[tuple] = field(default_factory=list)
    newest: int = 0

    def learn(self) -> None:
        """Remember a fresh clone."""
        for (name,) in self._ask(TABLES):
            table = sql.Identifier(name)
            ((count,),) = self._ask(sql.SQL("select count(*) from {}").format(table))
            if count:
                with self.connection.cursor().copy(
                    sql.SQL("copy {} to stdout").format(table)
                ) as copy:
                    self.kept[name] = Kept(b"".join(bytes(part) for part in copy), count)
        self.shape = self._ask(SHAPE)
        self.sequences = self._ask(SEQUENCES)
        ((self.newest,),) = self._ask(XID)
        self.connection.execute("set session_replication_role = replica")  # no trigger, no refusal
        self.connection.execute("set lock_timeout = '10s'")

    def wipe(self) -> bool:
        """Make it what it was when learnt; False when its shape has changed."""
        self._ask(OTHERS_LEAVE)
        if self._ask(SHAPE) != self.shape:
            return False
        written = [name for (name,) in self._ask(WRITTEN, [list(self.kept)])]
        changed = [name for name in self.kept if self._is_changed(name)]
        with self.connection.transaction():
            for name in (*written, *changed):
                self._ask(sql.SQL("delete from {}").format(sql.Identifier(name)))
            for name in changed:
                statement = sql.SQL("copy {} from stdin").format(sql.Identifier(name))
                with self.connection.cursor().copy(statement) as copy:
                    copy.write(self.kept[name].rows)
            for name, start, last in set(self.sequences) - set(self._ask(SEQUENCES)):
                self._ask("select setval(%s, %s, %s)", [name, last or start, last is not None])
        dirty = [sql.Identifier(name) for name in (*written, *changed)]
        if dirty:
            self._ask(sql.SQL("vacuum {}").format(sql.SQL(", ").join(dirty)))
        ((self.newest,),) = self._ask(XID)
        return True

    def _is_changed(self, name: str) -> bool:
        """Whether a row was added, changed or taken away since the last wipe."""
        query = sql.SQL("select count(*), count(*) filter (where xmin::text::bigint >= %s) from {}")
        ((count, newer),) = self._ask(query.format(sql.Identifier(name)), [self.newest])
        return count != self.kept[name].count or newer > 0

    def _ask(self, query, values=None) -> list[tuple]:
        cursor = self.connection.execute(query, values)
        return cursor.fetchall() if cursor.description else []


class Databases:
    """The databases of this run's server, cloned from the template."""

    def __init__(self, server: EmbeddedServer) -> None:
        self._server = server
        self._admin = self._connect("postgres")
        self._wiped: dict[str, Wiped] = {}

    def url(self, name: str) -> str:
        return self._server.url(name)

    def fresh(self, name: str) -> str:
        """Make `name` what the template is, in place where that is possible."""
        if name not in self._wiped or not self._wiped[name].wipe():
            self.clone(name)
            self._wiped[name] = Wiped(self._connect(name))
            self._wiped[name].learn()
        return self.url(name)

    def clone(self, name: str) -> str:
        """Make `name` a new copy of the template, whoever is still connected to it."""
        self.drop(name)
        self._admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER tallydesk STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(TEMPLATE)
            )
        )
        return self.url(name)

    def create_empty(self, name: str) -> None:
        """Make a database that holds nothing but its extensions."""
        self._server.ensure_database(name)

    def drop(self, name: str) -> None:
        if name in self._wiped:
            self._wiped.pop(name).connection.close()
        self._admin.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )

    def close(self) -> None:
        for wiped in self._wiped.values():
            wiped.connection.close()
        self._admin.close()

    def _connect(self, name: str) -> psycopg.Connection:
        url = libpq_url(self._server.url(name, user="postgres"))
        return psycopg.connect(url, autocommit=True)
