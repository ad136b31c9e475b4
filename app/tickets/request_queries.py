"""Selects over kinds of requests, their forms, and the draft of a contact."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased, joinedload

from app.core.db import db
from app.core.errors import NotFoundError
from app.core.words import Value
from app.tickets import intake
from app.tickets.models import Ticket
from app.tickets.request_models import Draft, DraftFile, FormVersion, RequestType

MOST_RECENT = 3


@dataclass(frozen=True, slots=True)
class Form:
    """A type with its newest version and that version's fields."""

    type: RequestType
    version: FormVersion
    fields: tuple[intake.Field, ...]


def _newest() -> type[FormVersion]:
    newest = (
        select(FormVersion)
        .ext(distinct_on(FormVersion.request_type_id))
        .order_by(FormVersion.request_type_id, FormVersion.number.desc())
        .subquery()
    )
    return aliased(FormVersion, newest)


def offered() -> list[Form]:
    """What clients may choose from, in the agency's order, in one statement."""
    newest = _newest()
    rows = db.session.execute(
        select(RequestType, newest)
        .join(newest, newest.request_type_id == RequestType.id)
        .where(RequestType.is_public, RequestType.archived_at.is_(None))
        .order_by(RequestType.position, RequestType.id)
    )
    return [Form(kind, version, intake.fields_from(version.fields)) for kind, version in rows]


def every_type() -> list[tuple[Form, int]]:
    """Each type, archived ones last, with how many tickets it has."""
    newest = _newest()
    tickets = (
        select(func.count())
        .select_from(Ticket)
        .where(Ticket.request_type_id == RequestType.id)
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(RequestType, newest, tickets)
        .join(newest, newest.request_type_id == RequestType.id)
        .options(joinedload(RequestType.department))
        .order_by(RequestType.archived_at.is_not(None), RequestType.position, RequestType.id)
    )
    return [
        (Form(kind, version, intake.fields_from(version.fields)), count)
        for kind, version, count in rows
    ]


def form_of(type_id: int, *, lock: str = "") -> Form:
    """The newest form of a type. Raises `NotFoundError`.

    `lock` holds the type until the end of the unit of work: "use" while a ticket is asked with its
    form, "change" while that is edited. Each waits for the other, and whoever edits for all others.
    """
    if lock:  # by a statement of its own, so that the next one sees a version that came meanwhile
        held = select(RequestType.id).where(RequestType.id == type_id)
        db.session.execute(held.with_for_update(read=lock == "use", key_share=lock != "use"))
    query = (
        select(FormVersion)
        .where(FormVersion.request_type_id == type_id)
        .options(joinedload(FormVersion.request_type))
        .order_by(FormVersion.number.desc())
        .limit(1)
    )
    if lock:
        query = query.execution_options(populate_existing=True)
    version = db.session.scalars(query).one_or_none()
    if version is None:
        raise NotFoundError("There is no such kind of request.")
    return Form(version.request_type, version, intake.fields_from(version.fields))


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a form, its fields, and how many tickets were asked with it."""

    row: FormVersion
    fields: tuple[intake.Field, ...]
    tickets: int


def versions_of(type_id: int) -> list[Version]:
    """Every version of a type's form, the newest first."""
    asked = (
        select(func.count())
        .select_from(Ticket)
        .where(Ticket.form_version_id == FormVersion.id)
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(FormVersion, asked)
        .where(FormVersion.request_type_id == type_id)
        .order_by(FormVersion.number.desc())
    )
    return [Version(row, intake.fields_from(row.fields), count) for row, count in rows]


def fields_of(type_id: int, number: int | None) -> tuple[intake.Field, ...]:
    """What one version of a type's form asks. Raises `NotFoundError`."""
    query = select(FormVersion.fields).where(
        FormVersion.request_type_id == type_id, FormVersion.number == number
    )
    stored = db.session.scalar(query)
    if stored is None:
        raise NotFoundError("There is no such version of this form.")
    return intake.fields_from(stored)


def is_used(version_id: int) -> bool:
    """Whether a ticket was asked with this version."""
    query = select(Ticket.id).where(Ticket.form_version_id == version_id).limit(1)
    return db.session.scalar(query) is not None


def recent_types(company_ids: Collection[int]) -> list[int]:
    """The types that people of these companies asked with last, the latest first."""
    last = func.max(Ticket.id)
    return list(
        db.session.scalars(
            select(Ticket.request_type_id)
            .where(Ticket.company_id.in_(company_ids), Ticket.request_type_id.is_not(None))
            .group_by(Ticket.request_type_id)
            .order_by(last.desc())
            .limit(MOST_RECENT)
        )
    )


def answers_of(ticket: Ticket, *, for_client: bool) -> list[tuple[str, Value]]:
    """What the ticket's form was answered, as label and text, in the version it was asked with."""
    if ticket.form_version is None:
        return []
    fields = intake.fields_from(ticket.form_version.fields)
    return intake.display(fields, ticket.answers, for_client=for_client)


def draft_of(contact_id: int, *, lock: bool = False) -> Draft | None:
    """What a contact has begun to write, with its files."""
    query = (
        select(Draft)
        .where(Draft.contact_id == contact_id)
        .options(joinedload(Draft.files).joinedload(DraftFile.file))
    )
    if lock:
        query = query.with_for_update(of=Draft).execution_options(populate_existing=True)
    return db.session.scalars(query).unique().one_or_none()
