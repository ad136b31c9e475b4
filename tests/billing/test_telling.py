"""Tickets are told of their invoice by a job, once, and before they are told of its void."""

from datetime import date

from sqlalchemy import select

from app.billing.commands.compile import start_run
from app.billing.commands.credit import void_invoice
from app.billing.commands.issue import start_issue
from app.billing.commands.telling import TELL, tell_tickets
from app.billing.models import Document
from app.core import jobs
from app.core.audit import SYSTEM
from app.core.db import db, unit_of_work
from app.tickets.models import Event
from jobs import load_handlers
from tests import factories as make

load_handlers()


def issued() -> tuple[int, str, int]:
    """An invoice over two entries of one ticket and one without; (document, number, ticket)."""
    with unit_of_work():
        make.set_up_agency()
        company, agent = make.company(), make.staff()
        make.rate("120.00")
        ticket = make.ticket(company)
        for day in (2, 3):
            make.entry(company, by=agent, on=date(2026, 3, day), ticket_id=ticket.id)
        make.entry(company, by=agent, on=date(2026, 3, 4))
        run, job = start_run(SYSTEM, through=date(2026, 3, 31))
    jobs.run(job)
    with unit_of_work():
        job = start_issue(SYSTEM, run, mail=False)
    jobs.run(job)
    document = db.session.scalars(select(Document)).one()
    return document.id, document.number, ticket.id


def said(ticket_id: int) -> list[str]:
    query = select(Event.payload["text"].as_string()).where(
        Event.ticket_id == ticket_id, Event.kind == "money"
    )
    return list(db.session.scalars(query.order_by(Event.seq)))


def test_a_ticket_is_told_once_however_often_the_job_runs(app):
    document, number, ticket = issued()
    jobs.run_due(kinds=(TELL,))
    assert said(ticket) == [f"Billed on invoice {number}"]
    with unit_of_work():
        assert tell_tickets([document], actor=SYSTEM) == 0
    assert said(ticket) == [f"Billed on invoice {number}"]


def test_a_void_that_overtakes_the_job_is_told_after_the_invoice(app):
    _, number, ticket = issued()
    with unit_of_work():
        void_invoice(SYSTEM, number, reason="Wrong month", mail=False)
    jobs.run_due(kinds=(TELL,))
    assert len(said(ticket)) == 2
    assert said(ticket)[0] == f"Billed on invoice {number}"
    assert said(ticket)[1].startswith(f"Invoice {number} is voided")
