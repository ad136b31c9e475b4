"""What the demo finds in the database: ids by name, counts for the answer, a hash of it all."""

import hashlib
from datetime import date
from functools import cached_property
from typing import Any

from sqlalchemy import exists, select, text

from app.billing.models import Allocation, BillingRun, Document, RunRow
from app.companies.models import Company, Contact
from app.core.audit import Actor
from app.core.db import db
from app.staff.models import Department, Staff
from app.tickets.models import Ticket, TicketStatus
from app.timelog.models import TimeEntry, WorkType
from seeds import names
from seeds.foundation import SOURCE, email_of

CLERK = 1  # the place in names.STAFF of the person who bills

# What was loaded, without ids and without instants of loading.
CONTENT = (
    "select external_id, name, currency, zone from company where is_demo order by 1",
    "select external_id, name from contact where is_demo order by 1",
    (
        "select external_id, subject, category, created_at, closed_at, answers from ticket"
        " where is_demo order by 1"
    ),
    (
        "select s.name, c.name, e.work_date, e.started_at, e.recorded_seconds, e.billable_seconds,"
        " e.description from time_entry e join staff s on s.id = e.staff_id"
        " join company c on c.id = e.company_id where s.is_demo order by 1, 4, 2, 5"
    ),
    (
        "select t.external_id, e.kind, e.at, e.actor_name from event e"
        " join ticket t on t.id = e.ticket_id where t.is_demo and e.kind <> 'sla' order by 1, e.seq"
    ),
    (
        "select d.number, c.name, d.issued_on, d.gross_minor, d.currency from document d"
        " join company c on c.id = d.payer_id where c.is_demo order by 1"
    ),
    (
        "select p.idempotency_key, p.amount_minor, p.received_on from payment p"
        " where p.idempotency_key like 'demo:%' order by 1"
    ),
    (
        "select t.external_id, e.version, e.state, e.work_seconds, e.net_minor, e.currency"
        " from estimate e join ticket t on t.id = e.ticket_id where t.is_demo order by 1, 2"
    ),
)
COUNTS = {
    "companies": "company where is_demo",
    "contacts": "contact where is_demo",
    "staff": "staff where is_demo",
    "tickets": "ticket where is_demo",
    "events": "event e join ticket t on t.id = e.ticket_id where t.is_demo",
    "time_entries": "time_entry e join staff s on s.id = e.staff_id where s.is_demo",
    "rate_rules": "rate_rule where retired_at is null",
    "invoices": "document d join company c on c.id = d.payer_id"
    " where c.is_demo and d.kind = 'invoice'",
    "credit_notes": "document d join company c on c.id = d.payer_id"
    " where c.is_demo and d.kind = 'credit_note'",
    "payments": "payment where idempotency_key like 'demo:%'",
}


class Known:
    """Ids in this database by the names that the year uses; each asked once."""

    def _map(self, query: Any) -> dict[str, int]:
        return {row[0]: row[1] for row in db.session.execute(query)}

    @cached_property
    def staff(self) -> dict[str, int]:
        return self._map(select(Staff.email, Staff.id).where(Staff.is_demo))

    @cached_property
    def companies(self) -> dict[str, int]:
        query = select(Company.external_id, Company.id).where(Company.source == SOURCE)
        return self._map(query)

    @cached_property
    def people(self) -> dict[str, int]:
        query = select(Contact.external_id, Contact.id).where(Contact.source == SOURCE)
        return self._map(query)

    @cached_property
    def tickets(self) -> dict[str, int]:
        query = select(Ticket.external_id, Ticket.id).where(Ticket.source == SOURCE)
        return self._map(query)

    @cached_property
    def departments(self) -> dict[str, int]:
        return self._map(select(Department.name, Department.id))

    @cached_property
    def work_types(self) -> dict[str, int]:
        return self._map(select(WorkType.name, WorkType.id))

    @cached_property
    def statuses(self) -> dict[str, int]:
        return self._map(select(TicketStatus.name, TicketStatus.id))


def status(status_id: int) -> TicketStatus:
    return db.session.get_one(TicketStatus, status_id)


def billing_clerk() -> Actor:
    """The person of the demo who bills, as an actor."""
    staff = db.session.scalars(select(Staff).where(Staff.email == email_of(CLERK))).one()
    return Actor(
        user_id=staff.user_id, name=names.STAFF[CLERK][0], staff_id=staff.id, channel="demo"
    )


def run_through(through: date, user_id: int | None) -> BillingRun | None:
    """The newest run of the demo through a day; None before there is one."""
    return db.session.scalars(
        select(BillingRun)
        .where(BillingRun.through == through, BillingRun.created_by == user_id)
        .order_by(BillingRun.id.desc())
    ).first()


def invoices_of(run: BillingRun) -> list[Document]:
    """The invoices that a run has issued, by number."""
    return list(
        db.session.scalars(
            select(Document)
            .join(RunRow, RunRow.document_id == Document.id)
            .where(RunRow.run_id == run.id)
            .order_by(Document.number)
        )
    )


def unbilled_entries() -> list[int]:
    """Ids of the demo's entries that no live allocation holds."""
    held = exists().where(
        Allocation.entry_id == TimeEntry.id,
        Allocation.released_at.is_(None),
        Allocation.kind != "credit",
    )
    demo = TimeEntry.company_id.in_(select(Company.id).where(Company.is_demo))
    return list(db.session.scalars(select(TimeEntry.id).where(demo, ~held).order_by(TimeEntry.id)))


def drop_pricing_jobs() -> None:
    """Delete waiting jobs that would price nothing but the demo's entries."""
    db.session.execute(
        text("""
        delete from job where state = 'new' and (
          kind = 'billing.value' and not exists (
            select 1 from jsonb_array_elements_text(payload -> 'entries') as wanted(id)
            join time_entry e on e.id = wanted.id::bigint
            join company c on c.id = e.company_id
            where not c.is_demo)
          or kind = 'billing.revalue' and not exists (
            select 1 from company c
            where not c.is_demo and c.id = coalesce((payload ->> 'company')::bigint, c.id)))
        """)
    )


def counts() -> dict[str, int]:
    """How many rows of each kind the demo has."""
    return {
        name: db.session.scalars(text(f"select count(*) from {rows}")).one()  # noqa: S608 - fixed
        for name, rows in COUNTS.items()
    }


def content_hash() -> str:
    """A hash over everything loaded, in a fixed order: equal for equal years."""
    whole = hashlib.sha256()
    for query in CONTENT:
        for row in db.session.execute(text(query)):
            whole.update(repr(tuple(str(value) for value in row)).encode())
    return whole.hexdigest()
