"""Selects over logins, and which of them a contact sees: never what they hold."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from app.core.access import Viewer, scope_of, scoped
from app.core.db import db
from app.core.errors import NotFoundError
from app.vault.models import Credential

# The advisory lock of the keys: shared by who seals, alone for who changes them.
KEYS = 7_304_118_221


def hold_keys() -> None:
    """Let the keys stay as they are until the end of the unit of work."""
    db.session.execute(select(func.pg_advisory_xact_lock_shared(KEYS)))


@contextmanager
def alone_with_keys() -> Iterator[None]:
    """Wait for whoever seals or changes keys, and let nobody else do so within the block."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(select(func.pg_advisory_lock(KEYS)))
        try:
            yield
        finally:
            connection.execute(select(func.pg_advisory_unlock(KEYS)))


@scope_of(Credential)
def credentials(query: Select[Any], viewer: Viewer) -> Select[Any]:
    """Those one handed over for a company one still belongs to, and all of those one manages."""
    return query.where(
        or_(
            Credential.company_id.in_(viewer.manages),
            and_(Credential.contact_id == viewer.id, Credential.company_id.in_(viewer.company_ids)),
        )
    )


def credential(credential_id: int) -> Credential:
    """A login, its row locked. Raises `NotFoundError`."""
    return _one(select(Credential).where(Credential.id == credential_id))


def credential_of(viewer: Viewer, credential_id: int) -> Credential:
    """A login that a contact sees, its row locked. Raises `NotFoundError`."""
    return _one(scoped(Credential, viewer).where(Credential.id == credential_id))


def _one(query: Select[Any]) -> Credential:
    found: Credential | None = db.session.scalars(
        query.with_for_update(of=Credential).execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NotFoundError("There is no such login.")
    return found


def of_company(company_id: int) -> list[Credential]:
    """The logins of a company that are still there, by name."""
    return _listed(select(Credential).where(Credential.company_id == company_id))


def of_ticket(ticket_id: int) -> list[Credential]:
    """The logins that came with a ticket, removed ones too, their rows locked."""
    return _locked(Credential.ticket_id == ticket_id)


def all_of(company_id: int) -> list[Credential]:
    """The logins of a company, removed ones too, their rows locked."""
    return _locked(Credential.company_id == company_id)


def _locked(which: ColumnElement[bool]) -> list[Credential]:
    query = select(Credential).where(which).order_by(Credential.id)
    return list(db.session.scalars(query.with_for_update(of=Credential)))


def seen_by(viewer: Viewer) -> list[Credential]:
    """The logins that a contact sees and that are still there."""
    return _listed(scoped(Credential, viewer))


def _listed(query: Select[Any]) -> list[Credential]:
    query = query.where(Credential.removed_at.is_(None))
    return list(db.session.scalars(query.order_by(Credential.label, Credential.id)))


def sealed_after(credential_id: int, *, most: int) -> list[Credential]:
    """The next sealed logins behind an id, locked."""
    return list(
        db.session.scalars(
            select(Credential)
            .where(Credential.id > credential_id, Credential.sealed.is_not(None))
            .order_by(Credential.id)
            .limit(most)
            .with_for_update()
        )
    )
