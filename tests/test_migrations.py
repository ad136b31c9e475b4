"""The migrations build exactly the models, go down to nothing, and up again."""

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from app.core.db import Model, db
from app.core.errors import RuleError
from app.installation import alembic_config, initialise, is_current, migrate


def test_the_migrations_build_exactly_the_models(app):
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Model.metadata) == []


def test_down_to_nothing_and_up_again(app):
    config = alembic_config()
    with db.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        connection.commit()
        left = connection.scalars(
            text("select table_name from information_schema.tables where table_schema = 'public'")
        ).all()
        routines = connection.scalars(
            text(
                "select p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace "
                "where n.nspname = 'public' and not exists (select 1 from pg_depend d "
                "where d.objid = p.oid and d.deptype = 'e')"
            )
        ).all()
    assert (left, routines) == (["alembic_version"], [])
    initialise()
    assert is_current(db.engine)


def test_a_table_in_use_is_not_waited_for_while_others_queue_behind(app):
    config = alembic_config()
    with db.engine.connect() as connection, db.engine.connect() as reader:
        config.attributes["connection"] = connection
        command.downgrade(config, "0057_first_numbers")
        connection.commit()
        reader.execute(text("select count(*) from document"))
        with pytest.raises(RuleError, match="in use for 1 seconds"):
            migrate(connection, patience=1)
        connection.rollback()
        assert connection.scalar(text("show lock_timeout")) == "0"
        reader.rollback()
        migrate(connection)
    assert is_current(db.engine)


def test_what_an_undone_import_deletes_is_found_by_an_index(app):
    """A foreign key without one looks through its whole table for each row that goes."""
    lacking = db.session.scalars(
        text(
            "select conrelid::regclass || '.' || a.attname from pg_constraint c"
            " join pg_attribute a on a.attrelid = conrelid and a.attnum = conkey[1]"
            " where contype = 'f' and confrelid::regclass::text = any(:deleted)"
            " and not exists (select from pg_index i where i.indrelid = conrelid"
            "                 and i.indkey[0] = conkey[1])"
        ),
        {"deleted": ["company", "contact", "ticket", "time_entry"]},
    ).all()
    assert sorted(lacking) == []


def test_a_probe_does_not_read_every_migration_anew(app, monkeypatch):
    assert is_current(db.engine)
    read = []
    monkeypatch.setattr(ScriptDirectory, "from_config", read.append)
    assert is_current(db.engine)
    assert not read
