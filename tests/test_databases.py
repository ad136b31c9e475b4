"""A database that is wiped in place is what a clone is, whatever the test before has done to it."""

import psycopg
import pytest

from app.runtime.postgres import libpq_url
from tests.databases import Databases

NAME = "wiped"
COMPANIES = "insert into company (name, name_key) values ('A', 'a'), ('B', 'b')"
CONTENT = "select md5(string_agg(t::text, ' ' order by t::text)) from {} t"
NEXT = "select seqrelid::regclass::text, nextval(seqrelid::regclass) from pg_sequence"
TRIGGERS = "select tgrelid::regclass::text, tgname, tgenabled from pg_trigger"
CONSTRAINTS = "select conrelid::regclass::text, conname from pg_constraint"
RELATIONS = "select relname from pg_class where relkind in ('r', 'v', 'i', 'S')"
TABLES = "select tablename from pg_tables where schemaname = 'public'"


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
def test_nothing_is_left_of_the_test_before(databases: Databases, deed):
    untouched = facts(databases.clone("untouched"))
    databases.fresh(NAME)
    ask(databases.url(NAME), deed)
    assert facts(databases.url(NAME)) != untouched, "the deed can be seen"
    assert facts(databases.fresh(NAME)) == untouched
    ask(databases.url(NAME), "update agency set name = 'Ours'")
    assert facts(databases.fresh(NAME)) == untouched, "and again"


def test_whoever_is_still_connected_is_sent_away(databases: Databases):
    url = libpq_url(databases.fresh(NAME))
    with psycopg.connect(url) as late:
        late.execute(COMPANIES)
        assert ask(databases.fresh(NAME), "select name from company") == []
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
