"""A database that is wiped in place is what a clone is, whatever the test before has done to it."""

from collections.abc import Callable

import psycopg
import pytest

from app.runtime.postgres import libpq_url
from tests.databases import Databases

COMPANIES = "insert into company (name, name_key) values ('A', 'a'), ('B', 'b')"
CONTENT = "select md5(string_agg(t::text, ' ' order by t::text)) from {} t"
NEXT = "select seqrelid::regclass::text, nextval(seqrelid::regclass) from pg_sequence"
TRIGGERS = "select tgrelid::regclass::text, tgname, tgenabled from pg_trigger"
CONSTRAINTS = "select conrelid::regclass::text, conname from pg_constraint"
RELATIONS = "select relname from pg_class where relkind in ('r', 'v', 'i', 'S')"
TABLES = "select tablename from pg_tables where schemaname = 'public'"


@pytest.fixture(scope="module")
def untouched(databases: Databases, worker_name: str) -> list[list[tuple]]:
    """What a clone holds."""
    name = f"untouched_{worker_name}"
    found = facts(databases.clone(name))
    databases.drop(name)
    return found


@pytest.fixture
def fresh(databases: Databases, worker_name: str) -> Callable[[], str]:
    """Makes this worker's database for deeds fresh; its address."""
    return lambda: databases.fresh(f"wiped_{worker_name}")


@pytest.mark.parametrize(
    "deed",
    [
        COMPANIES,
        "update ab_role set name = 'Chief' where name = 'Manager'",
        "delete from ticket_status",
        "insert into ticket_status (name, category, position) values ('Odd', 'open', 9)",
        "select nextval(seqrelid::regclass) from pg_sequence",
        "alter table document disable trigger user; truncate agency cascade",
        "alter table document drop constraint ck_document_totals",
        "alter table company alter column name drop not null",
        "create table left_behind as select 1",
    ],
)
def test_nothing_is_left_of_the_test_before(fresh, untouched, deed):
    url = fresh()
    ask(url, deed)
    assert facts(url) != untouched, "the deed can be seen"
    assert facts(fresh()) == untouched
    ask(url, "update agency set name = 'Ours'")
    assert facts(fresh()) == untouched, "and again"


def test_whoever_is_still_connected_is_sent_away(fresh):
    with psycopg.connect(libpq_url(fresh())) as late:
        late.execute(COMPANIES)
        assert ask(fresh(), "select name from company") == []
        with pytest.raises(psycopg.OperationalError):
            late.execute("select 1")


def ask(url: str, statement: str) -> list[tuple]:
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def facts(url: str) -> list[list[tuple]]:
    contents = [(name, ask(url, CONTENT.format(name))) for (name,) in ask(url, TABLES)]
    asked = (NEXT, TRIGGERS, CONSTRAINTS, RELATIONS)
    return [sorted(contents), *(sorted(ask(url, statement)) for statement in asked)]
