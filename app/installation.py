"""`init`: brings an empty or older database to this version. Safe to repeat and to race."""

import logging
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from flask_appbuilder.security.sqla.models import (
    Permission,
    PermissionView,
    Role,
    ViewMenu,
    assoc_permissionview_role,
)
from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.dialects.postgresql import Range, insert
from sqlalchemy.exc import OperationalError

from app import roles
from app.billing.models import Tax
from app.core.audit import SYSTEM
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.models import Agency
from app.core.security import PREFIX
from app.tickets import usual_types
from app.tickets.models import TicketStatus

log = logging.getLogger(__name__)
MIGRATIONS = Path(__file__).parent / "migrations"
ADVISORY_LOCK = 7_246_001
LOCKED = "55P03"  # lock not available
STATUSES = (
    ("New", "new"),
    ("Open", "open"),
    ("Waiting for client", "waiting"),
    ("Resolved", "resolved"),
    ("Completed", "completed"),
)


def alembic_config() -> Config:
    """Alembic's configuration, made in code: there is one place for migrations."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


@cache
def head() -> str:
    """The newest revision of this version of the software; read once, as every probe asks."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head() or ""


def revision_of(connection: Connection) -> str | None:
    """The revision a database is at; None when it is empty."""
    return MigrationContext.configure(connection).get_current_revision()


def _revisions(config: Config) -> Iterator[Script]:
    return ScriptDirectory.from_config(config).walk_revisions()


def is_current(engine: Engine) -> bool:
    """Whether the database is at this version's schema."""
    with engine.connect() as connection:
        return revision_of(connection) == head()


def initialise() -> None:
    """Migrate, then write statuses, the agency, roles and permissions, under an advisory lock."""
    db.session.remove()  # an open reading transaction would block the migration
    engine = db.engine
    with engine.connect() as connection:
        connection.execute(text("set statement_timeout = 0"))
        connection.execute(text("select pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
        connection.commit()
        try:
            migrate(connection)
            with unit_of_work():
                write_reference_data()
                write_roles()
        finally:
            connection.rollback()
            connection.execute(text("select pg_advisory_unlock(:key)"), {"key": ADVISORY_LOCK})
            connection.commit()


def migrate(connection: Connection, revision: str = "head", *, patience: int = 10) -> None:
    """Bring the schema up to a revision in one transaction.

    Raises `RuleError` for a database that a newer version has written, and when a table is in use
    for longer than `patience` seconds: who waits for it holds up all others who come to use it.
    """
    config = alembic_config()
    present = revision_of(connection)
    if present not in {None, *(each.revision for each in _revisions(config))}:
        raise RuleError(
            f"The database is of a newer version of Tallydesk (revision {present}; this version"
            f" knows up to {head()}): start that version, or restore a backup made by this one."
        )
    config.attributes["connection"] = connection
    connection.execute(text(f"set local lock_timeout = '{patience}s'"))
    try:
        command.upgrade(config, revision)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != LOCKED:
            raise
        raise RuleError(
            f"The database was in use for {patience} seconds, so it is not brought up to date yet,"
            " and nothing is changed: repeat, or stop the web servers and workers before."
        ) from error
    connection.commit()


def write_reference_data() -> None:
    """The rows without which nothing works; existing ones are left as they are."""
    db.session.execute(insert(Agency).values(id=1, name="My agency").on_conflict_do_nothing())
    db.session.execute(
        insert(TicketStatus)
        .values(
            [
                {"name": name, "category": category, "position": position}
                for position, (name, category) in enumerate(STATUSES)
            ]
        )
        .on_conflict_do_nothing(index_elements=["name"])
    )
    usual_types.ensure(SYSTEM)
    if not db.session.scalar(select(func.count()).select_from(Tax)):
        db.session.add(
            Tax(
                name="No tax",
                percent=0,
                category="O",
                is_default=True,
                valid=Range(None, None, bounds="[)"),
            )
        )


def write_roles() -> None:
    """Bring FAB's tables to app/roles.py in a handful of statements.

    A permission or role new to this database is given as the file says; what an admin changed
    since then stays. Admin always holds everything.
    """
    session = db.session
    pairs = sorted({(PREFIX + verb, resource) for verb, resource in roles.EVERYTHING})
    _insert_names(Permission, {verb for verb, _ in pairs})
    _insert_names(ViewMenu, {resource for _, resource in pairs})
    new_roles = _insert_names(Role, set(roles.ROLES)) | {"Admin"}
    permissions = dict(session.execute(select(Permission.name, Permission.id)).all())
    resources = dict(session.execute(select(ViewMenu.name, ViewMenu.id)).all())
    links = insert(PermissionView).values(
        [
            {"permission_id": permissions[verb], "view_menu_id": resources[resource]}
            for verb, resource in pairs
        ]
    )
    new_links = set(session.scalars(links.on_conflict_do_nothing().returning(PermissionView.id)))
    ids = {
        (row.permission_id, row.view_menu_id): row.id
        for row in session.execute(
            select(PermissionView.id, PermissionView.permission_id, PermissionView.view_menu_id)
        )
    }
    role_ids = dict(session.execute(select(Role.name, Role.id)).all())
    wanted = [
        {"role_id": role_ids[role], "permission_view_id": link}
        for role, held in roles.ROLES.items()
        for verb, resource in sorted(held)
        for link in [ids[permissions[PREFIX + verb], resources[resource]]]
        if link in new_links or role in new_roles
    ]
    session.execute(insert(assoc_permissionview_role).values(wanted).on_conflict_do_nothing())


def _insert_names(model: type[Permission | ViewMenu | Role], names: set[str]) -> set[str]:
    """Insert the missing names and return those that were missing."""
    rows = [{"name": name} for name in sorted(names)]
    missing = insert(model).values(rows).on_conflict_do_nothing(index_elements=["name"])
    return set(db.session.scalars(missing.returning(model.name)))


def is_set_up() -> bool:
    """Whether the first person has told who the agency is (or the demo was loaded)."""
    return bool(db.session.scalar(select(Agency.is_set_up)))
