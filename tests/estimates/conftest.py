"""Ada of the agency offers work to Mira and Bo of Northwind, at 100 euros an hour and 19 % tax."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.communications import actions, actions_queries
from app.communications.action_models import ActionRequest
from app.communications.actions_rules import Given
from app.companies.models import Company, Contact
from app.core import clock, jobs
from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.estimates import commands
from app.estimates import queries as estimates
from app.estimates.models import Estimate
from app.estimates.rules import Line
from app.staff.models import Staff
from app.tickets.models import Event, Ticket
from app.timelog.commands import log_time
from app.timelog.models import TimeEntry
from app.timelog.rules import Work
from jobs import load_handlers
from tests import factories as make
from tests.communications.asking import secret_of
from tests.portal.acting import acting
from tests.web.people import person, portal_account

HOUR = 3600


@dataclass
class World:
    """A ticket of Mira's that Ada works on; Bo is a colleague, Vera approves for the company."""

    app: Any
    company: Company
    mira: Contact
    bo: Contact
    vera: Contact
    ticket_id: int
    number: int
    user: Any
    staff: Staff
    ada: Actor

    def ticket(self) -> Ticket:
        return db.session.get_one(Ticket, self.ticket_id, with_for_update=True)

    def draft(self, *lines: Line, note: str = "", days: int = 10) -> Estimate:
        with unit_of_work():
            return commands.save_draft(
                self.ticket(),
                actor=self.ada,
                lines=lines or OFFER,
                note=note,
                valid_until=clock.today("Europe/Berlin") + timedelta(days=days),
            )

    def send(self, to: Contact | None = None) -> Estimate:
        with unit_of_work():
            contact = to or self.mira
            return commands.send(self.ticket(), actor=self.ada, contact_id=contact.id)

    def offer(self, *lines: Line, to: Contact | None = None, days: int = 10) -> Estimate:
        self.draft(*lines, days=days)
        return self.send(to)

    def answer(
        self, deed: str = "answer", *, text: str = "", by: Contact | None = None, **more: str
    ) -> None:
        with unit_of_work():
            query = select(ActionRequest).filter_by(state="asked", ticket_id=self.ticket_id)
            asked = db.session.scalars(query).one()
            actions.answer(
                actions_queries.locked(asked),
                actor=acting(by or self.mira),
                deed=deed,
                given=Given(text=text, more=more),
                ip="192.0.2.7",
            )

    def approved(self, *lines: Line) -> Estimate:
        estimate = self.offer(*lines)
        self.answer()
        return estimate

    def log(self, seconds: int, **changes: Any) -> TimeEntry:
        with unit_of_work():
            entry = log_time(
                Work(seconds=seconds, **changes),
                actor=self.ada,
                staff_id=self.staff.id,
                ticket_id=self.ticket_id,
            )
        carry_out_jobs()
        return entry

    def states(self) -> list[str]:
        db.session.rollback()
        query = select(Estimate.state).where(Estimate.ticket_id == self.ticket_id)
        return list(db.session.scalars(query.order_by(Estimate.version)))

    def warnings(self) -> list[int]:
        db.session.rollback()
        query = select(Event.payload["level"].as_integer()).where(
            Event.kind == "estimate", Event.ticket_id == self.ticket_id
        )
        return list(db.session.scalars(query.order_by(Event.seq)))

    def burn(self) -> estimates.Burn:
        db.session.rollback()
        [(_, found)] = estimates.burning([self.ticket_id])
        return found


OFFER: Sequence[Line] = (
    Line(0, "time", "Design of the logo", 0, 10 * HOUR),
    Line(0, "fixed", "Licence of the typeface", 20_000),
)


def carry_out_jobs() -> None:
    """What the worker does when time is logged."""
    load_handlers()
    jobs.run_due(kinds=("billing.value", "billing.revalue"))


def link(estimate: Estimate) -> str:
    """The path of the link in the mail."""
    db.session.rollback()
    action = db.session.get_one(ActionRequest, estimate.action_id)
    return f"/portal/action/{secret_of(action.id, action.contact_id)}"


@pytest.fixture
def world(app) -> World:
    with unit_of_work():
        make.set_up_agency(zone="Europe/Berlin", currency="EUR")
        company = make.company("Northwind")
        mira, bo = make.contact(company, "Mira Krog"), make.contact(company, "Bo Lund")
        vera = make.contact(company, "Vera Holm", role="approver")
        make.rate("100")
        make.tax("19", of=company)
    user = person("Agent", email="ada@agency.example")
    with unit_of_work():
        staff = make.staff_of(user)
        ticket = make.ticket(company, "New logo", requester_id=mira.id, assignee_id=staff.id)
    for contact in (mira, bo, vera):
        portal_account(contact)
    ada = Actor(name=staff.name, staff_id=staff.id, channel="web")
    return World(app, company, mira, bo, vera, ticket.id, ticket.number, user, staff, ada)
